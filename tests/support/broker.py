"""A real broker for tests: started once, TLS, on free ports, gone with the test run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker


@pytest.fixture(scope="session")
def broker_authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """The authority whose ``ca_file`` the session's brokers are verified by."""
    return DemoAuthority.create(tmp_path_factory.mktemp("pki"), "Ortoo test authority")


@pytest.fixture(scope="session")
def broker(
    tmp_path_factory: pytest.TempPathFactory, broker_authority: DemoAuthority
) -> Iterator[PrivateBroker]:
    """One running broker for the whole session.

    Shared: name users, queues and vhosts so that tests do not meet, and leave it running. A test
    that stops or breaks a broker makes a `PrivateBroker` of its own.
    """
    private = PrivateBroker(tmp_path_factory.mktemp("broker"), "test", broker_authority)
    try:
        private.start()
        private.wait_ready()
        yield private
    finally:
        private.kill()

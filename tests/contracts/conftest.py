"""Fixtures of the contract suites. The suites' own asserts explain themselves as a test's do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_demo.private_broker import PrivateBroker

pytest.register_assert_rewrite("tests.contracts.bus_contract", "tests.contracts.admin_contract")
pytest.register_assert_rewrite("tests.contracts.sink_contract", "tests.contracts.source_contract")
pytest.register_assert_rewrite("tests.contracts.table_sink_contract")
pytest.register_assert_rewrite("tests.contracts.engine_letters", "tests.contracts.engine_feeds")


@pytest.fixture(scope="module")
def own_broker(
    tmp_path_factory: pytest.TempPathFactory, broker_authority: DemoAuthority
) -> Iterator[PrivateBroker]:
    """A broker that the module may kill, start again and alarm."""
    private = PrivateBroker(tmp_path_factory.mktemp("own"), "contract", broker_authority)
    try:
        private.start()
        private.wait_ready()
        yield private
    finally:
        private.kill()

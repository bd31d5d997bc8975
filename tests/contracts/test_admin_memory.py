"""The BrokerAdmin in memory keeps the contract."""

from __future__ import annotations

import pytest

from tests.contracts.admin_contract import AdminContract
from tests.contracts.memory_rig import MemoryRig


@pytest.fixture
def rig() -> MemoryRig:
    return MemoryRig()


class TestMemoryAdmin(AdminContract):
    pass

"""The bus in memory keeps the contract of the bus."""

from __future__ import annotations

import pytest

from ortoo_protocol.bus.memory_broker import matches
from ortoo_protocol.core.errors import BusUnreachable
from tests.contracts.bus_contract import BusContract, connect
from tests.contracts.bus_rig import A, topology
from tests.contracts.memory_rig import MemoryRig

__all__ = ["connect"]


@pytest.fixture
def rig() -> MemoryRig:
    return MemoryRig()


class TestMemoryBus(BusContract):
    pass


async def test_a_broker_that_is_down_cannot_be_reached(rig: MemoryRig) -> None:
    await rig.program(topology())
    rig.broker.go_down()
    with pytest.raises(BusUnreachable):
        await rig.bus(A).connect()
    rig.broker.come_up()
    await rig.bus(A).connect()


@pytest.mark.parametrize(
    ("pattern", "key", "fits"),
    [
        ("#", "", True),
        ("#", "a.b", True),
        ("a.#", "a", True),
        ("a.#", "a.b.c", True),
        ("a.#", "ab", False),
        ("*.b.#", "a.b", True),
        ("*.b.#", "b", False),
        ("*.b.#", "a.c.b", False),
        ("a.b.feed.#", "a.b.feed.key", True),
        ("a.b.feed.#", "a.b.feedback", False),
        ("#.b", "b", True),
        ("a.*", "a.b.c", False),
    ],
)
def test_topics_match_as_in_amqp(pattern: str, key: str, fits: bool) -> None:
    assert matches(pattern, key) is fits

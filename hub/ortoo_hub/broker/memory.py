"""Programming a broker in memory."""

from __future__ import annotations

from ortoo_hub.broker.port import BrokerAdmin
from ortoo_protocol.bus.memory import MemoryBroker
from ortoo_protocol.core.topology import Actual, Change


class MemoryBrokerAdmin(BrokerAdmin):
    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def claim(self, name: str) -> None:
        """Planes in memory cannot meet."""

    async def read(self) -> Actual:
        return self._broker.read()

    async def apply(self, change: Change) -> None:
        self._broker.apply(change)

    async def close_connections(self, user: str) -> int:
        return self._broker.close_connections(user)

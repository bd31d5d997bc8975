"""The contract's rig over a broker in memory."""

from __future__ import annotations

from ortoo_hub.broker import MemoryBrokerAdmin
from ortoo_protocol.bus.memory import MemoryBroker, MemoryBus
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core.errors import BusForbidden
from tests.contracts.bus_rig import BusRig, password_of


class MemoryRig(BusRig):
    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.admin = MemoryBrokerAdmin(self.broker)

    def bus(self, party: str, password: str | None = None) -> Bus:
        return MemoryBus(self.broker, party, password or password_of(party))

    async def cut(self) -> None:
        self.broker.cut()

    async def restart(self) -> None:
        self.broker.go_down()
        self.broker.come_up()

    async def empty(self) -> None:
        self.broker.empty()

    async def alarm(self, raised: bool) -> None:
        self.broker.set_alarm(raised)

    async def declare(self, party: str, queue: str) -> None:
        if not self.broker.may_configure(party, queue):
            raise BusForbidden(user=party, action=f"to declare {queue}", detail="")

    async def bind(self, party: str, queue: str, exchange: str, key: str) -> None:
        # RabbitMQ asks for write on the queue and read on the exchange.
        if not self.broker.may_write(party, queue, key):
            raise BusForbidden(user=party, action=f"to bind {queue}", detail="")

"""One pass of the machine on a real broker: every state is reached, an illegal letter moves
nothing, a crossing ends in one state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core.cases import Event, State, Withdrawal
from ortoo_protocol.core.cases.table import CLOSED, Side
from tests.contracts.amqp_rig import AmqpRig, amqp_rig
from tests.support.hubs import PROVIDER, HubKit, until_true
from tests.support.requests_rig import Requests, requests
from tests.support.stations import PASSWORD
from tests.support.trust import Region


@dataclass
class AmqpHubKit(HubKit):
    """As HubKit, on RabbitMQ."""

    amqp: AmqpRig | None = None

    def bus(self, party: str) -> Bus:
        assert self.amqp is not None
        broker = self.amqp.broker
        address = AmqpAddress(
            host=broker.host,
            port=broker.amqps_port,
            vhost=self.amqp.vhost,
            user=party,
            password=PASSWORD,
            ca_file=broker.ca_file,
        )
        return AmqpBus(address)


@asynccontextmanager
async def on_broker(folder: Path, broker: PrivateBroker) -> AsyncIterator[Requests]:
    async with amqp_rig(broker) as amqp:
        region = Region(profile="SC2025")
        kit = AmqpHubKit(folder, region=region, admin=amqp.admin, amqp=amqp)
        async with requests(folder, kit=kit) as rig:
            yield rig


async def test_the_machine_on_rabbitmq(tmp_path: Path, broker: PrivateBroker) -> None:
    async with on_broker(tmp_path, broker) as rig:
        states = [state for state in State if state not in (State.DRAFT, State.REJECTED)]
        reached = await asyncio.gather(*(rig.reach(state) for state in states))
        for state, case in zip(states, reached, strict=True):
            if state in CLOSED or state is State.GRANTED:
                illegal = Withdrawal(case=case, reason="不再需要", handler="丁")
                assert await rig.send(Side.APPLICANT, illegal) == ("refused", "case.move")
            await rig.all_hold(case, state)

        case = await rig.reach(State.SUBMITTED)
        await rig.unplug(PROVIDER)
        await rig.do(Event.GRANT, case)
        await rig.do(Event.WITHDRAW, case)

        async def withdrawn() -> bool:
            return (await rig.states(case))[2] == "withdrawn"

        await until_true(withdrawn)
        await rig.plug(PROVIDER)
        await rig.all_hold(case, State.WITHDRAWN)
        assert await rig.differing() == []

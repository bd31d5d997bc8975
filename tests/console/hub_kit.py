"""A hub with its console on a real port, and stations of its region at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ortoo_hub.console.making import console_of
from ortoo_hub.settings import HubSettings
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station import traffic
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.settings import ConsoleTable, StationTable
from tests.console.kit import NO_FACTOR, House, opened
from tests.support.hubs import PROVIDER, READER, HubKit, Running, application, entry
from tests.support.trust import HUB


@asynccontextmanager
async def hub_front(running: Running) -> AsyncIterator[House]:
    """The console of the hub that runs, with somebody of each kind: zhao rules and reads, qian
    operates, sun compiles."""
    hub = running.hub
    plane = hub.station.parts.identity.plane
    settings = HubSettings(
        station=StationTable(party=HUB, plane=plane, folder=running.kit.folder / HUB),
        console=ConsoleTable(),
    )
    answered = hub.methods(settings, asyncio.Event(), hub.station.parts.clock())
    accounts = Accounts(hub.station, NO_FACTOR)
    console = console_of(hub, settings, accounts, answered, 1)
    async with opened(console) as listener:
        house = House(listener, accounts, console)
        await house.known("zhao", "赵敏", Role.APPROVER)
        await house.known("qian", "钱进", Role.SYSTEM_ADMIN)
        await house.known("sun", "孙立", Role.COMPILER, Role.CONTACT)
        yield house


@asynccontextmanager
async def region(folder: Path) -> AsyncIterator[tuple[Running, House]]:
    """One case granted, one that waits for its answer."""
    kit = HubKit(folder)
    hub = kit.hub()
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(hub, provider, reader) as running:
        await running.listed(provider, entry())
        await running.granted(provider, reader)
        assert await running.sent(reader, PROVIDER, application(2)) == ("accepted", "")
        while await traffic.advance(hub.station.database, HUB):
            pass
        async with hub_front(running) as house:
            yield running, house

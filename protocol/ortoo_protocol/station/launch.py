"""From settings to the parts of a process: keys, store, way to the broker, signals, end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version

from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.core.keys import Suites, key_id
from ortoo_protocol.station.context import Identity
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.settings import Settings, read_secret
from ortoo_protocol.station.store.migrate import STATION, Migrations
from ortoo_protocol.station.store.store import Store, create_store, open_store


def clock() -> int:
    """Now, in ms since 1970."""
    return time.time_ns() // 1_000_000


def load_identity(settings: Settings, suites: Suites) -> Identity:
    """This party's keys. Raises KeyFilePlane for another plane's, and the other KeysErrors."""
    station = settings.station
    keys = KeyFile.load(
        settings.keys.file,
        read_secret(settings.keys.passphrase_file),
        station.plane,
        station.party,
        suites,
    )
    suite = keys.suite
    signer = suite.signer(keys.signing_seed)
    wraps = {
        key_id(suite, station.plane, "wrap", suite.wrap_public(each.seed)): each.seed
        for each in keys.wraps
    }
    return Identity(
        party=station.party,
        name=station.name,
        plane=station.plane,
        suite=suite,
        signer=signer,
        signing_key_id=key_id(suite, station.plane, "sign", signer.public),
        wrap_seeds=wraps,
        store_key=keys.store_key,
    )


def make_bus(settings: Settings) -> AmqpBus | None:
    """The way to the plane's broker; None before enrolment."""
    if settings.broker is None:
        return None
    broker = settings.need_broker()
    return AmqpBus(
        AmqpAddress(
            host=broker.host,
            port=broker.port,
            vhost=broker.vhost,
            user=broker.user,
            password=read_secret(broker.password_file),
            ca_file=broker.ca_file,
            heartbeat_s=broker.heartbeat_s,
            connect_timeout_s=broker.connect_timeout_s,
        )
    )


def open_station_store(settings: Settings, own: Migrations) -> Store:
    """The process's store, made when it is missing. Raises StorePlane, StoreBusy and the like."""
    station, migrations = settings.station, (STATION, own)
    if not settings.store_file.exists():
        create_store(settings.store_file, station.party, station.plane, migrations)
    return open_store(settings.store_file, station.party, station.plane, migrations)


rand = os.urandom


def package_version() -> str:
    """Of the installed package; "unknown" when the code runs without having been installed."""
    try:
        return version("ortoo")
    except PackageNotFoundError:
        return "unknown"


def serve(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)` until it returns; SIGTERM and SIGINT set `stop`."""

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    asyncio.run(run())


async def run_until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Run `work` until `stop` is set; what `work` raises comes out."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        waiter.cancel()
        task.cancel()
        await asyncio.gather(task, waiter, return_exceptions=True)

"""From settings to the parts of a process: keys, store, way to the broker, signals, end."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.core.errors import OrtooError, SettingsError, StoreMissing
from ortoo_protocol.core.keys import Suites, key_id
from ortoo_protocol.station import service_manager
from ortoo_protocol.station.context import Identity
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.settings import Settings, read_secret
from ortoo_protocol.station.store.migrate import STATION, Migrations
from ortoo_protocol.station.store.store import Store, create_store, open_store

# After this long an end in order has failed. Cutting it off loses nothing: what was acknowledged is
# in the store, and all else is sent again.
END_S = 9.0
# mallopt(3): M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD, M_ARENA_MAX
_COLLECT_AFTER = (100_000, 20, 50)  # new objects; then younger collections for an older one
_MALLOC = ((-1, 8 << 20), (-2, 1 << 20), (-3, 8 << 20), (-8, 2))
_PDEATHSIG = 1  # prctl(2): PR_SET_PDEATHSIG
FORCED = 1
_log = logging.getLogger(__name__)


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
    """The way to the plane's broker; None before enrolment. Raises SettingsError: no ca_file."""
    if settings.broker is None:
        return None
    broker = settings.need_broker()
    try:
        broker.ca_file.open("rb").close()
    except OSError as error:
        raise SettingsError(path=broker.ca_file, detail=error.strerror) from None
    address = AmqpAddress(
        host=broker.host,
        port=broker.port,
        vhost=broker.vhost,
        user=broker.user,
        password=read_secret(broker.password_file),
        ca_file=broker.ca_file,
        heartbeat_s=broker.heartbeat_s,
        connect_timeout_s=broker.connect_timeout_s,
        plane=settings.station.plane,
    )
    return AmqpBus(address, *(replace(address, host=each) for each in broker.other_hosts))


def open_station_store(settings: Settings, own: Migrations) -> Store:
    """The process's store, made when it is missing. Raises StorePlane, StoreBusy and the like."""
    station, migrations = settings.station, (STATION, own)

    def opened() -> Store:
        try:
            return open_store(settings.store_file, station.party, station.plane, migrations)
        except StoreMissing:
            create_store(settings.store_file, station.party, station.plane, migrations)
        return open_store(settings.store_file, station.party, station.plane, migrations)

    _beforehand(opened)
    return opened()


def _beforehand(work: Callable[[], object]) -> None:
    """Do `work` in a child of this process first: what migrations draw in and leave behind, some
    15 MiB, goes with it. If the child fails, this process meets the same and says so."""
    parent, child = os.getpid(), os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        _die_with(parent)
        work()
    finally:
        os._exit(0)


def _die_with(parent: int) -> None:
    """A store that is half migrated is rolled back; one that is held by a child that outlives its
    killed parent would keep the next start out."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


rand = os.urandom


def package_version() -> str:
    """Of the installed package; "unknown" when the code runs without having been installed."""
    try:
        return version("ortoo")
    except PackageNotFoundError:
        return "unknown"


def keep_freed_memory() -> None:
    """Let glibc hold on to a few megabytes that were freed, in two arenas instead of one a thread.

    By itself it returns each large block to the kernel and fetches it again, page by page: at a
    megabyte a letter that costs as much as encryption. Elsewhere this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in _MALLOC:
            mallopt(parameter, value)


def calm_collector() -> None:
    """Let Python's cycle collector look less often, and never at what was there at the start.

    Rows and letters make many objects and no cycles: by itself the collector takes a quarter of
    the time of publishing a table. What cycles there are (errors with their frames) is still found.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


def serve(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stop)` until it returns; SIGTERM and SIGINT set `stop`.

    Raises what `main` raises; a defect is logged too, since nobody may be looking at stderr. From
    the moment that it is to end, the process has END_S: a thread that hangs in somebody's database
    cannot keep it half alive.
    """

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        guard = loop.create_task(_limit_end(stop))
        try:
            keep_freed_memory()
            calm_collector()
            await main(stop)
        except OrtooError as error:
            _log.error("%s", error)
            raise
        except Exception as error:
            ours = innermost(error)
            if isinstance(ours, OrtooError):
                _log.critical("%s", ours)
                raise ours from error
            _log.critical("%s The process ends.", OrtooError(), exc_info=error)
            raise
        finally:
            stop.set()
            await guard

    asyncio.run(run())


async def _limit_end(stop: asyncio.Event) -> None:
    await stop.wait()
    timer = threading.Timer(END_S, _cut_off)
    timer.daemon = True
    timer.start()


def _cut_off() -> None:
    _log.critical("[daemon.silent] not ended within %g s: cut off; nothing is lost", END_S)
    logging.shutdown()
    os._exit(FORCED)


def innermost(error: BaseException) -> BaseException:
    """What ended a group of tasks: the first defect if there is one, else the first error."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    _, defects = error.split(OrtooError)
    return innermost((defects or error).exceptions[0])


async def run_until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Run `work` until `stop` is set; what `work` raises comes out. The service manager is told."""
    task = asyncio.ensure_future(work)
    waiter = asyncio.ensure_future(stop.wait())
    signs = asyncio.ensure_future(service_manager.keep_told(os.environ, os.getpid()))
    try:
        await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
    finally:
        service_manager.tell(os.environ, "STOPPING=1")
        for each in (signs, waiter, task):
            each.cancel()
        await asyncio.gather(task, waiter, signs, return_exceptions=True)

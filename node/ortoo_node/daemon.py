"""The station's process: settings in, everything put together, an ordered end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from ortoo_node import app as node_app
from ortoo_node.app import NodeApp
from ortoo_node.files.desk import Files
from ortoo_node.methods import NodeMethods
from ortoo_node.publishing import Publisher
from ortoo_node.publishing.publisher import read_from_the_beginning
from ortoo_node.queries.desk import Queries
from ortoo_node.settings import NodeSettings
from ortoo_node.store import NODE
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.core.enrolment import open_welcome
from ortoo_protocol.core.errors import (
    BusError,
    BusPlane,
    BusTlsAuthority,
    SettingsLacking,
    StoreReadOnly,
)
from ortoo_protocol.core.keys import Suites, builtin_suites
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import trusting
from ortoo_protocol.station.accounts import first_run
from ortoo_protocol.station.backup.methods import begin_anew
from ortoo_protocol.station.common_methods import CommonMethods, Method
from ortoo_protocol.station.context import Identity
from ortoo_protocol.station.control import ControlServer
from ortoo_protocol.station.journal.archive_methods import ArchiveMethods
from ortoo_protocol.station.launch import (
    clock,
    load_identity,
    make_bus,
    open_station_store,
    package_version,
    rand,
    run_until,
    serve,
)
from ortoo_protocol.station.own_keys import OwnKeys, tell_hub
from ortoo_protocol.station.station import Surroundings, make_station
from ortoo_protocol.station.store.store import Store

if TYPE_CHECKING:
    from ortoo_protocol.console.listener import Listener

_log = logging.getLogger(__name__)


def run(settings: NodeSettings) -> None:
    """Run the station until SIGTERM, SIGINT or `stop`. Raises what keeps it from starting."""
    serve(partial(_main, settings))


async def _main(settings: NodeSettings, stop: asyncio.Event) -> None:
    started_ms = clock()
    suites = builtin_suites()
    identity = load_identity(settings, suites)
    store = open_station_store(settings, NODE)
    try:
        trust = _trust(settings, store, identity, suites)
        bus = make_bus(settings)
        if bus is not None:
            await _check_broker(bus)
        around = Surroundings(store, trust, bus, suites, clock, rand, settings.timing)
        files, queries = Files(), Queries(settings)
        station = make_station(identity, around, node_app.hooks(files, queries))
    except BaseException:
        await store.close()
        raise
    app = NodeApp(station, settings, Publisher(station, settings), files, queries)
    common = CommonMethods(station, settings, package_version(), started_ms)
    methods = NodeMethods(app, common, stop).as_mapping()
    control = ControlServer(settings.socket_file, methods)
    listeners: list[Listener] = []
    try:
        found = (_http(app, methods), _console(app, common, methods))
        listeners += [each for each in found if each is not None]
        for each in listeners:
            each.open()
        keys = OwnKeys(station, settings, suites, tell_hub)
        archives = ArchiveMethods(station, settings.folder)
        own = [keys.watch, common.watch_health, archives.run]
        loops = [*app.loops, *own, *(each.run for each in listeners)]
        await begin_anew(station, settings, read_from_the_beginning)
        await app.start()
        await control.start()
        if settings.console is not None:
            await first_run.say_if_nobody(station, "ortoo-node")
        _log.info("station %s runs on the %s plane", station.party, identity.plane.value)
        await run_until(stop, station.run(loops))
    finally:
        await control.close()
        for each in listeners:
            each.close()
        await app.files.close()
        await app.end()
        await app.queries.close()
        await station.close()


def _http(app: NodeApp, methods: Mapping[str, Method]) -> Listener | None:
    """What serves HTTP is imported by stations that do."""
    if app.settings.http is None:
        return None
    from ortoo_node.api.server import http_listener

    return http_listener(app, app.settings.http, methods)


def _console(app: NodeApp, common: CommonMethods, methods: Mapping[str, Method]) -> Listener | None:
    """What makes pages is imported by stations that do."""
    settings = app.settings
    if settings.console is None:
        return None
    from ortoo_node.console.making import console_of
    from ortoo_protocol.console.application import listener
    from ortoo_protocol.station.accounts.desk import Accounts

    accounts = Accounts(app.station, settings.accounts)
    return listener(console_of(app, settings, accounts, methods, common.version))


def _trust(settings: NodeSettings, store: Store, identity: Identity, suites: Suites) -> Trust:
    """What is trusted: from the store, or at the first start from the region's welcome, which the
    operator compared by telephone (enrol accept)."""
    with store.writing.begin() as conn:
        trust = trusting.load(conn, identity.plane, suites)
        if trust is None:
            trust = _welcome(settings, identity, suites)
            trusting.save(conn, trust)
    return trust


def _welcome(settings: NodeSettings, identity: Identity, suites: Suites) -> Trust:
    folder = settings.trust_folder
    try:
        raw = (folder / "welcome").read_bytes()
        fingerprint = (folder / "root.fingerprint").read_text().strip()
    except FileNotFoundError:
        raise SettingsLacking(place=str(folder), key="welcome (enrol accept)") from None
    except OSError:
        raise StoreReadOnly(path=folder) from None
    seed = list(identity.wrap_seeds.values())[-1]
    trust, _broker = open_welcome(
        raw,
        party=identity.party,
        wrap_seed=seed,
        fingerprint=fingerprint,
        plane=identity.plane,
        suites=suites,
        now_ms=clock(),
    )
    return trust


async def _check_broker(bus: Bus) -> None:
    """Refuse to start on a broker of another authority, or of another plane; a broker that is away,
    or does not know this party yet, is waited for."""
    try:
        link = await bus.connect()
    except (BusTlsAuthority, BusPlane):
        raise
    except BusError as error:
        _log.warning("%s", error)
    else:
        await link.close()

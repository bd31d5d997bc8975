"""The hub's process: everything is put together here, started in order, and ended against it.

First keys and store, then trust, then the control socket; the router tries the broker before the
hub links to it, since an empty broker knows not even the hub. What ends it: SIGTERM, SIGINT, stop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ortoo_hub import calendar, cases, corrections, demands, directory, membership, methods, use
from ortoo_hub.broker import BrokerAdmin, ManagementAddress, ManagementBrokerAdmin
from ortoo_hub.cases import comparing
from ortoo_hub.catalog import federation, lists
from ortoo_hub.ceremony import read_document_file
from ortoo_hub.daily import Daily
from ortoo_hub.membership import Road
from ortoo_hub.reconcile import Reconciler
from ortoo_hub.router import ProgrammedBus, Router
from ortoo_hub.settings import HubSettings
from ortoo_hub.store import HUB
from ortoo_hub.store.tables import catalog
from ortoo_hub.supervision.sources import SOURCES
from ortoo_hub.use import UseNotary
from ortoo_protocol.core.catalog.codes import Scheme
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import BusError, BusPlane, SettingsSecret, TrustError
from ortoo_protocol.core.keys import Suites, builtin_suites
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.i18n import DEFAULT
from ortoo_protocol.station import launch, own_keys, trusting
from ortoo_protocol.station.accounts import first_run
from ortoo_protocol.station.accounts.methods import AccountMethods
from ortoo_protocol.station.backup.methods import begin_anew
from ortoo_protocol.station.catalog.index import catch_up
from ortoo_protocol.station.clocks.methods import ClockMethods
from ortoo_protocol.station.code_table import read_scheme
from ortoo_protocol.station.common_methods import CommonMethods
from ortoo_protocol.station.contacts import keeping as contacts
from ortoo_protocol.station.contacts.methods import ContactMethods
from ortoo_protocol.station.context import Handler, Hooks, Identity, Tx
from ortoo_protocol.station.control import ControlServer, Method
from ortoo_protocol.station.corrections.methods import CorrectionViews
from ortoo_protocol.station.gazette.methods import AnnouncementMethods
from ortoo_protocol.station.journal.archive_methods import ArchiveMethods
from ortoo_protocol.station.journal.export import EvidenceMethods
from ortoo_protocol.station.journal.methods import JournalMethods
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.notify import telling
from ortoo_protocol.station.notify.methods import NotifyMethods
from ortoo_protocol.station.notify.notifier import Notifier
from ortoo_protocol.station.notify.settings import NotifyTable
from ortoo_protocol.station.own_keys import OwnKeys
from ortoo_protocol.station.settings import read_secret
from ortoo_protocol.station.station import Station, Surroundings, make_station
from ortoo_protocol.station.store.store import Store
from ortoo_protocol.station.supervision import hooks as supervision
from ortoo_protocol.station.supervision import watching
from ortoo_protocol.station.supervision.methods import supervision_methods

if TYPE_CHECKING:
    from ortoo_protocol.console.listener import Listener

EXPIRY_S = 60.0
_log = logging.getLogger(__name__)


def run(settings: HubSettings) -> None:
    """Run the hub until it is told to stop. Raises OrtooErrors that keep it from starting."""
    launch.serve(partial(serve, settings))


async def serve(settings: HubSettings, stop: asyncio.Event) -> None:
    started_ms, suites, management = launch.clock(), builtin_suites(), settings.need_management()
    keys = renewed_keys(settings, suites, launch.clock())
    identity = launch.load_identity(settings, suites)
    broker = settings.need_broker()
    road = Road(broker.host, broker.port, broker.vhost, _read_text(broker.ca_file))
    password = read_secret(broker.password_file)
    bus = launch.make_bus(settings)
    address = ManagementAddress(
        host=management.host,
        port=management.port,
        vhost=broker.vhost,
        user=management.user,
        password=read_secret(management.password_file),
        ca_file=management.ca_file,
    )
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(ManagementBrokerAdmin(address))
        store = launch.open_station_store(settings, HUB)
        try:
            trust = load_trust(settings, store, identity, suites, launch.clock())
        except BaseException:
            await store.close()
            raise
        around = Surroundings(
            store=store,
            trust=trust,
            bus=bus,
            suites=suites,
            clock=launch.clock,
            rand=launch.rand,
            timing=settings.timing,
        )
        codes = settings.catalog.codes
        scheme = None if codes is None else read_scheme(codes)
        notices = Notices(settings.notify, settings.station.language)
        reconcile_s = management.reconcile_s
        hub = make_hub(identity, around, admin, road, reconcile_s, keys, scheme, notices)
        stack.push_async_callback(hub.station.close)
        await _check_broker(admin, hub.router.broker_name)
        await begin_anew(hub.station, settings)
        await hub.prepare(password)
        answered = hub.methods(settings, stop, started_ms)
        console = _console(hub, settings, answered, started_ms)
        if console is not None:
            console.open()
            stack.callback(console.close)
        control = ControlServer(settings.socket_file, answered)
        await control.start()
        stack.push_async_callback(control.close)
        if console is not None:
            await first_run.say_if_nobody(hub.station, "ortoo-hub")
        _log.info("hub %s of the %s runs", identity.party, identity.plane.value)
        renewal = OwnKeys(hub.station, settings, suites, directory.announce_own)
        archives = ArchiveMethods(hub.station, settings.folder)
        also = [renewal.watch, archives.run, *([] if console is None else [console.run])]
        await launch.run_until(stop, hub.run(also))


def _console(
    hub: Hub, settings: HubSettings, answered: Mapping[str, Method], started_ms: int
) -> Listener | None:
    """What makes pages is imported by hubs that do."""
    if settings.console is None:
        return None
    from ortoo_hub.console.making import console_of
    from ortoo_protocol.console.application import listener
    from ortoo_protocol.station.accounts.desk import Accounts

    accounts = Accounts(hub.station, settings.accounts)
    return listener(console_of(hub, settings, accounts, answered, started_ms))


async def _check_broker(admin: BrokerAdmin, name: str) -> None:
    """Refuse to start on the other plane's broker; one that is away is waited for."""
    try:
        await admin.claim(name)
    except BusPlane:
        raise
    except BusError as error:
        _log.warning("%s", error)


@dataclass(frozen=True)
class Notices:
    """How people are told, and in which language."""

    table: NotifyTable
    language: str


NO_NOTICES = Notices(NotifyTable(), DEFAULT)


@dataclass
class Hub:
    """A hub put together; the tests make one without files or sockets."""

    station: Station
    router: Router
    reconciler: Reconciler
    road: Road
    keys: KeyFile | None
    notifier: Notifier
    use: UseNotary

    async def prepare(self, password: str) -> None:
        """Before anything runs: the hub's feeds, its user, its timestamp and announcement. An
        expired directory keeps it from none but the last: people publish the next one here."""

        def job(tx: Tx) -> None:
            directory.open_feeds(tx)
            membership.keep_own_user(tx, password)

        await self.station.write(job)
        try:
            await self.station.write(self._sign_all)
        except TrustError as error:
            _log.error("%s", error)

    def _sign_all(self, tx: Tx) -> None:
        self._sign(tx)
        if self.keys is not None:
            directory.announce_own(tx, self.keys)

    def _sign(self, tx: Tx) -> None:
        directory.stamp(tx)
        calendar.seed(tx)

    async def run(self, also: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
        """Until cancelled, and `also` beside it."""
        daily = Daily(self.station, self.reconciler)
        own = (
            *(self.router.run, self._timestamps, self._expiry, self._index, self._supervision),
            daily.run,
        )
        try:
            await self.station.run(also=[*own, *self.notifier.loops, *also])
        finally:
            await self.notifier.close()

    async def _expiry(self) -> None:
        """Cases whose grant has run out end; the router unbinds by the date itself."""
        while True:
            await self.station.write(cases.expire)
            await self.station.write(use.expire)
            await asyncio.sleep(EXPIRY_S)

    async def _index(self) -> None:
        """After an upgrade the catalog is indexed anew."""
        await catch_up(self.station, catalog, "accepted_ms")

    async def _supervision(self) -> None:
        await watching.watch(self.station, SOURCES)

    async def _timestamps(self) -> None:
        parts = self.station.parts
        while True:
            age_s = (parts.clock() - parts.trust.current.timestamp_ms) / 1000
            await asyncio.sleep(max(0.0, parts.timing.timestamp_s - age_s))
            await self.station.write(self._sign)

    def methods(
        self, settings: HubSettings, stop: asyncio.Event, started_ms: int
    ) -> dict[str, Method]:
        async def stop_() -> dict[str, bool]:
            stop.set()
            return {"stopping": True}

        station, router = self.station, self.router
        common = CommonMethods(station, settings, launch.package_version(), started_ms)
        notify = NotifyMethods(self.notifier)
        return methods.merged(
            methods.ServiceMethods(common, station, router, notify).as_mapping(),
            methods.MemberMethods(station, router, self.road).as_mapping(),
            methods.DirectoryMethods(station, router).as_mapping(),
            methods.CatalogMethods(station).as_mapping(),
            methods.CaseMethods(station).as_mapping(),
            methods.DemandMethods(station).as_mapping(),
            methods.UseMethods(station, self.use).as_mapping(),
            CorrectionViews(station).as_mapping(),
            methods.CalendarMethods(station).as_mapping(),
            methods.GazetteMethods(station).as_mapping(),
            AnnouncementMethods(station).as_mapping(),
            ClockMethods(station).as_mapping(),
            ContactMethods(station).as_mapping(),
            AccountMethods(station, settings.accounts).as_mapping(),
            JournalMethods(station).as_mapping(),
            EvidenceMethods(station, settings.folder).as_mapping(),
            ArchiveMethods(station, settings.folder).as_mapping(),
            notify.as_mapping(),
            methods.OverviewMethods(station).as_mapping(),
            methods.RoutingMethods(station, router, self.reconciler).as_mapping(),
            supervision_methods(station, SOURCES),
            {"stop": stop_},
        )


def make_hub(
    identity: Identity,
    around: Surroundings,
    admin: BrokerAdmin,
    road: Road,
    reconcile_s: float,
    keys: KeyFile | None = None,
    scheme: Scheme | None = None,
    notices: Notices = NO_NOTICES,
) -> Hub:
    """Put a hub together; nothing runs yet."""
    reconciler = Reconciler()
    wakes: list[Callable[[], None]] = []
    notary = cases.Notary(lambda: wakes[0]())
    in_use = use.UseNotary(lambda: wakes[0]())
    records = {**in_use.records(), **corrections.records(), "demand.answer": demands.relay}

    def relay(tx: Tx, opened: Opened[Shape]) -> None:
        record = records.get(opened.message.kind.name)
        if record is None:
            notary.relay(tx, opened)
        else:
            record(tx, opened)

    handlers: dict[str, Handler] = {
        "trust.ask": directory.answer_ask,
        "trust.announce": directory.take_announcement,
        "catalog.entry": partial(federation.take_entry, scheme=scheme),
        "catalog.list": lists.take,
        "catalog.carried": federation.take_carried,
        "proof.answer": reconciler.take,
        "stop.filing": notary.filing,
        "contact.report": contacts.take,
        **supervision.handlers(),
        "case.standings": comparing.on_standings,
        **in_use.handlers(),
    }
    hooks = Hooks(
        handlers=handlers,
        relay=relay,
        carry=corrections.carry,
        settled=supervision.on_settled,
        clock={
            **supervision.clocks(),
            **use.clocks(),
            **corrections.clocks(),
            "": telling.on_clock,
        },
    )
    station = make_station(identity, around, hooks)
    router = Router(station, admin, reconcile_s)
    wakes.append(router.wake)
    if station.bus is not None:
        station.bus = ProgrammedBus(station.bus, router)
    notifier = Notifier(station, notices.table, notices.language)
    return Hub(station, router, reconciler, road, keys, notifier, in_use)


# --- files --------------------------------------------------------------------------------------


def renewed_keys(settings: HubSettings, suites: Suites, now_ms: int) -> KeyFile:
    """The hub's key file, with a new encryption key when the newest ends soon."""
    station, passphrase = settings.station, read_secret(settings.keys.passphrase_file)
    keys = KeyFile.load(settings.keys.file, passphrase, station.plane, station.party, suites)
    return own_keys.renewed(keys, settings, passphrase, launch.rand, now_ms)


def load_trust(
    settings: HubSettings, store: Store, identity: Identity, suites: Suites, now_ms: int
) -> Trust:
    """What the store holds; at the first start root and directory of the founding ceremony."""
    with store.writing.begin() as conn:
        held = trusting.load(conn, identity.plane, suites)
        return held or _found(conn, settings.trust_folder, identity, suites, now_ms)


def _found(
    conn: Connection, folder: Path, identity: Identity, suites: Suites, now_ms: int
) -> Trust:
    root = read_document_file(folder / "root")
    # Whoever writes this folder founds the region: there is nobody to compare with yet.
    shown = fingerprint_of_root(root, plane=identity.plane, suites=suites)
    trust = Trust.pin(root, fingerprint=shown, plane=identity.plane, suites=suites, now_ms=now_ms)
    trust = trust.with_directory(read_document_file(folder / "directory"), now_ms)
    trusting.save(conn, trust)
    return trust


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsSecret(path=path, detail=str(error)) from None

"""Settings of a station: the common part, and the departments' databases by name."""

from __future__ import annotations

import re
from pathlib import Path

from ortoo_node.folders import Folder, check_folders
from ortoo_node.interfaces import Http, Pull, ReadingTable, Webhook, check_interfaces
from ortoo_node.quality.settings import QualityTable
from ortoo_node.services import Service, check_services
from ortoo_protocol.core.errors import SettingsLacking, SettingsValue
from ortoo_protocol.station import settings as common
from ortoo_protocol.station.accounts.settings import AccountsTable, check_accounts
from ortoo_protocol.station.notify.settings import NotifyTable, check_notify
from ortoo_protocol.station.settings import Positive, Table

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_URL_PASSWORD = re.compile(r"^[^:/?#]+://[^@/?#]*:[^@/?#]+@")


class Database(Table, frozen=True):
    """A department's database: an SQLAlchemy URL, or a 0600 file that holds it.

    A URL with a password stands in `url_file`; in `url` it is refused, so that settings can be
    shown to anyone. `read_url` gives the one that was written.
    """

    name: str
    url: str = ""
    url_file: Path | None = None

    def read_url(self) -> str:
        return self.url if self.url_file is None else common.read_secret(self.url_file)


class FunctionTable(Table, frozen=True):
    """A Python function that gives rows. `call`: ``module:function``, or the name of an entry point
    of the group ortoo.sources; `folder`: where the module lies, if Python does not find it."""

    name: str
    call: str
    folder: Path | None = None


class CatalogTable(Table, frozen=True):
    """`codes`: the table of codes (.toml or .csv) instead of the built-in one; `authority`: who
    files, ratifies and publishes for the authority of this level; nobody named: anybody may.
    `drift_every_s`: how often the sources of resources are compared with their entries."""

    codes: Path | None = None
    authority: tuple[str, ...] = ()
    drift_every_s: Positive = 86_400.0


class NodeSettings(common.Settings, frozen=True):
    """`sources` are read and published, `sinks` are written for subscriptions, `folders` are either
    or both; `services` answer queries."""

    sources: tuple[Database, ...] = ()
    sinks: tuple[Database, ...] = ()
    folders: tuple[Folder, ...] = ()
    quality: QualityTable = QualityTable()
    functions: tuple[FunctionTable, ...] = ()
    http: Http | None = None
    webhooks: tuple[Webhook, ...] = ()
    pulls: tuple[Pull, ...] = ()
    reading: ReadingTable = ReadingTable()
    services: tuple[Service, ...] = ()
    catalog: CatalogTable = CatalogTable()
    notify: NotifyTable = NotifyTable()
    accounts: AccountsTable = AccountsTable()

    def function(self, name: str) -> FunctionTable | None:
        return next((each for each in self.functions if each.name == name), None)

    def source(self, name: str) -> Database:
        return self._database("sources", name)

    def sink(self, name: str) -> Database:
        return self._database("sinks", name)

    def check_sink(self, name: str) -> None:
        """Raises SettingsLacking when there is no sink of that name, of whatever kind."""
        folder = self.folder_named(name)
        if self.webhook_named(name) or self.pull_named(name) or (folder and folder.write):
            return
        self.sink(name)

    def folder_named(self, name: str) -> Folder | None:
        return next((folder for folder in self.folders if folder.name == name), None)

    def webhook_named(self, name: str) -> Webhook | None:
        return next((each for each in self.webhooks if each.name == name), None)

    def pull_named(self, name: str) -> Pull | None:
        return next((each for each in self.pulls if each.name == name), None)

    def service(self, name: str) -> Service:
        for service in self.services:
            if service.name == name:
                return service
        raise SettingsLacking(place=str(self.folder), key=f"services: name = {name!r}")

    def _database(self, table: str, name: str) -> Database:
        databases: tuple[Database, ...] = getattr(self, table)
        for database in databases:
            if database.name == name:
                return database
        raise SettingsLacking(place=str(self.folder), key=f"{table}: name = {name!r}")


def load(path: Path) -> NodeSettings:
    """Read and check `path`; errors as `ortoo_protocol.station.settings.load`."""
    settings = common.load(path, NodeSettings)
    place = str(common.locate(path))
    if not settings.station.party.startswith("s"):
        raise SettingsValue(place=place, key="station.party", detail="a station's id begins with s")
    for table in ("sources", "sinks"):
        _check(place, table, getattr(settings, table))
    check_services(place, settings.services)
    check_notify(place, settings.notify)
    check_accounts(place, settings.accounts)
    check_folders(
        place,
        settings.folders,
        [source.name for source in settings.sources],
        [sink.name for sink in settings.sinks],
    )
    _check_functions(place, settings)
    taken = [*(sink.name for sink in settings.sinks), *(each.name for each in settings.folders)]
    check_interfaces(place, settings.http, settings.webhooks, settings.pulls, taken)
    return settings


def _check_functions(place: str, settings: NodeSettings) -> None:
    names = [each.name for each in settings.functions]
    names += [each.name for each in settings.sources]
    for index, function in enumerate(settings.functions):
        if not _NAME.fullmatch(function.name) or names.count(function.name) > 1:
            detail = "lower-case letters, digits, _ and -, and each name once"
            raise SettingsValue(place=place, key=f"functions[{index}].name", detail=detail)


def _check(place: str, table: str, databases: tuple[Database, ...]) -> None:
    names = [database.name for database in databases]
    for index, database in enumerate(databases):
        key = f"{table}[{index}]"
        if not _NAME.fullmatch(database.name) or names.count(database.name) > 1:
            detail = "lower-case letters, digits, _ and -, and each name once"
            raise SettingsValue(place=place, key=f"{key}.name", detail=detail)
        if bool(database.url) == (database.url_file is not None):
            raise SettingsValue(place=place, key=key, detail="needs either url or url_file")
        if _URL_PASSWORD.match(database.url):
            detail = "a URL with a password stands in a file named by url_file"
            raise SettingsValue(place=place, key=f"{key}.url", detail=detail)

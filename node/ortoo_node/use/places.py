"""Where data lie: so that a table is known again, however the settings name its database.

A place is told by what the server says of itself (a SQLite file by its inode), and by its address
in the settings, for a server that is away just now. Two names of one table are one place.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import URL, Engine, exc

from ortoo_node import databases
from ortoo_node.settings import NodeSettings
from ortoo_node.use.words import ANY, names_in
from ortoo_protocol.core.errors import OrtooError

TABLE, FOLDER, PROGRAM = "table", "folder", "program"
# Each of one row: what the server is, and in which schema a bare name is looked for.
_SERVER = {
    "postgresql": "SELECT system_identifier::text || '/' || current_database(),"
    " current_schema() FROM pg_control_system()",
    "mysql": "SELECT concat(@@hostname, ':', @@port, ':', @@datadir), database()",
}
# Where the database itself carries rows of a table on to: programs that run when it changes, tables
# that it is a part of, and (of SQLite) tables that show what another holds.
_CARRIED = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = :name"
    " UNION ALL SELECT replace(sql, char(39), ' ') FROM sqlite_master"
    " WHERE sql LIKE 'CREATE VIRTUAL%' AND instr(lower(sql), :name) > 0",
    "postgresql": "SELECT p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
    " JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND lower(c.relname) = :name"
    " UNION ALL SELECT definition FROM pg_rules WHERE lower(tablename) = :name"
    " UNION ALL SELECT quote_ident(p.relname) FROM pg_inherits i"
    " JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE lower(c.relname) = :name",
    "mysql": "SELECT action_statement FROM information_schema.triggers"
    " WHERE lower(event_object_table) = :name"
    " UNION ALL SELECT event_definition FROM information_schema.events"
    " WHERE instr(lower(event_definition), :name) > 0",
}
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')",
    "mysql": "SELECT table_name FROM information_schema.tables",
}
# Bodies of functions, by name: a view or a query may read a table through one.
_FUNCTIONS = {
    "postgresql": "SELECT p.proname, p.prosrc FROM pg_proc p"
    " JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')",
    "mysql": "SELECT routine_name, routine_definition FROM information_schema.routines"
    " WHERE routine_schema NOT IN ('sys', 'mysql')",
}


@dataclass(frozen=True)
class Place:
    """`server` empty: it could not be asked. `schema`, `name`: of a table, in one case."""

    kind: str
    server: str
    address: str
    schema: str = ""
    name: str = ""

    def is_same(self, other: Place) -> bool:
        return self.is_beside(other) and (self.schema, self.name) == (other.schema, other.name)

    def is_beside(self, other: Place) -> bool:
        """In the same database, or of folders: one inside the other."""
        if self.kind != other.kind:
            return False
        if self.kind == FOLDER:
            one, two = Path(self.address), Path(other.address)
            return one.is_relative_to(two) or two.is_relative_to(one)
        same_server = bool(self.server) and self.server == other.server
        return same_server or self.address == other.address


def of_sink(settings: NodeSettings, sink: str, table: str) -> Place:
    """Where rows of a subscription go. Raises SettingsLacking, SettingsSecret, DatabaseUrl."""
    if settings.webhook_named(sink) or settings.pull_named(sink):
        return Place(PROGRAM, "", sink)
    folder = settings.folder_named(sink)
    if folder is not None and folder.write:
        return _of_folder(folder.write_path / table)
    return of_table(settings.sink(sink).read_url(), table)


def of_source(settings: NodeSettings, source: str, table: str) -> Place:
    """Where rows of a publication come from. Raises what `of_sink` raises."""
    folder = settings.folder_named(source)
    if folder is not None and folder.read:
        return _of_folder(folder.read_path)
    if settings.function(source) is not None:
        return Place(PROGRAM, "", source)
    return of_table(settings.source(source).read_url(), table)


def _of_folder(path: Path) -> Place:
    return Place(FOLDER, "", os.path.realpath(path))


def of_table(text: str, table: str) -> Place:
    """`text`: the URL of its database. Raises DatabaseUrl."""
    url = databases.read_url(text, table)
    schema, name = databases.split_name(table, url)
    if url.get_backend_name() == "sqlite":
        path = url.database or ""
        return Place(TABLE, _inode(path), os.path.realpath(path), "", name.casefold())
    server, usual = _ask(url)
    usual = usual or _usual(url)
    address = databases.place(url).casefold()
    return Place(TABLE, server, address, (schema or usual).casefold(), name.casefold())


def _inode(path: str) -> str:
    with suppress(OSError):
        found = os.stat(path)
        return f"{found.st_dev}:{found.st_ino}"
    return ""


def _usual(url: URL) -> str:
    return (url.database or "") if databases.dialect_of(url).names[0] == "mysql" else "public"


def _ask(url: URL) -> tuple[str, str]:
    """("", "") where the server is away, or says nothing that could be used."""
    engine: Engine | None = None
    try:
        engine = databases.open_reader(url)
        query = _SERVER.get(engine.dialect.name)
        if query is None:
            return "", ""
        with engine.connect() as connection:
            server, usual = connection.execute(sa.text(query)).one()
        return f"{engine.dialect.name} {server}", str(usual or "")
    except (exc.SQLAlchemyError, OrtooError):
        return "", ""
    finally:
        if engine is not None:
            engine.dispose()


# --- what stands behind a name ------------------------------------------------------------------


def behind(text: str, names: frozenset[str]) -> frozenset[str]:
    """Whatever the definitions of those `names` that are views or functions mention, down to
    tables.

    Raises DatabaseUrl; a database that is away shows nothing.
    """
    engine = databases.open_reader(databases.read_url(text, "view"))
    try:
        with engine.connect() as connection:
            return _mentioned(_views(connection), names)
    except exc.SQLAlchemyError:
        return frozenset()
    finally:
        engine.dispose()


def _mentioned(views: Mapping[str, list[str]], names: frozenset[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting, looked = set(names), set[str]()
    while waiting:
        name = waiting.pop()
        looked.add(name)
        for definition in views.get(name, ()):
            mentioned = names_in(definition)
            found |= mentioned
            waiting |= mentioned - looked
    return frozenset(found)


def _views(connection: sa.Connection) -> dict[str, list[str]]:
    """Definitions by name, of every schema that can be seen: of one name there may be several."""
    inspector = sa.inspect(connection)
    found: dict[str, list[str]] = {}
    schemas = [None] if connection.dialect.name == "sqlite" else inspector.get_schema_names()
    for schema in schemas:
        if schema in ("information_schema", "pg_catalog", "sys", "mysql", "performance_schema"):
            continue
        names = inspector.get_view_names(schema)
        if connection.dialect.name == "postgresql":
            names += inspector.get_materialized_view_names(schema)
        for name in names:
            definition = inspector.get_view_definition(name, schema)
            if definition:
                found.setdefault(name.casefold(), []).append(definition)
    functions = _FUNCTIONS.get(connection.dialect.name)
    for name, body in connection.execute(sa.text(functions)) if functions else ():
        found.setdefault(name.casefold(), []).append(body or "")
    return found


def copied_to(text: str, name: str) -> frozenset[str]:
    """Tables that the database itself carries rows of table `name` on to, in however many steps:
    those that its triggers and rules mention, and theirs."""
    engine = databases.open_reader(databases.read_url(text, name))
    query = _CARRIED.get(engine.dialect.name)
    try:
        if query is None:
            return frozenset()
        with engine.connect() as connection:
            tables = connection.execute(sa.text(_TABLES[engine.dialect.name])).scalars()
            there = frozenset(each.casefold() for each in tables)
            found, waiting = set[str](), {name.casefold()}
            while waiting:
                rows = connection.execute(sa.text(query), {"name": waiting.pop()}).scalars()
                names = frozenset[str]().union(*(names_in(body or "") for body in rows))
                mentioned = there if ANY in names else names & there
                waiting |= mentioned - found
                found |= mentioned
            return frozenset(found)
    except exc.SQLAlchemyError:
        return frozenset()
    finally:
        engine.dispose()

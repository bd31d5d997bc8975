"""Which ways of capturing changes a table allows, and the one that is taken.

Nothing is made here: what needs a hand in the department's database is made by ``source prepare``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import exc

from ortoo_node.captures import How
from ortoo_node.databases import place as database
from ortoo_node.databases import read_url
from ortoo_node.sources.port import Source
from ortoo_node.sources.tables import naming
from ortoo_node.sources.tables.capture import Capture
from ortoo_node.sources.tables.changelog import SourceChangeLog
from ortoo_node.sources.tables.reader import TableReader
from ortoo_node.sources.tables.slot import SourceSlot
from ortoo_node.sources.tables.watermark import SourceWatermark
from ortoo_node.sources.tables.whole import SourceTable
from ortoo_protocol.core.errors import (
    SourceColumns,
    SourceError,
    SourceMissing,
    SourceShared,
    SourceUnprepared,
)
from ortoo_protocol.core.errors import SourceWatermark as WatermarkError
from ortoo_protocol.core.feeds import Column

READY, POSSIBLE, IMPOSSIBLE = "usable", "possible", "not possible"
# Why something is not ready; said in the user's language by the command.
WORDS = (
    "usable",
    "possible",
    "not possible",
    "whole",
    "watermark",
    "log",
    "slot",
    "auto",
    "run source prepare",
    "only PostgreSQL has slots",
    "this kind of database is only compared whole or by a watermark",
    "a view has no changes of its own",
    "wal_level of the server is not logical",
    "its primary key does not hold the key items",
    "an administrator has to run what source prepare prints: this user may not make slots",
    "name a column that rises with every change",
    "that column holds neither moments nor numbers",
    "there is no such column",
)
_LOGGED = ("sqlite", "mysql", "postgresql", "kingbase")


@dataclass(frozen=True)
class Place:
    """A table to be read, by whom, when. `taken`: the resource that its changes go to already."""

    url: str
    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    party: str
    now_ms: int
    taken: str = ""


@dataclass(frozen=True)
class Possible:
    how: How
    state: str
    why: str = ""


def open_table(place: Place, capture: Capture) -> Source:
    """The table by `capture`; AUTO is decided now. Raises DatabaseUrl, RowsSchema, SourceError."""
    how = choose(place, capture) if capture.how is How.AUTO else capture.how
    if how in (How.SLOT, How.LOG) and place.taken:
        shown = database(read_url(place.url, place.table))
        raise SourceShared(name=shown, table=place.table, resource=place.taken, how=how.value)
    return _open(place, capture, how)


def choose(place: Place, capture: Capture) -> How:
    """The best that is ready."""
    for each in possibilities(place, capture):
        if each.state == READY and not (place.taken and each.how in (How.SLOT, How.LOG)):
            return each.how
    return How.WHOLE


def possibilities(place: Place, capture: Capture) -> list[Possible]:
    """Best first. Raises SourceError when the table itself cannot be read."""
    reader = TableReader(place.url, place.table, place.columns, place.key)
    with closing(reader), reader.connect() as connection:
        reader.check_columns(connection)
        facts = _facts(connection, reader)
    return [
        _slot(place, capture, facts),
        _log(place, capture, facts),
        _watermark(place, capture),
        Possible(How.WHOLE, READY),
    ]


def _open(place: Place, capture: Capture, how: How) -> Source:
    what = place.url, place.table, place.columns, place.key
    if how is How.SLOT:
        return SourceSlot(*what, capture, place.now_ms, place.party)
    if how is How.LOG:
        return SourceChangeLog(*what, capture, place.now_ms, place.party)
    if how is How.WATERMARK:
        return SourceWatermark(*what, capture, place.now_ms)
    return SourceTable(*what)


@dataclass(frozen=True)
class _Facts:
    dialect: str
    is_view: bool
    logical: bool = False
    may_replicate: bool = False
    keyed: bool = False


def _facts(connection: sa.Connection, reader: TableReader) -> _Facts:
    inspector, dialect = sa.inspect(connection), connection.dialect.name
    views = inspector.get_view_names(schema=reader.schema_name)
    view = reader.table_name in views
    if dialect not in ("postgresql", "kingbase") or view:
        return _Facts(dialect, view)
    setting = connection.exec_driver_sql("SHOW wal_level").scalar_one()
    role = "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user"
    keyed = sa.text(
        "SELECT array_agg(a.attname::text) FROM pg_class c "
        "JOIN pg_index i ON i.indrelid = c.oid JOIN pg_attribute a "
        "ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey) WHERE c.oid = CAST(:t AS regclass) "
        "AND ((c.relreplident = 'd' AND i.indisprimary) "
        "OR (c.relreplident = 'i' AND i.indisreplident))"
    )
    table = {"t": naming.regclass(connection, reader)}
    columns: Sequence[str] = connection.execute(keyed, table).scalar() or ()
    full = sa.text("SELECT relreplident = 'f' FROM pg_class WHERE oid = CAST(:t AS regclass)")
    told = bool(connection.execute(full, table).scalar()) or set(reader.key) <= set(columns)
    may = bool(connection.exec_driver_sql(role).scalar())
    return _Facts(dialect, view, setting == "logical", may, told)


def _slot(place: Place, capture: Capture, facts: _Facts) -> Possible:
    if facts.is_view:
        return Possible(How.SLOT, IMPOSSIBLE, "a view has no changes of its own")
    if facts.dialect not in ("postgresql", "kingbase"):
        return Possible(How.SLOT, IMPOSSIBLE, "only PostgreSQL has slots")
    if not facts.logical:
        return Possible(How.SLOT, IMPOSSIBLE, "wal_level of the server is not logical")
    if not facts.keyed:
        return Possible(How.SLOT, IMPOSSIBLE, "its primary key does not hold the key items")
    if _is_prepared(place, capture, How.SLOT):
        return Possible(How.SLOT, READY)
    if facts.may_replicate:
        return Possible(How.SLOT, POSSIBLE, "run source prepare")
    why = "an administrator has to run what source prepare prints: this user may not make slots"
    return Possible(How.SLOT, POSSIBLE, why)


def _log(place: Place, capture: Capture, facts: _Facts) -> Possible:
    if facts.is_view:
        return Possible(How.LOG, IMPOSSIBLE, "a view has no changes of its own")
    if facts.dialect not in _LOGGED:
        why = "this kind of database is only compared whole or by a watermark"
        return Possible(How.LOG, IMPOSSIBLE, why)
    if _is_prepared(place, capture, How.LOG):
        return Possible(How.LOG, READY)
    return Possible(How.LOG, POSSIBLE, "run source prepare")


def _watermark(place: Place, capture: Capture) -> Possible:
    if not capture.watermark:
        return Possible(How.WATERMARK, POSSIBLE, "name a column that rises with every change")
    with closing(_open(place, capture, How.WATERMARK)) as source:
        try:
            source.check()
        except WatermarkError:
            why = "that column holds neither moments nor numbers"
            return Possible(How.WATERMARK, IMPOSSIBLE, why)
        except SourceColumns:
            return Possible(How.WATERMARK, IMPOSSIBLE, "there is no such column")
    return Possible(How.WATERMARK, READY)


def _is_prepared(place: Place, capture: Capture, how: How) -> bool:
    with closing(_open(place, capture, how)) as source:
        try:
            source.check()
        except SourceUnprepared:
            return False
    return True


def primary_key(url: str, table: str) -> tuple[str, ...]:
    """Of a table of which nothing else is known. Raises SourceMissing, SourceError."""
    reader = TableReader(url, table, (Column("x", "C", 0),), ("x",))
    with closing(reader), reader.connect() as connection:
        inspector = sa.inspect(connection)
        try:
            found = inspector.get_pk_constraint(reader.table_name, schema=reader.schema_name)
        except exc.NoSuchTableError:
            raise SourceMissing(name=reader.name, table=table) from None
    if not found["constrained_columns"]:
        raise SourceError(name=reader.name, detail="its table has no primary key")
    return tuple(found["constrained_columns"])

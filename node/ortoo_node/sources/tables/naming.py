"""Names of what Ortoo adds to a department's database, and whether it is still there."""

from __future__ import annotations

import zlib

import sqlalchemy as sa

from ortoo_node.sources.tables.reader import TableReader

STATE = "ortoo_log_state"
ID, BATCH, OP = "ortoo_id", "ortoo_batch", "ortoo_op"
CHANNEL = "ortoo"  # of NOTIFY
MOST_BYTES = 48  # with what is appended, within MySQL's 64 characters and PostgreSQL's 63 bytes


def log_name(party: str, table: str) -> str:
    """One log for each station: two of them read at different speeds."""
    return _fitted(f"ortoo_log_{party}_", str(table))


def slot_name(party: str, table: str) -> str:
    """Of `table` as the settings name it. PostgreSQL allows a-z, 0-9 and _ in names of slots."""
    return f"ortoo_{party}_{zlib.crc32(table.encode()):08x}"


def publication_name(party: str, table: str) -> str:
    return _fitted(f"ortoo_{party}_", str(table))


def _fitted(prefix: str, table: str) -> str:
    name = prefix + table
    if len(name.encode()) <= MOST_BYTES:
        return name
    room = MOST_BYTES - len(prefix) - 9
    short = table.encode()[:room].decode("utf-8", "ignore")
    return f"{prefix}{short}_{zlib.crc32(table.encode()):08x}"


def has_triggers(connection: sa.Connection, reader: TableReader, log: str) -> bool:
    """Whether triggers still fill `log`. MySQL shows triggers only to who may make them: there
    the comparison of the whole table is what finds out."""
    if connection.dialect.name == "sqlite":
        query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE :name"
        likeness = log.replace("_", r"\_") + r"\_%"
        found = connection.execute(sa.text(query + r" ESCAPE '\'"), {"name": likeness}).scalar_one()
        return int(found) == 4
    if connection.dialect.name == "mysql":
        return True
    query = (
        "SELECT COUNT(*) FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass) "
        "AND tgenabled <> 'D' AND tgname IN (:put, :emptied)"
    )
    names = {"table": regclass(connection, reader), "put": f"{log}_put", "emptied": f"{log}_gone"}
    return int(connection.execute(sa.text(query), names).scalar_one()) == 2


def regclass(connection: sa.Connection, reader: TableReader) -> str:
    """The table's name as PostgreSQL reads it in a text."""
    name = quote(reader.table_name, "postgresql")
    return f"{quote(reader.schema_name, 'postgresql')}.{name}" if reader.schema_name else name


def quote(name: str, dialect: str) -> str:
    mark = "`" if dialect == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark

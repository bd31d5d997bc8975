"""Ways into the databases of departments: engines, and what their drivers' errors mean.

Nothing here repeats a password or a row: URLs appear as host and database, errors as their first
line, statements without parameters.
"""

from __future__ import annotations

import enum
import sqlite3
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, NullPool, create_engine, event, exc, make_url
from sqlalchemy.sql import quoted_name

from ortoo_protocol.core.errors import DatabaseUrl

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 10
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class Trouble(enum.Enum):
    """What a database's refusal comes down to."""

    UNREACHABLE = enum.auto()
    BUSY = enum.auto()
    FULL = enum.auto()
    FORBIDDEN = enum.auto()
    SHAPE = enum.auto()  # no such table, column, type
    VALUE = enum.auto()
    CONSTRAINT = enum.auto()
    OTHER = enum.auto()


# PostgreSQL, appendix A: the longest prefix of the SQLSTATE that stands here.
_SQLSTATES = {
    "08": Trouble.UNREACHABLE,
    "28": Trouble.UNREACHABLE,
    "3D": Trouble.UNREACHABLE,  # no such database
    "57": Trouble.UNREACHABLE,  # shutting down, starting up, cancelled by an administrator
    "40": Trouble.BUSY,  # serialisation failure, deadlock
    "55P03": Trouble.BUSY,  # lock not available
    "53": Trouble.FULL,
    "53300": Trouble.BUSY,  # too many connections
    "42501": Trouble.FORBIDDEN,
    "25006": Trouble.FORBIDDEN,  # a read-only transaction, as on a standby
    "42": Trouble.SHAPE,
    "54": Trouble.SHAPE,
    "3F": Trouble.SHAPE,  # no such schema
    "22": Trouble.VALUE,
    "23": Trouble.CONSTRAINT,
}
_SQLITE = {
    sqlite3.SQLITE_BUSY: Trouble.BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.BUSY,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.FORBIDDEN,
    sqlite3.SQLITE_PERM: Trouble.FORBIDDEN,
    sqlite3.SQLITE_AUTH: Trouble.FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: Trouble.UNREACHABLE,
    sqlite3.SQLITE_IOERR: Trouble.UNREACHABLE,
    sqlite3.SQLITE_NOTADB: Trouble.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: Trouble.UNREACHABLE,
    sqlite3.SQLITE_ERROR: Trouble.SHAPE,
    sqlite3.SQLITE_SCHEMA: Trouble.SHAPE,
    sqlite3.SQLITE_TOOBIG: Trouble.VALUE,
    sqlite3.SQLITE_MISMATCH: Trouble.VALUE,
    sqlite3.SQLITE_CONSTRAINT: Trouble.CONSTRAINT,
}


def read_url(url: str, name: str) -> URL:
    """Raises DatabaseUrl; an unknown or missing driver is named there."""
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise DatabaseUrl(name=name, detail="it is no URL of a database") from None
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise DatabaseUrl(
            name=name, detail=f"{parsed.get_backend_name()} is none of {', '.join(_DRIVERS)}"
        )
    if driver.startswith("sqlite") and not parsed.database:
        raise DatabaseUrl(name=name, detail="it names no file")
    return parsed.set(drivername=driver)


def place(url: URL) -> str:
    """The database as people know it, without user or password."""
    if url.get_backend_name() == "sqlite":
        return f"{url.database}"
    return f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}"


def split_name(table: str, url: URL) -> tuple[str | None, str]:
    """(schema or None, name) of ``name`` or ``schema.name``, quoted; SQLite has no schemas."""
    schema, dot, name = table.partition(".")
    if url.get_backend_name() == "sqlite" or not dot:
        return None, quoted_name(table, quote=True)
    return quoted_name(schema, quote=True), quoted_name(name, quote=True)


def open_reader(url: URL) -> Engine:
    """Transactions that only read, each of one moment. A missing SQLite file is not made."""
    if url.get_backend_name() == "sqlite":
        url = url.set(database=f"file:{quote(url.database or '')}").update_query_dict(
            {"mode": "ro", "uri": "true"}
        )
        return _sqlite(url, "BEGIN")
    return _postgresql(url, isolation_level="REPEATABLE READ", poolclass=NullPool)


def open_writer(url: URL) -> Engine:
    """Transactions that take SQLite's write lock first: an upgraded read lock cannot wait."""
    if url.get_backend_name() == "sqlite":
        engine = _sqlite(url, "BEGIN IMMEDIATE")
        event.listen(engine, "connect", _readable_while_written)
        return engine
    return _postgresql(url, pool_size=1, pool_pre_ping=True)


def _create(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, hide_parameters=True, **options)
    except ImportError:
        raise DatabaseUrl(name=place(url), detail="its driver (psycopg) cannot be loaded") from None


def _sqlite(url: URL, begin: str) -> Engine:
    engine = _create(
        url,
        poolclass=NullPool,
        # None: sqlite3 begins no transactions of its own, the event below does.
        connect_args={
            "isolation_level": None,
            "timeout": LOCK_TIMEOUT_S,
            "check_same_thread": False,
        },
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin) and None)
    return engine


def _readable_while_written(connection: sqlite3.Connection, _record: object) -> None:
    """A file that Ortoo makes is WAL, so that its readers never wait; one it was given stays."""
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _postgresql(url: URL, **options: Any) -> Engine:
    return _create(
        url,
        # Positional parameters: rows go to the driver as they are.
        paramstyle="format",
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_S}s -c timezone=UTC",
            # A half-open link ends instead of holding a worker for ever.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
        },
        **options,
    )


def judge(error: exc.SQLAlchemyError) -> tuple[Trouble, str]:
    """What happened, and the driver's own words (their first line)."""
    if isinstance(error, (exc.NoSuchTableError, exc.CompileError)):
        return Trouble.SHAPE, _first_line(error)
    if not isinstance(error, exc.DBAPIError) or error.orig is None:
        return Trouble.OTHER, _first_line(error)
    original = error.orig
    detail = _first_line(original)
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)  # extended: the low byte is primary
        primary = code & 0xFF if code is not None else None
        return (_SQLITE.get(primary, Trouble.OTHER) if primary else Trouble.OTHER), detail
    state = getattr(original, "sqlstate", None)
    if error.connection_invalidated or state is None:
        lost = isinstance(error, (exc.OperationalError, exc.InterfaceError))
        return (Trouble.UNREACHABLE if lost else Trouble.VALUE), detail
    for length in (5, 2):
        if state[:length] in _SQLSTATES:
            return _SQLSTATES[state[:length]], detail
    return Trouble.OTHER, detail


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__

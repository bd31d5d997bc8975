"""SQLite: a file of the department on this machine."""

from __future__ import annotations

import sqlite3
from urllib.parse import quote

from sqlalchemy import URL, Engine, NullPool, event, exc

from ortoo_node.databases.engines import create
from ortoo_node.databases.port import Dialect, Trouble

_CODES = {
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


def _reader(url: URL, lock_timeout_s: float) -> Engine:
    """A missing file is not made."""
    url = url.set(database=f"file:{quote(url.database or '')}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )
    return _engine(url, "BEGIN", lock_timeout_s)


def _writer(url: URL, lock_timeout_s: float) -> Engine:
    """Takes the write lock first: an upgraded read lock cannot wait."""
    engine = _engine(url, "BEGIN IMMEDIATE", lock_timeout_s)
    event.listen(engine, "connect", _readable_while_written)
    return engine


def _engine(url: URL, begin: str, lock_timeout_s: float) -> Engine:
    engine = create(
        url,
        SQLITE.install,
        poolclass=NullPool,
        # None: sqlite3 begins no transactions of its own, the event below does.
        connect_args={
            "isolation_level": None,
            "timeout": lock_timeout_s,
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


def _judge(_error: exc.DBAPIError, original: BaseException) -> Trouble | None:
    code = getattr(original, "sqlite_errorcode", None)  # extended: the low byte is primary
    return Trouble.OTHER if code is None else _CODES.get(code & 0xFF, Trouble.OTHER)


SQLITE = Dialect(
    names=("sqlite",),
    drivername="sqlite+pysqlite",
    install="Python's sqlite3",
    port=0,
    has_schemas=False,
    sinks=True,
    reader=_reader,
    writer=_writer,
    judge=_judge,
)

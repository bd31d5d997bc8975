"""SQLite: a file of the department on this machine."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from functools import partial
from urllib.parse import quote

from sqlalchemy import URL, Engine, NullPool, Pool, QueuePool, event, exc
from sqlalchemy.pool import ConnectionPoolEntry

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
    """Takes the write lock first: an upgraded read lock cannot wait. Its connection stays open:
    opening costs as much as writing a hundred rows."""
    engine = _engine(url, "BEGIN IMMEDIATE", lock_timeout_s, QueuePool)
    event.listen(engine, "connect", _readable_while_written)
    event.listen(engine, "checkout", partial(_still_there, url.database or ""))
    return engine


def _still_there(path: str, _connection: object, record: ConnectionPoolEntry, _: object) -> None:
    """A file that was replaced or removed is opened anew: what is written to the old one is lost
    with it."""
    here: tuple[int, int] | None = None
    with suppress(OSError):
        found = os.stat(path)
        here = found.st_dev, found.st_ino
    if record.info.setdefault("file", here) != here:
        raise exc.DisconnectionError


def _engine(url: URL, begin: str, lock_timeout_s: float, pool: type[Pool] = NullPool) -> Engine:
    engine = create(
        url,
        SQLITE.install,
        poolclass=pool,
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

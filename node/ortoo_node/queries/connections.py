"""Connections to a source that are kept between queries, so that a call does not pay for a login.

They are those of a reader (ortoo_node.databases): read-only, each query of one moment. Here the
time limit of a statement is added, by the database's own means: PostgreSQL and MySQL end it by
themselves, SQLite asks while it works.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, exc

MOST_KEPT = 8
KEPT_S = 300.0
STEPS_BETWEEN_LOOKS = 5_000  # of SQLite's machine: well below a millisecond
_ALLOWED = frozenset(
    (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
)
_FORBIDDEN_FUNCTIONS = frozenset(("load_extension", "fts3_tokenizer"))


class Connections:
    """For any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: deque[tuple[float, Connection]] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, timeout_ms: int) -> Iterator[Connection]:
        """A connection whose statements read for at most `timeout_ms`, in a transaction; but in
        SQLite one statement is of one moment by itself. One on which anything failed is not
        kept."""
        conn = self._begun()
        try:
            with _limited(conn, timeout_ms):
                yield conn
            if conn.in_transaction():
                conn.rollback()
        except BaseException:
            with suppress(exc.SQLAlchemyError):
                conn.close()
            raise
        self._keep(conn)

    def _begun(self) -> Connection:
        """A kept one may be dead by now; then a new one is opened."""
        while (conn := self._take()) is not None:
            if conn.dialect.name == "sqlite":
                return conn
            try:
                conn.begin()
                conn.exec_driver_sql("SELECT 1")
            except exc.SQLAlchemyError:
                with suppress(exc.SQLAlchemyError):
                    conn.close()
            else:
                return conn
        conn = self._engine.connect()
        try:
            if conn.dialect.name == "sqlite":
                _only_reads(conn)
            else:
                conn.begin()
        except BaseException:
            conn.close()
            raise
        return conn

    def _take(self) -> Connection | None:
        with self._lock:
            if not self._kept:
                return None
            since, conn = self._kept.pop()
        if time.monotonic() - since <= KEPT_S:
            return conn
        with suppress(exc.SQLAlchemyError):
            conn.close()
        return self._take()

    def _keep(self, conn: Connection) -> None:
        with self._lock:
            if len(self._kept) < MOST_KEPT:
                self._kept.append((time.monotonic(), conn))
                return
        conn.close()

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, deque()
        for _since, conn in kept:
            with suppress(exc.SQLAlchemyError):
                conn.close()
        self._engine.dispose()


@contextmanager
def _limited(conn: Connection, timeout_ms: int) -> Iterator[None]:
    """Whoever works longer gets the driver's error for it (`ran_out`)."""
    dialect = conn.dialect.name
    if dialect == "sqlite":
        raw: Any = conn.connection.dbapi_connection
        end = time.monotonic() + timeout_ms / 1000
        raw.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)
        return
    if dialect in ("postgresql", "kingbase"):
        limit = f"SET LOCAL statement_timeout = {int(timeout_ms)}"
        conn.exec_driver_sql(f"SET TRANSACTION READ ONLY; {limit}")
    elif dialect in ("mysql", "mariadb"):
        if getattr(conn.dialect, "is_mariadb", False):
            conn.exec_driver_sql(f"SET SESSION max_statement_time = {timeout_ms / 1000}")
        else:
            conn.exec_driver_sql(f"SET SESSION max_execution_time = {int(timeout_ms)}")
    yield


def ran_out(error: exc.SQLAlchemyError) -> bool:
    """Whether a statement was ended because its time was over."""
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_INTERRUPT
    if original is None:
        return False
    cancelled = getattr(original, "sqlstate", None) == "57014"  # PostgreSQL: query_canceled
    return cancelled or original.args[:1] in ((3024,), (1969,))  # MySQL, MariaDB


def _only_reads(conn: Connection) -> None:
    """Beside the file being opened for reading: no ATTACH, no PRAGMA, nothing but SELECT."""
    raw: Any = conn.connection.dbapi_connection
    raw.execute("PRAGMA query_only = ON")
    raw.set_authorizer(_may)


def _may(
    action: int, _first: str | None, second: str | None, _db: str | None, _by: str | None
) -> int:
    """SQLite asks this while it compiles a statement; BEGIN and its end are the runner's own."""
    if action == sqlite3.SQLITE_FUNCTION and second in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action in _ALLOWED or action == sqlite3.SQLITE_TRANSACTION:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY

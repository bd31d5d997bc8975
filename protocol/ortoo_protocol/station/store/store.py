"""Opening the store: lock, engine, migrations, and the stamp of its one party and plane."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from ortoo_protocol.core.errors import StoreBusy, StoreMissing, StorePlane
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station.disk import file_failure
from ortoo_protocol.station.store import prepared
from ortoo_protocol.station.store.failures import store_failure
from ortoo_protocol.station.store.migrate import Migrations, upgrade
from ortoo_protocol.station.store.tables import stamp

T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """An open store. `writing` is for the one Writer; `reading` serves any number of readers,
    `long` those that take their time, each in a thread of its own."""

    path: Path
    writing: Engine
    reading: AsyncEngine
    long: Engine
    lock: int

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent view of what is committed. Raises StoreError."""
        try:
            async with self.reading.connect() as conn:
                await conn.begin()  # a prepared statement would not, and stand outside the view
                return await conn.run_sync(work)
        except DBAPIError as error:
            raise store_failure(error, self.path) from error

    def read_long(self, work: Callable[[Connection], T]) -> T:
        """As `read`, in the calling thread: what is computed between rows holds up nobody."""
        with self.view() as conn:
            return work(conn)

    @contextmanager
    def view(self) -> Iterator[Connection]:
        """One consistent view of what is committed, for as long as the block takes. Threads may
        take turns with it. Raises StoreError."""
        try:
            with self.long.connect() as conn:
                conn.begin()
                yield conn
        except DBAPIError as error:
            raise store_failure(error, self.path) from error

    async def close(self) -> None:
        await self.reading.dispose()
        self.long.dispose()
        self.writing.dispose()
        os.close(self.lock)


def create_store(path: Path, party: str, plane: Plane, migrations: tuple[Migrations, ...]) -> None:
    """Make an empty store for `party` on `plane`. An existing one of the same owner is kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_failure(error, path.parent) from None
    lock = _lock(path)
    try:
        engine = _sqlite_engine(path)
        with engine.begin() as conn:
            upgrade(conn, migrations)
            if not conn.execute(select(stamp)).first():
                values = [
                    {"name": "party", "value": party},
                    {"name": "plane", "value": plane.value},
                ]
                conn.execute(insert(stamp), values)
            _check_stamp(conn, path, party, plane)
        engine.dispose()
        path.chmod(0o600)
    except DBAPIError as error:
        raise store_failure(error, path) from error
    finally:
        os.close(lock)


def open_store(path: Path, party: str, plane: Plane, migrations: tuple[Migrations, ...]) -> Store:
    """Open, lock and migrate the store of `party` on `plane`.

    Raises StoreMissing, StoreBusy, StorePlane (another party's or plane's), StoreNewer,
    StoreReadOnly, StoreFull.
    """
    if not path.exists():
        raise StoreMissing(path=path.parent)
    lock = _lock(path)
    try:
        engine = _sqlite_engine(path)
        with engine.begin() as conn:
            if not inspect(conn).get_table_names():  # making it was broken off
                raise StoreMissing(path=path.parent)
            _check_stamp(conn, path, party, plane)
            upgrade(conn, migrations)
        engine.dispose()
    except DBAPIError as error:
        os.close(lock)
        raise store_failure(error, path) from error
    except BaseException:
        os.close(lock)
        raise
    reading = create_async_engine(f"sqlite+aiosqlite:///{path}")
    _prepare(reading.sync_engine, begin=_begin_reading)
    writing = _sqlite_engine(path, temp="MEMORY")
    return Store(path, writing, reading, _long_engine(path), lock)


def _check_stamp(conn: Connection, path: Path, party: str, plane: Plane) -> None:
    found = {row.name: row.value for row in conn.execute(select(stamp))}
    if found != {"party": party, "plane": plane.value}:
        raise StorePlane(path=path, party=found.get("party", "?"), found=found.get("plane", "?"))


def _lock(path: Path) -> int:
    """Take the lock file beside the store; the kernel frees it when this process ends."""
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise file_failure(error, path.parent) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        pid = os.pread(lock, 20, 0).decode() or "?"
        os.close(lock)
        raise StoreBusy(path=path, pid=pid) from None
    with suppress(OSError):  # a full disk: the pid is only for the message above
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _sqlite_engine(path: Path, temp: str = "DEFAULT") -> Engine:
    engine = create_engine(f"sqlite:///{path}")
    _prepare(engine, begin=prepared.begin, temp=temp)
    return engine


def _long_engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    _prepare(engine, begin=_begin_reading)
    return engine


def _begin_reading(conn: Connection) -> None:
    prepared.execute(conn, "BEGIN")


def _prepare(
    engine: Engine, *, begin: Callable[[Connection], object], temp: str = "DEFAULT"
) -> None:
    """WAL and FULL: an acknowledgement after a NORMAL commit can lose. Writers begin IMMEDIATE,
    since busy_timeout does not save a read that is upgraded to a write.

    `temp` MEMORY: pages as they were before a savepoint are kept there, until it is released; in a
    file they would all be written, until the commit. Migrations sort whole tables, in a file."""

    @event.listens_for(engine, "connect")
    def connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        for pragma in (
            "page_size=8192",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "cache_size=-32000",
            f"temp_store={temp}",
            "wal_autocheckpoint=4000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(conn: Connection) -> None:
        begin(conn)

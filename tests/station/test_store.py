"""The one writer: group commit, a job that fails, a job that is not waited for, a full disk."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.util import await_only

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CatalogBasis, StoreFull
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import trusting
from ortoo_protocol.station.context import Hooks, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store import writer
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import inbox, outbox, stamp
from ortoo_protocol.station.store.writer import _Job
from tests.support.letters import refusal
from tests.support.stations import Kit, until, until_read
from tests.support.trust import HUB

PARTY = "s150700"
MEGABYTE = 1 << 20
taken = select(func.count()).select_from(inbox)


def put(name: str) -> Callable[[Tx], None]:
    def job(tx: Tx) -> None:
        tx.conn.execute(insert(stamp).values(name=name, value="-"))

    return job


async def names(station: Station) -> set[str]:
    return set(await station.read(lambda conn: list(conn.execute(select(stamp.c.name)).scalars())))


async def test_a_failing_job_takes_back_only_itself(tmp_path: Path) -> None:
    """All share one transaction: they wait while the first holds the writer."""
    station = Kit(tmp_path).open(PARTY, online=False)
    commits: list[_Job] = []
    commit = station.database._writer._commit

    def counted(first: _Job) -> None:
        commits.append(first)
        commit(first)

    station.database._writer._commit = counted  # type: ignore[method-assign]

    def half_done(tx: Tx) -> None:
        put("half done")(tx)
        tx.after_commit(lambda: told.append("half done"))
        tx.meanwhile(lambda: told.append("half done"))
        raise CatalogBasis()

    told: list[str] = []
    work = [put(f"{n}") for n in range(20)]
    work[7], work[13] = half_done, put("party")  # its name is taken
    results = await asyncio.gather(*(station.write(job) for job in work), return_exceptions=True)
    failed = [type(each) for each in results if isinstance(each, BaseException)]
    assert failed == [CatalogBasis, IntegrityError]
    kept = {f"{n}" for n in range(20)} - {"7", "13"}
    assert await names(station) == {"party", "plane", *kept}
    assert told == []
    assert len(commits) < len(work)
    await station.close()


async def test_a_commit_is_not_held_up_by_all_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that take long are kept one after the other, and not all at the end."""
    station = Kit(tmp_path).open(PARTY, online=False)
    monkeypatch.setattr(writer, "MOST_S", 0.0)
    commits: list[_Job] = []
    commit = station.database._writer._commit

    def counted(first: _Job) -> None:
        commits.append(first)
        commit(first)

    station.database._writer._commit = counted  # type: ignore[method-assign]
    await asyncio.gather(*(station.write(put(f"{number}")) for number in range(20)))
    assert len(commits) == 20
    await station.close()


async def test_what_goes_on_meanwhile_begins_when_all_is_written(tmp_path: Path) -> None:
    station = Kit(tmp_path).open(PARTY, online=False)
    told: list[str] = []

    def job(tx: Tx) -> None:
        tx.after_commit(lambda: told.append("committed"))
        tx.meanwhile(lambda: told.append(f"begun, in a transaction: {tx.conn.in_transaction()}"))
        put("written")(tx)
        told.append("written")

    await station.write(job)
    assert told == ["written", "begun, in a transaction: True", "committed"]
    await station.close()


@pytest.mark.parametrize("long", [False, True])
async def test_a_reading_sees_one_state_from_its_first_statement_on(
    tmp_path: Path, long: bool
) -> None:
    """A prepared statement first: it goes past SQLAlchemy, which begins with its own."""
    station = Kit(tmp_path).open(PARTY, online=False)
    await station.write(put("before"))
    loop = asyncio.get_running_loop()
    looked, written = asyncio.Event(), threading.Event()
    named = Prepared(select(stamp.c.name), ())

    def job(conn: Connection) -> tuple[int, int]:
        first = len(named.rows(conn))
        loop.call_soon_threadsafe(looked.set)
        if long:
            written.wait(20)
        else:
            await_only(asyncio.to_thread(written.wait, 20))
        return first, len(conn.execute(select(stamp.c.name)).all())

    reading = asyncio.create_task(station.read_long(job) if long else station.read(job))
    await looked.wait()
    await station.write(put("meanwhile"))
    written.set()
    first, then = await reading
    assert first == then
    assert {"before", "meanwhile"} <= await names(station)
    await station.close()


async def test_a_job_whose_caller_left_is_done(tmp_path: Path) -> None:
    station = Kit(tmp_path).open(PARTY, online=False)
    task = asyncio.create_task(station.write(put("left")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await station.write(put("next"))
    assert {"left", "next"} <= await names(station)
    await station.close()


async def test_a_trust_that_was_not_committed_is_not_in_force(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    station = kit.open(PARTY, online=False)
    region, before = kit.region, station.parts.trust.current
    newer = region.sign_directory(region.directory(version=2, previous=before.directory_hash))

    def torn(tx: Tx) -> None:
        trusting.take(tx, [newer])
        assert tx.trust.directory_version == 2
        raise CatalogBasis()

    with pytest.raises(CatalogBasis):
        await station.write(torn)
    assert station.parts.trust.current is before
    await station.write(lambda tx: trusting.take(tx, [newer]))
    assert station.parts.trust.current.directory_version == 2
    await station.close()


# --- a full disk ----------------------------------------------------------------------------------


class Disk:
    """Where a station's store is; `fill` leaves no room on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filler = folder / "filler"

    async def fill(self, _station: Station) -> None:
        with self.filler.open("wb", buffering=0) as file:
            for size in (MEGABYTE, 4096, 512):
                with suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    async def clear(self, _station: Station) -> None:
        self.filler.unlink()


class Pages(Disk):
    """For who may not mount: SQLite itself says that the disk is full."""

    async def fill(self, station: Station) -> None:
        await station.write(lambda tx: tx.conn.exec_driver_sql("PRAGMA max_page_count = 1"))

    async def clear(self, station: Station) -> None:
        store = station.database._store.writing
        with store.connect() as conn:
            conn.exec_driver_sql("PRAGMA max_page_count = 1000000")


@pytest.fixture(params=["tmpfs", "pages"] if os.geteuid() == 0 else ["pages"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "pages":
        yield Pages(folder)
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def until_full(station: Station) -> None:
    """Until not even a small row has room."""

    async def write(characters: int) -> None:
        while True:
            await station.write(partial(_a_row, characters))

    for characters in (10_000, 100, 0):
        with pytest.raises(StoreFull):
            await write(characters)


def _a_row(characters: int, tx: Tx) -> None:
    tx.journal_unreadable(bytes(9), "x" * characters)


async def test_a_full_disk_waits_and_goes_on(
    tmp_path: Path, small_disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    """The recipient's disk is full: the broker keeps the letters, and all are taken later."""
    done: list[bytes] = []

    def handle(_tx: Tx, opened: Opened[Shape]) -> None:
        done.append(opened.header.id)

    kit = Kit(tmp_path)
    (tmp_path / PARTY).symlink_to(small_disk.folder)
    hub, reader = kit.open(HUB), kit.open(PARTY, Hooks(handlers={"catalog.refused": handle}))
    async with kit.running(hub, reader):
        letter = await hub.write(lambda tx: send(tx, PARTY, refusal()))
        settled = select(func.count()).where(outbox.c.state == "accepted")
        await until_read(hub, lambda conn: conn.execute(settled).scalar() == 1)
        await small_disk.fill(reader)
        await until_full(reader)
        letters = [await hub.write(lambda tx: send(tx, PARTY, refusal())) for _ in range(20)]
        # Tried, and taken back: these, or what the hub sent before them and they wait behind.
        await until(lambda: [each for each in caplog.records if each.module == "pumps"])
        assert await reader.read(lambda conn: conn.execute(taken).scalar_one()) < 21
        await small_disk.clear(reader)
        await until_read(hub, lambda conn: conn.execute(settled).scalar() == 21, 40)
        ids = await reader.read(lambda conn: set(conn.execute(select(inbox.c.id)).scalars()))
        assert ids == {letter, *letters}

"""Sealed months of the journal: made once, verified, searched; bodies erased, proofs whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.errors import ArchiveChunk, ArchiveList, OrtooError, StopReason, StoreError
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.station.journal.archive_methods import ArchiveMethods
from ortoo_protocol.station.journal.archives import Archives
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.journal_rows import Pending
from tests.federation.exchange import PROVIDER, exchange
from tests.support.desk import Desk
from tests.support.stations import Kit
from tests.support.trust import NOW_MS, STATIONS

SECRET_FLOW = "s150700.a-flow-that-nobody-else-may-read"


def filled(folder: Path) -> tuple[Desk, Archives]:
    """Three months of rows, the last one not over; more than a chunk in the first."""
    desk = Desk(Kit(folder), STATIONS[0], None)
    for month, count in enumerate((1_500, 40, 7)):
        for at in range(0, count, 500):
            rows = [
                Pending(Direction.LOCAL, State.APPLIED, SECRET_FLOW, number.to_bytes(16, "big"),
                        "act" if number % 2 else "other", STATIONS[0], b"", b"", b"h", "")
                for number in range(min(500, count - at))
            ]  # fmt: skip
            with desk.store.writing.begin() as conn:
                suite = desk.parts.identity.suite
                journal_rows.append(conn, suite, rows, NOW_MS + month * 31 * DAY_MS + at)
    return desk, Archives(folder, desk.parts)


def test_one_that_is_broken_off_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, archives = filled(tmp_path)
    try:
        now_ms = NOW_MS + 2 * 31 * DAY_MS + DAY_MS
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "full")))
            with pytest.raises(StoreError):
                make(desk, archives, now_ms)
        assert list(archives.place.iterdir()) == []
        assert len(make(desk, archives, now_ms)) == 2
    finally:
        desk.close()


def make(desk: Desk, archives: Archives, now_ms: int) -> list[Path]:
    with desk.store.writing.begin() as conn:
        return archives.make_due(conn, now_ms)


def test_months_that_are_over_are_sealed_once(tmp_path: Path) -> None:
    desk, archives = filled(tmp_path)
    try:
        now_ms = NOW_MS + 2 * 31 * DAY_MS + DAY_MS
        made = make(desk, archives, now_ms)
        assert [path.name[:7] for path in made] == [
            f"{day_of(NOW_MS):%Y-%m}",
            f"{day_of(NOW_MS + 31 * DAY_MS):%Y-%m}",
        ]
        assert make(desk, archives, now_ms) == []
        assert archives.verify() == (2, 1_540)
        assert all(path.stat().st_mode & 0o777 == 0o400 for path in made)
        assert all(SECRET_FLOW.encode() not in path.read_bytes() for path in made)
        # Two years under the Measures: no archive says that it may go before.
        (_, first, _), _ = archives.lists()
        ends = day_of(first.kept_until_ms)
        assert (ends.year, ends.day) == (day_of(NOW_MS).year + 2, 1)
        # What is in them: the rows of the store, byte for byte, in order.
        with desk.store.writing.begin() as conn:
            kept = [row.leaf_bytes() for row in journal_rows.rows(conn, 0, 1_540)]
        assert kept == [
            held.leaf for path, archive, _ in archives.lists()
            for _, held in archives.rows(path, archive)
        ]  # fmt: skip
    finally:
        desk.close()


def test_whatever_is_done_to_an_archive_is_named(tmp_path: Path) -> None:
    desk, archives = filled(tmp_path)
    try:
        first, second = make(desk, archives, NOW_MS + 63 * DAY_MS)

        def spoiled(path: Path, content: bytes, error: type[OrtooError]) -> None:
            whole = path.read_bytes()
            path.chmod(0o600)
            path.write_bytes(content)
            with pytest.raises(error):
                archives.verify()
            path.write_bytes(whole)
            assert archives.verify() == (2, 1_540)

        whole = first.read_bytes()
        spoiled(first, whole[:-1] + bytes([whole[-1] ^ 1]), ArchiveChunk)
        spoiled(first, whole[:-1], ArchiveChunk)
        spoiled(first, second.read_bytes(), ArchiveChunk)
        listed = first.with_suffix(".list")
        signed = listed.read_bytes()
        spoiled(listed, signed[:-1] + bytes([signed[-1] ^ 1]), ArchiveList)
        spoiled(listed, second.with_suffix(".list").read_bytes(), ArchiveList)
        missing = listed.read_bytes()
        listed.unlink()
        with pytest.raises(ArchiveList):
            archives.verify()
        listed.write_bytes(missing)
        # Another key file opens nothing.
        other = Archives(tmp_path, Desk(Kit(tmp_path / "other"), STATIONS[0], None).parts)
        object.__setattr__(other.parts.identity, "store_key", bytes(32))
        with pytest.raises(ArchiveChunk):
            other.verify()
    finally:
        desk.close()


async def test_archives_are_searched_and_bodies_erased(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await made.publish()
        station = made.provider.app.station
        methods = ArchiveMethods(station, tmp_path / "kept")
        (tmp_path / "kept").mkdir()
        later_ms = made.kit.clock() + 40 * DAY_MS
        await station.read_long(lambda conn: methods.archives.make_due(conn, later_ms))
        found = await methods.search(kind="case.application")
        assert [row["kind"] for row in found["rows"]] == ["case.application"]
        hot = await made.provider.call("journal.search", kind="case.application")
        assert found["rows"][0]["seq"] == hot["rows"][0]["seq"]
        case = found["rows"][0]["flow"]
        assert {row["flow"] for row in (await methods.search(flow=case))["rows"]} == {case}
        assert (await methods.search(until_ms=1))["rows"] == []
        seen: list[int] = []
        before = 0
        while True:
            page = await methods.search(before=before, count=3)
            seen += [row["seq"] for row in page["rows"]]
            before = page["next_before"]
            if not before:
                break
        assert seen == list(range(seen[0], -1, -1))

        feed = next(row["flow"] for row in (await methods.search(kind="table.rows"))["rows"])
        with pytest.raises(StopReason):
            await methods.erase(feed=feed, last=99, reason=" ", by="li")
        done = await methods.erase(feed=feed, last=99, reason="依申请删除", by="李静")
        assert done["count"] >= 1
        (kept,) = (await methods.erasures())["erasures"]
        assert (kept["reason"], kept["by"], kept["count"]) == ("依申请删除", "李静", done["count"])
        # The journal proves, and its signatures hold, as before; and it says what was done.
        await made.provider.call("journal.verify")
        row = (await made.provider.call("journal.search", kind="table.rows"))["rows"][0]
        shown = (await made.provider.call("journal.entry", seq=row["seq"]))["entry"]
        assert shown["signature_state"] == "holds"
        marks = (await made.provider.call("journal.search", kind="body.erased"))["rows"]
        assert [(each["flow"], each["sender"]) for each in marks] == [(feed, PROVIDER)]

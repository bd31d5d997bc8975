"""A feed of files kept in a reader's folder: what comes, changes, goes; what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ortoo_node.files import fetch, fetching, serving, transfers
from ortoo_node.files.incoming import Incoming
from ortoo_node.files.sink import FileSink
from ortoo_node.folders import Folder
from ortoo_node.sources import mounts
from ortoo_node.sources.files import FilesSource
from ortoo_protocol.core.errors import FileDiskFull, SourceFolder, SourceSettling
from ortoo_protocol.core.files import CHUNK_BYTES, FileRefusal
from ortoo_protocol.station.sending import send
from tests.node.files_kit import CODE, FEED, READER, Pair, noise, pair, put
from tests.support.stations import until, until_read
from tests.support.trust import DEPARTMENTS


async def subscribe(made: Pair, table: str = "images") -> Path:
    department = DEPARTMENTS[READER][0]
    await made.reader.call(
        "subscribe",
        resource=CODE,
        department=department,
        sink="out",
        table=table,
        purpose="工作参考",
    )
    return made.kit.folder / "reader-front" / "out" / table


def sees(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


async def test_files_come_change_and_go(tmp_path: Path) -> None:
    one, two = noise(700_000), b"two"
    async with pair(tmp_path, {"a/one.bin": one, "two.bin": two}) as made:
        place, kept = await subscribe(made), await subscribe(made, "kept")
        await until(lambda: sees(place / "a/one.bin", one) and sees(place / "two.bin", two))
        await until(lambda: sees(kept / "a/one.bin", one) and sees(kept / "two.bin", two))
        # What the department has taken away is not fetched again; what changes is.
        (place / "two.bin").unlink()
        one = noise(800_000, 2)
        put(made.shared, "a/one.bin", one)
        (made.shared / "two.bin").unlink()
        put(made.shared, "三.bin", b"three")
        await made.publish()
        await until(lambda: sees(place / "a/one.bin", one) and sees(place / "三.bin", b"three"))
        await until(lambda: sees(kept / "a/one.bin", one) and sees(kept / "三.bin", b"three"))
        assert not (place / "two.bin").exists()
        assert sees(kept / "two.bin", two)
        (made.shared / "a/one.bin").unlink()
        await made.publish()
        await until(lambda: not (place / "a").exists())
        assert sees(kept / "a/one.bin", one)


async def test_a_version_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    """The file changed after its row left: its old contents are nowhere, the new ones come."""
    async with pair(tmp_path, {"one.bin": noise(300_000)}) as made:
        new = noise(310_000, 2)
        put(made.shared, "one.bin", new)
        place = await subscribe(made)
        await until(lambda: sees(place / "one.bin", new))
        workers = made.reader.app.station.workers
        await until(lambda: all(each.progress.state == "idle" for each in workers.values()))
        shown = (await made.reader.call("subscription.list"))["subscriptions"]
        assert [one["state"] for one in shown if one["sink"] == "out"] == ["current"]


def test_files_that_are_all_still_written_are_said_so(tmp_path: Path) -> None:
    """Nothing to publish yet is not an empty folder: whoever publishes waits, and is told."""
    place = tmp_path / "in"
    place.mkdir()
    folder = Folder(name="front", path=tmp_path, settle_s=3_600)
    source = FilesSource(folder, "*", {}, time.time)
    assert list(source.read("").rows) == []
    (place / "a.bin").write_bytes(b"1")
    with pytest.raises(SourceSettling, match=r"a\.bin"):
        source.read("")
    (place / "b.bin").write_bytes(b"2")
    (place / "b.bin.ok").touch()
    assert [row[0] for row in source.read("").rows if isinstance(row, tuple)] == ["b.bin"]


async def test_a_link_in_the_folder_is_no_way_out_of_it(tmp_path: Path) -> None:
    async with pair(tmp_path, {"a/one.bin": b"1"}) as made:
        outside, place = tmp_path / "outside", made.kit.folder / "reader-front" / "out" / "images"
        outside.mkdir()
        place.mkdir()
        (place / "a").symlink_to(outside)
        await subscribe(made)
        await until(
            lambda: any(
                isinstance(worker.sink, FileSink) and worker.progress.error == "sink.folder"
                for worker in made.reader.app.station.workers.values()
            )
        )
        assert not list(outside.iterdir())


async def paused(made: Pair, subscription: str) -> None:
    await made.reader.call("subscription.pause", subscription=subscription)
    await until(lambda: subscription not in made.reader.app.station.workers)


async def subscription_of(made: Pair) -> str:
    shown = (await made.reader.call("subscription.list"))["subscriptions"]
    return str(next(one["subscription"] for one in shown if one["sink"] == "out"))


async def until_current(made: Pair, seq: int) -> None:
    sink = next(iter(made.reader.app.station.workers.values())).sink
    await until(lambda: bool((at := sink.read_cursor(FEED)) and at.seq >= seq))


async def test_a_file_that_is_gone_before_it_was_fetched(tmp_path: Path) -> None:
    """Nothing of it comes to the folder, not even the folder that it would have stood in."""
    async with pair(tmp_path, {"one.bin": b"1"}) as made:
        place = await subscribe(made)
        await until(lambda: sees(place / "one.bin", b"1"))
        one = await subscription_of(made)
        await paused(made, one)
        put(made.shared, "a/b/late.bin", noise(300_000))
        await made.publish()
        (made.shared / "a/b/late.bin").unlink()
        published = await made.publish()
        await made.reader.call("subscription.resume", subscription=one)
        await until(lambda: one in made.reader.app.station.workers)
        await until_current(made, published["seq"])
        assert sorted(path.name for path in place.iterdir()) == [".ortoo", "one.bin"]


async def test_a_version_that_is_refused_while_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is deleted then: what there is of the new one keeps no folder alive, even when the
    transfer is given up late."""
    removed, deaf, stop = asyncio.Event(), False, fetching.Fetcher._stop
    answer, remove = serving.FileServer._answer, FileSink._remove

    async def late(fetcher: fetching.Fetcher, transfer: str) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(removed.wait(), 0.5)
        await stop(fetcher, transfer)

    async def half(server: serving.FileServer, ask: serving.Ask) -> None:
        if not (deaf and ask.body.first):
            await answer(server, ask)

    def told(sink: FileSink, name: str) -> None:
        remove(sink, name)
        loop.call_soon_threadsafe(removed.set)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(fetching.Fetcher, "_stop", late)
    monkeypatch.setattr(serving.FileServer, "_answer", half)
    monkeypatch.setattr(FileSink, "_remove", told)
    monkeypatch.setattr(fetch, "SILENCE_S", 0.2)
    monkeypatch.setattr(fetching, "LOOK_S", 0.05)
    old = noise(1_000)
    async with pair(tmp_path, {"a/one.bin": old}) as made:
        place = await subscribe(made)
        await until(lambda: sees(place / "a/one.bin", old))
        deaf = True
        put(made.shared, "a/one.bin", noise(20 * CHUNK_BYTES))
        await made.publish()
        running = made.reader.app.files.fetcher._running
        await until(lambda: any(one.incoming and one.incoming.done for one, _ in running.values()))
        (made.shared / "a/one.bin").unlink()
        await made.publish()
        await until(lambda: not (place / "a").exists())
        await until(lambda: not running)
        assert [path.name for path in place.iterdir()] == [".ortoo"]
        assert not list((place / ".ortoo").glob("*.part"))


async def test_a_part_that_was_damaged_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, and what is wrong never stands there; the damage has its name."""
    damaged, finish = False, Incoming.finish

    def once(incoming: Incoming) -> None:
        nonlocal damaged
        if not damaged:
            damaged = True
            incoming._digest.update(b"what the disk made of it")
        finish(incoming)

    monkeypatch.setattr(Incoming, "finish", once)
    async with pair(tmp_path, {"a/one.bin": b"1"}) as made:
        place = await subscribe(made)
        await until(lambda: (place / "a/one.bin").exists())
        assert sees(place / "a/one.bin", b"1")
        shown = (await made.reader.call("file.transfers"))["transfers"]
        assert [(one["state"], (one["error"] or {}).get("code")) for one in shown][-1] == (
            "failed",
            "file.hash",
        )


async def test_a_full_disk_holds_no_other_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though few files of one provider come at once; when there is room, all come."""
    full, write = True, Incoming._write

    def no_room(incoming: Incoming, data: bytes) -> None:
        if full and "images" in incoming.plan.target.parts:
            raise FileDiskFull(file=incoming.plan.name, path=incoming.plan.target.parent)
        write(incoming, data)

    monkeypatch.setattr(Incoming, "_write", no_room)
    monkeypatch.setattr(fetch, "ROOM_S", 0.05)
    monkeypatch.setattr(fetching, "LOOK_S", 0.05)
    contents = {f"{n}.bin": b"%d" % n for n in range(4)}

    def has(folder: Path) -> bool:
        return all(sees(folder / name, content) for name, content in contents.items())

    async with pair(tmp_path, contents) as made:
        place = await subscribe(made)
        await until_read(
            made.reader.app.station,
            lambda conn: [row.error for row in transfers.alive(conn)].count("file.disk-full") == 2,
        )
        kept = await subscribe(made, "kept")
        await until(lambda: has(kept))
        assert not has(place)
        full = False
        await until(lambda: has(place))


async def test_a_refusal_that_comes_when_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of an ask that was repeated and answered late: what lies there is known to lie there, so
    its deletion follows."""
    refused, finish = threading.Event(), Incoming.finish

    def slow(incoming: Incoming) -> None:
        finish(incoming)
        refused.wait(20)

    monkeypatch.setattr(Incoming, "finish", slow)
    async with pair(tmp_path, {"a/one.bin": b"1"}) as made:
        place = await subscribe(made)
        await until(lambda: sees(place / "a/one.bin", b"1"))
        body = FileRefusal(
            feed=FEED,
            name="a/one.bin",
            file=hashlib.sha256(b"1").digest(),
            error="file.unknown",
            detail="",
        )
        await made.provider.app.station.write(lambda tx: send(tx, READER, body))
        await until_read(
            made.reader.app.station,
            lambda conn: all(row.state not in transfers.ALIVE for row in transfers.listed(conn)),
        )
        refused.set()
        (made.shared / "a/one.bin").unlink()
        await made.publish()
        await until(lambda: not (place / "a").exists())


async def test_a_folder_whose_file_system_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its empty mount point stands there: no file counts as deleted, and all goes on when it is
    back. Files that were taken away are gone."""
    away: set[Path] = set()
    monkeypatch.setattr(
        mounts, "device", lambda folder: 7 if folder in away else 1 + folder.name.count("disk")
    )
    contents = {"disk/a/1.bin": b"1", "disk/2.bin": b"2", "3.bin": b"3"}
    async with pair(tmp_path, contents) as made:
        place, disk = await subscribe(made), made.shared / "disk"
        await until(lambda: all(sees(place / name, content) for name, content in contents.items()))
        disk.rename(tmp_path / "unmounted")
        disk.mkdir()
        away.add(disk)
        with pytest.raises(SourceFolder, match="another file system"):
            await made.publish()
        shown = (await made.provider.call("publication.list"))["publications"]
        assert shown[0]["error"]["code"] == "source.folder"
        disk.rmdir()
        (tmp_path / "unmounted").rename(disk)
        away.clear()
        assert (await made.publish())["deletes"] == 0
        (disk / "2.bin").unlink()
        assert (await made.publish())["deletes"] == 1
        (disk / "a/1.bin").unlink()
        (made.shared / "3.bin").unlink()
        assert (await made.publish())["deletes"] == 2
        await until(lambda: [path.name for path in place.iterdir()] == [".ortoo"])

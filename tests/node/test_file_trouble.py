"""What may go wrong with a file on its way: nothing wrong arrives, and each end has its name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ortoo_node.files import fetch, fetching, serving, transfers
from ortoo_node.files.incoming import Incoming
from ortoo_protocol.core import files
from ortoo_protocol.core.errors import FileDiskFull, FileName, FileTaken, FileTarget, FileUnknown
from ortoo_protocol.core.files import CHUNK_BYTES, FileChunk, FileManifest
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import quarantine
from tests.node.files_kit import FEED, READER, Pair, noise, pair, put
from tests.support.stations import until, until_read

BIG = noise(40 * CHUNK_BYTES + 77)


def nothing_left(made: Pair) -> bool:
    return not list(made.taken.iterdir())


async def running(made: Pair, name: str, chunks: int) -> str:
    """A transfer that is as far as `chunks`."""
    transfer = await made.begin(name)
    fetcher = made.reader.app.files.fetcher

    def far() -> bool:
        found = fetcher._running.get(transfer)
        return bool(found and found[0].incoming and found[0].incoming.done >= chunks)

    await until(far)
    return transfer


async def test_a_file_that_changes_while_it_is_sent(tmp_path: Path) -> None:
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        await made.list_has("big.bin")
        transfer = await running(made, "big.bin", 4)
        new = noise(len(BIG), 2)
        put(made.shared, "big.bin", new)
        ended = await made.ended(transfer)
        assert (ended["state"], ended["error"]["code"]) == ("refused", "file.changed")
        await until(lambda: nothing_left(made))

        # The provider has published it again by itself.
        async def comes() -> bool:
            listed = (await made.listed())["big.bin"]
            return bool(listed["sha256"] != ended["sha256"])

        while not await comes():
            pass
        assert (await made.get("big.bin"))["state"] == "done"
        assert (made.taken / "big.bin").read_bytes() == new


async def test_a_file_that_vanishes(tmp_path: Path) -> None:
    async with pair(tmp_path, {"one.bin": b"1", "two.bin": b"2"}) as made:
        await made.list_has("one.bin")
        (made.shared / "one.bin").unlink()
        ended = await made.get("one.bin")
        assert (ended["state"], ended["error"]["code"]) == ("refused", "file.gone")
        while "one.bin" in await made.listed():
            pass
        with pytest.raises(FileUnknown):
            await made.begin("one.bin")


@pytest.mark.parametrize("side", ["provider", "reader"])
async def test_a_grant_that_ends_in_the_middle(tmp_path: Path, side: str) -> None:
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        await made.list_has("big.bin")
        transfer = await running(made, "big.bin", 2)
        await made.end_grant(getattr(made, side))
        ended = await made.ended(transfer)
        assert (ended["state"], ended["error"]["code"]) == ("refused", "grant.ended")
        assert ended["done_bytes"] < len(BIG)
        await until(lambda: nothing_left(made))


async def test_cancelled(tmp_path: Path) -> None:
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        await made.list_has("big.bin")
        transfer = await running(made, "big.bin", 2)
        shown = await made.reader.call("file.cancel", transfer=transfer)
        assert shown["state"] == "cancelled"
        assert not list(made.taken.iterdir())
        assert (await made.get("big.bin"))["state"] == "done"
        with pytest.raises(FileTaken):
            await made.begin("big.bin")
        with pytest.raises(FileTarget):
            await made.reader.call(
                "file.get",
                resource="3070101/0009",
                name="big.bin",
                to="elsewhere",
                purpose="工作参考",
            )


async def test_chunks_that_were_lost_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the provider is killed: an ask that nobody answers, on a link that stands."""
    lost, serve = 4, serving.FileServer._answer

    async def deaf(server: serving.FileServer, ask: serving.Ask) -> None:
        nonlocal lost
        if ask.body.first and lost:
            lost -= 1
        else:
            await serve(server, ask)

    monkeypatch.setattr(serving.FileServer, "_answer", deaf)
    monkeypatch.setattr(fetch, "SILENCE_S", 0.3)
    monkeypatch.setattr(fetching, "LOOK_S", 0.05)
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        await made.list_has("big.bin")
        assert (await made.get("big.bin"))["state"] == "done"
        assert not lost
        assert (made.taken / "big.bin").read_bytes() == BIG


async def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown by its code; once there is room the file goes on where it stood."""
    full, write = True, Incoming._write

    def no_room(incoming: Incoming, data: bytes) -> None:
        if full and incoming.done >= 3:
            raise FileDiskFull(file=incoming.plan.name, path=incoming.plan.target.parent)
        write(incoming, data)

    monkeypatch.setattr(Incoming, "_write", no_room)
    monkeypatch.setattr(fetch, "ROOM_S", 0.05)
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        await made.list_has("big.bin")
        transfer = await made.begin("big.bin")

        def waits(conn: Any) -> bool:
            row = transfers.find(conn, transfer)
            return bool((row.state, row.error) == ("running", "file.disk-full"))

        await until_read(made.reader.app.station, waits)
        full = False
        assert (await made.ended(transfer))["state"] == "done"
        assert (made.taken / "big.bin").read_bytes() == BIG


async def test_chunks_of_another_kind_or_length_are_refused(tmp_path: Path) -> None:
    """A provider that sends what does not fit: set aside by name, the file comes all the same."""
    async with pair(tmp_path, {"big.bin": BIG}) as made:
        listed = await made.list_has("big.bin")
        transfer = await running(made, "big.bin", 1)
        digest = bytes.fromhex(listed["sha256"])

        def forge(tx: Any) -> None:
            for index, data in ((39, b"too short"), (41, b"x" * 77), (10**9, b"far away")):
                send(tx, READER, FileChunk(file=digest, index=index), rows=[data])
            send(tx, READER, FileChunk(file=bytes(32), index=0), rows=[b"nobody waits for it"])

        await made.provider.app.station.write(forge)
        assert (await made.ended(transfer))["state"] == "done"
        assert (made.taken / "big.bin").read_bytes() == BIG


async def test_a_manifest_of_another_size_is_refused(tmp_path: Path) -> None:
    async with pair(tmp_path, {"one.bin": b"12345"}) as made:
        listed = await made.list_has("one.bin")
        digest = bytes.fromhex(listed["sha256"])
        body = FileManifest(
            feed=FEED, name="one.bin", file=digest, size_bytes=1 << 40,
            chunk_bytes=CHUNK_BYTES, chunks=files.chunks_of(1 << 40, CHUNK_BYTES),
        )  # fmt: skip
        await made.reader.app.station.write(
            partial(transfers.begin, wanted=made_wanted(made, listed))
        )
        await made.provider.app.station.write(lambda tx: send(tx, READER, body))
        refused = select(quarantine.c.error)
        await until_read(
            made.reader.app.station,
            lambda conn: "file.unfit" in conn.execute(refused).scalars().all(),
        )


def made_wanted(made: Pair, listed: dict[str, Any]) -> transfers.Wanted:
    return transfers.Wanted(
        "3070101/0009", FEED, made.grant.grant, "one.bin", listed["sha256"],
        listed["size_bytes"], made.taken / "x",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../a", "a/../b", "/etc/passwd", "a//b", "a/", "a\\b", "C:a", "a\0b", "a\nb",
        ".hidden", "a/.ortoo", "~a", "a.", "a ", " a", "CON", "nul.txt", "dir/COM1.log", "a*", "a?",
        "a<b", 'a"b', "a|b", "x" * 241, "\u202egpj.exe", "\ud800",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_or_mislead(name: str) -> None:
    with pytest.raises(FileName):
        files.check_name(name)


@pytest.mark.parametrize("name", ["a", "年报/2025 第一期.pdf", "a.b-c_d(1).tar.gz", "CONTRACT.txt"])
def test_names_that_are_fine(name: str) -> None:
    assert files.check_name(name) == name

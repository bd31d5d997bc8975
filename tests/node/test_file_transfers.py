"""Files from one station to another: whole, once, in place; and what may go wrong on the way."""

from __future__ import annotations

from pathlib import Path

from ortoo_protocol.core.files import CHUNK_BYTES
from tests.node.files_kit import RECEIVED, SENT, noise, pair

BIG = noise(20 * CHUNK_BYTES + 12_345)


async def test_a_file_comes_whole_and_is_journalled_once_on_each_side(tmp_path: Path) -> None:
    async with pair(tmp_path, {"年报/2025.pdf": BIG, "empty.txt": b""}) as made:
        listed = await made.listed()
        assert sorted(listed) == ["empty.txt", "年报/2025.pdf"]
        assert listed["年报/2025.pdf"]["size_bytes"] == len(BIG)
        assert listed["年报/2025.pdf"]["media_type"] == "application/pdf"
        ended = await made.get("年报/2025.pdf", "a.pdf")
        assert (ended["state"], ended["done_bytes"]) == ("done", len(BIG))
        assert (made.taken / "a.pdf").read_bytes() == BIG
        empty = await made.get("empty.txt")
        assert empty["state"] == "done"
        assert (made.taken / "empty.txt").read_bytes() == b""
        assert sorted(path.name for path in made.taken.iterdir()) == ["a.pdf", "empty.txt"]
        sent = await made.journal(made.provider, "file.manifest")
        assert [row.direction for row in sent] == [SENT, SENT]
        came = await made.journal(made.reader, "file.manifest")
        assert [row.direction for row in came] == [RECEIVED] * 4  # begun and ended, of two files
        for node in (made.provider, made.reader):
            assert not await made.journal(node, "file.chunk")

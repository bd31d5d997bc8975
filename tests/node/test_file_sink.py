"""The sink of a feed of files, alone: a fetcher that has every file at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ortoo_node.files.sink import FileSink, Subscribed
from ortoo_node.files.transfers import DONE, Wanted
from ortoo_node.folders import Folder
from ortoo_node.sinks.folder.place import Place
from ortoo_protocol.core.feeds import Changes, TableSchema
from ortoo_protocol.core.files import COLUMNS, KEY
from ortoo_protocol.station.ports import Cursor

FEED = "s150700.images"
SCHEMA = TableSchema(number=1, columns=COLUMNS, key=KEY)


@dataclass
class AtOnce:
    """As a Fetcher whose files are there when they are asked for."""

    contents: dict[str, bytes]
    asked: list[str] = field(default_factory=list)

    async def begin(self, wanted: Wanted) -> str:
        self.asked.append(wanted.name)
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        wanted.target.write_bytes(self.contents[wanted.name])
        return wanted.name

    async def until_ended(self, _transfer: str) -> Any:
        return SimpleNamespace(state=DONE, error="")


def row(name: str, content: bytes) -> tuple[Any, ...]:
    values: dict[str, Any] = {
        "name": name,
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return tuple(values.get(column.name) for column in COLUMNS)


def at(seq: int) -> Cursor:
    return Cursor(FEED, 1, seq, bytes([seq]))


@contextmanager
def opened(folder: Path, contents: dict[str, bytes]) -> Iterator[tuple[FileSink, AtOnce]]:
    front = Folder(name="out", path=folder)
    front.write_path.mkdir(parents=True, exist_ok=True)
    fetcher = AtOnce(contents)
    place = Place(front, "images")
    sink = FileSink(place, fetcher, Subscribed("one", "3/001", FEED, "g"), keep_deleted=False)  # type: ignore[arg-type]  # what the sink calls of it
    sink.read_cursor(FEED)
    yield sink, fetcher
    sink.close()


def held(sink: FileSink) -> list[str]:
    """All that the department sees, folders too."""
    top = sink.place.path
    found = [path.relative_to(top) for path in top.rglob("*")]
    return sorted(str(path) for path in found if path.parts[0] != ".ortoo")


async def test_files_side_by_side_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    """Looking for what is there already is no second one at work in the folder."""
    contents = {f"{n}.bin": b"%d" % n + bytes(4 << 20) for n in range(8)}
    with opened(tmp_path, contents) as (sink, fetcher):
        rows = [row(name, content) for name, content in contents.items()]
        await sink.fetch(SCHEMA, rows)
        sink.replace(SCHEMA, rows, at(1))
        assert held(sink) == sorted(contents)
        (sink.place.own / "files").unlink()  # as before it was noted: found by their contents
        with opened(tmp_path, contents) as (again, other):
            await again.fetch(SCHEMA, rows)
            again.replace(SCHEMA, rows, at(1))
            assert (held(again), other.asked) == (sorted(contents), [])
    assert sorted(fetcher.asked) == sorted(contents)


async def test_what_was_fetched_for_a_state_that_never_came_into_force(tmp_path: Path) -> None:
    """A newer snapshot took its place, or the row was deleted, before the cursor moved."""
    one, two, three = row("a/1", b"1"), row("b/2", b"2"), row("c/3", b"3")
    with opened(tmp_path, {"a/1": b"1", "b/2": b"2", "c/3": b"3"}) as (sink, _):
        await sink.fetch(SCHEMA, [one, two])
        await sink.fetch(SCHEMA, [one])
        sink.replace(SCHEMA, [one], at(2))
        assert held(sink) == ["a", "a/1"]
        await sink.fetch(SCHEMA, [three])
        sink.apply(SCHEMA, Changes([], [("c/3",)]), at(3))
        assert held(sink) == ["a", "a/1"]


async def test_what_the_department_put_there_itself_stays(tmp_path: Path) -> None:
    with opened(tmp_path, {"a/1": b"1"}) as (sink, _):
        await sink.fetch(SCHEMA, [row("a/1", b"1")])
        sink.apply(SCHEMA, Changes([row("a/1", b"1")], []), at(1))
        (sink.place.path / "a/own").write_bytes(b"own")
        (sink.place.path / "b").write_bytes(b"own")
        sink.apply(SCHEMA, Changes([], [("a/1",), ("b",)]), at(2))
        assert held(sink) == ["a", "a/own", "b"]

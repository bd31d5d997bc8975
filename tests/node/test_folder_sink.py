"""What a folder sink writes, and what it does where its surroundings are wrong."""

from __future__ import annotations

import base64
import csv
import errno
import io
import json
import os
import resource
import shutil
import stat
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ortoo_node.folders import FileOptions, Folder, TableOptions
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks import open_sink
from ortoo_node.sinks.folder import FolderSink, WholeFolderSink, open_folder_sink
from ortoo_node.sinks.folder.place import Place
from ortoo_node.sources.folder import FolderSource
from ortoo_protocol.core.errors import (
    SinkError,
    SinkFolder,
    SinkForbidden,
    SinkFull,
    SinkMismatch,
    SinkMoved,
    SinkParquet,
    SinkUnavailable,
    SinkWaiting,
)
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.settings import StationTable
from tests.node.folder_kit import NO_STORE
from tests.support.stations import until

FEED = "s150700.towns"
CODE, NAME, COUNT = Column("code", "C", 12), Column("name", "C", 0), Column("count", "I", 0)
TOWNS = TableSchema(number=1, columns=(CODE, NAME, COUNT), key=("code",))
ALL = TableSchema(
    number=1,
    columns=tuple(Column(letter.lower(), letter, 0) for letter in "CMNYIBFLDTG"),
    key=("c",),
)
VALUES = (
    *("码,1", '行\n"二"', "-12.50", "19.99", -7, 0.1, 1e300, True),
    *("2026-01-02", "2026-01-02T03:04:05+08:00", b"\x00\xff"),
)


def at(seq: int, incarnation: int = 1) -> Cursor:
    return Cursor(FEED, incarnation, seq, bytes([seq]) * 32)


@pytest.fixture
def front(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path


def folder(front: Path, **options: Any) -> Folder:
    return Folder(name="front-end", path=front, tables=(TableOptions(table="towns", **options),))


def opened(front: Path, **options: Any) -> FolderSink | WholeFolderSink:
    return open_folder_sink(folder(front, **options), "towns")


def listed(front: Path) -> list[str]:
    return sorted(name for name in os.listdir(front / "out" / "towns") if name[0] != ".")


def only(front: Path) -> bytes:
    (name,) = listed(front)
    return (front / "out" / "towns" / name).read_bytes()


# --- names and formats ---------------------------------------------------------------------------


def test_names_say_feed_incarnation_and_number(front: Path) -> None:
    sink = opened(front)
    sink.replace(TOWNS, [("1", "a", 1)], at(7, incarnation=2))
    sink.apply(TOWNS, Changes(), at(8, incarnation=2))
    sink.apply(TOWNS, Changes((("2", None, 2),), (("1",),)), at(9, incarnation=2))
    assert listed(front) == [
        "s150700.towns-0002-000000000007-snapshot.csv",
        "s150700.towns-0002-000000000009-changes.csv",
    ]
    rows = (front / "out/towns" / listed(front)[1]).read_bytes()
    assert rows == b"op,code,name,count\r\nD,1,,\r\nU,2,,2\r\n"


@pytest.mark.parametrize(
    ("encoding", "codec"), [("utf-8", "utf-8"), ("utf-8-bom", "utf-8-sig"), ("gb18030", "gb18030")]
)
def test_csv_encodings(front: Path, encoding: str, codec: str) -> None:
    opened(front, encoding=encoding).apply(ALL, Changes((VALUES,)), at(1))
    raw = only(front)
    assert raw.startswith(b"\xef\xbb\xbf") is (codec == "utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(raw.decode(codec), newline=""))
    assert row == {
        **{"op": "U", "c": "码,1", "m": '行\n"二"', "n": "-12.50", "y": "19.99", "i": "-7"},
        **{"b": "0.1", "f": "1e+300", "l": "true", "d": "2026-01-02"},
        **{"t": "2026-01-02T03:04:05+08:00", "g": base64.b64encode(b"\x00\xff").decode()},
    }


def test_json_lines(front: Path) -> None:
    opened(front, format="jsonl").apply(ALL, Changes((VALUES,), (("gone",),)), at(1))
    deleted, row = map(json.loads, only(front).decode().splitlines())
    assert deleted == {"op": "D", "c": "gone", **dict.fromkeys("mnyibfldtg")}
    assert row == {
        "op": "U",
        **dict(zip("cmnyibfldt", VALUES, strict=False)),
        "g": base64.b64encode(b"\x00\xff").decode(),
    }


def test_parquet(front: Path) -> None:
    empty = ("x", *[None] * 10)
    opened(front, format="parquet").apply(ALL, Changes((VALUES, empty)), at(1))
    row, other = parquet.read_table(io.BytesIO(only(front))).to_pylist()
    assert row == {
        "op": "U",
        **dict(zip("cmnyibfldtg", VALUES, strict=True)),
        "d": date(2026, 1, 2),
    }
    assert other == {"op": "U", "c": "x", **dict.fromkeys("mnyibfldtg")}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_same_item_is_the_same_bytes(front: Path, kind: str) -> None:
    seen = set()
    for _ in range(2):
        opened(front, format=kind).apply(ALL, Changes((VALUES,), (("gone",),)), at(1))
        seen.add(only(front))
        shutil.rmtree(front / "out/towns")
    assert len(seen) == 1


def test_parquet_without_its_library(front: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    sink = opened(front, format="parquet")
    with pytest.raises(SinkParquet):
        sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    assert listed(front) == []
    assert sink.read_cursor(FEED) is None


def test_formulas_are_left_alone_unless_asked(front: Path) -> None:
    schema = TableSchema(number=1, columns=(CODE, NAME, COUNT, Column("=x", "C", 0)), key=("code",))
    rows = [("-1", "=cmd|' /C calc'!A0", -5, "@x"), ("+2", "a=b", 2, "\tx")]
    opened(front).apply(schema, Changes(rows), at(1))
    assert b",=cmd|" in only(front)
    shutil.rmtree(front / "out/towns")
    opened(front, neutralise=True).apply(schema, Changes(rows), at(1))
    written = list(csv.reader(io.StringIO(only(front).decode(), newline="")))
    assert written == [
        ["op", "code", "name", "count", "'=x"],
        ["U", "'-1", "'=cmd|' /C calc'!A0", "-5", "'@x"],
        ["U", "'+2", "a=b", "2", "'\tx"],
    ]


def test_an_item_that_is_called_op(front: Path) -> None:
    schema = TableSchema(number=1, columns=(CODE, Column("OP", "C", 0)), key=("code",))
    opened(front).apply(schema, Changes((("1", "x"),)), at(1))
    assert only(front).startswith(b"ortoo_op,code,OP\r\n")


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(cells, st.none() | st.integers(-(1 << 63), (1 << 63) - 1)), max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-bom", "gb18030"]),
)
def test_what_a_sink_writes_a_source_reads(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, int | None]],
    encoding: str,
) -> None:
    """One station's front-end machine may be another's."""
    front = tmp_path_factory.mktemp("front")
    (front / "out").mkdir()
    upserts = [(str(place), name, count) for place, (name, count) in enumerate(rows)]
    changes = Changes(upserts, (("gone",), ("去",)))
    opened(front, encoding=encoding).apply(TOWNS, changes, at(1))
    hint: Any = encoding.removesuffix("-bom")
    options = FileOptions(pattern="*", whole=False, op_column="op", encoding=hint)
    back = Folder(name="back", path=front / "out", read="towns", write="", files=(options,))
    source = FolderSource(back, "*", TOWNS.columns, TOWNS.key, {}, front / "spool", lambda: 1e11)
    reading = source.read("")
    assert list(reading.rows) == [(code, name or None, count) for code, name, count in upserts]
    assert sorted(reading.deletes()) == [("gone",), ("去",)]


def test_memory_is_bounded(front: Path) -> None:
    sink = opened(front)
    rows = ((f"{n:08}", "名" * 20, n) for n in range(100_000))
    tracemalloc.start()
    try:
        sink.replace(TOWNS, rows, at(1))
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
    assert only(front).count(b"\r\n") == 100_001


# --- back-pressure -------------------------------------------------------------------------------


def test_with_enough_files_waiting_the_sink_waits(front: Path) -> None:
    sink = opened(front, most_files=2)
    for seq in (1, 2):
        sink.apply(TOWNS, Changes(((str(seq), "a", 1),)), at(seq))
    with pytest.raises(SinkWaiting) as caught:
        sink.apply(TOWNS, Changes((("3", "a", 1),)), at(3))
    assert isinstance(caught.value, SinkUnavailable)
    assert caught.value.facts["count"] == 2
    assert sink.read_cursor(FEED) == at(2)
    other = open_folder_sink(folder(front, most_files=2), "other")
    other.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    os.unlink(front / "out/towns" / listed(front)[0])
    sink.apply(TOWNS, Changes((("3", "a", 1),)), at(3))
    assert len(listed(front)) == 2


def test_a_snapshot_takes_the_place_of_what_waits(front: Path) -> None:
    sink = opened(front)
    (front / "out/towns").mkdir()
    (front / "out/towns/theirs.txt").touch()
    for seq in (1, 2, 9):
        sink.apply(TOWNS, Changes(((str(seq), "a", 1),)), at(seq))
    sink.replace(TOWNS, [("1", "a", 1)], at(4))
    assert listed(front) == ["s150700.towns-0001-000000000004-snapshot.csv", "theirs.txt"]


# --- one current file ----------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def whole(front: Path, clock: Callable[[], float], **options: Any) -> WholeFolderSink:
    options = {"table": "towns", "mode": "whole", **options}
    return WholeFolderSink(Place(folder(front), "towns"), TableOptions(**options), clock)


def test_a_current_file_is_replaced_at_most_every_so_often(front: Path) -> None:
    clock = Clock()
    sink = whole(front, clock, every_s=1_000)
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    first = only(front)
    assert first == b"code,name,count\r\n1,a,1\r\n"
    sink.apply(TOWNS, Changes((("2", "b", 2),)), at(2))
    assert only(front) == first
    clock.now = 1_000
    sink.apply(TOWNS, Changes((("3", "c", 3),), (("1",),)), at(3))
    assert only(front) == b"code,name,count\r\n2,b,2\r\n3,c,3\r\n"
    sink.close()


async def test_the_last_change_is_written_without_another(front: Path) -> None:
    clock = Clock()
    sink = whole(front, clock, every_s=0.05)
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    sink.apply(TOWNS, Changes((("2", "b", 2),)), at(2))
    await until(lambda: only(front).endswith(b"2,b,2\r\n"))
    sink.close()


def test_closing_writes_what_is_left(front: Path) -> None:
    sink = whole(front, Clock(), every_s=1_000)
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    sink.apply(TOWNS, Changes((("2", "b", 2),)), at(2))
    sink.close()
    assert only(front).endswith(b"2,b,2\r\n")


def test_a_file_that_is_behind_is_written_at_the_start(front: Path) -> None:
    sink = whole(front, Clock(), every_s=0)
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    held = Place(folder(front), "towns")
    with held.locked(), pytest.raises(SinkUnavailable):
        sink.apply(TOWNS, Changes((("2", "b", 2),)), at(2))
    with _limited(0), pytest.raises(SinkUnavailable):
        sink.apply(TOWNS, Changes((("2", "b", 2),)), at(2))
    again = whole(front, Clock(), every_s=0)
    cursor = again.read_cursor(FEED)
    assert only(front).count(b"\r\n") == 1 + (cursor.seq if cursor else 0)


def test_a_changed_schema_changes_the_file(front: Path) -> None:
    sink = whole(front, Clock(), every_s=0)
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(1))
    more = TableSchema(number=2, columns=(CODE, COUNT, Column("备注", "M", 0)), key=("code",))
    sink.apply(more, Changes((("2", 2, "b"),)), at(2))
    assert only(front).decode() == "code,count,备注\r\n1,1,\r\n2,2,b\r\n"
    for other in (
        TableSchema(number=3, columns=(CODE, Column("count", "C", 0)), key=("code",)),
        TableSchema(number=3, columns=(CODE, COUNT), key=("count",)),
    ):
        with pytest.raises(SinkMismatch):
            sink.apply(other, Changes(), at(3))
    assert sink.read_cursor(FEED) == at(2)


# --- surroundings --------------------------------------------------------------------------------


@contextmanager
def _limited(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size`: the kernel refuses, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_full_disk_leaves_nothing_half(front: Path, kind: str) -> None:
    sink = opened(front, format=kind)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    before = listed(front)
    rows = [(str(n), os.urandom(40).hex(), n) for n in range(20_000)]
    with _limited(64 << 10):
        for write in (
            lambda: sink.apply(TOWNS, Changes(rows), at(2)),
            lambda: sink.replace(TOWNS, rows, at(2)),
        ):
            with pytest.raises(SinkFull):
                write()
    assert listed(front) == before
    assert not list((front / "out/towns").glob(".*.part"))
    assert sink.read_cursor(FEED) == at(1)
    sink.apply(TOWNS, Changes(rows), at(2))


def test_a_full_disk_of_a_current_file(front: Path) -> None:
    sink = whole(front, Clock(), every_s=0)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    before = only(front)
    rows = [(str(n), "x" * 40, n) for n in range(20_000)]
    with _limited(64 << 10), pytest.raises(SinkUnavailable):
        sink.apply(TOWNS, Changes(rows), at(2))
    assert only(front) == before
    assert sink.read_cursor(FEED) == at(1)
    sink.apply(TOWNS, Changes(rows), at(2))
    assert only(front).count(b"\r\n") == 20_001


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EROFS, SinkForbidden),
        (errno.EACCES, SinkForbidden),
        (errno.ENOSPC, SinkFull),
        (errno.EDQUOT, SinkFull),
        (errno.EIO, SinkFolder),
        (errno.ESTALE, SinkFolder),
    ],
)
@pytest.mark.parametrize("call", ["open", "write", "fsync", "replace"])
def test_what_the_system_refuses_has_a_name(
    front: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    error: type[SinkError],
    call: str,
) -> None:
    sink = opened(front)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    before = listed(front)

    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(error):
            sink.apply(TOWNS, Changes((("1", "b", 1),)), at(2))
    assert listed(front) == before
    assert sink.read_cursor(FEED) == at(1)
    sink.apply(TOWNS, Changes((("1", "b", 1),)), at(2))


@pytest.mark.parametrize("mode", ["changes", "whole"])
def test_a_folder_that_vanished_is_not_made_anew(front: Path, mode: str) -> None:
    """It may be a mount that is away: what is written into its place would be lost."""
    sink = opened(front, mode=mode)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    os.rename(front / "out", front / "away")
    for call in (
        lambda: sink.read_cursor(FEED),
        lambda: sink.apply(TOWNS, Changes((("1", "b", 1),)), at(2)),
        lambda: sink.replace(TOWNS, [("1", "b", 1)], at(2)),
    ):
        with pytest.raises(SinkFolder):
            call()
    assert os.listdir(front) == ["away"]
    os.rename(front / "away", front / "out")
    assert sink.read_cursor(FEED) == at(1)
    sink.apply(TOWNS, Changes((("1", "b", 1),)), at(2))
    sink.close()


def test_the_department_may_take_files_away(front: Path) -> None:
    """Whatever the umask of the service is."""
    (front / "out").chmod(0o2770)
    opened(front).apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    assert stat.S_IMODE((front / "out/towns").stat().st_mode) == 0o2770
    assert stat.S_IMODE((front / "out/towns/.ortoo").stat().st_mode) & 0o77 == 0


def test_parts_that_a_crash_left_are_removed(front: Path) -> None:
    sink = opened(front)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    part = front / "out/towns/.x-changes.csv.part"
    part.write_text("half")
    sink.apply(TOWNS, Changes((("1", "a", 1),)), at(2))
    assert not part.exists()


def test_a_cursor_that_somebody_edited(front: Path) -> None:
    sink = opened(front)
    sink.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    (front / "out/towns/.ortoo/cursor.json").write_text("{}")
    with pytest.raises(SinkMismatch):
        sink.read_cursor(FEED)


def test_two_stations_do_not_write_one_folder_at_once(front: Path) -> None:
    first, second = opened(front), opened(front)
    first.apply(TOWNS, Changes((("0", "a", 1),)), at(1))
    with Place(folder(front), "towns").locked(), pytest.raises(SinkUnavailable):
        first.apply(TOWNS, Changes((("1", "a", 1),)), at(2))
    with pytest.raises(SinkMoved):
        second.apply(TOWNS, Changes((("1", "a", 1),)), at(2))


@pytest.mark.parametrize("name", ["", "a/b", "..", ".x", "~$x", "a\0", "a\n", "x" * 64, "a.part"])
def test_tables_that_are_no_folder_names(front: Path, name: str) -> None:
    with pytest.raises(SinkMismatch):
        open_folder_sink(folder(front), name)


def test_the_settings_name_it(front: Path) -> None:
    station = StationTable(party="s150700", plane=Plane.EXTRANET, folder=front / "station")
    settings_ = NodeSettings(station=station, folders=(folder(front, mode="whole"),))
    assert isinstance(open_sink(settings_, "front-end", "towns", **NO_STORE), WholeFolderSink)
    assert isinstance(open_sink(settings_, "front-end", "乡镇", **NO_STORE), FolderSink)

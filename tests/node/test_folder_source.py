"""A folder as a source: what is read in which order, once, and what becomes of files that fail."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ortoo_node.sources.folder.spool import PIECE_BYTES
from ortoo_protocol.core.errors import (
    SourceFile,
    SourceFileColumns,
    SourceFileEncoding,
    SourceFolder,
    SourceMissing,
    SourceRowKey,
    SourceRowOp,
    SourceSettling,
    SourceSpool,
)
from ortoo_protocol.core.feeds import Column
from tests.node.folder_kit import CODE, COUNT, NAME, FrontEnd, Read

HEAD = "code,name,count\n"


@pytest.fixture
def front(tmp_path: Path) -> FrontEnd:
    return FrontEnd(tmp_path / "front")


def age(file: Path, seconds: int) -> None:
    os.utime(file, (1_700_000_000 + seconds,) * 2)


def changes(front: FrontEnd, pattern: str = "*.csv", **options: object) -> Read:
    return front.read(pattern, whole=False, **options)


# --- whole files ---------------------------------------------------------------------------------


def test_the_newest_whole_file_counts_and_is_read_once(front: FrontEnd) -> None:
    age(front.put("b.csv", HEAD + "1,old,1\n"), 0)
    age(front.put("a.csv", HEAD + "1,new,1\n"), 9)
    read = front.read()
    assert (read.rows, read.whole) == ([("1", "new", 1)], True)
    again = front.read()
    assert (again.rows, again.whole) == ([], False)


def test_an_older_file_never_follows_a_newer_one(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    age(front.put("a.csv", HEAD + "1,new,1\n"), 9)
    front.read()
    age(front.put("late.csv", HEAD + "1,old,1\n"), 5)
    assert front.read().rows == []
    age(front.put("next.csv", HEAD + "1,next,1\n"), 10)
    assert front.read().rows == [("1", "next", 1)]


def test_the_same_file_anew(front: FrontEnd) -> None:
    age(front.put("a.csv", HEAD + "1,a,1\n"), 0)
    front.read()
    age(front.put("a.csv", HEAD + "1,a,1\n"), 5)  # the same content: nothing to do, and no deletes
    read = front.read()
    assert (read.rows, read.whole) == ([], False)
    age(front.put("a.csv", HEAD), 9)
    read = front.read()
    assert (read.rows, read.whole) == ([], True)  # a header alone says that nothing is left


def test_a_whole_file_that_fails_is_named_each_time(front: FrontEnd) -> None:
    age(front.put("a.csv", HEAD + "1,a,1\n"), 0)
    front.read()
    file = front.put("b.csv", "code,name\n1,b\n")
    for _ in range(2):
        with pytest.raises(SourceFileColumns):
            front.read()
    assert file.exists()
    front.put("b.csv", HEAD + "1,b,2\n")
    assert front.read().rows == [("1", "b", 2)]


def test_an_empty_file_empties_no_table(front: FrontEnd) -> None:
    front.put("a.csv", "")
    with pytest.raises(SourceFileColumns):
        front.read()


# --- changes -------------------------------------------------------------------------------------


def test_changes_are_read_in_order_of_names_and_once(front: FrontEnd) -> None:
    age(front.put("2.csv", HEAD + "1,b,2\n"), 0)
    age(front.put("1.csv", HEAD + "1,a,1\n2,x,1\n"), 9)
    read = changes(front)
    assert read.rows == [("1", "a", 1), ("2", "x", 1), ("1", "b", 2)]
    assert read.where == ["1.csv:2", "1.csv:3", "2.csv:2"]
    assert not read.whole
    front.put("3.csv", HEAD + "3,c,3\n")
    assert changes(front).rows == [("3", "c", 3)]
    front.put("1.csv", HEAD + "1,again,1\n")
    assert changes(front).rows == [("1", "again", 1)]


def test_deletes_by_a_column(front: FrontEnd) -> None:
    rows = "1,a,1,\n2,b,2,U\n3,c,3,新增\n4,,,D\n5,e,5,删除\n"
    front.put("1.csv", "code,name,count,op\n" + rows)
    read = changes(front, op_column="op")
    assert read.rows == [("1", "a", 1), ("2", "b", 2), ("3", "c", 3)]
    assert read.deletes == [("4",), ("5",)]


def test_the_last_word_on_a_key_counts(front: FrontEnd) -> None:
    front.columns, front.key = (COUNT, CODE), ("code",)
    front.put("1.csv", "code,count,op\n1,1,D\n2,2,U\n3,3,D\n")
    front.put("2.csv", "code,count,op\n1,9,U\n2,,D\n")
    read = changes(front, op_column="op")
    assert read.rows == [(2, "2"), (9, "1")]
    assert sorted(read.deletes) == [("2",), ("3",)]


def test_keys_of_deletes_are_canonical(front: FrontEnd) -> None:
    front.columns = (Column("id", "I", 0), NAME)
    front.key = ("id",)
    front.put("1.csv", "id,name,op\n００７,,D\nx,,D\n,,D\n7.0,back,U\n8,,D\n9,i,?\n")
    read = changes(front, op_column="op")
    assert read.rows == [(7, "back")]
    assert read.deletes == [(8,)]
    assert [type(error) for error in read.errors] == [SourceRowKey, SourceRowKey, SourceRowOp]


def test_whole_files_with_an_operation_leave_out_what_is_deleted(front: FrontEnd) -> None:
    front.put("1.csv", "code,name,count,op\n1,a,1,\n2,b,2,D\n")
    read = front.read(op_column="op")
    assert (read.rows, read.deletes, read.whole) == ([("1", "a", 1)], [], True)


def test_a_failed_file_stays_and_the_others_go_on(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    front.put("1.csv", HEAD + "1,a,1\n")
    front.put("2.csv", "code\n1\n")
    front.put("3.csv", HEAD.encode() + b"\xff")
    front.put("4.csv", HEAD + "4,d,4\n")
    read = changes(front)
    assert read.rows == [("1", "a", 1), ("4", "d", 4)]
    assert [type(error) for error in read.errors] == [SourceFileColumns, SourceFileEncoding]
    assert sorted(os.listdir(front.path / "in")) == ["2.csv", "3.csv"]
    assert sorted(os.listdir(front.path / "done")) == ["1.csv", "4.csv"]
    # It is not tried again until it changes.
    assert changes(front).errors == []
    front.put("2.csv", HEAD + "2,b,2\n")
    assert changes(front).rows == [("2", "b", 2)]


def test_a_file_that_is_written_stops_those_behind_it(front: FrontEnd) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    front.put("3.csv", HEAD + "3,c,3\n")
    with front.put("2.csv", HEAD).open("a") as writer:
        writer.write("2,b")
        writer.flush()
        assert changes(front).rows == [("1", "a", 1)]
        with pytest.raises(SourceSettling) as caught:
            changes(front)
        assert caught.value.facts["file"] == "2.csv"
        writer.write(",2\n")
    assert changes(front).rows == [("2", "b", 2), ("3", "c", 3)]


def test_other_options_read_everything_again(front: FrontEnd) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    changes(front)
    assert changes(front).rows == []
    front.columns = (CODE, COUNT)
    assert changes(front).rows == [("1", 1)]


@pytest.mark.parametrize("mark", ["", "{}", "x", "2026-01-01T00:00:00", '{"asked":1}', "[]"])
def test_a_mark_of_something_else_is_the_beginning(front: FrontEnd, mark: str) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    front.mark = mark
    assert changes(front).rows == [("1", "a", 1)]


def test_what_was_taken_away_is_forgotten(front: FrontEnd) -> None:
    file = front.put("1.csv", HEAD + "1,a,1\n")
    front.put("2.csv", HEAD + "2,a,1\n")
    changes(front)
    file.unlink()
    assert list(json.loads(changes(front).mark)["files"]) == ["2.csv"]


# --- crashes -------------------------------------------------------------------------------------


def test_a_reading_that_was_not_published_is_read_again(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    front.put("1.csv", HEAD + "1,a,1\n")
    for _ in range(2):
        assert changes(front, done=False).rows == [("1", "a", 1)]
    assert changes(front).rows == [("1", "a", 1)]


def test_published_and_not_moved_yet(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    front.put("1.csv", HEAD + "1,a,1\n")
    front.mark = changes(front, done=False).mark  # then the process ended
    assert changes(front).rows == []
    assert os.listdir(front.path / "done") == ["1.csv"]


def test_a_name_that_is_taken_in_done(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    for content in ("1", "2"):
        age(front.put("1.csv", f"{HEAD}{content},a,1\n"), int(content))
        (front.path / "in" / "1.csv.ok").touch()
        changes(front)
    assert len(os.listdir(front.path / "done")) == 2
    assert os.listdir(front.path / "in") == []


def test_what_changed_since_it_was_read_stays(front: FrontEnd) -> None:
    front.more = {"done": "done"}
    front.put("1.csv", HEAD + "1,a,1\n")
    source = front.source("*.csv", whole=False)
    reading = source.read("")
    assert len(list(reading.rows)) == 1
    front.put("1.csv", HEAD + "1,b,1\n")
    front.mark = reading.mark()
    reading.done()
    assert changes(front).rows == [("1", "b", 1)]


# --- a file that changes while it is read --------------------------------------------------------


class _Meddle:
    """Does something to the file between two pieces that are copied."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.act = lambda: None
        read = os.read

        def reading(descriptor: int, size: int) -> bytes:
            piece = read(descriptor, size)
            if size == PIECE_BYTES:
                act, self.act = self.act, lambda: None
                act()
            return piece

        monkeypatch.setattr("ortoo_node.sources.folder.spool.os.read", reading)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("way", ["grows", "shrinks", "is overwritten", "is replaced", "vanishes"])
def test_nothing_of_a_file_that_changes_leaves(
    front: FrontEnd, monkeypatch: pytest.MonkeyPatch, way: str, whole: bool
) -> None:
    front.put("1.csv", HEAD + "0,first,0\n")
    file = front.put("2.csv", HEAD + "".join(f"{n},x,{n}\n" for n in range(200_000)))
    age(front.path / "in" / "1.csv", 0)
    assert file.stat().st_size > 2 * PIECE_BYTES

    def act() -> None:
        if way == "grows":
            with file.open("a") as handle:
                handle.write("9,late,9\n")
        elif way == "shrinks":
            os.truncate(file, 2 * PIECE_BYTES)
        elif way == "is overwritten":
            with file.open("r+") as handle:
                handle.write("CODE")
        elif way == "is replaced":
            other = file.with_suffix(".tmp")
            other.write_bytes(file.read_bytes())
            os.replace(other, file)
        else:
            file.unlink()

    meddle = _Meddle(monkeypatch)
    if not whole:
        assert changes(front, "1.csv").rows  # it is the second that changes
        front.mark = ""
    meddle.act = act
    if whole:
        read = front.read("2.csv")
        assert (read.rows, read.whole) == ([], False)
    else:
        read = changes(front, "2.csv")
        assert read.rows == []
    assert "2.csv" not in json.loads(read.mark)["files"]
    if way != "vanishes":
        last = front.read("2.csv") if whole else changes(front, "2.csv")
        assert len(last.rows) + len(last.errors) > 100_000


# --- surroundings --------------------------------------------------------------------------------


def test_no_file_and_no_folder(front: FrontEnd) -> None:
    with pytest.raises(SourceMissing):
        front.read("nothing*.csv")
    (front.path / "in").rmdir()
    with pytest.raises(SourceFolder):
        front.source().check()


def test_files_that_were_all_taken_away_are_no_trouble(front: FrontEnd) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    front.read()
    (front.path / "in" / "1.csv").unlink()
    read = front.read()
    assert (read.rows, read.whole) == ([], False)


def test_a_folder_that_vanishes_while_it_is_read(front: FrontEnd) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    reading = front.source(whole=False).read("")
    (front.path / "in" / "1.csv").unlink()
    (front.path / "in").rmdir()
    assert list(reading.rows) == []
    assert json.loads(reading.mark())["files"] == {}


def test_the_spool_cannot_be_written(front: FrontEnd) -> None:
    (front.path / "spool").write_text("a file")
    front.put("1.csv", HEAD + "1,a,1\n")
    with pytest.raises(SourceSpool):
        front.read()


def test_the_disk_is_full(front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> tuple[int, str]:
        name = front.path / "spool" / "x"
        name.touch()
        return os.open("/dev/full", os.O_RDWR), os.fspath(name)

    monkeypatch.setattr("ortoo_node.sources.folder.spool.tempfile.mkstemp", full)
    front.put("1.csv", HEAD + "1,a,1\n")
    with pytest.raises(SourceSpool, match="space"):
        front.read()


def test_nothing_is_left_in_the_spool(front: FrontEnd) -> None:
    front.put("1.csv", HEAD + "1,a,1\n")
    rows: Iterator[Sequence[object]] = front.source().read("").rows
    next(rows)
    assert os.listdir(front.path / "spool") == []


def test_names_that_are_no_text(front: FrontEnd) -> None:
    name = os.fsencode(front.path / "in") + b"/\xff\n.csv"
    with open(name, "w") as file:
        file.write("code\n1\n")
    read = changes(front)
    (error,) = read.errors
    assert isinstance(error, SourceFile)
    str(error).encode()
    read.mark.encode()
    assert changes(front).errors == []

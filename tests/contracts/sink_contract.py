"""What every sink must do, whatever database stands behind it (station/ports.py, Sink)."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    RowsKey,
    RowsSchema,
    RowsValue,
    SinkBusy,
    SinkConstraint,
    SinkMismatch,
    SinkMoved,
    SinkTaken,
)
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.station.ports import Cursor, Sink
from tests.support.department import Department

FEED = "s150700.townships"
CODE, NAME, COUNT = Column("code", "C", 12), Column("name", "C", 20), Column("count", "I", 0)
Row = tuple[Scalar, ...]
SinkOf = Callable[[str], Sink]


def schema(*columns: Column, key: tuple[str, ...] = ("code",), number: int = 1) -> TableSchema:
    return TableSchema(number=number, columns=columns, key=key)


TOWNS = schema(CODE, NAME, COUNT)


def at(seq: int, incarnation: int = 1, feed: str = FEED) -> Cursor:
    return Cursor(feed, incarnation, seq, bytes([seq % 256]) * 32)


NOTHING = Changes()


def put(*rows: Row, drop: tuple[Row, ...] = ()) -> Changes:
    return Changes(rows, drop)


def drop(*keys: Row) -> Changes:
    return Changes(deletes=keys)


class SinkContract:
    """Subclasses give the fixtures `department`; `sink_of`, a table's name to a sink that is closed
    after the test; and `lock`, a statement that keeps others from writing the table `towns`."""

    @pytest.fixture
    def sink(self, sink_of: SinkOf) -> Sink:
        return sink_of("towns")

    def towns(self, department: Department) -> list[tuple[object, ...]]:
        return department.rows("SELECT code, name, count FROM towns ORDER BY code")

    # --- rows and cursor ------------------------------------------------------------------------

    def test_rows_and_cursor_arrive(self, sink: Sink, department: Department) -> None:
        assert sink.read_cursor(FEED) is None
        sink.apply(TOWNS, put(("1", "海拉尔", 3), ("2", None, None)), at(2))
        assert self.towns(department) == [("1", "海拉尔", 3), ("2", None, None)]
        assert sink.read_cursor(FEED) == at(2)
        assert sink.read_cursor("s150200.other") is None

    def test_changes_follow(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, put(("1", "a", 1), ("2", "b", 2), ("3", "c", 3)), at(1))
        sink.apply(
            TOWNS,
            put(
                ("2", "B", 2),
                ("4", "d", 4),
                drop=(
                    ("1",),
                    ("9",),
                ),
            ),
            at(2),
        )
        assert self.towns(department) == [("2", "B", 2), ("3", "c", 3), ("4", "d", 4)]

    def test_no_changes_still_move_the_cursor(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, NOTHING, at(1))
        assert self.towns(department) == []
        assert sink.read_cursor(FEED) == at(1)

    @pytest.mark.parametrize("late", [at(5), at(4), at(9, incarnation=0)])
    def test_what_is_applied_is_not_applied_again(
        self, sink: Sink, department: Department, late: Cursor
    ) -> None:
        sink.apply(TOWNS, put(("1", "new", 1)), at(5))
        sink.apply(TOWNS, put(("1", "old", 1)), late)
        assert self.towns(department) == [("1", "new", 1)]
        assert sink.read_cursor(FEED) == at(5)

    def test_another_item_of_the_same_number_is_not_taken_for_it(self, sink: Sink) -> None:
        sink.apply(TOWNS, NOTHING, at(5))
        with pytest.raises(SinkMoved):
            sink.apply(TOWNS, NOTHING, replace(at(5), hash=b"x"))
        assert sink.read_cursor(FEED) == at(5)

    def test_where_it_stands_is_read_first(self, sink: Sink, sink_of: SinkOf) -> None:
        sink.apply(TOWNS, NOTHING, at(5))
        with pytest.raises(SinkMoved):
            sink_of("towns").apply(TOWNS, NOTHING, at(6))

    def test_a_cursor_that_somebody_else_moved(self, sink: Sink, sink_of: SinkOf) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        other = sink_of("towns")
        assert other.read_cursor(FEED) == at(1)
        other.apply(TOWNS, put(("1", "b", 1)), at(2))
        with pytest.raises(SinkMoved):
            sink.apply(TOWNS, put(("1", "z", 1)), at(3))
        assert sink.read_cursor(FEED) == at(2)
        sink.apply(TOWNS, put(("1", "c", 1)), at(3))

    def test_a_dropped_table_has_no_cursor(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(7))
        department.run("DROP TABLE towns")
        with pytest.raises(SinkMoved):
            sink.apply(TOWNS, put(("2", "b", 2)), at(8))
        assert sink.read_cursor(FEED) is None
        sink.replace(TOWNS, [("1", "a", 1), ("2", "b", 2)], at(8))
        assert len(self.towns(department)) == 2

    def test_a_table_has_one_feed(self, sink: Sink, sink_of: SinkOf) -> None:
        sink.apply(TOWNS, NOTHING, at(1))
        other = sink_of("towns")
        with pytest.raises(SinkTaken) as caught:
            other.apply(TOWNS, NOTHING, at(1, feed="s150200.towns"))
        assert caught.value.facts["owner"] == FEED
        with pytest.raises(SinkTaken):
            other.replace(TOWNS, [], at(1, feed="s150200.towns"))

    def test_one_feed_fills_two_tables(self, sink: Sink, sink_of: SinkOf) -> None:
        second = sink_of("towns_again")
        sink.apply(TOWNS, NOTHING, at(1))
        assert second.read_cursor(FEED) is None
        second.apply(TOWNS, NOTHING, at(2))
        assert (sink.read_cursor(FEED), second.read_cursor(FEED)) == (at(1), at(2))

    # --- snapshots ------------------------------------------------------------------------------

    def test_a_snapshot_is_the_table(self, sink: Sink, department: Department) -> None:
        rows = [(f"{n:05}", "x", n) for n in range(5_000)]
        sink.replace(TOWNS, iter(rows), at(3))
        assert self.towns(department) == rows
        assert sink.read_cursor(FEED) == at(3)

    def test_a_snapshot_writes_what_differs(self, sink: Sink, department: Department) -> None:
        rows: list[Row] = [(f"{n:03}", None if n % 2 else "x", n) for n in range(100)]
        sink.replace(TOWNS, rows, at(1))
        writes = department.count_writes("towns")
        sink.replace(TOWNS, rows, at(2))
        assert writes() == 0
        rows[3], rows[4] = ("003", "y", 3), ("004", None, 4)
        sink.replace(TOWNS, [*rows[1:], ("100", "new", 100)], at(3))
        assert writes() == 4
        assert self.towns(department) == [*rows[1:], ("100", "new", 100)]

    def test_a_snapshot_may_lead_back(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(9))
        sink.replace(TOWNS, [("2", "b", 2)], at(4))
        assert self.towns(department) == [("2", "b", 2)]
        assert sink.read_cursor(FEED) == at(4)

    def test_readers_see_the_old_table_meanwhile(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, put(("1", "old", 1)), at(1))
        seen = []

        def rows() -> Iterator[Row]:
            yield "2", "new", 2
            seen.append(self.towns(department))

        sink.replace(TOWNS, rows(), at(2))
        assert seen == [[("1", "old", 1)]]

    def test_a_snapshot_that_breaks_off_changes_nothing(
        self, sink: Sink, department: Department
    ) -> None:
        sink.apply(TOWNS, put(("1", "old", 1)), at(1))

        def rows() -> Iterator[Row]:
            yield from ((str(n), "new", n) for n in range(3_000))
            raise ConnectionError

        with pytest.raises(ConnectionError):
            sink.replace(TOWNS, rows(), at(2))
        with pytest.raises(RowsKey):
            sink.replace(TOWNS, [("2", "a", 1), ("2", "b", 2)], at(2))
        assert self.towns(department) == [("1", "old", 1)]
        assert sink.read_cursor(FEED) == at(1)
        sink.replace(TOWNS, [("2", "b", 2)], at(2))
        assert self.towns(department) == [("2", "b", 2)]

    def test_a_table_that_is_all_key(self, sink_of: SinkOf, department: Department) -> None:
        pairs = schema(Column("a", "C", 0), Column("b", "I", 0), key=("b", "a"))
        sink = sink_of("pairs")
        sink.apply(pairs, put(("x", 1), ("y", 2), ("x", 1)), at(1))
        sink.apply(pairs, drop((2, "y")), at(2))
        sink.replace(pairs, [("x", 1), ("z", 3)], at(3))
        assert department.rows("SELECT a, b FROM pairs ORDER BY b") == [("x", 1), ("z", 3)]

    # --- schemas --------------------------------------------------------------------------------

    def test_columns_announced_later_are_added(self, sink: Sink, department: Department) -> None:
        sink.apply(schema(CODE, NAME), put(("1", "a")), at(1))
        sink.apply(TOWNS, put(("2", "b", 2)), at(2))
        sink.apply(
            schema(CODE, COUNT, Column("名称", "C", 9), number=3), put(("1", 1, "甲")), at(3)
        )
        assert department.rows('SELECT code, name, count, "名称" FROM towns ORDER BY code') == [
            ("1", "a", 1, "甲"),
            ("2", "b", 2, None),
        ]

    def test_text_announced_longer_fits(self, sink: Sink, department: Department) -> None:
        sink.apply(TOWNS, NOTHING, at(1))
        for seq, length in ((2, 200), (3, 0)):
            wide = schema(CODE, replace_length(NAME, length), COUNT)
            sink.apply(wide, put((str(seq), "长" * (length or 300), 1)), at(seq))
        assert [len(str(name)) for _, name, _ in self.towns(department)] == [200, 300]

    def test_a_table_made_by_the_department(self, sink: Sink, department: Department) -> None:
        department.run(
            "CREATE TABLE towns (own INTEGER DEFAULT 7, name TEXT, code VARCHAR(40) NOT NULL, "
            "count INTEGER, UNIQUE (code))",
            "INSERT INTO towns (code, name) VALUES ('0', 'theirs')",
        )
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        assert self.towns(department) == [("0", "theirs", None), ("1", "a", 1)]
        sink.replace(TOWNS, [("1", "b", 1)], at(2))
        assert department.rows("SELECT code, name, own FROM towns") == [("1", "b", 7)]

    @pytest.mark.parametrize(
        "columns",
        [
            "code VARCHAR(12) PRIMARY KEY, name INTEGER, count INTEGER",
            "code VARCHAR(12) PRIMARY KEY, name TEXT, count TEXT",
            "code VARCHAR(12) PRIMARY KEY, name TEXT, count REAL",
            'code VARCHAR(12) PRIMARY KEY, "NAME" TEXT, count INTEGER',
            "code VARCHAR(12), name VARCHAR(20) PRIMARY KEY, count INTEGER",
            "code VARCHAR(12), name VARCHAR(20), count INTEGER, PRIMARY KEY (code, name)",
            "code VARCHAR(12), name VARCHAR(20), count INTEGER",
        ],
    )
    def test_a_table_that_does_not_fit(
        self, sink: Sink, department: Department, columns: str
    ) -> None:
        department.run(f"CREATE TABLE towns ({columns})")
        before = department.columns("towns")
        with pytest.raises(SinkMismatch):
            sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        assert sink.read_cursor(FEED) is None
        assert department.columns("towns") == before

    def test_a_type_announced_anew_does_not_fit(self, sink: Sink) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        with pytest.raises(SinkMismatch) as caught:
            sink.apply(schema(CODE, NAME, Column("count", "C", 9)), NOTHING, at(2))
        assert "count" in str(caught.value)
        assert sink.read_cursor(FEED) == at(1)

    def test_a_constraint_of_the_department(self, sink: Sink, department: Department) -> None:
        department.run(
            "CREATE TABLE towns (code VARCHAR(12) PRIMARY KEY, name TEXT, count INTEGER, "
            "own INTEGER NOT NULL)"
        )
        with pytest.raises(SinkConstraint):
            sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        assert sink.read_cursor(FEED) is None

    # --- what a publisher might send ------------------------------------------------------------

    @pytest.mark.parametrize(
        "name",
        [
            '"; DROP TABLE victim; --',
            "'; DROP TABLE victim; --",
            'a"b""c',
            "占比(%)",
            "%s%(x)s%%",
            ":x ?1 $1 {0} \\",
            "select",
            "c1",
            "k_c0",
            "excluded",
            "rowid",
            "a.b",
            "[x]`y`",
        ],
    )
    def test_names_are_names(self, sink: Sink, department: Department, name: str) -> None:
        department.run("CREATE TABLE victim (x INTEGER)")
        sink.apply(schema(CODE), put(("0",)), at(1))
        hostile = schema(CODE, Column(name, "C", 0))
        sink.apply(hostile, put(("1", "a"), ("1", "b")), at(2))
        sink.replace(hostile, [("1", "b"), ("2", "c")], at(3))
        sink.apply(hostile, drop(("2",)), at(4))
        assert department.rows("SELECT * FROM towns") == [("1", "b")]
        assert list(department.columns("towns")) == ["code", name]
        assert "victim" in department.tables()
        keyed = schema(Column(name, "C", 0), COUNT, key=(name,))
        with pytest.raises(SinkMismatch):
            sink.apply(keyed, put(("a", 1)), at(5))

    def test_a_hostile_name_as_the_key(self, sink: Sink, department: Department) -> None:
        name = 'k"%s; --'
        keyed = schema(Column(name, "C", 0), COUNT, key=(name,))
        sink.apply(keyed, put(("a", 1), ("b", 1)), at(1))
        sink.apply(keyed, put(("a", 2), drop=(("b",),)), at(2))
        sink.replace(keyed, [("a", 3)], at(3))
        assert department.rows("SELECT * FROM towns") == [("a", 3)]

    @pytest.mark.parametrize(
        "columns",
        [
            [CODE, *(Column(f"x{n}", "C", 0) for n in range(1_000))],
            [CODE, Column("x" * 64, "C", 0)],
            [CODE, Column("x\0", "C", 0)],
            [CODE, Column("CODE", "C", 0)],
            [CODE, Column("x", "?", 0)],
        ],
        ids=["too many", "too long", "nul", "same name", "type"],
    )
    def test_schemas_that_are_refused(
        self, sink: Sink, department: Department, columns: list[Column]
    ) -> None:
        with pytest.raises(RowsSchema):
            sink.apply(schema(*columns), NOTHING, at(1))
        assert department.tables() == set()

    def test_as_many_columns_as_may_be(self, sink: Sink, department: Department) -> None:
        wide = schema(CODE, *(Column(f"x{n}", "I", 0) for n in range(999)))
        row = ("1", *range(999))
        sink.apply(wide, put(row), at(1))
        sink.replace(wide, [(*row[:-1], 7), ("2", *row[1:])], at(2))
        assert department.rows("SELECT x998 FROM towns ORDER BY code") == [(7,), (998,)]

    @pytest.mark.parametrize(
        "row",
        [
            (None, "a", 1),
            ("1", 2, 1),
            ("1", "a", "1"),
            ("1", "a", True),
            ("1", "a", 1 << 63),
            ("1", "x" * 21, 1),
            ("1", "nul\0", 1),
        ],
    )
    def test_values_that_are_refused(self, sink: Sink, department: Department, row: Row) -> None:
        sink.apply(TOWNS, put(("0", "a", 0)), at(1))
        with pytest.raises(RowsValue):
            sink.apply(TOWNS, put(("1", "good", 1), row), at(2))
        with pytest.raises(RowsValue):
            sink.replace(TOWNS, [("1", "good", 1), row], at(2))
        assert self.towns(department) == [("0", "a", 0)]
        assert sink.read_cursor(FEED) == at(1)

    def test_rows_of_another_width_are_refused(self, sink: Sink) -> None:
        for changes in (put(("1", "a")), drop(("1", "a"))):
            with pytest.raises(RowsSchema):
                sink.apply(TOWNS, changes, at(1))
        with pytest.raises(RowsSchema):
            sink.replace(TOWNS, [("1", "a")], at(1))

    # --- trouble --------------------------------------------------------------------------------

    def test_a_lock_is_waited_for_and_named(
        self, sink: Sink, department: Department, lock: str
    ) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        holder = department.hold(lock)
        with pytest.raises(SinkBusy):
            sink.apply(TOWNS, put(("1", "b", 1)), at(2))
        holder.close()
        sink.apply(TOWNS, put(("1", "b", 1)), at(2))
        assert self.towns(department) == [("1", "b", 1)]

    def test_killed_at_any_statement(self, sink_of: SinkOf, department: Department) -> None:
        """After SIGKILL behind each write in turn, rows and cursor tell the same story."""
        states = {None: None, at(1): _FIRST, at(2): _SECOND, at(3): _THIRD}
        seen = []
        for statements in range(1, 200):
            department.run(*(f"DROP TABLE {table}" for table in department.tables()))
            killed = _in_a_process(partial(_work_in_child, sink_of, statements))
            sink = sink_of("towns")
            cursor = sink.read_cursor(FEED)
            rows = self.towns(department) if "towns" in department.tables() else None
            assert (cursor, rows) in states.items()
            _work(sink)
            assert self.towns(department) == _THIRD
            seen.append(cursor)
            if not killed:
                break
        assert set(seen) == set(states)


def replace_length(column: Column, length: int) -> Column:
    return Column(column.name, column.type, length)


_FIRST = [("1", "a", 1), ("2", "b", 2)]
_SECOND = [("1", "A", 1), ("3", "c", 3)]
_THIRD = [("3", "C", 3), ("4", "d", 4)]


def _work_in_child(sink_of: SinkOf, kill_after: int) -> None:
    left = kill_after

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def executed(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "PRAGMA")):
            count()

    sa.event.listen(sa.Engine, "after_cursor_execute", executed)
    sa.event.listen(sa.Engine, "commit", lambda _connection: count())
    _work(sink_of("towns"))


def _work(sink: Sink) -> None:
    """Everything from the sink's own cursor on."""
    cursor = sink.read_cursor(FEED)
    seq = 0 if cursor is None else cursor.seq
    if seq < 1:
        sink.apply(TOWNS, put(*_FIRST), at(1))
    if seq < 2:
        sink.apply(TOWNS, put(("1", "A", 1), ("3", "c", 3), drop=(("2",),)), at(2))
    if seq < 3:
        sink.replace(TOWNS, _THIRD, at(3))


def _in_a_process(work: Callable[[], None]) -> bool:
    """Whether the process that did `work` was killed."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0

"""What every sink must do, whatever database stands behind it (station/ports.py, Sink)."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import pytest

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    RowsKey,
    RowsSchema,
    RowsValue,
    SinkMoved,
    SinkTaken,
)
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.station.ports import Cursor, Sink

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


class Keeper(Protocol):
    """What the department sees of a sink, whatever keeps it."""

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        """In order of the columns."""

    def drop(self, table: str) -> None: ...

    def tables(self) -> set[str]: ...


def towns(keeper: Keeper) -> list[tuple[object, ...]]:
    return keeper.rows("towns", "code", "name", "count")


class SinkContract:
    """Subclasses give the fixtures `keeper`, and `sink_of`: a table's name to a sink that is closed
    after the test."""

    @pytest.fixture
    def most_columns(self) -> int:
        """What the protocol allows; less where the database does."""
        return 1_000

    @pytest.fixture
    def sink(self, sink_of: SinkOf) -> Sink:
        return sink_of("towns")

    # --- rows and cursor --------------------------------------------------------------------------

    def test_rows_and_cursor_arrive(self, sink: Sink, keeper: Keeper) -> None:
        assert sink.read_cursor(FEED) is None
        sink.apply(TOWNS, put(("1", "海拉尔", 3), ("2", None, None)), at(2))
        assert towns(keeper) == [("1", "海拉尔", 3), ("2", None, None)]
        assert sink.read_cursor(FEED) == at(2)
        assert sink.read_cursor("s150200.other") is None

    def test_changes_follow(self, sink: Sink, keeper: Keeper) -> None:
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
        assert towns(keeper) == [("2", "B", 2), ("3", "c", 3), ("4", "d", 4)]

    def test_no_changes_still_move_the_cursor(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, NOTHING, at(1))
        assert towns(keeper) == []
        assert sink.read_cursor(FEED) == at(1)

    @pytest.mark.parametrize("late", [at(5), at(4), at(9, incarnation=0)])
    def test_what_is_applied_is_not_applied_again(
        self, sink: Sink, keeper: Keeper, late: Cursor
    ) -> None:
        sink.apply(TOWNS, put(("1", "new", 1)), at(5))
        sink.apply(TOWNS, put(("1", "old", 1)), late)
        assert towns(keeper) == [("1", "new", 1)]
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

    def test_a_step_back(self, sink: Sink, sink_of: SinkOf, keeper: Keeper) -> None:
        """The cursor goes back alone; what follows is applied once more, to the same end."""
        steps = [put(("1", "a", 1)), put(("1", "A", 1), ("2", "b", 2)), drop(("1",))]
        for seq, changes in enumerate(steps, 1):
            sink.apply(TOWNS, changes, at(seq))
        sink.close()
        again = sink_of("towns")
        again.rewind(at(1))
        assert again.read_cursor(FEED) == at(1)
        for seq in (2, 3):
            again.apply(TOWNS, steps[seq - 1], at(seq))
        assert towns(keeper) == [("2", "b", 2)]
        assert again.read_cursor(FEED) == at(3)
        with pytest.raises(SinkTaken):
            again.rewind(at(1, feed="s150200.towns"))

    def test_a_dropped_table_has_no_cursor(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(7))
        keeper.drop("towns")
        with pytest.raises(SinkMoved):
            sink.apply(TOWNS, put(("2", "b", 2)), at(8))
        assert sink.read_cursor(FEED) is None
        sink.replace(TOWNS, [("1", "a", 1), ("2", "b", 2)], at(8))
        assert len(towns(keeper)) == 2

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

    # --- snapshots --------------------------------------------------------------------------------

    def test_a_snapshot_is_the_table(self, sink: Sink, keeper: Keeper) -> None:
        rows = [(f"{n:05}", "x", n) for n in range(5_000)]
        sink.replace(TOWNS, iter(rows), at(3))
        assert towns(keeper) == rows
        assert sink.read_cursor(FEED) == at(3)

    def test_a_snapshot_may_lead_back(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, put(("1", "a", 1)), at(9))
        sink.replace(TOWNS, [("2", "b", 2)], at(4))
        assert towns(keeper) == [("2", "b", 2)]
        assert sink.read_cursor(FEED) == at(4)

    def test_readers_see_the_old_table_meanwhile(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, put(("1", "old", 1)), at(1))
        seen = []

        def rows() -> Iterator[Row]:
            yield "2", "new", 2
            seen.append(towns(keeper))

        sink.replace(TOWNS, rows(), at(2))
        assert seen == [[("1", "old", 1)]]

    def test_a_snapshot_that_breaks_off_changes_nothing(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, put(("1", "old", 1)), at(1))

        def rows() -> Iterator[Row]:
            yield from ((str(n), "new", n) for n in range(3_000))
            raise ConnectionError

        with pytest.raises(ConnectionError):
            sink.replace(TOWNS, rows(), at(2))
        with pytest.raises(RowsKey):
            sink.replace(TOWNS, [("2", "a", 1), ("2", "b", 2)], at(2))
        assert towns(keeper) == [("1", "old", 1)]
        assert sink.read_cursor(FEED) == at(1)
        sink.replace(TOWNS, [("2", "b", 2)], at(2))
        assert towns(keeper) == [("2", "b", 2)]

    def test_a_table_that_is_all_key(self, sink_of: SinkOf, keeper: Keeper) -> None:
        pairs = schema(Column("a", "C", 0), Column("b", "I", 0), key=("b", "a"))
        sink = sink_of("pairs")
        sink.apply(pairs, put(("x", 1), ("y", 2), ("x", 1)), at(1))
        sink.apply(pairs, drop((2, "y")), at(2))
        sink.replace(pairs, [("x", 1), ("z", 3)], at(3))
        assert keeper.rows("pairs", "b", "a") == [(1, "x"), (3, "z")]

    # --- what a publisher might send --------------------------------------------------------------

    def test_text_announced_longer_fits(self, sink: Sink, keeper: Keeper) -> None:
        sink.apply(TOWNS, NOTHING, at(1))
        for seq, length in ((2, 200), (3, 0)):
            wide = schema(CODE, replace_length(NAME, length), COUNT)
            sink.apply(wide, put((str(seq), "长" * (length or 300), 1)), at(seq))
        assert [len(str(name)) for _, name, _ in towns(keeper)] == [200, 300]

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
        self, sink: Sink, keeper: Keeper, columns: list[Column]
    ) -> None:
        with pytest.raises(RowsSchema):
            sink.apply(schema(*columns), NOTHING, at(1))
        assert keeper.tables() == set()

    def test_as_many_columns_as_may_be(self, sink: Sink, keeper: Keeper, most_columns: int) -> None:
        rest = most_columns - 1
        wide = schema(CODE, *(Column(f"x{n}", "I", 0) for n in range(rest)))
        row = ("1", *range(rest))
        sink.apply(wide, put(row), at(1))
        sink.replace(wide, [(*row[:-1], 7), ("2", *row[1:])], at(2))
        assert keeper.rows("towns", "code", f"x{rest - 1}") == [("1", 7), ("2", rest - 1)]

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
    def test_values_that_are_refused(self, sink: Sink, keeper: Keeper, row: Row) -> None:
        sink.apply(TOWNS, put(("0", "a", 0)), at(1))
        with pytest.raises(RowsValue):
            sink.apply(TOWNS, put(("1", "good", 1), row), at(2))
        with pytest.raises(RowsValue):
            sink.replace(TOWNS, [("1", "good", 1), row], at(2))
        assert towns(keeper) == [("0", "a", 0)]
        assert sink.read_cursor(FEED) == at(1)

    def test_rows_of_another_width_are_refused(self, sink: Sink) -> None:
        for changes in (put(("1", "a")), drop(("1", "a"))):
            with pytest.raises(RowsSchema):
                sink.apply(TOWNS, changes, at(1))
        with pytest.raises(RowsSchema):
            sink.replace(TOWNS, [("1", "a")], at(1))


def replace_length(column: Column, length: int) -> Column:
    return Column(column.name, column.type, length)


# What a sink is put through while it is killed, and how the table stands after each step.
FIRST = [("1", "a", 1), ("2", "b", 2)]
SECOND = [("1", "A", 1), ("3", "c", 3)]
THIRD = [("3", "C", 3), ("4", "d", 4)]


def work(sink: Sink) -> None:
    """Everything from the sink's own cursor on."""
    cursor = sink.read_cursor(FEED)
    seq = 0 if cursor is None else cursor.seq
    if seq < 1:
        sink.apply(TOWNS, put(*FIRST), at(1))
    if seq < 2:
        sink.apply(TOWNS, put(("1", "A", 1), ("3", "c", 3), drop=(("2",),)), at(2))
    if seq < 3:
        sink.replace(TOWNS, THIRD, at(3))


def was_killed(job: Callable[[], None]) -> bool:
    """Whether the process that did `job` was killed."""
    process = multiprocessing.get_context("fork").Process(target=job)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0

"""What every sink that is a table of a database must do besides (tests/contracts/sink_contract)."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest
import sqlalchemy as sa

from ortoo_protocol.core.errors import RowsValue, SinkBusy, SinkConstraint, SinkMismatch
from ortoo_protocol.core.feeds import Changes, Column, TableSchema
from ortoo_protocol.station.ports import Sink, TakesSeveral
from tests.contracts.sink_contract import (
    CODE,
    COUNT,
    FEED,
    FIRST,
    NAME,
    NOTHING,
    SECOND,
    THIRD,
    TOWNS,
    Keeper,
    Row,
    SinkContract,
    SinkOf,
    at,
    drop,
    put,
    schema,
    towns,
    was_killed,
    work,
)
from tests.support.department import Department


class Tables:
    """A department's database as a keeper of tables."""

    def __init__(self, department: Department) -> None:
        self._department = department

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        quoted = ", ".join(f'"{column}"' for column in columns)
        return self._department.rows(f'SELECT {quoted} FROM "{table}" ORDER BY {quoted}')  # noqa: S608

    def drop(self, table: str) -> None:
        self._department.run(f'DROP TABLE "{table}"')

    def tables(self) -> set[str]:
        return self._department.tables()


class TableSinkContract(SinkContract):
    """Subclasses give the fixtures `department` and `sink_of`; and `lock`, a statement that keeps
    others from writing the table `towns`."""

    @pytest.fixture
    def keeper(self, department: Department) -> Keeper:
        return Tables(department)

    def towns(self, department: Department) -> list[tuple[object, ...]]:
        return towns(Tables(department))

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

    def test_several_items_are_one_transaction(self, sink: Sink, department: Department) -> None:
        assert isinstance(sink, TakesSeveral)
        sink.apply_all(
            [
                (schema(CODE, NAME), put(("1", "a"), ("2", "b")), at(1)),
                (TOWNS, put(("1", "A", 1), ("3", "c", 3), drop=(("2",),)), at(2)),
                (TOWNS, NOTHING, at(3)),
            ]
        )
        assert self.towns(department) == [("1", "A", 1), ("3", "c", 3)]
        assert sink.read_cursor(FEED) == at(3)
        # Those that it has are left alone, wherever they end.
        again = (TOWNS, put(("1", "old", 0)), at(3))
        sink.apply_all([(TOWNS, put(("3", "old", 0)), at(2)), again])
        sink.apply_all([again, (TOWNS, put(("4", "d", 4)), at(4))])
        assert self.towns(department) == [("1", "A", 1), ("3", "c", 3), ("4", "d", 4)]
        assert sink.read_cursor(FEED) == at(4)

    def test_several_items_or_none(self, sink: Sink, department: Department) -> None:
        """The first one makes the table; that is taken back too, but by MySQL."""
        assert isinstance(sink, TakesSeveral)
        good, bad = put(("1", "a", 1)), Changes([("2", "b", "no number")])
        for _ in range(2):
            with pytest.raises(RowsValue):
                sink.apply_all([(TOWNS, good, at(1)), (TOWNS, bad, at(2))])
            assert "towns" not in department.tables() or not self.towns(department)
            assert sink.read_cursor(FEED) is None
        sink.apply(TOWNS, good, at(1))
        with pytest.raises(RowsValue):
            sink.apply_all([(TOWNS, put(("1", "b", 1)), at(2)), (TOWNS, bad, at(3))])
        assert self.towns(department) == [("1", "a", 1)]
        assert sink.read_cursor(FEED) == at(1)

    def test_more_rows_than_a_statement_takes(self, sink: Sink, department: Department) -> None:
        keyed = TableSchema(number=1, columns=(Column("code", "I", 0), NAME, COUNT), key=("code",))
        rows: list[Row] = [(n, f"乡镇{n}", None if n % 3 else n) for n in range(-150, 200)]
        sink.apply(keyed, Changes(rows, (), checked=True), at(1))
        assert self.towns(department) == rows
        changed: list[Row] = [(code, "改", count) for code, _, count in rows[20:330]]
        sink.apply(keyed, Changes(changed, ((rows[0][0],),), checked=True), at(2))
        assert self.towns(department) == [*rows[1:20], *changed, *rows[330:]]

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
        states = {None: None, at(1): FIRST, at(2): SECOND, at(3): THIRD}
        seen = []
        for statements in range(1, 200):
            department.run(*(f"DROP TABLE {table}" for table in department.tables()))
            killed = was_killed(partial(_work_in_child, sink_of, statements))
            sink = sink_of("towns")
            cursor = sink.read_cursor(FEED)
            rows = self.towns(department) if "towns" in department.tables() else None
            if cursor is None and department.dialect == "mysql":
                rows = rows or None  # its DDL commits: an empty table stands there already
            assert (cursor, rows) in states.items()
            work(sink)
            assert self.towns(department) == THIRD
            seen.append(cursor)
            if not killed:
                break
        assert set(seen) == set(states)


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
    work(sink_of("towns"))

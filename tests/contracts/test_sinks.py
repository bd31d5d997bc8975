"""SinkTable keeps the contract of sinks on SQLite and PostgreSQL; and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from ortoo_node import databases
from ortoo_node.sinks import SinkTable
from ortoo_node.sources import SourceTable
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import (
    DatabaseUrl,
    RowsValue,
    SinkError,
    SinkForbidden,
    SinkFull,
    SinkMismatch,
    SinkUnreachable,
    SinkValue,
)
from ortoo_protocol.core.feeds import Column
from tests.contracts.sink_contract import (
    CODE,
    FEED,
    NOTHING,
    TOWNS,
    SinkOf,
    at,
    put,
    schema,
)
from tests.contracts.source_contract import passed
from tests.contracts.table_sink_contract import TableSinkContract
from tests.support.department import Department
from tests.support.mariadb import PrivateMariadb
from tests.support.postgres import PASSWORD, PrivatePostgres

Open = Callable[[str, str], SinkTable]


@pytest.fixture
def opened() -> Iterator[Open]:
    """SinkTable(url, table), closed after the test."""
    with ExitStack() as stack:
        yield lambda url, table: stack.enter_context(closing(SinkTable(url, table)))


class TestSinkTable(TableSinkContract):
    """`department` is one of either kind."""

    @pytest.fixture
    def sink_of(
        self, department: Department, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[str], SinkTable]:
        monkeypatch.setattr(databases, "LOCK_TIMEOUT_S", 0.2)
        return lambda table: opened(department.url, table)

    @pytest.fixture
    def lock(self, department: Department) -> str:
        if department.dialect == "sqlite":
            return "BEGIN IMMEDIATE"
        return "LOCK TABLES towns WRITE" if department.dialect == "mysql" else "LOCK TABLE towns"

    @pytest.fixture
    def most_columns(self, department: Department) -> int:
        """A row of InnoDB has at most 8,126 bytes on its page."""
        return 900 if department.dialect == "mysql" else 1_000

    @pytest.mark.parametrize(
        ("letter", "values"),
        [
            ("C", ["", "呼伦贝尔 𠮷", "007", "x'; --"]),
            ("M", ["x" * 100_000]),
            ("N", ["0", "-12.5", "9007199254740993", "0.1", "123456789012.345"]),
            ("Y", ["19.99"]),
            ("I", [0, (1 << 63) - 1, -(1 << 63)]),
            ("B", [0.1, -1e300, 5e-324]),
            ("F", [1.5]),
            ("L", [True, False]),
            ("D", ["2024-02-29", "0001-01-01", "9999-12-31"]),
            ("T", ["2026-09-18T08:30:00", "2026-09-18T08:30:00.000001"]),
            ("G", [b"", bytes(range(256))]),
        ],
    )
    def test_values_come_back_as_they_went(
        self, sink_of: SinkOf, department: Department, letter: str, values: list[Scalar]
    ) -> None:
        table = schema(CODE, Column("x", letter, 0))
        rows = [(str(n), value) for n, value in enumerate([None, *values])]
        sink = sink_of("sent")
        sink.apply(table, put(*rows[:-1]), at(1))
        sink.replace(table, rows, at(2))
        source = SourceTable(department.url, "sent", table.columns, table.key)
        back = sorted(passed(source, *table.columns, key=table.key[0]), key=str)
        if department.dialect == "mysql" and letter in "NY":  # of a decimal with ten places
            assert [value and Decimal(str(value)) for _, value in back] == [
                value and Decimal(str(value)) for _, value in rows
            ]
            return
        assert back == rows
        assert [type(value) for _, value in back] == [type(value) for _, value in rows]

    @pytest.mark.parametrize("letter", list("NIDTBLG"))
    def test_keys_of_any_type(self, sink_of: SinkOf, department: Department, letter: str) -> None:
        choice: dict[str, tuple[Scalar, ...]] = {
            "N": ("1", "2.5", "3"),
            "I": (1, 2, 3),
            "D": ("2026-01-01", "2026-01-02", "2026-01-03"),
            "T": ("2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"),
            "B": (0.1, 0.2, 0.3),
            "L": (True, False),
            "G": (b"1", b"2", b"3"),
        }
        keys = choice[letter]
        table = schema(Column("k", letter, 0), Column("v", "I", 0), key=("k",))
        sink = sink_of("keyed")
        sink.apply(table, put(*((key, 1) for key in keys)), at(1))
        sink.apply(table, put((keys[1], 2), drop=((keys[0],),)), at(2))
        left = department.rows("SELECT v FROM keyed ORDER BY v DESC")
        assert left == [(2,), *[(1,)] * (len(keys) - 2)]
        sink.replace(table, [(keys[0], 5)], at(3))
        assert department.rows("SELECT v FROM keyed") == [(5,)]

    def test_the_department_can_calculate(self, sink_of: SinkOf, department: Department) -> None:
        sink = sink_of("money")
        table = schema(CODE, Column("amount", "Y", 0))
        sink.apply(table, put(("1", "1200"), ("2", "500.50"), ("3", "90")), at(1))
        found = department.rows("SELECT SUM(amount) FROM money WHERE amount > 100")
        assert float(found[0][0]) == 1700.5

    @pytest.mark.parametrize("name", ["", "ortoo_cursor", "sqlite_x", "pg_x", "a\0b", "x" * 64])
    def test_unusable_table_names(self, sink_of: SinkOf, department: Department, name: str) -> None:
        with pytest.raises(SinkMismatch):
            sink_of(name)

    def test_a_table_name_is_a_name(self, sink_of: SinkOf, department: Department) -> None:
        sink = sink_of('x"; DROP TABLE y; --%s')
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        sink.replace(TOWNS, [("1", "a", 1)], at(2))
        assert 'x"; DROP TABLE y; --%s' in department.tables()

    def test_release_lets_another_feed_in(self, sink_of: SinkOf, department: Department) -> None:
        sink = sink_of("towns")
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
        assert isinstance(sink, SinkTable)
        sink.release(FEED)
        assert sink.read_cursor(FEED) is None
        sink.apply(TOWNS, put(("2", "b", 1)), at(1, feed="s150200.towns"))
        assert len(department.rows("SELECT * FROM towns")) == 2


# --- SQLite -------------------------------------------------------------------------------------


def test_sqlite_keeps_a_long_decimal_in_text_only(sqlite: Department, opened: Open) -> None:
    table = schema(CODE, Column("x", "N", 0))
    long = "12345678901234.56"
    with pytest.raises(RowsValue, match="TEXT"):
        opened(sqlite.url, "made").apply(table, put(("1", long)), at(1))
    sqlite.run("CREATE TABLE own (code TEXT PRIMARY KEY NOT NULL, x TEXT)")
    opened(sqlite.url, "own").apply(table, put(("1", long), ("2", "12.50")), at(1))
    assert sqlite.rows("SELECT x FROM own") == [(long,), ("12.50",)]


def test_sqlite_is_one_table_in_any_capitals(sqlite: Department, opened: Open) -> None:
    opened(sqlite.url, "Towns").apply(TOWNS, NOTHING, at(1))
    assert opened(sqlite.url, "towns").read_cursor(FEED) == at(1)


def test_sqlite_full(sqlite: Department, opened: Open) -> None:
    sink = opened(sqlite.url, "towns")
    sink.apply(TOWNS, put(("1", "a", 1)), at(1))

    def small(connection: sa.PoolProxiedConnection, *_: object) -> None:
        connection.cursor().execute("PRAGMA max_page_count = 12")

    sa.event.listen(sa.Engine, "checkout", small)
    try:
        with pytest.raises(SinkFull):
            sink.apply(TOWNS, put(*((str(n), "x" * 20, n) for n in range(2_000))), at(2))
    finally:
        sa.event.remove(sa.Engine, "checkout", small)
    assert sqlite.rows("SELECT * FROM towns") == [("1", "a", 1)]
    assert sink.read_cursor(FEED) == at(1)


@pytest.mark.parametrize("replaced", [True, False])
def test_sqlite_whose_file_went(sqlite: Department, opened: Open, replaced: bool) -> None:
    """The sink keeps its connection; what it writes must not go to a file that nobody has."""
    sink = opened(sqlite.url, "towns")
    sink.apply(TOWNS, put(("1", "a", 1)), at(1))
    path = Path(sa.make_url(sqlite.url).database or "")
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)
    if replaced:
        sqlite.run("CREATE TABLE other (x TEXT)")
    assert sink.read_cursor(FEED) is None
    sink.apply(TOWNS, put(("2", "b", 2)), at(2))
    assert sqlite.rows("SELECT * FROM towns") == [("2", "b", 2)]


def test_sqlite_that_is_no_database(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "text").write_text("no database, but long enough to look like one" * 50)
    for path in (tmp_path / "text", tmp_path / "no" / "folder", tmp_path):
        with pytest.raises(SinkUnreachable):
            opened(f"sqlite:///{path}", "towns").apply(TOWNS, NOTHING, at(1))


# --- PostgreSQL ---------------------------------------------------------------------------------


@pytest.fixture
def pg_sink(pg: Department, opened: Open) -> SinkTable:
    return opened(pg.url, "towns")


def test_postgresql_keeps_decimals_as_given(pg: Department, pg_sink: SinkTable) -> None:
    pg_sink.apply(schema(CODE, Column("x", "Y", 0)), put(("1", "12.50"), ("2", "9" * 60)), at(1))
    assert [str(x) for (x,) in pg.rows("SELECT x FROM towns ORDER BY code")] == ["12.50", "9" * 60]


def test_postgresql_never_rounds(pg: Department, pg_sink: SinkTable) -> None:
    pg.run("CREATE TABLE towns (code TEXT PRIMARY KEY, x NUMERIC(6, 2))")
    table = schema(CODE, Column("x", "N", 0))
    pg_sink.apply(table, put(("1", "1.50")), at(1))
    with pytest.raises(RowsValue):
        pg_sink.apply(table, put(("2", "1.505")), at(2))
    with pytest.raises(SinkValue):
        pg_sink.apply(table, put(("2", "12345.5")), at(2))


def test_postgresql_moments(pg: Department, pg_sink: SinkTable) -> None:
    pg.run("CREATE TABLE towns (code TEXT PRIMARY KEY, t TIMESTAMP, z TIMESTAMPTZ, s TEXT, d DATE)")
    columns = [Column(name, "T", 0) for name in "tzs"]
    table = schema(CODE, *columns, Column("d", "D", 0))
    naive, utc = "2026-09-18T08:30:00", "2026-09-18T00:30:00+00:00"
    pg_sink.apply(table, put(("1", naive, naive, naive, "2026-09-18")), at(1))
    pg_sink.apply(table, put(("2", utc, utc, utc, None)), at(2))
    source = SourceTable(pg.url, "towns", table.columns, table.key)
    assert sorted(passed(source, *table.columns, key=table.key[0])) == [
        ("1", naive, f"{naive}+08:00", naive, "2026-09-18"),
        ("2", naive, f"{naive}+08:00", f"{naive}+08:00", None),
    ]


@pytest.mark.parametrize("kind", ["CHAR(12)", "VARCHAR(12)[]", "UUID", "BYTEA", "JSONB"])
def test_postgresql_types_that_would_change_text(
    pg: Department, pg_sink: SinkTable, kind: str
) -> None:
    pg.run(f"CREATE TABLE towns (code TEXT PRIMARY KEY, name {kind}, count BIGINT)")
    with pytest.raises(SinkMismatch):
        pg_sink.apply(TOWNS, NOTHING, at(1))


def test_postgresql_types(pg: Department, pg_sink: SinkTable) -> None:
    table = schema(CODE, *(Column(letter.lower(), letter, 9) for letter in "CNYDTLMGBIF"))
    pg_sink.apply(table, NOTHING, at(1))
    assert list(pg.columns("towns").values()) == [
        *("VARCHAR(12)", "VARCHAR(9)", "NUMERIC", "NUMERIC", "DATE", "TIMESTAMP", "BOOLEAN"),
        *("TEXT", "BYTEA", "DOUBLE PRECISION", "BIGINT", "DOUBLE PRECISION"),
    ]


def test_postgresql_schemas(pg: Department, opened: Open) -> None:
    pg.run("CREATE SCHEMA office")
    sink = opened(pg.url, "office.towns")
    sink.apply(schema(CODE), put(("1",)), at(1))
    sink.apply(TOWNS, put(("1", "a", 1)), at(2))
    sink.replace(TOWNS, [("2", "b", 2)], at(3))
    assert pg.rows("SELECT code FROM office.towns") == [("2",)]
    assert opened(pg.url, "public.towns").read_cursor(FEED) is None
    with pytest.raises(SinkMismatch):
        opened(pg.url, "missing.towns").apply(TOWNS, NOTHING, at(1))


def test_postgresql_comes_back(pg: Department, pg_sink: SinkTable) -> None:
    pg_sink.apply(TOWNS, put(("1", "a", 1)), at(1))
    pg.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    pg_sink.apply(TOWNS, put(("2", "b", 2)), at(2))
    assert pg_sink.read_cursor(FEED) == at(2)


def test_postgresql_lost_in_the_middle(pg: Department, pg_sink: SinkTable) -> None:
    def rows() -> Iterator[tuple[str, str, int]]:
        yield "1", "a", 1
        pg.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    with pytest.raises(SinkUnreachable):
        pg_sink.replace(TOWNS, rows(), at(1))
    assert pg_sink.read_cursor(FEED) is None
    pg_sink.replace(TOWNS, [("1", "a", 1)], at(1))


def test_postgresql_without_rights(pg: Department, opened: Open) -> None:
    name = pg.url.rpartition("/")[2]
    pg.run(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'", "CREATE TABLE towns (x INTEGER)")
    sink = opened(pg.url.replace("//postgres:", f"//{name}:"), "towns")
    with pytest.raises(SinkForbidden):
        sink.apply(TOWNS, NOTHING, at(1))


@pytest.mark.parametrize(
    "address", ["postgres:s3cret@127.0.0.1:{port}/x", "postgres:s3cret@127.0.0.1:1/x"]
)
def test_postgresql_that_lets_nobody_in(
    postgres: PrivatePostgres, opened: Open, address: str
) -> None:
    sink = opened("postgresql://" + address.format(port=postgres.port), "towns")
    with pytest.raises(SinkUnreachable) as caught:
        sink.apply(TOWNS, NOTHING, at(1))
    assert "s3cret" not in f"{caught.value} {caught.value.facts} {caught.value.__cause__}"


@pytest.mark.parametrize("url", ["", "x", "mssql://a:s3cret@h/d", "sqlite://", "a://s3cret@["])
def test_addresses_that_are_none(url: str, opened: Open) -> None:
    with pytest.raises(DatabaseUrl) as caught:
        opened(url, "towns")
    assert "s3cret" not in str(caught.value)


# --- MySQL and MariaDB ----------------------------------------------------------------------------


def test_mysql_keys_that_are_not_exact(maria: Department, opened: Open) -> None:
    """Under a collation that ignores case one row would overwrite another."""
    maria.run(
        "CREATE TABLE towns (code VARCHAR(12) PRIMARY KEY, name TEXT, count INTEGER) "
        "COLLATE utf8mb4_general_ci"
    )
    with pytest.raises(SinkMismatch, match="_bin"):
        opened(maria.url, "towns").apply(TOWNS, put(("1", "a", 1)), at(1))


def test_mysql_a_second_unique_index(maria: Department, opened: Open) -> None:
    """ON DUPLICATE KEY UPDATE would take its rows for the key's."""
    maria.run(
        "CREATE TABLE towns (code VARCHAR(12) PRIMARY KEY, name VARCHAR(20) UNIQUE, count INTEGER)"
    )
    with pytest.raises(SinkMismatch, match="unique"):
        opened(maria.url, "towns").apply(TOWNS, put(("1", "a", 1)), at(1))


def test_mysql_tells_texts_apart(maria: Department, opened: Open) -> None:
    sink = opened(maria.url, "towns")
    rows = [("A", "x", 1), ("a", "x", 2), ("a ", "x", 3), ("á", "x", 4)]
    sink.apply(TOWNS, put(*rows), at(1))
    assert sorted(maria.rows("SELECT code, name, count FROM towns"), key=lambda r: r[2]) == rows
    rows[0] = ("A", "X", 1)
    sink.replace(TOWNS, rows, at(2))
    assert maria.rows("SELECT name FROM towns WHERE count = 1") == [("X",)]


def test_mysql_other_texts_of_a_department(maria: Department, opened: Open) -> None:
    """What is no key may compare as it likes; changes of case arrive all the same."""
    maria.run(
        "CREATE TABLE towns (code VARCHAR(12) COLLATE utf8mb4_bin PRIMARY KEY, name TEXT, "
        "count INTEGER) COLLATE utf8mb4_general_ci"
    )
    sink = opened(maria.url, "towns")
    sink.replace(TOWNS, [("1", "abc", 1)], at(1))
    sink.replace(TOWNS, [("1", "ABC", 1)], at(2))
    assert maria.rows("SELECT name FROM towns") == [("ABC",)]


def test_mysql_places_of_a_second(maria: Department, opened: Open) -> None:
    maria.run("CREATE TABLE own (code VARCHAR(12) PRIMARY KEY, x DATETIME(3))")
    table = schema(CODE, Column("x", "T", 0))
    sink = opened(maria.url, "own")
    sink.apply(table, put(("1", "2026-09-18T08:30:00.123000+08:00")), at(1))
    with pytest.raises(RowsValue, match="places of a second"):
        sink.apply(table, put(("2", "2026-09-18T08:30:00.123456")), at(2))
    ((moment,),) = maria.rows("SELECT x FROM own")
    assert moment.isoformat() == "2026-09-18T08:30:00.123000"


@pytest.mark.parametrize(
    ("kind", "letter", "value"),
    [
        ("VARCHAR(2)", "M", "longer"),
        ("DECIMAL(4, 1)", "N", "12345.5"),
        ("DECIMAL(4, 1)", "N", "1.25"),
        ("SMALLINT", "I", 70_000),
        ("INT UNSIGNED", "I", -1),
    ],
)
def test_mysql_stores_exactly_or_refuses(
    maria: Department, opened: Open, kind: str, letter: str, value: Scalar
) -> None:
    maria.run(f"CREATE TABLE own (code VARCHAR(12) PRIMARY KEY, x {kind})")
    table = schema(CODE, Column("x", letter, 2 if kind == "VARCHAR(2)" else 0))
    with pytest.raises((SinkValue, RowsValue)):
        opened(maria.url, "own").apply(table, put(("1", value)), at(1))
    assert maria.rows("SELECT COUNT(*) FROM own") == [(0,)]


@pytest.mark.parametrize("kind", ["CHAR(9)", "FLOAT", "SET('a')", "ENUM('a')", "DOUBLE(8, 2)"])
def test_mysql_columns_that_would_change_values(maria: Department, opened: Open, kind: str) -> None:
    maria.run(f"CREATE TABLE own (code VARCHAR(12) PRIMARY KEY, x {kind})")
    table = schema(CODE, Column("x", "B" if kind.startswith(("F", "D")) else "C", 1))
    with pytest.raises(SinkMismatch):
        opened(maria.url, "own").apply(table, [], at(1))


def test_mysql_without_rights(mariadb: PrivateMariadb, maria: Department, opened: Open) -> None:
    name = maria.url.rpartition("/")[2]
    mariadb.admin(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'weak'")
    mariadb.admin(f"GRANT SELECT ON {name}.* TO {name}@'127.0.0.1'")
    sink = opened(f"mysql://{name}:weak@127.0.0.1:{mariadb.port}/{name}", "towns")
    with pytest.raises(SinkForbidden):
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))


@pytest.mark.parametrize(
    "address", ["ortoo:s3cret@127.0.0.1:{port}/x", "ortoo:s3cret@127.0.0.1:1/x"]
)
def test_mysql_that_lets_nobody_in(mariadb: PrivateMariadb, opened: Open, address: str) -> None:
    sink = opened("mysql://" + address.format(port=mariadb.port), "towns")
    with pytest.raises(SinkUnreachable) as caught:
        sink.apply(TOWNS, put(("1", "a", 1)), at(1))
    assert "s3cret" not in f"{caught.value} {caught.value.facts} {caught.value.__cause__}"


# --- kinds of which no server can be had ----------------------------------------------------------


@pytest.mark.parametrize("url", ["oracle://a:s3cret@h/d", "dm://a:s3cret@h"])
def test_kinds_that_are_only_read(url: str, opened: Open) -> None:
    with pytest.raises(DatabaseUrl) as caught:
        opened(url, "towns")
    assert "s3cret" not in str(caught.value)


def test_postgresql_a_column_that_cannot_be_widened(pg: Department, opened: Open) -> None:
    """A view of the department looks at it: named, nothing is written, and nothing is cut."""
    pg.run(
        "CREATE TABLE towns (code VARCHAR(12) PRIMARY KEY, name VARCHAR(5), count INTEGER)",
        "CREATE VIEW seen AS SELECT name FROM towns",
    )
    sink = opened(pg.url, "towns")
    with pytest.raises(SinkError, match="used by a view"):
        sink.apply(TOWNS, put(("1", "longer than five", 1)), at(1))
    assert sink.read_cursor(FEED) is None
    assert pg.rows("SELECT * FROM towns") == []
    pg.run("DROP VIEW seen")
    sink.apply(TOWNS, put(("1", "longer than five", 1)), at(1))
    assert pg.rows("SELECT name FROM towns") == [("longer than five",)]

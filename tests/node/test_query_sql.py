"""What a declared SELECT may do to a department's database: read, for so long, so much."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ortoo_node import databases
from ortoo_node.queries import statement
from ortoo_node.queries.connections import Connections
from ortoo_node.queries.declared import AnswerColumn, Declaration
from ortoo_node.queries.running import Found, Limits
from ortoo_node.queries.sql import SqlRunner
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QueryDeclaration, QuerySource, QueryTimeout
from ortoo_protocol.core.feeds import Column
from tests.support.postgres import PrivatePostgres

LIMITS = Limits(10, 1 << 20, 400)
COLUMNS = (Column("n", "I", 0),)


@contextmanager
def connected(url: str) -> Iterator[Connections]:
    made = Connections(databases.open_reader(databases.read_url(url, "business")))
    try:
        yield made
    finally:
        made.close()


def run(connections: Connections, sql: str, **bound: Scalar) -> Found:
    declared = Declaration(
        code="x", name="x", resource="3/1", source="s", sql=sql, columns=(AnswerColumn(column="n"),)
    )
    return SqlRunner(declared, connections).run(bound, COLUMNS, LIMITS)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Connections]:
    with sqlite3.connect(tmp_path / "d.sqlite") as conn:
        conn.execute("CREATE TABLE t (n INTEGER, s TEXT)")
        conn.executemany("INSERT INTO t VALUES (?, ?)", [(n, str(n)) for n in range(20)])
    with connected(f"sqlite:///{tmp_path / 'd.sqlite'}") as made:
        yield made


@pytest.fixture
def postgresql(postgres: PrivatePostgres) -> Iterator[Connections]:
    with postgres.database() as url, connected(url) as made:
        yield made


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (1, 'x') RETURNING n",
        "DELETE FROM t RETURNING n",
        "ATTACH 'other.sqlite' AS o",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x') AS n",
        "CREATE TABLE u (n INTEGER)",
    ],
)
def test_sqlite_compiles_nothing_but_reading(sqlite: Connections, sql: str) -> None:
    """Even if the declaration's own check had let it pass."""
    with pytest.raises(QuerySource):
        run(sqlite, sql)
    assert len(run(sqlite, "SELECT n FROM t WHERE n < 5").rows) == 5


def test_rows_beyond_the_limit_are_said_and_not_given(sqlite: Connections) -> None:
    found = run(sqlite, "SELECT n FROM t ORDER BY n")
    assert (len(found.rows), found.cut) == (10, "rows")
    found = run(sqlite, "SELECT n FROM t WHERE n < 10 ORDER BY n")
    assert (len(found.rows), found.cut) == (10, "")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_parameter_is_a_value(request: pytest.FixtureRequest, kind: str) -> None:
    connections: Connections = request.getfixturevalue(kind)
    sql = "WITH t (n, s) AS (VALUES (7, '7'), (8, '8')) SELECT n FROM t WHERE s = :s"
    for text in ("' OR '1'='1", "7' --", "7'; SELECT 1; --", "\\' OR 1=1 --", "7%", ":s", "%(s)s"):
        assert run(connections, sql, s=text).rows == []
    assert run(connections, sql, s="7").rows == [(7,)]


def test_a_column_that_is_not_there_is_named(sqlite: Connections) -> None:
    with pytest.raises(QuerySource) as caught:
        run(sqlite, "SELECT s FROM t")
    assert "no column n" in str(caught.value)


def test_errors_hold_nothing_of_the_statement(sqlite: Connections) -> None:
    with pytest.raises(QuerySource) as caught:
        run(sqlite, "SELECT secret_column AS n FROM secret_table")
    assert "secret" not in str(caught.value)
    assert caught.value.__notes__ == ["no such table: secret_table"], "for the provider's own log"


def test_postgresql_ends_what_takes_too_long_and_goes_on(postgresql: Connections) -> None:
    with pytest.raises(QueryTimeout):
        run(postgresql, "SELECT 1 AS n FROM pg_sleep(30)")
    assert run(postgresql, "SELECT 7 AS n").rows == [(7,)]
    assert run(postgresql, "SELECT n FROM generate_series(1, 50) AS n").cut == "rows"


def test_postgresql_gives_rows_up_to_the_limit_and_fetches_no_more(postgresql: Connections) -> None:
    """The query has no end: whoever fetched all of it first would run out of time."""
    endless = "WITH RECURSIVE e(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM e) SELECT n FROM e"
    found = run(postgresql, endless)
    assert (found.rows, found.cut) == ([(n,) for n in range(1, 11)], "rows")
    found = run(postgresql, "SELECT n FROM generate_series(1, 10) AS n")
    assert (found.rows, found.cut) == ([(n,) for n in range(1, 11)], "")


def test_postgresql_writes_nothing(postgresql: Connections) -> None:
    for sql in ("CREATE TABLE t AS SELECT 1 AS n", "SELECT setval('s', 1) AS n"):
        with pytest.raises(QuerySource):
            run(postgresql, sql)
    given = run(postgresql, "SELECT 1 AS n WHERE 'x' = :s", s="x' OR '1'='1")
    assert given.rows == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET n = 1",
        "SELECT 1; SELECT 2",
        "SELECT ':n' AS n",
        "SELECT 1 -- :n",
        "SELECT 'open",
        "SELECT 1 /* open",
        " ",
        "selection",
    ],
)
def test_statements_that_are_not_one_select(sql: str) -> None:
    with pytest.raises(QueryDeclaration):
        statement.check(sql)


def test_parameters_are_found_outside_quotes_and_comments() -> None:
    sql = "WITH x AS (SELECT 'a;b' AS s /* ; */) SELECT s::text FROM x WHERE s = :s AND n > :n -- ;"
    assert statement.check(sql) == {"s", "n"}

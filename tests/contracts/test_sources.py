"""SourceTable keeps the contract of sources on SQLite and PostgreSQL; and their own values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import exc

from ortoo_node import databases
from ortoo_node.databases import Trouble
from ortoo_node.sources import SourceTable
from ortoo_protocol.core.errors import (
    DatabaseUrl,
    SourceBusy,
    SourceError,
    SourceForbidden,
    SourceMissing,
    SourceUnreachable,
)
from ortoo_protocol.core.feeds import Column
from tests.contracts.source_contract import ID, NAME, SourceContract, passed, refused, rows_of
from tests.support.department import Department
from tests.support.postgres import PASSWORD, PrivatePostgres

Open = Callable[..., SourceTable]


@pytest.fixture
def opened() -> Iterator[Open]:
    """SourceTable(url, table, columns, key), closed after the test."""
    with ExitStack() as stack:

        def source(
            url: str, table: str, *columns: Column, key: tuple[str, ...] = ("id",)
        ) -> SourceTable:
            return stack.enter_context(closing(SourceTable(url, table, columns, key)))

        yield source


class TestSourceTable(SourceContract):
    @pytest.fixture
    def source_of(self, department: Department, opened: Open) -> Open:
        if department.dialect == "sqlite":
            department.rows("PRAGMA journal_mode = WAL")
        return lambda table, *columns, **more: opened(department.url, table, *columns, **more)


# Under one item type every dialect gives one value, whatever its own column type is.
SQLITE = [
    ("C", "TEXT", "'007'", "007"),
    ("C", "INTEGER", "7", "7"),
    ("N", "INTEGER", "7", "7"),
    ("N", "NUMERIC", "12.5", "12.5"),
    ("N", "REAL", "1e22", "10000000000000000000000"),
    ("N", "REAL", "1e-7", "0.0000001"),
    ("Y", "TEXT", "'12.50'", "12.50"),
    ("I", "REAL", "5", 5),
    ("B", "INTEGER", "5", 5.0),
    ("F", "REAL", "0.1", 0.1),
    ("L", "BOOLEAN", "1", True),
    ("L", "BOOLEAN", "0", False),
    ("D", "DATE", "'2026-01-02'", "2026-01-02"),
    ("D", "DATETIME", "'2026-01-02 00:00:00.000000'", "2026-01-02"),
    ("T", "DATETIME", "'2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
    ("T", "TEXT", "'2026-01-02T03:04:05Z'", "2026-01-02T11:04:05+08:00"),
    ("T", "TEXT", "'2026-01-02'", "2026-01-02T00:00:00"),
    ("G", "BLOB", "x'00ff'", b"\0\xff"),
    ("M", "TEXT", "NULL", None),
]
POSTGRESQL = [
    ("C", "VARCHAR(9)", "'007'", "007"),
    ("C", "INTEGER", "7", "7"),
    ("C", "UUID", "'00000000-0000-0000-0000-000000000007'", f"{'0' * 8}{'-0000' * 3}-{7:012}"),
    ("C", "DATE", "'2026-01-02'", "2026-01-02"),
    ("N", "INTEGER", "7", "7"),
    ("N", "NUMERIC", "12.50", "12.50"),
    ("N", "NUMERIC", "1e22", "10000000000000000000000"),
    ("N", "DOUBLE PRECISION", "1e-7", "0.0000001"),
    ("Y", "NUMERIC(12, 2)", "12.5", "12.50"),
    ("I", "NUMERIC", "5.00", 5),
    ("I", "BIGINT", "-9223372036854775808", -(1 << 63)),
    ("B", "INTEGER", "5", 5.0),
    ("F", "DOUBLE PRECISION", "0.1", 0.1),
    ("L", "BOOLEAN", "true", True),
    ("L", "INTEGER", "0", False),
    ("D", "DATE", "'2026-01-02'", "2026-01-02"),
    ("D", "TIMESTAMP", "'2026-01-02'", "2026-01-02"),
    ("T", "TIMESTAMP", "'2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
    ("T", "TIMESTAMPTZ", "'2026-01-02 03:04:05Z'", "2026-01-02T11:04:05+08:00"),
    ("T", "DATE", "'2026-01-02'", "2026-01-02T00:00:00"),
    ("G", "BYTEA", r"'\x00ff'", b"\0\xff"),
    ("M", "TEXT", "NULL", None),
]


def _value(department: Department, opened: Open, letter: str, kind: str, literal: str) -> Any:
    literal = literal.replace(":", r"\:")
    department.run(f"CREATE TABLE t (id INTEGER, x {kind})")
    department.run(f"INSERT INTO t VALUES (1, {literal})")  # noqa: S608 - literals of this file
    column = Column("x", letter, 0)
    source = opened(department.url, "t", ID, column)
    rejects = refused(source, ID, column)
    if rejects:
        return rejects[0]
    ((_, value),) = passed(source, ID, column)
    return value


@pytest.mark.parametrize(("letter", "kind", "literal", "value"), SQLITE)
def test_sqlite_values(
    sqlite: Department, opened: Open, letter: str, kind: str, literal: str, value: object
) -> None:
    found = _value(sqlite, opened, letter, kind, literal)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("letter", "kind", "literal", "value"), POSTGRESQL)
def test_postgresql_values(
    pg: Department, opened: Open, letter: str, kind: str, literal: str, value: object
) -> None:
    found = _value(pg, opened, letter, kind, literal)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("letter", "kind", "literal"),
    [
        ("I", "NUMERIC", "5.5"),
        ("N", "NUMERIC", "'NaN'"),
        ("B", "NUMERIC", "0.1"),
        ("F", "DOUBLE PRECISION", "'Infinity'"),
        ("D", "TIMESTAMP", "'2026-01-02 03:04:05'"),
        ("L", "INTEGER", "2"),
        ("C", "JSONB", "'{}'"),
    ],
)
def test_nothing_is_rounded_or_cut(
    pg: Department, opened: Open, letter: str, kind: str, literal: str
) -> None:
    reject = _value(pg, opened, letter, kind, literal)
    assert (reject.column, reject.code) == ("x", "rows.value")


def test_a_date_that_python_has_not(pg: Department, opened: Open) -> None:
    with pytest.raises(SourceError, match="infinity"):
        _value(pg, opened, "D", "DATE", "'infinity'")


def test_a_missing_file_is_not_made(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "a ?#%25.sqlite"
    with pytest.raises(SourceUnreachable):
        opened(f"sqlite:///{path}", "t", ID).check()
    assert list(tmp_path.iterdir()) == []


def test_a_locked_file(sqlite: Department, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "LOCK_TIMEOUT_S", 0.2)
    sqlite.run("CREATE TABLE t (id INTEGER)")
    holder = sqlite.hold("BEGIN EXCLUSIVE")
    with pytest.raises(SourceBusy):
        opened(sqlite.url, "t", ID).check()
    holder.close()


def test_a_user_without_rights(pg: Department, opened: Open) -> None:
    name = pg.url.rpartition("/")[2]
    pg.run(
        f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
        "CREATE TABLE people (id INTEGER, name TEXT)",
    )
    url = pg.url.replace("//postgres:", f"//{name}:")
    source = opened(url, "people", ID, NAME)
    with pytest.raises(SourceForbidden):
        list(rows_of(source))
    pg.run(f"GRANT SELECT ON people TO {name}")
    assert list(rows_of(source)) == []


def test_a_wrong_password_is_not_repeated(postgres: PrivatePostgres, opened: Open) -> None:
    source = opened(f"postgresql://postgres:s3cret@127.0.0.1:{postgres.port}/x", "t", ID)
    with pytest.raises(SourceUnreachable) as caught:
        source.check()
    assert "s3cret" not in f"{caught.value} {caught.value.facts} {caught.value.__cause__}"


def test_a_table_of_a_schema(pg: Department, opened: Open) -> None:
    pg.run(
        "CREATE SCHEMA office",
        "CREATE TABLE office.people (id INTEGER)",
        "INSERT INTO office.people VALUES (4)",
    )
    assert list(rows_of(opened(pg.url, "office.people", ID))) == [(4,)]


# --- MySQL and MariaDB; kinds of which no server can be had ---------------------------------------

MARIADB = [
    ("C", "VARCHAR(9)", "'007'", "007"),
    ("C", "INTEGER", "7", "7"),
    ("N", "DECIMAL(10, 2)", "12.50", "12.50"),
    ("Y", "INTEGER", "7", "7"),
    ("N", "DOUBLE", "1e-7", "0.0000001"),
    ("I", "BIGINT", "-9223372036854775808", -(1 << 63)),
    ("I", "DECIMAL(10, 2)", "5.00", 5),
    ("B", "INTEGER", "5", 5.0),
    ("F", "DOUBLE", "0.1", 0.1),
    ("L", "BOOLEAN", "true", True),
    ("D", "DATE", "'2026-01-02'", "2026-01-02"),
    ("T", "DATETIME", "'2026-01-02 03:04:05'", "2026-01-02T03:04:05"),
    ("T", "DATETIME(6)", "'2026-01-02 03:04:05.000001'", "2026-01-02T03:04:05.000001"),
    ("T", "TIMESTAMP", "FROM_UNIXTIME(1767294245)", "2026-01-02T03:04:05"),
    ("G", "VARBINARY(9)", "x'00ff'", b"\0\xff"),
    ("M", "LONGTEXT", "NULL", None),
]


@pytest.mark.parametrize(("letter", "kind", "literal", "value"), MARIADB)
def test_mariadb_values(
    maria: Department, opened: Open, letter: str, kind: str, literal: str, value: object
) -> None:
    maria.rows("SELECT 1")
    found = _value(maria, opened, letter, kind, literal)
    assert (found, type(found)) == (value, type(value))


def test_kingbase_speaks_postgresql(pg: Department, opened: Open) -> None:
    """Its own server cannot be had: the record of its kind is run against PostgreSQL."""
    pg.run("CREATE TABLE people (id INTEGER)", "INSERT INTO people VALUES (4)")
    url = pg.url.replace("postgresql:", "kingbase:")
    assert list(rows_of(opened(url, "people", ID))) == [(4,)]
    with pytest.raises(SourceMissing):
        opened(url, "nobody", ID).check()


@pytest.mark.parametrize(
    ("url", "driver"), [("oracle://a:s3cret@h/d", "oracledb"), ("dm://a:s3cret@h:5236", "dmPython")]
)
def test_a_driver_that_is_missing(opened: Open, url: str, driver: str) -> None:
    with pytest.raises(DatabaseUrl, match=f"install {driver}") as caught:
        opened(url, "t", ID)
    assert "s3cret" not in str(caught.value)


class _Driver(Exception):
    """As a driver's error."""


@pytest.mark.parametrize(
    ("module", "words", "trouble"),
    [
        ("oracledb.exceptions", "ORA-00942: table or view does not exist", Trouble.SHAPE),
        ("oracledb.exceptions", "ORA-01017: invalid username/password", Trouble.UNREACHABLE),
        ("oracledb.exceptions", "ORA-00060: deadlock detected", Trouble.BUSY),
        ("oracledb.exceptions", "ORA-99999: never heard of", Trouble.OTHER),
        ("oracledb.exceptions", "DPY-6005: cannot connect to database", Trouble.UNREACHABLE),
        ("dmPython", "[CODE:-2106]第1行附近出现错误:无效的表或视图名", Trouble.SHAPE),
        ("dmPython", "[CODE:-70028]创建SOCKET连接失败", Trouble.UNREACHABLE),
        ("dmPython", "something else", Trouble.UNREACHABLE),
    ],
)
def test_what_errors_of_other_drivers_mean(module: str, words: str, trouble: Trouble) -> None:
    kind = type("DatabaseError", (_Driver,), {"__module__": module})
    error = exc.OperationalError("SELECT 1", None, kind(words))
    assert databases.judge(error) == (trouble, words)

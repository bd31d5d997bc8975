"""A department's database, used as the department itself would: not through Ortoo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.mariadb import PrivateMariadb
from tests.support.postgres import PrivatePostgres


class Department:
    def __init__(self, url: str) -> None:
        self.url = url
        driver = url.replace("postgresql:", "postgresql+psycopg:").replace(
            "mysql:", "mysql+pymysql:"
        )
        self._engine = sa.create_engine(driver, poolclass=sa.NullPool)
        if url.startswith("mysql:"):
            sa.event.listen(self._engine, "connect", _speak_standard)
        self.dialect = self._engine.dialect.name

    def run(self, *statements: str, rows: Sequence[dict[str, Any]] | None = None) -> None:
        """Statements of one transaction; the last one takes `rows` as `:name` parameters."""
        with self._engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), rows if rows else None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    def tables(self) -> set[str]:
        with self._engine.connect() as connection:
            return set(sa.inspect(connection).get_table_names())

    def columns(self, table: str) -> dict[str, str]:
        """Name to type, as this dialect writes it."""
        with self._engine.connect() as connection:
            if self.dialect == "mysql":  # quotes confuse SQLAlchemy's reading of tables
                connection.execute(sa.text("SET sql_mode = ''"))
            found = sa.inspect(connection).get_columns(table)
            return {each["name"].replace("``", "`"): str(each["type"]) for each in found}

    def count_writes(self, table: str) -> Callable[[], int]:
        """From now on every row written to `table` is counted, by triggers."""
        self.run("CREATE TABLE writes (x INTEGER)")
        for verb in ("INSERT", "UPDATE", "DELETE"):
            if self.dialect == "mysql":
                self.run(
                    f"CREATE TRIGGER on_{verb} AFTER {verb} ON {table} "  # noqa: S608 - own names
                    "FOR EACH ROW INSERT INTO writes VALUES (1)"
                )
            elif self.dialect == "sqlite":
                self.run(
                    f"CREATE TRIGGER on_{verb} AFTER {verb} ON {table} "  # noqa: S608 - own names
                    "BEGIN INSERT INTO writes VALUES (1); END"
                )
            else:
                self.run(
                    f"CREATE FUNCTION on_{verb}() RETURNS trigger LANGUAGE plpgsql "  # noqa: S608
                    "AS 'BEGIN INSERT INTO writes VALUES (1); RETURN NULL; END'",
                    f"CREATE TRIGGER on_{verb} AFTER {verb} ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION on_{verb}()",
                )
        return lambda: len(self.rows("SELECT x FROM writes"))

    def hold(self, statement: str) -> sa.Connection:
        """A transaction that has run `statement` and stays open until closed."""
        connection = self._engine.connect()
        connection.execute(sa.text(statement))
        return connection


def _speak_standard(connection: Any, _record: object) -> None:
    """The tests write one SQL for all: "x" names a column, text is not cut."""
    connection.cursor().execute("SET sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'")


@pytest.fixture
def sqlite(tmp_path: Path) -> Department:
    return Department(f"sqlite:///{tmp_path}/department.sqlite")


@pytest.fixture
def pg(postgres: PrivatePostgres) -> Iterator[Department]:
    with postgres.database() as url:
        yield Department(url)


@pytest.fixture
def maria(mariadb: PrivateMariadb) -> Iterator[Department]:
    with mariadb.database() as url:
        yield Department(url)


@pytest.fixture(params=["sqlite", "pg", "maria"])
def department(request: pytest.FixtureRequest) -> Department:
    """One of each kind."""
    made: Department = request.getfixturevalue(request.param)
    return made

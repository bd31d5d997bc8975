"""What every source must do, whatever stands behind it (ortoo_node/sources/port.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ortoo_node.publishing.gate import Gate, Reject
from ortoo_node.sources import Source
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import RowsSchema, SourceColumns, SourceMissing
from ortoo_protocol.core.feeds import (
    UPSERT,
    Column,
    RowChange,
    TableSchema,
    read_row_part,
    row_part,
)
from tests.support.department import Department

ID, NAME = Column("id", "I", 0), Column("name", "C", 20)
SourceOf = Callable[..., Source]


def rows_of(source: Source) -> Iterator[tuple[object, ...]]:
    return map(tuple, source.read("").rows)


def passed(source: Source, *columns: Column, key: str = "id") -> list[tuple[Scalar, ...]]:
    """Rows as they leave."""
    schema = TableSchema(number=1, columns=columns, key=(key,))
    return Gate(schema).take(list(source.read("").rows), 1).rows


def refused(source: Source, *columns: Column) -> list[Reject]:
    schema = TableSchema(number=1, columns=columns, key=("id",))
    return Gate(schema).take(list(source.read("").rows), 1).rejects


class SourceContract:
    """Subclasses give the fixtures `department` and `source_of(table, *columns, key=("id",))`."""

    @pytest.fixture
    def source(self, source_of: SourceOf, department: Department) -> Source:
        department.run("CREATE TABLE people (id INTEGER PRIMARY KEY, own REAL, name TEXT)")
        return source_of("people", NAME, ID)

    def fill(self, department: Department, count: int) -> None:
        department.run(
            "INSERT INTO people (id, name) VALUES (:id, :name)",
            rows=[{"id": n, "name": f"人{n}"} for n in range(count)],
        )

    def test_rows_have_the_columns_in_order(self, source: Source, department: Department) -> None:
        assert list(rows_of(source)) == []
        self.fill(department, 3_456)
        rows = list(rows_of(source))
        assert sorted(rows, key=lambda row: row[1] or 0) == [(f"人{n}", n) for n in range(3_456)]

    def test_rows_travel(self, source: Source, department: Department) -> None:
        self.fill(department, 3)
        schema = TableSchema(number=1, columns=(NAME, ID), key=("id",))
        for row in passed(source, NAME, ID):
            change = RowChange(UPSERT, row)
            assert read_row_part(row_part(change), schema) == change

    def test_one_read_is_one_moment(self, source: Source, department: Department) -> None:
        self.fill(department, 5_000)
        rows = source.read("").rows
        next(rows)
        department.run("DELETE FROM people WHERE id > 10")
        assert sum(1 for _ in rows) == 4_999
        assert sum(1 for _ in rows_of(source)) == 11

    def test_a_read_may_be_left(self, source: Source, department: Department) -> None:
        self.fill(department, 5_000)
        rows = source.read("").rows
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        department.run("DROP TABLE people")

    def test_a_view_is_a_table(self, source_of: SourceOf, department: Department) -> None:
        department.run("CREATE VIEW few AS SELECT 1 AS id, 'x' AS name")
        assert list(rows_of(source_of("few", ID, NAME))) == [(1, "x")]

    def test_a_table_that_is_not_there(self, source_of: SourceOf) -> None:
        source = source_of("nobody", ID)
        for call in (source.check, lambda: list(rows_of(source))):
            with pytest.raises(SourceMissing):
                call()

    def test_columns_that_are_not_there(self, source_of: SourceOf, source: Source) -> None:
        lacking = source_of("people", ID, Column("nick", "C", 0), Column("age", "I", 0))
        for call in (lacking.check, lambda: list(rows_of(lacking))):
            with pytest.raises(SourceColumns) as caught:
                call()
            assert caught.value.facts["columns"] == "age, nick"

    def test_columns_that_went_meanwhile(self, source: Source, department: Department) -> None:
        source.check()
        department.run("ALTER TABLE people DROP COLUMN name")
        with pytest.raises(SourceColumns):
            list(rows_of(source))

    @pytest.mark.parametrize("name", ['x"; DROP TABLE people; --', "占比(%)", "%s", ":a", "Select"])
    def test_names_are_names(self, source_of: SourceOf, department: Department, name: str) -> None:
        quoted = '"' + name.replace('"', '""').replace(":", r"\:") + '"'
        department.run(f"CREATE TABLE odd (id INTEGER, {quoted} TEXT)")
        department.run("INSERT INTO odd VALUES (1, 'x')")
        assert list(rows_of(source_of("odd", ID, Column(name, "C", 0)))) == [(1, "x")]

    @pytest.mark.parametrize(
        ("column", "name", "why"),
        [
            (NAME, "a person of a very long name", "28 characters"),
            (Column("name", "I", 0), "geheim", "integer"),
            (Column("name", "D", 0), "2026/01/02", "ISO 8601"),
            (Column("name", "T", 0), "yesterday", "ISO 8601"),
            (Column("name", "N", 0), "1e5", "decimal"),
            (Column("name", "L", 0), "是", "str"),
            (Column("name", "G", 0), "text", "str"),
        ],
    )
    def test_values_that_are_not_what_the_catalog_says(
        self,
        source_of: SourceOf,
        source: Source,
        department: Department,
        column: Column,
        name: str,
        why: str,
    ) -> None:
        department.run("INSERT INTO people (id, name) VALUES (1, :name)", rows=[{"name": name}])
        (reject,) = refused(source_of("people", ID, column), ID, column)
        assert (reject.number, reject.key, reject.column) == (1, (1,), "name")
        assert why in reject.detail
        assert name not in reject.detail

    def test_an_empty_key(self, source_of: SourceOf, department: Department) -> None:
        department.run("CREATE TABLE loose (id INTEGER, name TEXT)")
        department.run("INSERT INTO loose VALUES (NULL, 'x')")
        (reject,) = refused(source_of("loose", ID, NAME), ID, NAME)
        assert (reject.key, reject.column) == (None, "id")

    def test_schemas_that_are_refused(self, source_of: SourceOf) -> None:
        with pytest.raises(RowsSchema):
            source_of("people", ID, Column("x", "?", 0))

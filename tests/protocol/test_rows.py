"""Schemas and values as they may travel, and those that may not."""

from __future__ import annotations

import pytest

from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.errors import RowsSchema, RowsValue
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.rows import check_schema, checks, schema_of

ID = Column("id", "I", 0)


def schema(*columns: Column, key: tuple[str, ...] = ("id",)) -> TableSchema:
    return TableSchema(number=1, columns=columns, key=key)


def test_a_schema_comes_from_catalog_items() -> None:
    items = (
        Item(name="代码", column="code", type="C", length=9, share_type=1, key=True),
        Item(name="金额", column="金额(元)%", type="Y", length=0, share_type=1),
    )
    made = schema_of(items, 3)
    assert made.columns == (Column("code", "C", 9), Column("金额(元)%", "Y", 0))
    assert made.key == ("code",)
    assert made.number == 3


@pytest.mark.parametrize(
    "bad",
    [
        schema(ID, Column("ID", "C", 0)),
        schema(ID, Column("", "C", 0)),
        schema(ID, Column(" a", "C", 0)),
        schema(ID, Column("a\0b", "C", 0)),
        schema(ID, Column("a\nb", "C", 0)),
        schema(ID, Column("a\u202eb", "C", 0)),
        schema(ID, Column("a\ud800b", "C", 0)),
        schema(ID, Column("名" * 22, "C", 0)),
        schema(ID, Column("a", "Z", 0)),
        schema(ID, Column("a", "", 0)),
        schema(ID, Column("a", "CN", 0)),
        schema(ID, Column("a", "C", -1)),
        schema(ID, Column("a", "C", 1 << 31)),
        schema(ID, *(Column(f"c{n}", "C", 0) for n in range(1_000))),
    ],
    ids=lambda bad: ascii(bad.columns[-1].name if bad.columns else "")[:20],
)
def test_schemas_that_no_database_should_see(bad: TableSchema) -> None:
    with pytest.raises(RowsSchema):
        check_schema(bad)


GOOD = [
    ("C", "呼伦贝尔"),
    ("C", ""),
    ("M", "x" * 10_000),
    ("N", "-12.50"),
    ("Y", "0"),
    ("I", -(1 << 63)),
    ("B", 1.5),
    ("F", -0.0),
    ("L", False),
    ("D", "2024-02-29"),
    ("T", "2026-09-18T08:30:00"),
    ("T", "2026-09-18T08:30:00.000001+08:00"),
    ("G", b"\0\xff"),
]
BAD = [
    ("C", 1),
    ("C", "12345678901"),
    ("C", "a\0"),
    ("M", b"x"),
    ("N", 5),
    ("N", "1e5"),
    ("N", "007"),
    ("N", "٣"),
    ("N", "NaN"),
    ("N", "1" * 201),
    ("I", True),
    ("I", 1 << 63),
    ("I", "5"),
    ("B", 1),
    ("F", float("nan")),
    ("F", float("inf")),
    ("L", 1),
    ("D", "2026-02-29"),
    ("D", "20260218"),
    ("D", "2026-02-18T00:00:00"),
    ("T", "2026-09-18 08:30:00"),
    ("T", "2026-09-18T24:30:00"),
    ("T", "2026-09-18T08:30:00Z"),
    ("G", "text"),
]


@pytest.mark.parametrize(("letter", "value"), GOOD)
def test_values_that_travel(letter: str, value: object) -> None:
    length = 10 if letter == "C" else 0
    _, check = checks(schema(ID, Column("x", letter, length)))
    assert check(value) is value
    assert check(None) is None


@pytest.mark.parametrize(("letter", "value"), BAD)
def test_values_that_do_not(letter: str, value: object) -> None:
    _, check = checks(schema(ID, Column("x", letter, 10 if letter == "C" else 0)))
    with pytest.raises(RowsValue) as caught:
        check(value)
    assert caught.value.facts["column"] == "x"
    assert len(str(value)) < 4 or str(value) not in str(caught.value)


def test_a_key_is_never_empty() -> None:
    (check,) = checks(schema(ID))
    with pytest.raises(RowsValue):
        check(None)

"""Tables as workbooks: read again by openpyxl and by our own reader, nothing changed on the way."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from ortoo_node.files import workbook
from ortoo_node.files.workbook import write_workbook
from ortoo_protocol.core.errors import FileForm
from ortoo_protocol.core.feeds import Column, TableSchema
from tests.node.folder_kit import CODE, COUNT, NAME, FrontEnd

ALL = TableSchema(
    number=1,
    columns=tuple(Column(letter.lower(), letter, 0) for letter in "CMNYIBFLDTG"),
    key=("c",),
)


def written(schema: TableSchema, rows: list[tuple[Any, ...]]) -> bytes:
    out = io.BytesIO()
    write_workbook(out, schema, rows)
    return out.getvalue()


def read(book: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(book)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def text(value: str) -> Any:
    """What a cell of this text is read as again."""
    return read(written(TableSchema(1, (Column("c", "C", 0),), ("c",)), [(value,)]))[1][0]


def test_every_type_comes_back_as_what_it_was() -> None:
    rows = [
        (
            *("001", '行\n"二" <&>', "-12.50", "19.99", -7, 0.1, 1e300, True),
            *("2026-01-02", "2026-01-02T03:04:05+08:00", b"\x00\xff"),
        ),
        ("002", *[None] * 10),
    ]
    head, first, second = read(written(ALL, rows))
    assert head == [column.name for column in ALL.columns]
    assert first == [
        *("001", '行\n"二" <&>', -12.5, 19.99, -7, 0.1, 1e300, True),
        *(datetime(2026, 1, 2), "2026-01-02T03:04:05+08:00", "AP8="),
    ]
    assert second == ["002", *[None] * 10]


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "@SUM(A1)", "#N/A", "1e5", "2026-01-02", " a ", "\ttab", "𠮷", ""]
)
def test_a_text_stays_the_text_it_is(value: str) -> None:
    sheet = openpyxl.load_workbook(
        io.BytesIO(written(TableSchema(1, (Column("c", "C", 0),), ("c",)), [(value,)]))
    ).active
    cell = sheet.cell(2, 1)
    assert (cell.value or "", cell.data_type) == (value, "s") or (value == "" and not cell.value)
    assert cell.data_type != "f"


@pytest.mark.parametrize("value", ["a\x0bb", "a\rb", "_x0041_", "\x1f", "\ufffe"])
def test_what_xml_cannot_hold_is_escaped_as_workbooks_do(value: str) -> None:
    from openpyxl.utils.escape import unescape

    found = text(value)
    assert unescape(found) == value
    assert found.startswith(("a_x", "_x"))


def test_numbers_that_a_cell_would_round_are_texts() -> None:
    schema = TableSchema(1, (Column("i", "I", 0), Column("n", "N", 0)), ("i",))
    rows: list[tuple[Any, ...]] = [
        (150702199001011234, "0.1234567890123456"),
        (999_999_999_999_999, "-0.123456789012345"),
    ]
    _, long, short = read(written(schema, rows))
    assert long == ["150702199001011234", "0.1234567890123456"]
    assert short == [999_999_999_999_999, -0.123456789012345]


def test_days_before_the_calendar_of_workbooks_are_texts() -> None:
    schema = TableSchema(1, (Column("d", "D", 0),), ("d",))
    found = read(written(schema, [("1900-02-28",), ("1900-03-01",), ("0001-01-01",)]))
    assert [row[0] for row in found[1:]] == ["1900-02-28", datetime(1900, 3, 1), "0001-01-01"]


def test_a_text_that_no_cell_holds_is_named() -> None:
    schema = TableSchema(1, (Column("c", "C", 0),), ("c",))
    assert len(text("长" * workbook.MOST_CHARACTERS)) == workbook.MOST_CHARACTERS
    with pytest.raises(FileForm, match="row 2, c: a cell holds 32767"):
        written(schema, [("a",), ("长" * (workbook.MOST_CHARACTERS + 1),)])


def test_more_rows_than_a_sheet_holds_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    schema = TableSchema(1, (Column("i", "I", 0),), ("i",))
    assert len(read(written(schema, [(1,), (2,), (3,)]))) == 4
    with pytest.raises(FileForm, match="a sheet holds 3 rows"):
        written(schema, [(1,), (2,), (3,), (4,)])


def test_the_same_rows_are_the_same_bytes() -> None:
    rows: list[tuple[Any, ...]] = [("a",), ("b",)]
    schema = TableSchema(1, (Column("c", "C", 0),), ("c",))
    assert written(schema, rows) == written(schema, rows)


def test_a_front_end_machine_reads_it_again(tmp_path: Path) -> None:
    front = FrontEnd(tmp_path / "front")
    schema = TableSchema(1, (CODE, NAME, COUNT), ("code",))
    rows: list[tuple[Any, ...]] = [("007", "=海拉尔区", 3), ("008", None, 1 << 60)]
    (front.path / "in" / "t.xlsx").write_bytes(written(schema, rows))
    assert front.read().rows == rows

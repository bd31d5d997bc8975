"""Workbooks and Parquet files of front-end machines: made by the libraries that make real ones."""

from __future__ import annotations

import io
import random
import re
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from ortoo_node.sources.folder import xlsx_reader
from ortoo_protocol.core.errors import (
    SourceFile,
    SourceFileColumns,
    SourceFileSize,
    SourceFileTwice,
    SourceParquet,
    SourceRowCell,
    SourceRowDigits,
    SourceRowFormula,
)
from ortoo_protocol.core.feeds import Column
from tests.node.folder_kit import CODE, COUNT, NAME, FrontEnd

HEADER = ["行政区划代码", "名称", "人口数"]


@pytest.fixture
def front(tmp_path: Path) -> FrontEnd:
    return FrontEnd(tmp_path / "front")


def book(*rows: list[Any], change: Callable[[Worksheet], None] = lambda _: None) -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for row in rows:
        sheet.append(row)
    change(sheet)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def edited(content: bytes, part: str, old: str, new: str) -> bytes:
    """The workbook with a text of one of its parts replaced, as another program would have it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                assert old.encode() in data
                data = data.replace(old.encode(), new.encode())
            target.writestr(name, data)
    return out.getvalue()


SHEET, TEXTS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_INLINE = re.compile(r't="inlineStr"><is><t>(.*?)</t></is>')


def sharing(content: bytes) -> bytes:
    """The workbook with its texts in a part of their own, as Excel keeps them (openpyxl does not),
    and each as two runs of letters, as where some are bold."""
    texts: list[str] = []

    def number(found: re.Match[str]) -> str:
        texts.append(found[1])
        return f't="s"><v>{len(texts) - 1}</v>'

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name).decode()
            if name == SHEET:
                data = _INLINE.sub(number, data)
            if name == "[Content_Types].xml":
                kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
                part = f'<Override PartName="/{TEXTS}" ContentType="{kind}.sharedStrings+xml"/>'
                data = data.replace("</Types>", f"{part}</Types>")
            target.writestr(name, data)
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        items = "".join(f"<si><r><t>{t[:1]}</t></r><r><t>{t[1:]}</t></r></si>" for t in texts)
        target.writestr(TEXTS, f'<sst xmlns="{main}" count="{len(texts)}">{items}</sst>')
    return out.getvalue()


def test_rows_below_a_title(front: FrontEnd) -> None:
    title = ["内蒙古自治区乡镇人口表"]
    rows = [["007", "海拉尔区", 3], [None, None, None], ["150781", "满洲里市", 17.0]]
    front.put("t.xlsx", book(title, [], HEADER, *rows))
    read = front.read()
    assert read.rows == [("007", "海拉尔区", 3), ("150781", "满洲里市", 17)]
    assert read.where == ["t.xlsx:4", "t.xlsx:6"]


def test_numbers_kept_as_text_and_text_kept_as_numbers(front: FrontEnd) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["A3"].number_format = "000000"

    front.put("t.xlsx", book(HEADER, ["000123", 2024, "１７"], [123, "x", " 5 "], change=change))
    assert front.read().rows == [("000123", "2024", 17), ("000123", "x", 5)]


def test_a_code_that_was_rounded_is_named(front: FrontEnd) -> None:
    front.put("t.xlsx", book(HEADER, [150700199001011234, "x", 1], [150700, "y", 2]))
    read = front.read()
    assert read.rows == [("150700", "y", 2)]
    assert isinstance(read.errors[0], SourceRowDigits)
    assert read.errors[0].facts["cell"] == "A2"


def test_texts_that_cells_share(front: FrontEnd) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("B2:B3")

    content = sharing(book(HEADER, ["007", "海拉尔区", 3], ["008", None, 4], change=change))
    assert b"inlineStr" not in zipfile.ZipFile(io.BytesIO(content)).read(SHEET)
    front.put("t.xlsx", content)
    assert front.read().rows == [("007", "海拉尔区", 3), ("008", "海拉尔区", 4)]


def test_dates(front: FrontEnd) -> None:
    front.columns = (CODE, Column("d", "D", 0), Column("t", "T", 0), Column("c", "C", 0))
    moment = datetime(2026, 1, 2, 8, 5)
    day = datetime(2026, 1, 2)
    front.put(
        "t.xlsx",
        book(["code", "d", "t", "c"], ["1", date(2026, 1, 2), moment, day], ["2", "2026年1月2日"]),
    )
    assert front.read().rows == [
        ("1", day, moment, "2026-01-02"),
        ("2", "2026-01-02", None, None),
    ]


def test_merged_cells_are_filled(front: FrontEnd) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("B2:B4")
        sheet.merge_cells("A5:B5")

    rows = [["1", "同名", 1], ["2", None, 2], ["3", None, 3], ["4", None, 4], ["5", None, 5]]
    front.put("t.xlsx", book(HEADER, *rows, change=change))
    assert front.read().rows == [
        ("1", "同名", 1),
        ("2", "同名", 2),
        ("3", "同名", 3),
        ("4", "4", 4),
        ("5", None, 5),
    ]


def test_a_header_of_two_rows(front: FrontEnd) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("A1:A2")
        sheet.merge_cells("B1:C1")

    front.put(
        "t.xlsx",
        book(
            ["行政区划代码", "基本情况", None],
            [None, "名称", "人口数"],
            ["1", "a", 1],
            change=change,
        ),
    )
    assert front.read().rows == [("1", "a", 1)]


def test_a_header_that_comes_again(front: FrontEnd) -> None:
    front.put("t.xlsx", book(HEADER, ["1", "a", 1], HEADER, ["2", "b", 2]))
    assert front.read().rows == [("1", "a", 1), ("2", "b", 2)]


def test_formulas_give_their_stored_value(front: FrontEnd) -> None:
    content = book(HEADER, ["1", "a", "=1+2"], ["2", "b", "=2+2"], ["3", '=""', 3], ["4", "d", 4])
    content = edited(content, SHEET, "<f>1+2</f><v />", "<f>1+2</f><v>3</v>")
    content = edited(content, SHEET, '<c r="B4"><f>""</f><v />', '<c r="B4" t="str"><f>""</f><v />')
    front.put("t.xlsx", content)
    read = front.read()
    assert read.rows == [("1", "a", 3), ("3", None, 3), ("4", "d", 4)]
    (error,) = read.errors
    assert isinstance(error, SourceRowFormula)
    assert error.facts["cell"] == "C3"
    assert not read.whole


def test_a_row_of_nothing_but_uncalculated_formulas(front: FrontEnd) -> None:
    front.put("t.xlsx", book(HEADER, ["=A9", "=B9", "=C9"]))
    assert isinstance(front.read().errors[0], SourceRowFormula)


def test_cells_that_show_an_error(front: FrontEnd) -> None:
    front.put("t.xlsx", book(HEADER, ["1", "#N/A", 1], ["2", "b", "#DIV/0!"], ["3", "c", 3]))
    read = front.read()
    assert read.rows == [("3", "c", 3)]
    assert [(type(e), e.facts["cell"]) for e in read.errors] == [
        (SourceRowCell, "B2"),
        (SourceRowCell, "C3"),
    ]


def test_the_sheet_may_be_named(front: FrontEnd) -> None:
    made = openpyxl.Workbook()
    made.create_sheet("数据").append(HEADER)
    made["数据"].append(["1", "a", 1])
    made.save(front.path / "in" / "t.xlsx")
    assert front.read(sheet="数据").rows == [("1", "a", 1)]
    with pytest.raises(SourceFile):
        front.read(sheet="没有", done=False)
    with pytest.raises(SourceFileColumns):
        front.read(done=False)


def test_a_stated_extent_that_is_wrong(front: FrontEnd) -> None:
    content = book(HEADER, ["1", "a", 1], ["2", "b", 2])
    content = edited(content, SHEET, '<dimension ref="A1:C3"', '<dimension ref="C3:C3"')
    front.put("t.xlsx", content)
    assert front.read().rows == [("1", "a", 1), ("2", "b", 2)]


def test_columns_that_stand_twice(front: FrontEnd) -> None:
    front.put("t.xlsx", book([*HEADER, "code"], ["1", "a", 1, "2"]))
    with pytest.raises(SourceFileTwice):
        front.read()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no workbook",
        b"PK\x03\x04" + bytes(60),
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        book(HEADER, ["1", "a", 1])[:-200],
        edited(book(HEADER), SHEET, "</sheetData>", "</sheet>"),
        edited(book(HEADER), SHEET, "<worksheet", "<!DOCTYPE x><worksheet"),
        edited(book(HEADER), SHEET, '<row r="1"', '<row r="9999999999"'),
        edited(book(HEADER), SHEET, 'r="A1"', 'r="ZZZZZZZ1"'),
        edited(book(HEADER), SHEET, "</sheetData>", '</sheetData><mergeCell ref="A1:ZZZZZ9"/>'),
        edited(book(HEADER), "xl/workbook.xml", "<sheets>", "<sheets><oops>"),
        edited(book(HEADER, ["1", "a", 7]), SHEET, "<v>7</v>", "<v>seven</v>"),
        edited(sharing(book(HEADER, ["1", "a", 7])), SHEET, "<v>4</v>", "<v>99</v>"),
        edited(sharing(book(HEADER, ["1", "a", 7])), TEXTS, "</sst>", ""),
    ],
)
def test_files_that_are_no_workbooks(front: FrontEnd, content: bytes) -> None:
    front.put("t.xlsx", content)
    with pytest.raises(SourceFile):
        front.read()


def test_a_style_that_is_not_there(front: FrontEnd) -> None:
    content = book(HEADER, [7, "a", 7])
    front.put("t.xlsx", edited(content, SHEET, '<c r="A2"', '<c r="A2" s="99"'))
    assert front.read().rows == [("7", "a", 7)]


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_rows_or_a_named_error(front: FrontEnd, seed: int) -> None:
    """Some bytes of a part, of the archive or of a Parquet file are others."""
    chance = random.Random(seed)  # noqa: S311
    damaged = bytearray(book(HEADER, ["1", "a", 1], ["2", "b", "=1+1"], [3, None, 3.5]))
    name = "t.xlsx"
    if seed % 3 == 0:
        table = arrow.table({"code": ["1"], "name": ["a"], "count": [1]})
        out = io.BytesIO()
        parquet.write_table(table, out)
        name, damaged = "t.parquet", bytearray(out.getvalue())
    elif seed % 3 == 1:
        parts = {info.filename: info for info in zipfile.ZipFile(io.BytesIO(damaged)).infolist()}
        part = chance.choice([name for name in parts if "docProps" not in name])
        text = zipfile.ZipFile(io.BytesIO(damaged)).read(part).decode()
        at = chance.randrange(len(text))
        changed = text[:at] + chance.choice('<>"&9x') + text[at + chance.randrange(6) :]
        damaged = bytearray(edited(bytes(damaged), part, text, changed))
    if seed % 3 != 1:
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    front.put(name, bytes(damaged))
    try:
        front.read()
    except SourceFile:
        return


@pytest.mark.parametrize("part", ["MOST_BYTES", "MOST_KEPT_BYTES"])
def test_bombs(front: FrontEnd, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    monkeypatch.setattr(xlsx_reader, part, 1 << 10)
    front.put("t.xlsx", book(HEADER, *([str(n), "x" * 100, n] for n in range(50))))
    with pytest.raises(SourceFileSize):
        front.read()


def test_a_real_bomb_is_not_unpacked(front: FrontEnd) -> None:
    out = io.BytesIO(book(HEADER))
    with (
        zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w") as part,
    ):
        for _ in range(80):
            part.write(bytes(1 << 20))
    assert len(out.getvalue()) < 1 << 20
    front.put("t.xlsx", out.getvalue())
    with pytest.raises(SourceFileSize):
        front.read()


def test_memory_is_bounded(front: FrontEnd) -> None:
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet()
    sheet.append(HEADER)
    for n in range(20_000):
        sheet.append([f"{n:08}", "名" * 10, n])
    made.save(front.path / "in" / "t.xlsx")
    front.put("small.xlsx", book(HEADER))
    front.read("small.xlsx")  # what is imported is not counted
    front.mark = ""
    reading = front.source("t.xlsx").read("")
    tracemalloc.start()
    try:
        assert sum(1 for _ in reading.rows) == 20_000
        assert tracemalloc.get_traced_memory()[1] < 25 << 20
    finally:
        tracemalloc.stop()


# --- Parquet ------------------------------------------------------------------------------------


def test_parquet(front: FrontEnd) -> None:
    front.columns = (CODE, NAME, COUNT, Column("y", "Y", 0), Column("t", "T", 0))
    when = [datetime(2026, 1, 2, 3, 4, 5, 6), None]
    table = arrow.table(
        {
            "count": arrow.array([1, None], arrow.int64()),
            "名称": ["海拉尔", None],
            "extra": [b"x", b"y"],
            "code": ["007", "008"],
            "y": arrow.array([Decimal("1.50"), Decimal("2.00")], arrow.decimal128(9, 2)),
            "t": arrow.array(when, arrow.timestamp("ns")),
        }
    )
    parquet.write_table(table, front.path / "in" / "t.parquet", row_group_size=1)
    assert front.read().rows == [
        ("007", "海拉尔", 1, Decimal("1.50"), when[0]),
        ("008", None, None, Decimal("2.00"), None),
    ]


def test_parquet_that_lacks_columns_or_is_none(front: FrontEnd) -> None:
    parquet.write_table(arrow.table({"code": ["1"]}), front.path / "in" / "t.parquet")
    with pytest.raises(SourceFileColumns):
        front.read()
    whole = (front.path / "in" / "t.parquet").read_bytes()
    for content in (b"", b"PAR1", whole[:-9], whole[:4] + bytes(40) + whole[44:]):
        front.columns = (CODE,)
        front.put("t.parquet", content)
        with pytest.raises(SourceFile):
            front.read()


def test_a_moment_that_would_be_cut(front: FrontEnd) -> None:
    front.columns = (CODE, Column("t", "T", 0))
    table = arrow.table({"code": ["1"], "t": arrow.array([1], arrow.timestamp("ns"))})
    parquet.write_table(table, front.path / "in" / "t.parquet", version="2.6")
    with pytest.raises(SourceFile):
        front.read()


def test_parquet_is_streamed(front: FrontEnd) -> None:
    table = arrow.table({"code": [f"{n:08}" for n in range(50_000)], "name": ["x"] * 50_000})
    front.columns = (CODE, NAME)
    parquet.write_table(table, front.path / "in" / "t.parquet", row_group_size=10_000)
    reading = front.source().read("")
    tracemalloc.start()
    try:
        assert sum(1 for _ in reading.rows) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_parquet_without_its_library(front: FrontEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    front.put("t.parquet", b"PAR1")
    with pytest.raises(SourceParquet) as caught:
        front.read()
    assert "pip install 'ortoo[parquet]'" in str(caught.value)


def test_names_that_say_no_format(front: FrontEnd) -> None:
    front.put("t.docx", b"x")
    with pytest.raises(SourceFile):
        front.read()

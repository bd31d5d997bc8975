"""The marked copy: the same workbook, each problem on its cell, and a list of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from ortoo_node.catalog.sheets import marking
from ortoo_node.catalog.sheets.looks import MARK_FILL
from ortoo_node.catalog.sheets.marking import write_marked
from ortoo_node.catalog.sheets.summary import SUMMARY
from ortoo_protocol.i18n import translator
from tests.node.sheet_kit import CITY, ITEM, RESOURCE, book, found, put, read_file, row

SAY = translator("zh_CN")
BAD = [row(RESOURCE, ITEM, 数据长度=0), row(ITEM, 信息项名称="乙", 数据类型="钱")]


def is_marked(cell: Any) -> bool:
    return bool(cell.fill.fgColor.rgb.endswith(MARK_FILL)) and cell.comment is not None


def marked_copy(file: Path, name: str = "m.xlsx") -> Any:
    target = file.with_name(name)
    write_marked(file, target, read_file(file), SAY)
    return openpyxl.load_workbook(target)


def test_each_problem_stands_on_its_cell(tmp_path: Path) -> None:
    copy = marked_copy(put(tmp_path, book(*BAD)))
    sheet = copy["信息资源目录"]
    marks = {cell.coordinate for line in sheet.iter_rows() for cell in line if is_marked(cell)}
    assert marks == {"U2", "T3"}
    assert "长度不能为 0" in sheet["U2"].comment.text
    assert "请选填" in sheet["T3"].comment.text
    assert sheet["U2"].comment.author == "Ortoo"


def test_the_list_leads_to_the_cells(tmp_path: Path) -> None:
    copy = marked_copy(put(tmp_path, book(*BAD, title="目录'2017'")))
    summary = copy.worksheets[0]
    assert summary.title == SUMMARY
    assert copy.active.title == SUMMARY
    assert "2 个问题" in summary["A1"].value
    line = [cell.value for cell in summary[5]]
    assert line[:4] == [1, "U2", "数据长度", "婚姻登记信息"]
    assert line[6] == "catalog.cell-length"
    assert summary["B5"].hyperlink.location == "'目录''2017'''!U2"


def test_the_rest_of_the_workbook_stays(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["A1"].fill = PatternFill("solid", fgColor="123456")
        sheet["U2"].comment = Comment("科长：请核对", "科长")
        sheet.column_dimensions["A"].width = 33
        sheet.merge_cells("A2:A3")
        sheet["B2"] = "=1+1"
        assert sheet.parent is not None
        sheet.parent.create_sheet("附表")["A1"] = "其他"

    copy = marked_copy(put(tmp_path, book(*BAD, change=change)))
    sheet = copy["信息资源目录"]
    assert sheet["A1"].fill.fgColor.rgb.endswith("123456")
    assert sheet.column_dimensions["A"].width == 33
    assert [str(each) for each in sheet.merged_cells.ranges] == ["A2:A3"]
    assert sheet["B2"].value == "=1+1"
    assert copy["附表"]["A1"].value == "其他"
    assert sheet["U2"].comment.text.startswith("科长：请核对")
    assert "长度不能为 0" in sheet["U2"].comment.text


def test_a_mark_within_merged_cells_stands_on_their_first(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("AB2:AB3")

    rows = [row(RESOURCE, ITEM, 更新周期="每世纪"), row(ITEM, 信息项名称="乙")]
    copy = marked_copy(put(tmp_path, book(*rows, change=change)))
    assert is_marked(copy["信息资源目录"]["AB2"])


def test_marks_go_when_a_copy_is_mended(tmp_path: Path) -> None:
    file = put(tmp_path, book(*BAD))
    copy = marked_copy(file, "一.xlsx")
    copy["信息资源目录"]["U2"] = 40
    copy.save(tmp_path / "二.xlsx")
    again = marked_copy(tmp_path / "二.xlsx", "三.xlsx")
    sheet = again["信息资源目录"]
    assert not is_marked(sheet["U2"])
    assert sheet["U2"].comment is None
    assert is_marked(sheet["T3"])
    assert sheet["T3"].comment.text.count("请选填") == 1
    assert [title for title in again.sheetnames if SUMMARY in title] == [SUMMARY]


@pytest.mark.parametrize("form", ["large", "csv"])
def test_what_comes_back_as_cells_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A workbook too large to be held at once, and CSV: the same cells, marked."""
    monkeypatch.setattr(marking, "MOST_WHOLE_BYTES", 1 << 10)
    file = put(tmp_path, book(*BAD))
    if form == "csv":
        lines = [",".join("" if c is None else str(c) for c in line) for line in (CITY, *BAD)]
        file = put(tmp_path, "\n".join(lines).encode("gb18030"), "目录.csv")
    copy = marked_copy(file)
    sheet = copy[copy.sheetnames[1]]
    assert [cell.value for cell in sheet[1]] == CITY
    marks = {cell.coordinate for line in sheet.iter_rows() for cell in line if is_marked(cell)}
    assert marks == {"U2", "T3"}
    assert copy[SUMMARY]["B5"].value == "U2"
    assert found(read_file(tmp_path / "m.xlsx")) == found(read_file(file))


def test_a_header_that_is_wrong_is_marked_too(tmp_path: Path) -> None:
    copy = marked_copy(put(tmp_path, book(row(RESOURCE, ITEM), heads=[*CITY, "资源摘要"])))
    assert is_marked(copy["信息资源目录"]["AE1"])


def test_json_has_the_list_alone(tmp_path: Path) -> None:
    copy = marked_copy(put(tmp_path, b'[{"name": "a", "items": []}]', "x.json"))
    assert copy.sheetnames == [SUMMARY]
    assert copy[SUMMARY]["B5"].value.startswith("resources[0]")

"""What is wrong in a file is named in its cell, in Chinese, with what to do; all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet
from stdnum.cn import uscc

from ortoo_node.catalog.sheets.grid import ref
from ortoo_protocol.core.errors import OrtooError, SheetError
from ortoo_protocol.i18n import translator
from tests.node.sheet_kit import CITY, ITEM, RESOURCE, book, found, put, read_file, row

SAY = translator("zh_CN")
OTHER = {**RESOURCE, "信息资源名称": "低保信息", "信息资源代码": "307001150700/000002"}
OUTSIDE = "11159900MB1500001" + uscc.calc_check_digit("11159900MB1500001")
MORE = {"信息项名称": "户主", "数据类型": "C", "数据长度": 60, "共享类型": "无条件共享"}


def one_problem(file: Path) -> tuple[str, OrtooError]:
    """(cell, error) of a file that has one."""
    problems = list(read_file(file).problems)
    assert len(problems) == 1, [(each.where, str(each.error)) for each in problems]
    return problems[0].where, problems[0].error


def in_chinese(error: OrtooError) -> str:
    what, cure = SAY.error(error)
    assert what != error.what, "not translated"
    assert cure != error.cure, "not translated"
    return what + cure


@pytest.mark.parametrize(
    ("cells", "cell", "code", "said"),
    [
        ({"信息资源提供方代码": "11150700MB1500001M"}, "F2", "catalog.cell-department", "校验码"),
        ({"信息资源提供方代码": "1115070"}, "F2", "catalog.cell-department", "18"),
        ({"信息资源提供方代码": OUTSIDE}, "F2", "catalog.cell-division", "159900"),
        ({"信息资源代码": "7 乱写"}, "C2", "catalog.field", "代码"),
        ({"数据类型": "钱"}, "T2", "catalog.cell-choice", "货币型Y"),
        ({"数据长度": 0}, "U2", "catalog.cell-length", "1"),
        ({"数据长度": -3}, "U2", "catalog.cell-length", "-3"),
        ({"数据长度": "二十"}, "U2", "catalog.cell-number", "二十"),
        ({"共享类型": "看情况"}, "V2", "catalog.cell-choice", "有条件共享"),
        ({"共享类型": None}, "V2", "catalog.cell-missing", "共享类型"),
        ({"共享类型": "有条件共享"}, "A2", "catalog.basis", "第十四条"),
        ({"共享方式分类": "飞鸽"}, "X2", "catalog.cell-choice", "批量下载"),
        ({"是否向社会开放": "也许"}, "Z2", "catalog.cell-choice", "是"),
        ({"更新周期": "每世纪"}, "AB2", "catalog.cell-choice", "每半年"),
        ({"发布日期": "2017-13-01"}, "AC2", "catalog.cell-date", "2017-13-01"),
        ({"数据存储总量（G）": "很多"}, "L2", "catalog.cell-number", "很多"),
        ({"信息资源格式分类": "石碑"}, "I2", "catalog.cell-choice", "电子表格"),
        ({"信息资源摘要": None}, "G2", "catalog.cell-missing", "信息资源摘要"),
        ({"信息项名称": None}, "R2", "catalog.cell-missing", "信息项名称"),
        ({"信息资源名称": "名" * 201}, "A2", "catalog.too-long", "200"),
        ({"信息资源摘要": "长" * 32_767}, "G2", "catalog.too-long", "4000"),
        ({"数据长度": "=1+1"}, "U2", "catalog.cell-formula", "公式"),
        ({"信息资源代码": 307001150700000001}, "C2", "catalog.cell-digits", "15"),
    ],
)
def test_one_cell(tmp_path: Path, cells: dict[str, Any], cell: str, code: str, said: str) -> None:
    where, error = one_problem(put(tmp_path, book(row(RESOURCE, ITEM, cells))))
    assert (where, error.code) == (cell, code)
    assert said in in_chinese(error)


def test_a_cell_that_shows_an_error(tmp_path: Path) -> None:
    from tests.node.test_folder_workbooks import SHEET, edited

    old = '<c r="U2" t="n"><v>40</v></c>'
    new = '<c r="U2" t="e"><f>A1/0</f><v>#DIV/0!</v></c>'
    content = edited(book(row(RESOURCE, ITEM)), SHEET, old, new)
    where, error = one_problem(put(tmp_path, content))
    assert (where, error.code) == ("U2", "catalog.cell-shows-error")
    assert "#DIV/0!" in in_chinese(error)


# --- several rows -------------------------------------------------------------------------------


def test_one_code_for_two_resources(tmp_path: Path) -> None:
    other = {**OTHER, "信息资源代码": RESOURCE["信息资源代码"]}
    where, error = one_problem(put(tmp_path, book(row(RESOURCE, ITEM), row(other, ITEM))))
    assert (where, error.code) == ("C3", "catalog.cell-twice")
    assert "C2" in in_chinese(error)


def test_a_resource_that_begins_again(tmp_path: Path) -> None:
    rows = [row(RESOURCE, ITEM), row(OTHER, ITEM), row(RESOURCE, MORE)]
    where, error = one_problem(put(tmp_path, book(*rows)))
    assert (where, error.code) == ("A4", "catalog.cell-apart")


def test_rows_of_one_resource_that_differ(tmp_path: Path) -> None:
    file = put(tmp_path, book(row(RESOURCE, ITEM), row(RESOURCE, MORE, 更新周期="每年")))
    where, error = one_problem(file)
    assert (where, error.code) == ("AB3", "catalog.cell-differs")
    assert "AB2" in in_chinese(error)


@pytest.mark.parametrize(
    ("merged", "second", "third"),
    [
        ("A2:A3", {}, {}),  # the third row of the resource has no name
        ("F2:F3", RESOURCE, {**RESOURCE, "信息资源提供方代码": None}),
        ("D3:D4", RESOURCE, {**OTHER, "信息资源提供方": None}),  # reaches into the next
    ],
)
def test_cells_merged_over_half_a_resource(
    tmp_path: Path, merged: str, second: dict[str, Any], third: dict[str, Any]
) -> None:
    rows = [row(RESOURCE, ITEM), row(second, MORE), row(third, MORE, 信息项名称="第三项")]

    def change(sheet: Worksheet) -> None:
        sheet.merge_cells(merged)

    read = read_file(put(tmp_path, book(*rows, change=change)))
    first = merged.partition(":")[0]
    assert set(found(read)) == {(first, "catalog.cell-merged")}
    assert merged in in_chinese(next(iter(read.problems)).error)


def test_a_row_of_nobody(tmp_path: Path) -> None:
    read = read_file(put(tmp_path, book(row(ITEM), row(RESOURCE, ITEM))))
    assert found(read) == [("A2", "catalog.cell-stray")]


@pytest.mark.parametrize(
    ("related", "cells"),
    [
        (("307001150700/000001", ""), ["AE2"]),
        (("307001150700/000002", "307001150700/000001"), ["AE3"]),
    ],
    ids=["itself", "each other"],
)
def test_relations_that_lead_back(
    tmp_path: Path, related: tuple[str, str], cells: list[str]
) -> None:
    heads = [*CITY, "关联资源代码"]
    rows = [
        row(resource, ITEM, {"关联资源代码": codes}, heads=heads)
        for resource, codes in zip((RESOURCE, OTHER), related, strict=True)
    ]
    read = read_file(put(tmp_path, book(*rows, heads=heads)))
    assert {(where, code) for where, code in found(read)} == {
        (cell, "catalog.related") for cell in cells
    }


def test_an_item_that_stands_twice_is_marked_where_it_was_typed(tmp_path: Path) -> None:
    """The file names no columns: they come from the items' names."""
    read = read_file(put(tmp_path, book(row(RESOURCE, ITEM), row(RESOURCE, ITEM))))
    twice = [(where, "catalog.item-twice") for where in ("R2", "R3")]
    assert found(read) == twice


def test_one_cause_is_one_problem(tmp_path: Path) -> None:
    """A share type that nobody can read does not make the items lack theirs; a resource that is
    related to itself is told so once."""
    heads = [*CITY, "资源共享类型", "关联资源代码"]
    silent = {**ITEM, "共享类型": None}
    unread = row(RESOURCE, silent, {"资源共享类型": "内部共享"}, heads=heads)
    at = heads.index("资源共享类型")
    assert found(read_file(put(tmp_path, book(unread, heads=heads)))) == [
        (ref(2, at), "catalog.cell-choice")
    ]
    own = {"资源共享类型": "无条件共享", "关联资源代码": RESOURCE["信息资源代码"]}
    related = row(RESOURCE, silent, own, heads=heads)
    assert len(read_file(put(tmp_path, book(related, heads=heads))).problems) == 1


def test_all_problems_come_at_once_by_row_and_column(tmp_path: Path) -> None:
    rows = [
        row(RESOURCE, ITEM, 数据长度=0, 更新周期="每世纪"),
        row(OTHER, ITEM, 信息资源提供方代码="1", 数据类型="钱"),
    ]
    read = read_file(put(tmp_path, book(*rows)))
    assert [where for where, _ in found(read)] == ["U2", "AB2", "F3", "T3"]


# --- the header ---------------------------------------------------------------------------------


def test_headings_that_are_lacking(tmp_path: Path) -> None:
    heads = [head for head in CITY if head not in ("数据类型", "更新周期")]
    file = put(tmp_path, book(["婚姻登记信息"], heads=heads))
    where, error = one_problem(file)
    assert (where, error.code) == ("A1", "catalog.sheet-columns")
    assert "数据类型、更新周期" in in_chinese(error)


def test_a_heading_that_stands_twice(tmp_path: Path) -> None:
    heads = [*CITY, "资源摘要"]
    where, error = one_problem(put(tmp_path, book(row(RESOURCE, ITEM), heads=heads)))
    assert (where, error.code) == ("AE1", "catalog.sheet-twice")
    assert "G1" in in_chinese(error)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("空.xlsx", book(heads=["随便", "什么"]), "catalog.sheet-header"),
        ("空.xlsx", book(), "catalog.sheet-empty"),
        ("空.csv", b"", "catalog.sheet-header"),
        ("空.csv", "甲,乙\r\n1,2".encode("gb18030"), "catalog.sheet-header"),
        ("坏.csv", b"\x81\x00\xff\xff", "catalog.sheet-encoding"),
        ("坏.csv", (",".join(CITY) + '\r\n"没有结束').encode(), "catalog.sheet-line"),
        ("坏.json", b"{", "catalog.sheet-json"),
        ("坏.json", b'{"resources": [1]}', "catalog.sheet-json"),
        ("坏.json", b"[" * 100_000, "catalog.sheet-json"),
        ("空.json", b"[]", "catalog.sheet-empty"),
    ],
)
def test_files_without_a_catalog(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    with pytest.raises(SheetError) as raised:
        read_file(put(tmp_path, content, name))
    assert raised.value.code == code
    assert name in in_chinese(raised.value)


def test_json_problems_have_their_place(tmp_path: Path) -> None:
    content = (
        b'[{"name": "a", "department": "x", "abstract": "b", "colour": 1, '
        b'"items": [{"name": "c", "type": "Q"}], "related": 5}]'
    )
    problems = found(read_file(put(tmp_path, content, "x.json")))
    assert ("resources[0].colour", "catalog.field") in problems
    assert ("resources[0].items[0].type", "catalog.field") in problems
    assert ("resources[0].related", "catalog.field") in problems

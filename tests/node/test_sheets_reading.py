"""Catalogs as departments keep them: workbooks and CSV files are read as they are meant."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from ortoo_node.catalog.sheets.values import Day
from tests.node.sheet_kit import CITY, DEPARTMENT, ITEM, RESOURCE, book, found, put, read_file, row

DAY = {"信息项名称": "登记日期", "数据类型": "日期型D", "数据长度": 10, "共享类型": "无条件共享"}


def only(file: Path) -> dict[str, Any]:
    read = read_file(file)
    assert found(read) == []
    assert len(read.drafts) == 1
    return read.drafts[0].fields


def merge(*refs: str) -> Any:
    def change(sheet: Worksheet) -> None:
        for ref in refs:
            sheet.merge_cells(ref)

    return change


def test_the_citys_template(tmp_path: Path) -> None:
    full = {
        **{"信息资源英文名": "marriages", "提供方内部部门": "婚姻登记处"},
        **{"来源信息系统名称": "婚姻登记系统", "信息资源格式类型": "mysql"},
        **{"其他类型资源格式描述": "无", "数据存储总量（G）": 12.5, "结构化信息记录总数（万）": 30},
        **{"已共享的数据存储量（G）": "1", "已共享的结构化记录数（万）": 2},
        **{"已开放的数据存储量（G）": 0, "已开放的结构化记录数（万）": 0},
        **{"共享方式分类": "系统对接、批量下载", "共享方式类型": "数据库、文件"},
        **{"是否向社会开放": "否", "发布日期": date(2017, 5, 1), "关联及类目名称": "民政；婚姻"},
    }
    fields = only(put(tmp_path, book(row(RESOURCE, ITEM, full), row(RESOURCE, DAY, full))))
    assert fields == {
        "name": "婚姻登记信息",
        "name_en": "marriages",
        "code": "307001150700/000001",
        "department_name": "呼伦贝尔市民政局",
        "office": "婚姻登记处",
        "department": "11150700MB1500001N",
        "abstract": "本市婚姻登记",
        "source_system": "婚姻登记系统",
        "format_class": 3,
        "format_type": "mysql",
        "format_other": "无",
        "stored_gb": "12.5",
        "records_10k": "30",
        "shared_gb": "1",
        "shared_records_10k": "2",
        "opened_gb": "0",
        "opened_records_10k": "0",
        "share_type": 1,
        "modes": ["系统对接", "批量下载"],
        "share_kinds": ["数据库", "文件"],
        "open_to_society": False,
        "cycle": "每日",
        "published_ms": Day.ms_of(date(2017, 5, 1)),
        "related_classes": ["民政", "婚姻"],
        "items": [
            {"name": "登记证字号", "type": "C", "length": 40, "column": "登记证字号"},
            {"name": "登记日期", "type": "D", "length": 10, "column": "登记日期"},
        ],
    }


@pytest.mark.parametrize(
    ("second", "merged"),
    [
        (row(RESOURCE, DAY), ()),  # repeated
        (row(DAY), ()),  # written once, above
        (row(DAY), tuple(f"{column}2:{column}3" for column in "ABCDEFGHIJ")),  # merged
    ],
    ids=["repeated", "once", "merged"],
)
def test_a_resources_cells(tmp_path: Path, second: list[Any], merged: tuple[str, ...]) -> None:
    file = put(tmp_path, book(row(RESOURCE, ITEM), second, change=merge(*merged)))
    fields = only(file)
    assert fields["code"] == "307001150700/000001"
    assert [item["name"] for item in fields["items"]] == ["登记证字号", "登记日期"]


def test_several_resources_with_a_blank_row_between(tmp_path: Path) -> None:
    other = {**RESOURCE, "信息资源名称": "低保信息", "信息资源代码": "307001150700/000002"}
    rows = [row(RESOURCE, ITEM), row(DAY), [None], row(other, ITEM), row(DAY)]
    read = read_file(put(tmp_path, book(*rows)))
    assert found(read) == []
    assert [(d.name, d.row, d.rows) for d in read.drafts] == [
        ("婚姻登记信息", 2, [2, 3]),
        ("低保信息", 5, [5, 6]),
    ]


def test_other_words_and_full_width_characters(tmp_path: Path) -> None:
    heads = [
        "1.数据目录名称（必填）",
        "目录编码",
        "提供单位",
        "统一社会信用代码",
        "目录摘要",
        "数据格式",
        "更新频率",
        "共享属性",
        "数据项名称",
        "字段类型",
        "长度",
        "数据量",
    ]
    cells = [
        "婚姻登记信息",
        "３０７００１１５０７００／０００００１",
        "民政局",
        "１１１５０７００ＭＢ１５００００１Ｎ",
        "摘要",
        "３数据库",
        "按季度",
        "无条件",
        "字号",
        "ＶＡＲＣＨＡＲ",
        "４０位",
        "9",
    ]
    cells[-2] = "４０"
    fields = only(put(tmp_path, book(cells, heads=heads)))
    assert fields["code"] == "307001150700/000001"
    assert fields["department"] == "11150700MB1500001N"
    assert (fields["format_class"], fields["cycle"], fields["share_type"]) == (3, "每季度", 1)
    assert fields["items"] == [{"name": "字号", "type": "C", "length": 40, "column": "字号"}]


def test_headings_that_mean_nothing_are_named(tmp_path: Path) -> None:
    heads = [*CITY, "填表人电话"]
    read = read_file(put(tmp_path, book([*row(RESOURCE, ITEM), "0470-1"], heads=heads)))
    assert read.unknown == ("填表人电话",)


def test_a_header_of_two_rows_below_a_title(tmp_path: Path) -> None:
    upper = [
        "名称",
        "提供方代码",
        "摘要",
        "信息资源格式",
        None,
        "信息项",
        None,
        None,
        "共享属性",
        None,
    ]
    upper += ["更新周期"]
    lower = [None, None, None, "信息资源格式分类", "类型", "信息项名称", "数据类型", "数据长度"]
    lower += ["共享类型", "共享条件", None]
    upper[0] = "信息资源名称"
    lower[4] = "信息资源格式类型"
    cells = ["婚姻登记", RESOURCE["信息资源提供方代码"], "摘要", "数据库", "mysql", "字号", "C", 4]

    def change(sheet: Worksheet) -> None:
        for ref in ("A1:K1", "A3:A4", "B3:B4", "C3:C4", "D3:E3", "F3:H3", "I3:J3", "K3:K4"):
            sheet.merge_cells(ref)

    rows = [["填表单位：民政局"], upper, lower, [*cells, "无条件共享", None, "每年"]]
    fields = only(put(tmp_path, book(*rows, heads=["呼伦贝尔市目录"], change=change)))
    assert (fields["name"], fields["format_type"], fields["cycle"]) == ("婚姻登记", "mysql", "每年")
    assert fields["items"][0]["length"] == 4


def test_the_header_is_on_the_second_sheet(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        assert sheet.parent is not None
        sheet.parent.create_sheet("说明", 0).append(["请填写第二张表"])

    read = read_file(put(tmp_path, book(row(RESOURCE, ITEM), change=change)))
    assert (read.sheet, found(read)) == ("信息资源目录", [])


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (date(2017, 5, 1), date(2017, 5, 1)),
        (datetime(2017, 5, 1, 9, 30), date(2017, 5, 1)),
        ("2017年5月1日", date(2017, 5, 1)),
        ("２０１７．５．１", date(2017, 5, 1)),
        ("20170501", date(2017, 5, 1)),
        (20170501, date(2017, 5, 1)),
        (42856, date(2017, 5, 1)),  # the number behind a date whose format was lost
    ],
)
def test_dates(tmp_path: Path, cell: Any, day: date) -> None:
    fields = only(put(tmp_path, book(row(RESOURCE, ITEM, 发布日期=cell))))
    assert fields["published_ms"] == Day.ms_of(day)


def test_items_that_differ_make_the_resource_conditional(tmp_path: Path) -> None:
    limited = {**DAY, "共享类型": "不予共享", "共享方式分类": "前置机", "是否向社会开放": "否"}
    heads = [*CITY, "共享依据"]
    first = row(RESOURCE, ITEM, {"共享方式分类": "联机查询", "是否向社会开放": "是"}, heads=heads)
    basis = {"共享依据": "《婚姻登记条例》"}
    second = row(RESOURCE, limited, basis, heads=heads)
    fields = only(put(tmp_path, book(first, second, heads=heads)))
    assert (fields["share_type"], fields["basis"]) == (2, "《婚姻登记条例》")
    assert [item["share_type"] for item in fields["items"]] == [1, 3]
    assert fields["modes"] == ["联机查询", "前置机"]
    assert fields["open_to_society"] is True
    assert [item["open_to_society"] for item in fields["items"]] == [True, False]


def test_formulas_have_their_stored_value(tmp_path: Path) -> None:
    """As a spreadsheet program leaves them: the formula, and what it calculated."""
    from tests.node.test_folder_workbooks import SHEET, edited

    content = book(row(RESOURCE, ITEM))
    old = '<c r="U2" t="n"><v>40</v></c>'
    file = put(tmp_path, edited(content, SHEET, old, '<c r="U2"><f>30+10</f><v>40</v></c>'))
    assert only(file)["items"][0]["length"] == 40


CSV_HEAD = ",".join(CITY)


def csv_row(*parts: dict[str, Any]) -> str:
    return ",".join("" if cell is None else str(cell) for cell in row(*parts))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv(tmp_path: Path, encoding: str, separator: str) -> None:
    text = "\r\n".join((CSV_HEAD, csv_row(RESOURCE, ITEM), csv_row(DAY))).replace(",", separator)
    fields = only(put(tmp_path, text.encode(encoding), "目录.csv"))
    assert [item["name"] for item in fields["items"]] == ["登记证字号", "登记日期"]


def test_json_as_others_write_it(tmp_path: Path) -> None:
    fields = {"name": "a", "department": DEPARTMENT, "abstract": "b", "items": [{"name": "c"}]}
    one = msgspec.json.encode(fields)
    for content in (one, b"[" + one + b"]", b'\xef\xbb\xbf{"resources": [' + one + b"]}"):
        assert only(put(tmp_path, content, "x.json"))["items"] == [{"name": "c"}]

"""Workbooks of a department for tests, made as its people make them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from ortoo_node.catalog.sheets.reading import Read, read
from ortoo_protocol.core.catalog.intake import problems

DEPARTMENT = "11150700MB1500001N"
# The headings of a city's template of 2017, in its order.
CITY = [
    "信息资源名称",
    "信息资源英文名",
    "信息资源代码",
    "信息资源提供方",
    "提供方内部部门",
    "信息资源提供方代码",
    "信息资源摘要",
    "来源信息系统名称",
    "信息资源格式分类",
    "信息资源格式类型",
    "其他类型资源格式描述",
    "数据存储总量（G）",
    "结构化信息记录总数（万）",
    "已共享的数据存储量（G）",
    "已共享的结构化记录数（万）",
    "已开放的数据存储量（G）",
    "已开放的结构化记录数（万）",
    "信息项名称",
    "信息项英文名",
    "数据类型",
    "数据长度",
    "共享类型",
    "共享条件",
    "共享方式分类",
    "共享方式类型",
    "是否向社会开放",
    "开放条件",
    "更新周期",
    "发布日期",
    "关联及类目名称",
]
RESOURCE = {
    "信息资源名称": "婚姻登记信息",
    "信息资源代码": "307001150700/000001",
    "信息资源提供方": "呼伦贝尔市民政局",
    "信息资源提供方代码": DEPARTMENT,
    "信息资源摘要": "本市婚姻登记",
    "信息资源格式分类": "数据库",
    "更新周期": "每日",
}
ITEM = {"信息项名称": "登记证字号", "数据类型": "字符型C", "数据长度": 40, "共享类型": "无条件共享"}
Change = Callable[[Worksheet], None]


def row(*parts: dict[str, Any], heads: Sequence[str] = CITY, **cells: Any) -> list[Any]:
    """One row below `heads`; later parts win."""
    merged: dict[str, Any] = {}
    for part in (*parts, cells):
        merged |= part
    unknown = merged.keys() - set(heads)
    assert not unknown, unknown
    return [merged.get(head) for head in heads]


def book(
    *rows: Sequence[Any],
    heads: Sequence[str] = CITY,
    title: str = "信息资源目录",
    change: Change = lambda _: None,
) -> bytes:
    """A workbook whose first row are `heads`; the first below is row 2."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    for each in (heads, *rows):
        sheet.append(list(each))
    change(sheet)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def put(folder: Path, content: bytes, name: str = "目录.xlsx") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def read_file(file: Path) -> Read:
    return read(file, problems)


def found(read_: Read) -> list[tuple[str, str]]:
    """(cell, code) of each problem."""
    return [(each.where, each.error.code) for each in read_.problems]

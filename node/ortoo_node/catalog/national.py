"""The catalog in the shape of the national platform: the elements of its guide
(《政务信息资源目录编制指南（试行）》).

Thirteen core elements under their own names, in the guide's order and words, and behind them what
Decree 809 (art. 13) adds: 数据分类分级, 使用条件, 使用用途.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from ortoo_node.catalog.sheets.choices import FORMAT_CLASSES, ITEM_TYPES, SHARE_TYPES
from ortoo_node.catalog.sheets.values import CHINA
from ortoo_protocol.core.catalog import Entry, Item

TITLE = "政务信息资源目录"
Levels = Mapping[str, str]
"""类, 项, 目, 细目 of a code, by these names."""


def levels_of(code: str) -> Levels:
    """The parts of a code: 类 1, 项 2, 目 3 digits, 细目 of any length, before its number."""
    whole = code.partition("/")[0]
    return {"类": whole[:1], "项": whole[1:3], "目": whole[3:6], "细目": whole[6:]}


def elements(entry: Entry) -> dict[str, Any]:
    """One resource under the names of the guide."""
    return {
        "信息资源分类": dict(levels_of(entry.code)),
        "信息资源名称": entry.name,
        "信息资源代码": entry.code,
        "信息资源提供方": _provider(entry),
        "信息资源提供方代码": entry.department_code or entry.department,
        "信息资源摘要": entry.abstract,
        "信息资源格式": {
            "信息资源格式分类": FORMAT_CLASSES.label(entry.format_class),
            "信息资源格式类型": entry.format_type,
            "其他类型资源格式描述": entry.format_other,
        },
        "信息项信息": [_item(entry, item) for item in entry.items],
        "共享属性": {
            "共享类型": SHARE_TYPES.label(entry.share_type),
            "共享条件": entry.share_condition,
            "共享依据": entry.basis,
            "共享方式": [
                {"共享方式分类": mode, "共享方式类型": kind}
                for mode, kind in zip(entry.modes, _kinds(entry), strict=True)
            ],
        },
        "开放属性": {
            "是否向社会开放": _yes(entry.open_to_society),
            "开放条件": entry.open_condition,
        },
        "更新周期": entry.cycle,
        "发布日期": _day(entry.published_ms),
        "关联资源代码": list(entry.related),
        "关联类目名称": list(entry.related_classes),
        "使用用途": list(entry.purposes),
        "数据分类分级": entry.grade,
        "来源信息系统名称": entry.source_system,
        "数据存储总量(G)": entry.stored_gb,
        "结构化信息记录总数(万)": entry.records_10k,
        "登记备案号": entry.filed,
        "版本": entry.version,
    }


def document(entries: Iterable[Entry], publisher: str) -> dict[str, Any]:
    listed = [elements(entry) for entry in entries]
    return {
        "目录名称": TITLE,
        "编制单位": publisher,
        "依据": "《政务信息资源目录编制指南（试行）》",
        "资源数量": len(listed),
        "信息资源": listed,
    }


def _provider(entry: Entry) -> dict[str, str]:
    return {"部门名称": entry.department_name, "内设机构": entry.office}


def _item(entry: Entry, item: Item) -> dict[str, Any]:
    """What an item leaves open is said as its resource has it."""
    modes = item.modes or entry.modes
    opened = entry.open_to_society if item.open_to_society is None else item.open_to_society
    return {
        "信息项名称": item.name,
        "信息项英文名": item.name_en or item.column,
        "数据类型": ITEM_TYPES.label(item.type),
        "数据长度": item.length,
        "信息项类别": "基础信息项" if item.base else "业务信息项",
        "共享类型": SHARE_TYPES.label(item.share_type or entry.share_type),
        "共享条件": item.share_condition or entry.share_condition,
        "共享方式": list(modes),
        "是否向社会开放": _yes(opened),
        "开放条件": item.open_condition or entry.open_condition,
    }


def _kinds(entry: Entry) -> list[str]:
    missing = len(entry.modes) - len(entry.share_kinds)
    return [*entry.share_kinds[: len(entry.modes)], *[""] * missing]


def _yes(value: bool) -> str:
    return "是" if value else "否"


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, CHINA).date().isoformat() if ms else ""

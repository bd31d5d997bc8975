"""The columns of the template: one row per item, the resource's own cells merged or repeated.

The first thirty are those of a city's real template, in its order, after the guide
(《政务信息资源目录编制指南（试行）》); behind them stands what the Measures, Decree 809 and the
exchange itself need besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from types import MappingProxyType
from typing import Any

from ortoo_node.catalog.sheets import choices
from ortoo_node.catalog.sheets.aliases import ITEM, RESOURCE, other_names
from ortoo_node.catalog.sheets.choices import folded
from ortoo_node.catalog.sheets.values import (
    Code,
    Codes,
    CreditCode,
    Day,
    Decimal,
    Kind,
    Length,
    Pick,
    Picks,
    Text,
    Words,
)


@dataclass(frozen=True, eq=False)  # there is one of each
class Column:
    """`field` of an entry, or of its items where `level` says so. `needed`: no row goes without.
    `note`: what people are told in the template."""

    level: str
    field: str
    heading: str
    kind: Kind
    note: str
    needed: bool = False
    width: int = 14
    extra: bool = False  # not in the city's template
    names: frozenset[str] = made(init=False, repr=False)

    def __post_init__(self) -> None:
        names = frozenset(map(folded, (self.heading, *other_names(self.level, self.field))))
        object.__setattr__(self, "names", names)

    @property
    def of_item(self) -> bool:
        return self.level == ITEM


def _resource(name: str, heading: str, kind: Kind, note: str, **more: Any) -> Column:
    return Column(RESOURCE, name, heading, kind, note, **more)


def _item(name: str, heading: str, kind: Kind, note: str, **more: Any) -> Column:
    return Column(ITEM, name, heading, kind, note, **more)


_TEXT = Text()

COLUMNS: tuple[Column, ...] = (
    _resource("name", "信息资源名称", _TEXT,
              "一个资源的每个信息项一行；资源各列可合并或重复填写", needed=True, width=26),
    _resource("name_en", "信息资源英文名", _TEXT, "选填"),
    _resource("code", "信息资源代码", Code(capital=True),
              "如 307001/000001；留空则由本级平台分配", width=20),
    _resource("department_name", "信息资源提供方", _TEXT,
              "部门全称；留空则取登记的部门名称", width=24),
    _resource("office", "提供方内部部门", _TEXT, "内设机构、处（科）室", width=16),
    _resource("department", "信息资源提供方代码", CreditCode(),
              "18 位统一社会信用代码，末位为校验码", needed=True, width=22),
    _resource("abstract", "信息资源摘要", _TEXT, "资源内容的概要说明", needed=True, width=34),
    _resource("source_system", "来源信息系统名称", _TEXT, "数据产生于哪个业务系统", width=18),
    _resource("format_class", "信息资源格式分类", Pick(choices.FORMAT_CLASSES), "下拉选择"),
    _resource("format_type", "信息资源格式类型", _TEXT, "如 mysql、xlsx、wps、jpg、http"),
    _resource("format_other", "其他类型资源格式描述", _TEXT, "格式类型以外的说明"),
    _resource("stored_gb", "数据存储总量(G)", Decimal(), "GB，可带小数"),
    _resource("records_10k", "结构化信息记录总数(万)", Decimal(), "万条，可带小数"),
    _resource("shared_gb", "已共享的数据存储量(G)", Decimal(), "GB"),
    _resource("shared_records_10k", "已共享的结构化记录数(万)", Decimal(), "万条"),
    _resource("opened_gb", "已开放的数据存储量(G)", Decimal(), "GB"),
    _resource("opened_records_10k", "已开放的结构化记录数(万)", Decimal(), "万条"),
    _item("name", "信息项名称", _TEXT, "数据项、字段的中文名称", needed=True, width=20),
    _item("name_en", "信息项英文名", _TEXT, "选填；没有“字段名”一列时即字段名"),
    _item("type", "数据类型", Pick(choices.ITEM_TYPES), "下拉选择", needed=True),
    _item("length", "数据长度", Length(), "字符或数字的最大位数，不小于 1", width=10),
    _item("share_type", "共享类型", Pick(choices.SHARE_TYPES), "下拉选择；留空则同“资源共享类型”"),
    _item("share_condition", "共享条件", _TEXT,
          "有条件共享的条件，不予共享的理由；留空则同资源", width=20),
    _item("modes", "共享方式分类", Picks(choices.MODES),
          "系统对接、前置机、联机查询、批量下载，可多选；留空则同资源"),
    _resource("share_kinds", "共享方式类型", Words(),
              "各共享方式的具体类型，如 数据库、接口、文件"),
    _item("open_to_society", "是否向社会开放", Pick(choices.YES_NO), "下拉选择；留空则同资源"),
    _item("open_condition", "开放条件", _TEXT, "向社会开放的条件；留空则同资源"),
    _resource("cycle", "更新周期", Pick(choices.CYCLES), "下拉选择", needed=True, width=10),
    _resource("published_ms", "发布日期", Day(), "如 2026-01-31", width=12),
    _resource("related_classes", "关联及类目名称", Words(), "所属或关联的类目，可多个", width=18),
    # --- what the city's template has not -------------------------------------------------------
    _resource("related", "关联资源代码", Codes(), "关联资源的代码，可多个", width=20, extra=True),
    _resource("share_type", "资源共享类型", Pick(choices.SHARE_TYPES),
              "资源整体；信息项另有规定的从其规定", extra=True),
    _resource("share_condition", "资源共享条件", _TEXT, "资源整体的共享条件", width=20, extra=True),
    _resource("basis", "共享依据", _TEXT,
              "有条件或不予共享的法律、法规、政策依据（办法第十四条）", width=26, extra=True),
    _resource("modes", "资源共享方式", Picks(choices.MODES),
              "资源整体的共享方式，可多选", extra=True),
    _resource("purposes", "使用用途", Words(),
              "行政依据、工作参考、数据校核、业务协同，可多选", width=18, extra=True),
    _resource("open_to_society", "资源是否开放", Pick(choices.YES_NO),
              "资源整体是否向社会开放", extra=True),
    _resource("open_condition", "资源开放条件", _TEXT, "资源整体的开放条件", extra=True),
    _resource("replaces_paper", "免于提交的材料", _TEXT,
              "共享后不再要求群众和企业提交的材料（办法第二十条）", width=18, extra=True),
    _resource("grade", "数据分类分级", Pick(choices.GRADES),
              "一般、重要、核心（国令第809号第十三条）", extra=True),
    _resource("personal", "含个人信息", Pick(choices.YES_NO),
              "是否含个人信息", width=10, extra=True),
    _resource("impact_checked_by", "个人信息保护影响评估人", _TEXT,
              "含个人信息的，由谁评估", extra=True),
    _resource("lead_department", "牵头部门代码", Code(capital=True),
              "基础、主题目录的牵头部门", width=22, extra=True),
    _resource("project", "预编项目名称", _TEXT,
              "项目立项前预编的目录（办法第三十三条）", width=18, extra=True),
    _resource("status", "供给状态", Pick(choices.STATES),
              "已具备，或随项目拟建", width=10, extra=True),
    _item("column", "字段名", _TEXT, "交换时的列名；留空则取信息项英文名", extra=True),
    _item("key", "是否主键", Pick(choices.YES_NO),
          "唯一标识一行的信息项，可多个", width=10, extra=True),
    _item("base", "信息项类别", Pick(choices.ITEM_KINDS),
          "基础信息项或业务信息项（办法第十四条）", extra=True),
    _item("claims", "是否数源", Pick(choices.YES_NO),
          "本资源是否为该数据的唯一来源（一数一源）", width=10, extra=True),
    _item("sensitive", "是否敏感", Pick(choices.YES_NO), "是否敏感信息项", width=10, extra=True),
    _item("remark", "备注", _TEXT, "信息项的补充说明", width=18, extra=True),
    _resource("compiled_by", "编目人", _TEXT, "由谁编制", width=10, extra=True),
    _resource("reviewed_by", "部门审核人", _TEXT, "由谁审核；不是编目人", width=10, extra=True),
    _resource("secrecy_checked_by", "保密检查人", _TEXT,
              "由谁作保密检查（办法第二十六条）", width=10, extra=True),
    _resource("approved_by", "批准人", _TEXT, "由谁批准；不是编目人", width=10, extra=True),
)  # fmt: skip

BY_NAME: Mapping[str, Column] = MappingProxyType(
    {name: column for column in COLUMNS for name in column.names}
)


def column_of(level: str, field_: str) -> Column | None:
    """The column of a field of the entry or of its items."""
    for column in COLUMNS:
        if column.level == level and column.field == field_:
            return column
    return None

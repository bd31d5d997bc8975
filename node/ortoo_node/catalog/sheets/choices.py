"""Closed lists of the template, in the guide's words and in those that people write instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ortoo_protocol.core.catalog import elements

_PUNCTUATION = re.compile(r"[\s()\[\]【】「」:*_.\-·、]+")


def folded(text: str) -> str:
    """Width, capitals, spaces and punctuation aside."""
    return _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text)).casefold()


@dataclass(frozen=True)
class Choices:
    """`labels`: what each value is called in the template; `also`: by value, other words for it."""

    labels: Mapping[Any, str]
    also: Mapping[Any, tuple[str, ...]] = field(default_factory=dict)
    known: Mapping[str, object] = field(init=False, repr=False)  # by folded word

    def __post_init__(self) -> None:
        words = {
            folded(word): value
            for value, label in self.labels.items()
            for word in (str(value), label, *self.also.get(value, ()))
        }
        object.__setattr__(self, "known", words)

    def find(self, text: str) -> object:
        """The value that `text` means. Raises KeyError."""
        return self.known[folded(text)]

    def label(self, value: object) -> str:
        """A value that is none of the list shows as it is."""
        return self.labels.get(value, str(value))

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(self.labels.values())


SHARE_TYPES = Choices(
    elements.SHARE_TYPES,
    {
        1: ("无条件", "无条件共享类", "1无条件共享", "无条件共享1", "unconditional"),
        2: ("有条件", "有条件共享类", "2有条件共享", "有条件共享2", "conditional"),
        3: ("不予", "不予共享类", "不共享", "3不予共享", "不予共享3", "not shared"),
    },
)
FORMAT_CLASSES = Choices(
    elements.FORMAT_CLASSES,
    {
        1: ("1电子文件", "文件", "文档", "电子文档"),
        2: ("2电子表格", "表格", "excel", "电子表格文件"),
        3: ("3数据库", "数据库类", "数据表", "库表", "结构化数据"),
        4: ("4图形图像", "图形图像类", "图片", "图像"),
        5: ("5流媒体", "流媒体类", "音视频", "视频"),
        6: ("6自描述格式", "自描述", "自描述类"),
        7: ("7服务接口", "接口", "服务接口类", "api"),
    },
)
ITEM_TYPES = Choices(
    {letter: f"{name}{letter}" for letter, name in elements.ITEM_TYPE_NAMES.items()},
    {
        "C": ("字符", "字符型", "字符串", "字符串型", "文本", "文本型", "C字符型", "char",
              "varchar", "varchar2", "nvarchar", "string"),
        "N": ("数值", "数值型", "数字", "N数值型", "number", "numeric", "decimal"),
        "Y": ("货币", "货币型", "金额", "Y货币型", "money"),
        "D": ("日期", "日期型", "D日期型", "date"),
        "T": ("日期时间", "日期时间型", "时间", "时间戳", "T日期时间型", "datetime", "timestamp"),
        "L": ("逻辑", "逻辑型", "布尔", "布尔型", "L逻辑型", "bool", "boolean"),
        "M": ("备注", "备注型", "长文本", "M备注型", "text", "clob", "memo"),
        "G": ("通用", "通用型", "二进制", "G通用型", "blob", "binary", "general"),
        "B": ("双精度", "双精度型", "B双精度型", "double"),
        "I": ("整数", "整型", "整数型", "I整型", "int", "integer", "bigint", "smallint"),
        "F": ("浮点", "浮点型", "浮点数", "F浮点型", "float", "real"),
    },
)  # fmt: skip
CYCLES = Choices(
    {each: each for each in elements.CYCLE_ORDER},
    {
        "实时": ("实时更新", "即时"),
        "每日": ("每天", "日", "按日", "每日更新", "1天", "daily"),
        "每周": ("周", "按周", "每星期", "weekly"),
        "每月": ("月", "按月", "每个月", "月度", "monthly"),
        "每季度": ("季", "季度", "每季", "按季", "按季度", "quarterly"),
        "每半年": ("半年", "半年度"),
        "每年": ("年", "年度", "按年", "每年度", "一年", "yearly", "annually"),
        "其他": ("其它", "不定期", "按需", "不定时", "other"),
    },
)
YES_NO = Choices(
    {True: "是", False: "否"},
    {
        True: ("y", "yes", "1", "√", "✓", "对", "是的", "开放", "向社会开放"),
        False: ("n", "no", "0", "×", "不是", "不开放", "不向社会开放"),
    },
)
ITEM_KINDS = Choices(
    {True: "基础信息项", False: "业务信息项"},
    {True: ("基础", "基础项", "是"), False: ("业务", "业务项", "否")},
)
GRADES = Choices(
    {each: each for each in elements.GRADES},
    {"一般": ("一般数据", "普通"), "重要": ("重要数据",), "核心": ("核心数据",)},
)
MODES = Choices(
    {each: each for each in elements.MODES},
    {
        mode: tuple(other for other, named in elements.MODE_ALIASES.items() if named == mode)
        for mode in elements.MODES
    },
)
STATES = Choices(
    {elements.PUBLISHED: "已具备", elements.PLANNED: "拟建", elements.STOPPED: "已停止"},
    {
        elements.PUBLISHED: ("已发布", "已供给"),
        elements.PLANNED: ("预编", "待建", "规划"),
        elements.STOPPED: ("停止", "停用"),
    },
)

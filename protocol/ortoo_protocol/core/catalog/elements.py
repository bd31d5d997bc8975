"""The closed lists of a catalog entry: what may stand in a field that is no free text.

After 《政务信息资源目录编制指南（试行）》 and the Measures. Each stands in the guide's order with
its names, so that templates, menus and exports need no list of their own. Purposes of use are
examples in the law (等), so an entry may name others.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.law.share_types import CONDITIONAL as CONDITIONAL
from ortoo_protocol.core.law.share_types import NOT_SHARED as NOT_SHARED
from ortoo_protocol.core.law.share_types import UNCONDITIONAL as UNCONDITIONAL

SHARE_TYPES: Mapping[int, str] = MappingProxyType(
    {UNCONDITIONAL: "无条件共享", CONDITIONAL: "有条件共享", NOT_SHARED: "不予共享"}
)

BASE, THEME, DEPARTMENT = "1", "2", "3"  # 目录类型, art. 7: the first digit of a code
CATALOG_TYPES: Mapping[str, str] = MappingProxyType(
    {BASE: "基础信息资源目录", THEME: "主题信息资源目录", DEPARTMENT: "部门信息资源目录"}
)

ITEM_TYPE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "C": "字符型",
        "N": "数值型",
        "Y": "货币型",
        "D": "日期型",
        "T": "日期时间型",
        "L": "逻辑型",
        "M": "备注型",
        "G": "通用型",
        "B": "双精度型",
        "I": "整型",
        "F": "浮点型",
    }
)
ITEM_TYPES = frozenset(ITEM_TYPE_NAMES)
UNSIZED_TYPES = frozenset("DTLMG")  # their length says nothing

FORMAT_CLASSES: Mapping[int, str] = MappingProxyType(
    {
        1: "电子文件",
        2: "电子表格",
        3: "数据库",
        4: "图形图像",
        5: "流媒体",
        6: "自描述格式",
        7: "服务接口",
    }
)

CYCLE_ORDER = ("实时", "每日", "每周", "每月", "每季度", "每半年", "每年", "其他")
CYCLES = frozenset(CYCLE_ORDER)

# 共享方式, art. 18. What else people write for the same stands behind it.
MODES = ("系统对接", "前置机", "联机查询", "批量下载")
MODE_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "前置机共享": "前置机",
        "前置交换": "前置机",
        "在线查询": "联机查询",
        "部门批量下载": "批量下载",
        "文件下载": "批量下载",
        "批量交换": "批量下载",
        "服务接口": "系统对接",
        "接口": "系统对接",
    }
)

PURPOSES = ("行政依据", "工作参考", "数据校核", "业务协同")  # 使用用途, art. 18
GRADES = ("一般", "重要", "核心")  # 数据分类分级 (Decree 809 art. 13)

PUBLISHED, STOPPED, PLANNED = "published", "stopped", "planned"
STATUSES = frozenset((PUBLISHED, STOPPED, PLANNED))  # planned: known, not yet supplied (art. 33)


def mode_named(text: str) -> str:
    """A mode by its own name or another one; what is unknown comes back as it is."""
    return MODE_ALIASES.get(text, text)

"""Names as they are compared: of data, of people, of bases that are none.

Whoever types 张三 with a space, in full width or with a mark that nobody sees is 张三 all the same:
separation of duties would otherwise end at the space bar.
"""

from __future__ import annotations

from collections.abc import Iterable

from ortoo_protocol.core.search.words import fold

# What stands in a cell that has to be filled when there is nothing to say.
_NOTHING = frozenset(
    ("无", "暂无", "没有", "无依据", "待定", "待补充", "不详", "na", "none", "null")
)


def plain(text: str) -> str:
    """Full and half width, case, spaces and unseen marks are no difference."""
    return "".join(fold(text).split())


def is_among(name: str, others: Iterable[str]) -> bool:
    """Whether one of `others` is the same name; no name is nobody's."""
    wanted = plain(name)
    return bool(wanted) and any(plain(each) == wanted for each in others)


def says_nothing(text: str) -> bool:
    """Empty, marks alone, or a word that stands for nothing (无, 暂无, 待定)."""
    said = "".join(filter(str.isalnum, fold(text)))
    return not said or said in _NOTHING

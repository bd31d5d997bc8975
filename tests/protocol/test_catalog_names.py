"""Names as they are compared, and what says nothing."""

from __future__ import annotations

import pytest

from ortoo_protocol.core.catalog.names import is_among, says_nothing


@pytest.mark.parametrize("typed", ["张三", " 张三", "张 三", "张三\u3000", "张\u200b三"])
def test_one_person(typed: str) -> None:
    assert is_among(typed, ["李四", "张三"])
    assert is_among("张三", [typed])
    assert not is_among(typed, ["张三丰", ""])


def test_nobody_is_nobody() -> None:
    for empty in ("", " ", "\u200b"):
        assert not is_among(empty, ["", " "])
    assert is_among("ANNA", ["ａnna"])


@pytest.mark.parametrize(
    "text", ["", " ", "无", "无。", "/", "--", "N/A", "暂 无", "待定", "（无）", "？"]
)
def test_what_says_nothing(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize(
    "text", ["《统计法》", "无线电管理条例", "国发〔2016〕51号", "无条件", "1"]
)
def test_what_says_something(text: str) -> None:
    assert not says_nothing(text)

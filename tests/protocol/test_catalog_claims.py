"""数源 claims, and the lists beside the catalog."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.catalog.claims import (
    Conflict,
    check_conflict,
    claimed,
    collide,
    datum,
    shared,
)
from ortoo_protocol.core.catalog.lists import LISTS, check_list_entry
from ortoo_protocol.core.errors import (
    CatalogBasis,
    CatalogField,
    CatalogSeparation,
    CatalogTooLong,
    CodecIdentifier,
    OrtooError,
)
from tests.support.bodies import ENTRY, LIST_ROW, body_of

replace = msgspec.structs.replace


def item(name: str, *, claims: bool = True) -> Item:
    return Item(name=name, column=name, type="C", length=1, share_type=1, claims=claims)


def test_what_an_entry_claims() -> None:
    entry = replace(ENTRY, items=(item("公民 身份号码"), item("ID Ｃard"), item("x", claims=False)))
    assert claimed(entry) == {"公民身份号码": "公民 身份号码", "idcard": "ID Ｃard"}
    assert datum("ｉｄ card") == "idcard"
    assert shared(claimed(entry), {"idcard", "y"}) == ("ID Ｃard",)
    assert claimed(replace(entry, status="stopped")) == {}
    assert claimed(replace(entry, status="planned")) != {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("身份证号", "公民身份号码", True),
        ("居民身份证号码", "身份证 号", True),
        ("社会信用代码", "统一社会信用代码", True),
        ("ＶＩＮ码", "车辆识别代号", True),
        ("行政区划代码", "区划代码", True),
        ("姓名", "姓名", True),
        ("姓名", "名称", False),
        ("身份证号", "统一社会信用代码", False),
        ("身份证件类型", "公民身份号码", False),
    ],
)
def test_names_of_the_same_datum(one: str, other: str, same: bool) -> None:
    """Only what a national standard names: 姓名 and 名称 may be two data."""
    assert (datum(one) == datum(other)) is same


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("s150000", "s150700", True),  # the region's own department, and a city's
        ("s150702", "s150700", True),
        ("s150700", "s150700", True),
        ("s150700", "s150200", False),  # each is the source of its own residents' data
        ("s152500", "s152501", True),
        ("s150702001", "s150703", False),
    ],
)
def test_who_collides(one: str, other: str, found: bool) -> None:
    assert collide(one, other) is collide(other, one) is found


def test_letters_about_conflicts() -> None:
    good = body_of(Conflict)
    assert isinstance(good, Conflict)
    assert check_conflict(good) is good
    bad: list[dict[str, Any]] = [
        {"state": "lost"},
        {"items": ("x",) * 1_001},
        {"items": ("长" * 201,)},
        {"by": "长" * 201},
    ]
    for changes in bad:
        with pytest.raises(CatalogField):
            check_conflict(replace(good, **changes))


# --- lists --------------------------------------------------------------------------------------


def test_good_rows() -> None:
    assert check_list_entry(LIST_ROW) is LIST_ROW
    for name in LISTS:
        check_list_entry(replace(LIST_ROW, list=name))
    check_list_entry(replace(LIST_ROW, status="answered", resource="307001/000001"))
    check_list_entry(replace(LIST_ROW, status="closed", answer="机构改革"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"list": "wish"}, CatalogField),
        ({"number": ""}, CatalogField),
        ({"number": "x y"}, CatalogField),
        ({"version": 0}, CatalogField),
        ({"provider": "x"}, CodecIdentifier),
        ({"department": "x"}, CodecIdentifier),
        ({"title": " "}, CatalogField),
        ({"basis": ""}, CatalogBasis),
        ({"purpose": ""}, CatalogField),
        ({"contact": ""}, CatalogField),
        ({"list": "duty", "contact": ""}, CatalogField),
        ({"list": "negative", "content": ""}, CatalogField),
        ({"cycle": "常常"}, CatalogField),
        ({"status": "lost"}, CatalogField),
        ({"status": "answered"}, CatalogField),
        ({"status": "closed"}, CatalogField),
        ({"approved_by": ""}, CatalogSeparation),
        ({"approved_by": "甲"}, CatalogSeparation),
        ({"title": "长" * 201}, CatalogTooLong),
        ({"content": "长" * 4_001}, CatalogTooLong),
        ({"items": ("x",) * 101}, CatalogField),
        ({"items": ("长" * 201,)}, CatalogField),
    ],
)
def test_other_rows(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        check_list_entry(replace(LIST_ROW, **changes))

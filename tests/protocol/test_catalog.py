"""Catalog entries: what the Measures and a reader's software ask of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ortoo_protocol.core import catalog
from ortoo_protocol.core.catalog import Item, inherit
from ortoo_protocol.core.catalog.intake import as_entry, fields_of, problems
from ortoo_protocol.core.catalog.law import findings, procedure
from ortoo_protocol.core.errors import (
    CatalogBasis,
    CatalogField,
    CatalogProfile,
    CodecIdentifier,
    OrtooError,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.law.profiles import (
    NM2018,
    SC2025,
    Profile,
    check_profile,
    profile_named,
)
from ortoo_protocol.i18n import translator
from tests.support.bodies import CIVIL_AFFAIRS, ENTRY, WHOLE_ENTRY
from tests.support.forge import OTHER

replace = msgspec.structs.replace
KEY, NAME = ENTRY.items


def test_a_good_entry() -> None:
    assert catalog.check_entry(ENTRY) is ENTRY
    conditional = replace(ENTRY, share_type=catalog.CONDITIONAL, basis="《条例》第三条")
    assert catalog.check_entry(conditional) is conditional


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"provider": "x"}, CodecIdentifier),
        ({"department": "x"}, CodecIdentifier),
        ({"feed": "x"}, CodecIdentifier),
        ({"feed": f"{OTHER}.townships"}, CatalogField),
        ({"code": ""}, CatalogField),
        ({"code": "4150700001"}, CatalogField),
        ({"code": "3' OR 1=1"}, CatalogField),
        ({"code": "3" * 65}, CatalogField),
        ({"name": " "}, CatalogField),
        ({"name": "名" * 201}, CatalogField),
        ({"abstract": ""}, CatalogField),
        ({"abstract": "a" * 4_001}, CatalogField),
        ({"department_name": ""}, CatalogField),
        ({"version": 0}, CatalogField),
        ({"cycle": "常常"}, CatalogField),
        ({"status": "draft"}, CatalogField),
        ({"share_type": 4}, CatalogField),
        ({"share_type": catalog.CONDITIONAL}, CatalogBasis),
        ({"share_type": catalog.NOT_SHARED, "basis": " "}, CatalogBasis),
        ({"secrecy_checked_by": ""}, CatalogField),
        ({"approved_by": ""}, CatalogField),
        ({"approved_by": ENTRY.compiled_by}, CatalogField),
        ({"items": ()}, CatalogField),
        ({"items": (KEY, KEY)}, CatalogField),
        ({"items": (NAME,)}, CatalogField),
        ({"items": (KEY,) * (catalog.MAX_ITEMS + 1)}, CatalogField),
        ({"items": (KEY, replace(NAME, column=""))}, CatalogField),
        ({"items": (replace(KEY, type="X"),)}, CatalogField),
        ({"items": (replace(KEY, share_type=0),)}, CatalogField),
        ({"code": "1150700001", "items": (replace(KEY, share_type=2),)}, CatalogField),
    ],
)
def test_other_entries(changes: dict[str, Any], error: type[OrtooError]) -> None:
    with pytest.raises(error):
        catalog.check_entry(replace(ENTRY, **changes))


def codes(changes: dict[str, Any], profile: Profile = NM2018) -> list[tuple[str, int | None, str]]:
    found = findings(replace(WHOLE_ENTRY, **changes), profile)
    return [(each.field, each.item_index, each.code) for each in found]


(ITEM,) = WHOLE_ENTRY.items


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"department_code": CIVIL_AFFAIRS[:-1] + "D"}, [("department_code", None, "credit-code")]),
        ({"lead_department": "民政厅"}, [("lead_department", None, "credit-code")]),
        ({"format_class": 8}, [("format_class", None, "field")]),
        ({"grade": "绝密"}, [("grade", None, "field")]),
        ({"modes": ("传真",)}, [("modes", None, "field"), ("share_kinds", None, "field")]),
        ({"modes": ("在线查询", "文件下载")}, []),
        ({"stored_gb": "很多"}, [("stored_gb", None, "field")]),
        ({"records_10k": "-1"}, [("records_10k", None, "field")]),
        ({"related": ("307001/000002",)}, [("related", None, "related")]),
        ({"reviewed_by": "甲"}, [("reviewed_by", None, "separation")]),
        ({"ratified_by": "甲"}, [("ratified_by", None, "separation")]),
        ({"secrecy_checked_by": " "}, [("secrecy_checked_by", None, "secrecy")]),
        ({"basis": ""}, [("basis", None, "basis")]),
        ({"status": "planned"}, []),
        ({"items": (replace(ITEM, modes=("传真",)),)}, [("modes", 0, "field")]),
        ({"items": (replace(ITEM, name=" "),)}, [("name", 0, "field")]),
        (
            {"items": (replace(ITEM, open_condition="长" * 4_001),)},
            [("open_condition", 0, "too-long")],
        ),
        (
            {"code": "101001/000001", "items": (replace(ITEM, base=True),)},
            [("share_type", 0, "base-item")],
        ),
        (
            {"items": (ITEM, replace(ITEM, key=False))},
            [("column", 0, "item-twice"), ("column", 1, "item-twice")],
        ),
    ],
)
def test_findings(changes: dict[str, Any], found: list[tuple[str, int | None, str]]) -> None:
    assert codes(changes) == [(field, item, f"catalog.{code}") for field, item, code in found]


def test_all_findings_come_at_once_and_cite_their_article() -> None:
    changes = {"basis": "", "secrecy_checked_by": "", "cycle": "常常", "grade": ""}
    assert [code for _, _, code in codes(changes)] == [
        "catalog.field",
        "catalog.basis",
        "catalog.secrecy",
    ]
    (problem,) = findings(replace(WHOLE_ENTRY, basis=""), NM2018)
    assert "Measures art. 14" in problem.message
    said, _ = translator("zh_CN").error(problem.error)
    assert "《办法》第十四条" in said


def test_where_the_profiles_differ() -> None:
    conditional = {"basis": "", "grade": "", "impact_checked_by": "", "purposes": ()}
    assert {code for _, _, code in codes(conditional, NM2018)} == {"catalog.basis"}
    assert {code for _, _, code in codes(conditional, SC2025)} == {
        "catalog.conditions",
        "catalog.impact",
        "catalog.grade",
    }
    unshared = {"share_type": catalog.NOT_SHARED, "basis": ""}
    for profile, article in ((NM2018, "Measures art. 14"), (SC2025, "Decree 809 art. 15")):
        (problem,) = findings(replace(WHOLE_ENTRY, **unshared), profile)
        assert problem.error.facts == {"article": article}
    assert (NM2018.update.days, SC2025.update.days, SC2025.update.extension_days) == (15, 10, 5)
    assert profile_named("SC2025") is SC2025
    assert profile_named("") is NM2018


def test_steps_that_an_entry_does_not_show() -> None:
    assert list(procedure(WHOLE_ENTRY)) == []
    bare = replace(WHOLE_ENTRY, filed="", ratified_by="", lead_department="", code="101001/000001")
    assert [each.code for each in procedure(bare)] == [
        "catalog.filing",
        "catalog.ratification",
        "catalog.lead",
    ]
    free = replace(bare, share_type=1, items=(replace(ITEM, share_type=1),))
    assert [each.code for each in procedure(free)] == [
        "catalog.filing",
        "catalog.lead",
    ]
    assert list(procedure(replace(bare, status="stopped"))) == []
    (problem,) = procedure(replace(WHOLE_ENTRY, share_type=1))
    assert (problem.field, problem.item_index, problem.code) == (
        *("share_type", 0),
        "catalog.item-share-type",
    )


def test_which_profile_may_be_in_force() -> None:
    assert check_profile("NM2018", Plane.INTRANET) is NM2018
    assert check_profile("SC2025", Plane.EXTRANET) is SC2025
    for name, plane in (("SC2025", Plane.INTRANET), ("NM2026", Plane.EXTRANET)):
        with pytest.raises(CatalogProfile):
            check_profile(name, plane)


def test_what_items_have_from_their_resource() -> None:
    own, plain = ITEM, Item(name="人数", column="persons", type="I", length=0, share_type=2)
    free = replace(plain, share_type=1)
    entry = replace(
        WHOLE_ENTRY, items=(own, plain), modes=("在线查询", "联机查询"), open_condition="审核"
    )
    assert inherit.modes_of(entry, own) == ("联机查询",)
    assert inherit.modes_of(entry, plain) == ("联机查询",)
    assert inherit.condition_of(entry, own) == "用于资格核对"
    assert inherit.condition_of(entry, plain) == "用于社会救助资格核对"
    assert inherit.condition_of(entry, free) == ""
    assert not inherit.is_open(entry, own)
    assert not inherit.is_open(entry, plain)
    assert inherit.is_open(replace(entry, open_to_society=True), plain)
    assert inherit.open_condition_of(entry, own) == "不予开放"
    assert inherit.open_condition_of(entry, plain) == ""
    assert inherit.open_condition_of(replace(entry, open_to_society=True), plain) == "审核"


# --- what people give ---------------------------------------------------------------------------

FIELDS: dict[str, Any] = {
    "name": "最低生活保障家庭信息",
    "department": CIVIL_AFFAIRS,
    "abstract": "城乡低保家庭",
    "share_type": 2,
    "share_condition": "用于资格核对",
    "basis": "《社会救助暂行办法》",
    "cycle": "每月",
    "items": [
        {"name": "家庭编号", "name_en": "household_no", "type": "C", "length": 18},
        {"name": "保障人数", "type": "I", "share_type": 1},
    ],
}


def given(**changes: Any) -> list[tuple[str, int | None, str]]:
    found = problems({**FIELDS, **changes})
    return [(each.field, each.item_index, each.code) for each in found]


def test_what_a_compiler_need_not_say() -> None:
    assert problems(FIELDS) == []
    assert given(code="307001") == given(code="307001/000001") == []
    known = {"provider": "s150700", "version": 1, "feed": "s150700.x", "published_ms": 0}
    entry = as_entry({**FIELDS, **known, "department_name": "民政局", "code": "307001/000001"})
    assert [(i.column, i.share_type, i.key) for i in entry.items] == [
        ("household_no", 2, True),  # inherits; the first is the key where none is said to be
        ("保障人数", 1, False),
    ]
    again = fields_of(entry)
    assert "length" not in again["items"][1]
    assert as_entry(again) == entry


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"name": ""}, [("name", None, "catalog.field")]),
        ({"name": 7}, [("name", None, "catalog.field")]),
        ({"colour": "red"}, [("colour", None, "catalog.field")]),
        ({"department": "1"}, [("department", None, "codec.identifier")]),
        ({"cycle": "常常"}, [("cycle", None, "catalog.field")]),
        ({"share_type": "2"}, [("share_type", None, "catalog.field")]),
        ({"code": "9/1"}, [("code", None, "catalog.field")]),
        ({"basis": ""}, [("basis", None, "catalog.basis")]),
        ({"items": []}, [("items", None, "catalog.items")]),
        ({"items": "x"}, [("items", None, "catalog.field")]),
        ({"items": ["x"]}, [("items", 0, "catalog.field")]),
        ({"abstract": "长" * 10_000_000}, [("abstract", None, "catalog.too-long")]),
    ],
)
def test_what_a_compiler_has_to_mend(
    changes: dict[str, Any], found: list[tuple[str, int | None, str]]
) -> None:
    assert [each for each in given(**changes) if each[0] in changes] == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"length": 0}, ("length", "catalog.item-length")),
        ({"length": -1}, ("length", "catalog.field")),
        ({"length": "18"}, ("length", "catalog.field")),
        ({"type": "X"}, ("type", "catalog.field")),
        ({"type": 1}, ("type", "catalog.field")),
        ({"share_type": 4}, ("share_type", "catalog.field")),
        ({"column": "a\nb"}, ("column", "catalog.field")),
        ({"width": 1}, ("width", "catalog.field")),
        ({"name": ""}, ("name", "catalog.field")),
    ],
)
def test_what_a_compiler_has_to_mend_in_an_item(
    changes: dict[str, Any], found: tuple[str, str]
) -> None:
    first, second = FIELDS["items"]
    assert given(items=[first, {"column": "persons", **second, **changes}]) == [
        (found[0], 1, found[1])
    ]


def test_an_unconditional_resource_has_no_conditional_items() -> None:
    first, second = FIELDS["items"]
    items = [first, {**second, "share_type": 2}]
    found = given(share_type=1, items=items)
    assert found == [("share_type", 1, "catalog.item-share-type")]


def test_dates_and_logicals_have_no_length() -> None:
    first, second = FIELDS["items"]
    for type_ in "DTLMG":
        assert given(items=[first, {**second, "type": type_, "length": 0}]) == []

"""Codes of resources: parsed, checked against the scheme, allocated; tables as TOML and CSV."""

from __future__ import annotations

import pytest

from ortoo_protocol.core.catalog import codes, divisions
from ortoo_protocol.core.catalog.codes import BUILT_IN, Scheme, allocate, check_code, class_for
from ortoo_protocol.core.catalog.relations import check_relations, circle
from ortoo_protocol.core.errors import CatalogCode, CatalogCodesFull, CatalogRelated, CatalogScheme
from tests.support.bodies import CIVIL_AFFAIRS

TABLE = f"""
name = "DB15"
detail = "free"
sequence_digits = 4
[classes]
1 = "基础"
101 = "人口"
101001 = "户籍"
3 = "部门"
307 = "民政"
[leads]
101 = "{CIVIL_AFFAIRS}"
"""


def test_the_built_in_scheme() -> None:
    assert list(BUILT_IN.children("")) == ["1", "2", "3"]
    assert list(BUILT_IN.children("1").values()) == [
        *("人口", "法人单位", "自然资源和空间地理", "社会信用", "电子证照")
    ]
    assert len(BUILT_IN.children("2")) == 12
    assert BUILT_IN.children("2")["212"] == "应急维稳"
    assert BUILT_IN.children("3")["307"] == "民政"
    assert BUILT_IN.children("307") == BUILT_IN.children("307001") == {}
    assert BUILT_IN.name_of("307001") == "部门信息资源目录 / 民政"


@pytest.mark.parametrize(
    "code", ["307001/000001", "103001/000001", "307001150700/000001", "212999150702001/123456"]
)
def test_codes_of_the_scheme(code: str) -> None:
    parsed = check_code(BUILT_IN, code)
    assert f"{parsed.prefix}/{parsed.sequence}" == code


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("3150700001", "it is no 类 项 目 细目 / sequence"),
        ("307001/", "it is no 类 项 目 细目 / sequence"),
        ("401001/000001", "the scheme has no such class"),
        ("106001/000001", "the scheme has no such class"),
        ("213001/000001", "the scheme has no such class"),
        ("307001159900/000001", "its 细目 is no division of the region"),
        ("307001110000/000001", "its 细目 is no division of the region"),
        ("307001/0001", "its sequence number has another length"),
        ("307001/00000A", "its sequence number has another length"),
    ],
)
def test_other_codes(code: str, detail: str) -> None:
    with pytest.raises(CatalogCode) as error:
        check_code(BUILT_IN, code)
    assert error.value.facts["detail"] == detail


def test_allocating() -> None:
    assert class_for(BUILT_IN, "307001", "s150700") == "307001150700"
    assert class_for(BUILT_IN, "307001150702", "s150700") == "307001150702"
    assert allocate(BUILT_IN, "307001150700", ()) == "307001150700/000001"
    taken = ["307001150700/000007", "307001150700/000002", "307001150702/000099", "x", "3/A"]
    assert allocate(BUILT_IN, "307001150700", taken) == "307001150700/000008"
    with pytest.raises(CatalogCodesFull):
        allocate(BUILT_IN, "307001", ["307001/999999"])
    for given in ("", "3", "307", "30700", "306x01", "307001/000001"):
        with pytest.raises(CatalogCode):
            class_for(BUILT_IN, given, "s150700")


def test_another_scheme() -> None:
    scheme = codes.from_toml(TABLE)
    assert (scheme.name, scheme.detail, scheme.sequence_digits) == ("DB15", "free", 4)
    assert scheme.lead_of("101001/0001") == CIVIL_AFFAIRS
    assert scheme.lead_of("307001/0001") == ""
    assert class_for(scheme, "307001AB", "s150700") == "307001AB"
    assert allocate(scheme, "307001AB", ()) == "307001AB/0001"
    with pytest.raises(CatalogCode):
        check_code(scheme, "101002/0001")  # its 目 are listed
    again = codes.from_csv(
        f"\ufeffcode,name,lead\n1,基础,\n101,人口,{CIVIL_AFFAIRS}\n101001,户籍,\n3,部门,\n307,民政,\n",
        "DB15",
    )
    assert (again.classes, again.leads) == (scheme.classes, scheme.leads)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 1",
        "colour = 'red'",
        "classes = 3",
        "[classes]",
        "[classes]\n4 = 'x'",
        "[classes]\n12 = 'x'",
        "[classes]\n1 = ''",
        "[classes]\n1 = 7",
        "[classes]\n101 = 'x'",
        "detail = 'colour'\n[classes]\n1 = 'x'",
        "sequence_digits = 0\n[classes]\n1 = 'x'",
        "sequence_digits = '6'\n[classes]\n1 = 'x'",
        "[classes]\n1 = 'x'\n[leads]\n1 = '民政局'",
        "a = " + "[" * 5_000,
        "= 1",
    ],
)
def test_tables_that_cannot_be_used(text: str) -> None:
    with pytest.raises(CatalogScheme):
        codes.from_toml(text)


@pytest.mark.parametrize("text", ["", "code,name\n1,a\n1,b\n", 'code,name\n1,"a', "a,b\n1,2\n"])
def test_csv_that_cannot_be_used(text: str) -> None:
    with pytest.raises(CatalogScheme):
        codes.from_csv(text, "x")


def test_no_scheme_is_too_large() -> None:
    classes = "\n".join(f"{number} = 'x'" for number in range(100_000, 100_000 + codes.MAX_CLASSES))
    with pytest.raises(CatalogScheme):
        codes.from_toml(f"[classes]\n1 = 'x'\n{classes}")


def test_divisions() -> None:
    assert (len(divisions.LEAGUES), len(divisions.COUNTIES)) == (12, 108)
    assert divisions.COUNTIES["150702"] == "海拉尔区"
    assert divisions.is_known("150702001")
    assert not any(divisions.is_known(each) for each in ("", "1507", "150799", "310000", "15070x"))
    assert divisions.overlap("150000", "150702")
    assert divisions.overlap("150702", "150700")
    assert divisions.overlap("150702001", "150702")
    assert not divisions.overlap("150700", "150200")


GRAPH = {"A": ("B", "C"), "B": ("D",), "C": (), "D": ("A",), "E": ("E",), "F": ("B", "B")}


@pytest.mark.parametrize(
    ("code", "way"), [("A", "ABDA"), ("D", "DABD"), ("E", "EE"), ("C", ""), ("F", "")]
)
def test_relations_that_lead_back(code: str, way: str) -> None:
    def related_of(each: str) -> tuple[str, ...]:
        return GRAPH.get(each, ())

    assert "".join(circle(code, GRAPH[code], related_of)) == way
    if way:
        with pytest.raises(CatalogRelated) as error:
            check_relations(code, GRAPH[code], related_of)
        assert error.value.facts == {"path": " → ".join(way)}


def test_relations_are_followed_for_a_while_only() -> None:
    asked: list[str] = []

    def endless(code: str) -> tuple[str, ...]:
        asked.append(code)
        return tuple(f"{code}{each}" for each in "012")

    assert circle("A", ("B",), endless) == ()
    assert len(asked) < 1_000


def test_a_scheme_is_a_value() -> None:
    assert Scheme("x", {"1": "x"}) == Scheme("x", {"1": "x"})

"""The demo's catalog: real kinds of departments and duties, through all rules of both profiles."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from stdnum.cn import uscc

from ortoo_demo import catalogs, world
from ortoo_node.catalog.sheets.reading import read
from ortoo_protocol.core.catalog import divisions, elements
from ortoo_protocol.core.catalog.codes import BUILT_IN, check_code
from ortoo_protocol.core.catalog.intake import problems
from ortoo_protocol.core.law.profiles import PROFILES

FILE = Path(catalogs.__file__).parent / "data" / catalogs.FILE
LAWS = ("法》", "条例》", "办法》", "意见》", "登记条例》")


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    found = read(FILE, lambda _: ())
    assert not found.problems
    return [draft.fields for draft in found.drafts]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_it_passes_all_rules(profile: str) -> None:
    found = read(FILE, partial(problems, profile=PROFILES[profile]))
    assert [(each.where, str(each.error)) for each in found.problems] == []


def test_how_much_it_is(resources: list[dict[str, Any]]) -> None:
    assert len(resources) == 400
    assert len({each["name"] for each in resources}) > 200
    assert {each["share_type"] for each in resources} == set(elements.SHARE_TYPES)
    assert {each["code"][0] for each in resources} == {"1", "2", "3"}
    assert {each["code"][:3] for each in resources if each["code"][0] == "2"} == {
        f"2{number:02d}" for number in range(1, 13)
    }
    leagues = Counter(each["department"][2:8] for each in resources)
    assert set(leagues) == {divisions.REGION, *divisions.LEAGUES}
    assert min(leagues.values()) > 20
    assert len({each["department"] for each in resources}) > 250


def test_codes_are_of_the_scheme_and_of_one_resource(resources: list[dict[str, Any]]) -> None:
    for each in resources:
        assert check_code(BUILT_IN, each["code"]).detail == each["department"][2:8]
    assert len({each["code"] for each in resources}) == len(resources)


def test_credit_codes_are_valid_and_each_of_one_department(
    resources: list[dict[str, Any]],
) -> None:
    names: dict[str, str] = {}
    for each in resources:
        assert uscc.is_valid(each["department"])
        assert (
            names.setdefault(each["department"], each["department_name"])
            == (each["department_name"])
        )
    for department in (*world.extranet().departments, *world.intranet().departments):
        assert names.get(department.code, department.name) == department.name


def test_a_basis_is_the_name_of_a_law_and_no_article(resources: list[dict[str, Any]]) -> None:
    for each in resources:
        basis = each.get("basis", "")
        assert bool(basis) == (each["share_type"] != elements.UNCONDITIONAL)
        assert "条第" not in basis
        assert "第" not in basis.rpartition("》")[2]
        assert not basis or (basis.startswith("《") and basis.endswith(LAWS))


def test_who_compiles_does_not_approve(resources: list[dict[str, Any]]) -> None:
    for each in resources:
        people = [each[name] for name in ("compiled_by", "reviewed_by", "secrecy_checked_by")]
        assert len({*people, each["approved_by"]}) == 4


def test_each_station_has_its_part() -> None:
    parts = [catalogs.resources(f"s{division}") for division in (150000, *divisions.LEAGUES)]
    assert sum(parts) == 400
    assert "内蒙古自治区民政厅" in catalogs.departments("s150000").values()

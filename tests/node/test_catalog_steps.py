"""Drafts at a station: saved, put through the steps, published, revised, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ortoo_node import app as node_app
from ortoo_node import catalog
from ortoo_node.catalog import adding, drafts, mirror, review, steps
from ortoo_node.catalog.drafts import Draft
from ortoo_node.catalog.rules import Rules, of_settings
from ortoo_node.settings import CatalogTable
from ortoo_node.store import NODE
from ortoo_node.store.tables import catalog_drafts, catalog_steps
from ortoo_protocol.core.catalog import Entry, Refusal, codes
from ortoo_protocol.core.catalog.steps import State
from ortoo_protocol.core.errors import (
    CatalogAuthority,
    CatalogBasis,
    CatalogCode,
    CatalogDraftUnknown,
    CatalogDuties,
    CatalogField,
    CatalogImpact,
    CatalogItemLength,
    CatalogLeadOther,
    CatalogOwner,
    CatalogReason,
    CatalogRelated,
    CatalogScheme,
    CatalogStep,
    CatalogTooLong,
    CatalogUnknown,
    StopReason,
    TrustDepartment,
)
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from tests.support import hubs
from tests.support.desk import Desk
from tests.support.hubs import PROVIDER, THIRD
from tests.support.letters import make_letter
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, HUB

DEPARTMENT = DEPARTMENTS[PROVIDER][0]
FIELDS: dict[str, Any] = {
    "code": "307001",
    "name": "最低生活保障家庭信息",
    "department": DEPARTMENT,
    "office": "社会救助科",
    "abstract": "城乡低保家庭",
    "share_type": 2,
    "share_condition": "用于资格核对",
    "basis": "《社会救助暂行办法》",
    "cycle": "每月",
    "items": [
        {"name": "家庭编号", "name_en": "household_no", "length": 18, "claims": True},
        {"name": "保障人数", "name_en": "persons", "type": "I", "share_type": 1},
    ],
}
CODE = "307001150700/000001"
ROAD = (("review", "乙"), ("check", "丙"), ("file", "丁"), ("ratify", "丁"), ("publish", "丁"))


class Office(Desk):
    rules = Rules()

    def save(self, *, who: str = "甲", draft: str = "", **changes: Any) -> Draft:
        fields = {**FIELDS, **changes}
        return self.do(lambda tx: steps.save_draft(tx, fields, who, "", draft))

    def act(self, draft: str, act: str, who: str, why: str = "") -> Draft:
        return self.do(lambda tx: steps.act(tx, draft, act, who, why, self.rules))

    def walk(self, draft: str, *road: tuple[str, str]) -> Draft:
        for act, who in road:
            found = self.act(draft, act, who)
        return found

    def draft(self, draft: str) -> Draft:
        return self.do(lambda tx: drafts.find(tx.conn, draft))

    def entry(self, code: str = CODE) -> Entry:
        return self.do(lambda tx: mirror.entry(tx.conn, code))

    def acts(self, draft: str) -> list[tuple[str, str, str]]:
        rows = self.do(lambda tx: drafts.steps_of(tx.conn, draft))
        return [(row.act, row.who, row.after) for row in rows]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(Kit(tmp_path), PROVIDER, node_app.hooks(), migrations=(NODE,))
    yield made
    made.close()


def test_from_compiled_to_published(office: Office) -> None:
    draft = office.save().draft
    assert office.walk(draft, *ROAD).state is State.PUBLISHED
    entry = office.entry()
    assert (entry.version, entry.status, entry.feed) == (
        1,
        "published",
        "s150700.307001150700-000001",
    )
    people = (entry.compiled_by, entry.reviewed_by, entry.secrecy_checked_by, entry.approved_by)
    assert (*people, entry.ratified_by) == ("甲", "乙", "丙", "丁", "丁")
    assert entry.filed.endswith("-000001")
    assert entry.filed.startswith("150700-20")
    assert [(i.column, i.share_type, i.key, i.claims) for i in entry.items] == [
        ("household_no", 2, True, True),
        ("persons", 1, False, False),
    ]
    assert office.acts(draft) == [
        ("compile", "甲", "drafting"),
        ("review", "乙", "reviewed"),
        ("check", "丙", "secrecy-checked"),
        ("file", "丁", "filed"),
        ("ratify", "丁", "ratified"),
        ("publish", "丁", "published"),
    ]
    assert len(office.items(catalog.own_feed(PROVIDER))) == 1


def test_a_refusal_comes_back_to_its_compiler(office: Office) -> None:
    draft = office.walk(office.save().draft, *ROAD).draft
    refusal = Refusal(code=CODE, version=1, error="catalog.code", reason="方案中没有该类目")
    office.take(make_letter(office.kit, HUB, PROVIDER, refusal))
    code = office.draft(draft).code
    (found,) = office.do(lambda tx: mirror.refusals_of(tx.conn, code))
    assert (found.error, found.reason) == ("catalog.code", "方案中没有该类目")
    # It is revised, and goes through the steps again.
    again = office.act(CODE, "revise", "甲", found.reason).draft
    office.walk(again, *ROAD)
    assert office.entry().version == 2


def test_what_may_not_be_done(office: Office) -> None:
    draft = office.save().draft
    for act in ("check", "file", "ratify", "publish", "stop", "compile", "supersede", "fly"):
        with pytest.raises(CatalogStep):
            office.act(draft, act, "乙")
    with pytest.raises(CatalogDuties):
        office.act(draft, "review", "甲")
    with pytest.raises(CatalogReason):
        office.act(draft, "review", " ")
    office.walk(draft, *ROAD[:2])
    with pytest.raises(CatalogDuties):
        office.act(draft, "file", "乙")
    office.act(draft, "file", "丁")
    with pytest.raises(CatalogStep):  # type 2: 核定 first
        office.act(draft, "publish", "丁")
    with pytest.raises(CatalogDraftUnknown):
        office.act("0" * 32, "review", "乙")
    assert len(office.rows(catalog_steps)) == 4


def test_the_authority_is_named_by_the_settings(office: Office) -> None:
    office.rules = Rules(authority=("丁",))
    draft = office.walk(office.save().draft, *ROAD[:2]).draft
    with pytest.raises(CatalogAuthority):
        office.act(draft, "file", "戊")
    assert office.act(draft, "file", "丁").state is State.FILED
    assert office.act(draft, "send-back", "戊", "缺依据").state is State.DRAFTING


def test_type_1_is_not_ratified(office: Office) -> None:
    draft = office.save(share_type=1, basis="", share_condition="").draft
    office.walk(draft, *ROAD[:3])
    with pytest.raises(CatalogStep):
        office.act(draft, "ratify", "丁")
    assert office.act(draft, "publish", "丁").state is State.PUBLISHED
    assert office.entry().ratified_by == ""


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"basis": ""}, CatalogBasis),
        ({"abstract": ""}, CatalogField),
        ({"code": ""}, CatalogCode),
        ({"items": [{"name": "x", "length": 0}]}, CatalogItemLength),
        ({"abstract": "长" * 4_001}, CatalogTooLong),
    ],
)
def test_review_lets_no_problem_through(
    office: Office, changes: dict[str, Any], error: type[Exception]
) -> None:
    draft = office.save(**changes).draft
    with pytest.raises(error):
        office.act(draft, "review", "乙")
    office.save(draft=draft)
    assert office.act(draft, "review", "乙").state is State.REVIEWED


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": " "}, CatalogField),
        ({"name": 7}, CatalogField),
        ({"colour": "red"}, CatalogField),
        ({"items": "x"}, CatalogField),
        ({"items": [{"colour": "red"}]}, CatalogField),
        ({"abstract": "长" * 10_000_000}, CatalogTooLong),
        ({"department": DEPARTMENTS[THIRD][0]}, TrustDepartment),
        ({"department": ""}, TrustDepartment),
    ],
)
def test_what_cannot_be_kept(
    office: Office, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        office.save(**changes)
    assert office.rows(catalog_drafts) == []


def test_codes_are_given_at_filing(office: Office) -> None:
    given = []
    for number in range(3):
        draft = office.save(name=f"信息 {number}").draft
        given.append(office.walk(draft, *ROAD[:3]).code)
    assert given == [f"307001150700/00000{number}" for number in (1, 2, 3)]
    filed = [row.filed[-6:] for row in office.rows(catalog_drafts)]
    assert sorted(filed) == ["000001", "000002", "000003"]
    # A withdrawn one is not given again.
    office.act(given[2], "withdraw", "甲", "重复")
    draft = office.save(name="信息 4").draft
    assert office.walk(draft, *ROAD[:3]).code == "307001150700/000004"


def test_codes_that_are_not_of_the_scheme(office: Office) -> None:
    for code in ("307001150799", "346001", "3"):
        draft = office.save(code=code, name=code).draft
        office.walk(draft, *ROAD[:2])
        with pytest.raises(CatalogCode):
            office.act(draft, "file", "丁")
    with pytest.raises(CatalogField):
        office.act(office.save(code="999001", name="9").draft, "review", "乙")
    draft = office.save(code="307001150799/000001").draft
    office.walk(draft, *ROAD[:2])
    with pytest.raises(CatalogCode):
        office.act(draft, "file", "丁")


def test_saving_again_is_the_same_draft(office: Office) -> None:
    first = office.save()
    again = office.save(abstract="新的摘要", who="戊")
    assert again.draft == first.draft
    assert (again.compiled_by, again.fields["abstract"]) == ("戊", "新的摘要")
    assert office.save(name="另一个").draft != first.draft
    for who in ("甲", "戊"):  # both compiled
        with pytest.raises(CatalogDuties):
            office.act(first.draft, "review", who)
    office.walk(first.draft, *ROAD[:3])
    with pytest.raises(CatalogStep):  # filed: it is sent back first
        office.save(code=CODE)
    office.act(first.draft, "send-back", "丁", "摘要不清")
    assert office.save(code=CODE, abstract="更清").draft == first.draft
    office.walk(first.draft, *ROAD)
    assert office.entry().abstract == "更清"
    assert office.entry().filed.endswith("-000001")  # its number stays


def test_the_lead_department_of_a_class(office: Office) -> None:
    lead = DEPARTMENTS[THIRD][0]
    scheme = replace(codes.BUILT_IN, leads={"101": lead})
    office.rules = Rules(scheme)
    draft = office.save(code="101001", lead_department=DEPARTMENT).draft
    with pytest.raises(CatalogLeadOther):
        office.act(draft, "review", "乙")
    office.save(draft=draft, code="101001")
    office.walk(draft, *ROAD)
    assert office.entry("101001150700/000001").lead_department == lead
    office.rules = Rules()
    office.walk(office.save(code="201001", name="主题").draft, *ROAD)
    assert office.entry("201001150700/000001").lead_department == DEPARTMENT


def test_relations_that_lead_back(office: Office) -> None:
    office.walk(office.save().draft, *ROAD)
    other = office.save(name="另一个", related=[CODE]).draft
    office.walk(other, *ROAD)
    office.act(CODE, "revise", "甲")
    draft = office.save(code=CODE, related=["307001150700/000002"]).draft
    office.walk(draft, *ROAD[:2])
    with pytest.raises(CatalogRelated) as error:
        office.act(draft, "file", "丁")
    assert error.value.facts == {"path": f"{CODE} → 307001150700/000002 → {CODE}"}


def test_revising(office: Office) -> None:
    first = office.walk(office.save().draft, *ROAD).draft
    revision = office.act(CODE, "revise", "甲")
    assert (revision.state, revision.version, revision.draft == first) == (State.DRAFTING, 2, False)
    office.save(code=CODE, abstract="第二版")
    assert office.entry().abstract == "城乡低保家庭"  # until it is published
    office.walk(revision.draft, *ROAD)
    entry = office.entry()
    assert (entry.version, entry.abstract) == (2, "第二版")
    assert office.draft(first).state is State.SUPERSEDED
    assert office.acts(first)[-2:] == [
        ("revise", "甲", "published"),
        ("supersede", "系统", "superseded"),
    ]
    assert entry.filed.endswith("-000002")


def test_stopping(office: Office) -> None:
    draft = office.walk(office.save().draft, *ROAD).draft
    with pytest.raises(CatalogReason):
        office.act(draft, "file-stop", "甲")
    office.act(draft, "file-stop", "甲", "机构改革")
    with pytest.raises(CatalogStep):
        office.act(draft, "revise", "甲")
    office.act(draft, "keep", "甲", "不再改革")
    assert office.entry().status == "published"
    office.act(draft, "file-stop", "甲", "机构改革")
    office.act(draft, "stop", "丁")
    assert (office.entry().status, office.entry().version) == ("stopped", 2)
    # Supplied again: a new version through all steps.
    again = office.act(CODE, "revise", "甲").draft
    office.walk(again, *ROAD)
    assert (office.entry().status, office.entry().version) == ("published", 3)
    assert office.draft(draft).state is State.SUPERSEDED


def test_a_code_means_the_version_that_the_step_can_be_about(office: Office) -> None:
    office.walk(office.save().draft, *ROAD)
    office.act(CODE, "revise", "甲")
    assert office.act(CODE, "file-stop", "甲", "机构改革").version == 1
    assert office.act(CODE, "keep", "甲", "不再改革").version == 1
    assert office.act(CODE, "withdraw", "甲", "不改了").version == 2
    assert office.act(CODE, "revise", "甲").state is State.DRAFTING


def test_a_revision_does_not_overtake_a_stop(office: Office) -> None:
    draft = office.walk(office.save().draft, *ROAD).draft
    revision = office.act(CODE, "revise", "甲").draft
    office.walk(revision, *ROAD[:4])
    office.act(draft, "file-stop", "甲", "机构改革")
    with pytest.raises(CatalogStep):
        office.act(revision, "publish", "丁")
    assert office.entry().version == 1


def test_a_project_catalog_is_known_before_the_project(office: Office) -> None:
    draft = office.save(project="社会救助一体化平台").draft
    office.walk(draft, *ROAD[:4])
    assert office.act(draft, "plan", "丁").state is State.PLANNED
    assert (office.entry().status, office.entry().project) == ("planned", "社会救助一体化平台")
    with pytest.raises(CatalogDuties):
        office.act(draft, "take-over", "甲")
    assert office.act(draft, "take-over", "丁", "项目验收").state is State.PUBLISHED
    assert (office.entry().status, office.entry().version) == ("published", 2)


def test_a_planned_resource_that_does_not_come(office: Office) -> None:
    draft = office.save(project="平台").draft
    office.walk(draft, *ROAD[:4], ("plan", "丁"))
    assert office.act(draft, "withdraw", "甲", "项目取消").state is State.STOPPED
    assert office.entry().status == "stopped"


def test_the_short_road_takes_every_step(office: Office) -> None:
    people = {"compiled_by": "甲", "secrecy_checked_by": "乙", "approved_by": "丙"}
    fields = {**FIELDS, **people, "code": "3150700001"}
    entry, number = office.do(lambda tx: adding.add(tx, fields))
    assert (entry.version, entry.filed[-6:], number) == (1, "000001", 1)
    assert (entry.reviewed_by, entry.ratified_by) == ("乙", "丙")
    (row,) = office.rows(catalog_drafts)
    assert [act for act, _, _ in office.acts(row.draft)] == ["compile", *(act for act, _ in ROAD)]
    entry, _ = office.do(lambda tx: adding.add(tx, {**fields, "abstract": "第二版"}))
    assert (entry.version, entry.abstract) == (2, "第二版")
    for name, error in (("approved_by", CatalogField), ("secrecy_checked_by", CatalogDuties)):
        with pytest.raises(error):
            office.do(lambda tx, name=name: adding.add(tx, {**fields, name: "甲"}))
    office.rules = Rules(codes.from_toml("[classes]\n3 = '部门'"))
    with pytest.raises(CatalogCode):
        office.do(lambda tx: adding.add(tx, {**fields, "code": "3150700002"}, office.rules))


def test_stopping_at_once(office: Office) -> None:
    office.walk(office.save().draft, *ROAD)
    with pytest.raises(StopReason):
        office.do(lambda tx: steps.stop(tx, CODE, " ", "甲", "丁"))
    with pytest.raises(CatalogUnknown):
        office.do(lambda tx: steps.stop(tx, "3/1", "机构改革", "甲", "丁"))
    stopped = office.do(lambda tx: steps.stop(tx, CODE, "机构改革", "甲", "丁"))
    assert (stopped["version"], stopped["ended"]) == (2, 0)
    assert stopped["filing"].startswith("150700-")
    with pytest.raises(CatalogStep):
        office.do(lambda tx: steps.stop(tx, CODE, "机构改革", "甲", "丁"))


def test_entries_that_were_published_without_steps(office: Office) -> None:
    """Those of version 0.1.0: they can be revised and stopped as well."""
    office.do(lambda tx: mirror.store(tx, hubs.entry(filed="", ratified_by=""), 1, 1))
    office.do(lambda tx: steps.stop(tx, hubs.RESOURCE, "机构改革", "甲", "丁"))
    assert office.entry(hubs.RESOURCE).status == "stopped"
    draft = office.act(hubs.RESOURCE, "revise", "甲")
    office.walk(draft.draft, *ROAD)
    assert office.entry(hubs.RESOURCE).status == "published"


def test_others_codes(office: Office) -> None:
    foreign = hubs.entry(
        provider=THIRD, department=DEPARTMENTS[THIRD][0], feed=f"{THIRD}.x", code="307001/000001"
    )
    office.do(lambda tx: mirror.store(tx, foreign, 1, 1))
    with pytest.raises(CatalogOwner):
        office.save(code="307001/000001")
    with pytest.raises(CatalogDraftUnknown):
        office.act("307001/000001", "revise", "甲")
    with pytest.raises(CatalogOwner):
        office.do(lambda tx: steps.stop(tx, "307001/000001", "机构改革", "甲", "丁"))


def test_under_the_decree(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """SC2025: type 2 needs no basis but its conditions, personal information an assessment."""
    personal = {**FIELDS, "basis": "", "purposes": ["业务协同"], "grade": "重要", "personal": True}
    draft = office.save(
        **personal,
    ).draft
    with pytest.raises(CatalogBasis):
        office.act(draft, "review", "乙")
    monkeypatch.setattr(Trust, "profile", "SC2025")
    office.walk(draft, *ROAD[:2])
    with pytest.raises(CatalogImpact):
        office.act(draft, "file", "丁")
    office.walk(draft, ("assess", "丙"), *ROAD[2:])
    assert office.entry().impact_checked_by == "丙"


def test_settings(tmp_path: Path) -> None:
    assert of_settings(CatalogTable()) == Rules()
    table = tmp_path / "codes.toml"
    table.write_text("name = 'DB15'\n[classes]\n3 = '部门'\n", encoding="utf-8")
    rules = of_settings(CatalogTable(codes=table, authority=("丁",)))
    assert (rules.scheme.name, rules.authority) == ("DB15", ("丁",))
    table = tmp_path / "codes.CSV"
    table.write_text("code,name\n3,部门\n", encoding="utf-8")
    assert of_settings(CatalogTable(codes=table)).scheme.name == "codes"
    for bad in (b"\xff", b"code", b" " * (5 << 20)):
        table.write_bytes(bad)
        with pytest.raises(CatalogScheme):
            of_settings(CatalogTable(codes=table))
    with pytest.raises(CatalogScheme):
        of_settings(CatalogTable(codes=tmp_path / "none.toml"))


def test_the_authority_examines_within_days(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SC2025: two working days from when it leaves the department (Decree 809 art. 17)."""

    def clock(draft: str) -> list[tuple[str, int | None]]:
        found = office.do(lambda tx: clocks.of(tx.conn, review.subject_of(draft)))
        assert all((each.duty, each.department) == (review.DUTY, "") for each in found)
        return [(each.state, each.days) for each in found]

    under_nm2018 = office.save(code="307002").draft
    office.walk(under_nm2018, *ROAD[:3])
    assert clock(under_nm2018) == []
    monkeypatch.setattr(Trust, "profile", "SC2025")
    draft = office.save(purposes=["工作参考"], grade="一般").draft
    office.walk(draft, *ROAD[:2])
    assert clock(draft) == [("running", 2)]
    office.act(draft, "send-back", "丁", "数据项不全")
    assert clock(draft) == [("met", 2)]
    office.walk(draft, *ROAD[:3])
    assert clock(draft) == [("met", 2), ("running", 2)]
    office.act(draft, "withdraw", "甲", "不再编目")
    assert clock(draft) == [("met", 2), ("cancelled", 2)]

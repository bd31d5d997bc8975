"""The catalog by control method, as command line and later surfaces call it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core.catalog.claims import Conflict
from ortoo_protocol.core.errors import CatalogDraftUnknown, CatalogField, CatalogStep
from ortoo_protocol.station import inbox
from tests.node.kit import open_node, running
from tests.support.bodies import body_of
from tests.support.letters import make_letter
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, HUB

PARTY = "s150700"
FIELDS: dict[str, Any] = {
    "code": "307001",
    "name": "低保对象名单",
    "department": DEPARTMENTS[PARTY][0],
    "abstract": "享受最低生活保障的家庭",
    "share_type": 2,
    "items": [{"name": "编号", "name_en": "id", "length": 12}],
}
CODE = "307001150700/000001"


async def test_from_draft_to_stopped(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        saved = await node.call("catalog.draft.save", entry=FIELDS, by="甲", why="初稿")
        assert [each["error"]["code"] for each in saved["problems"]] == ["catalog.basis"]
        assert saved["problems"][0]["field"] == "basis"
        entry = {**FIELDS, "basis": "《社会救助暂行办法》"}
        assert (await node.call("catalog.check", entry=entry))["problems"] == []
        draft = saved["draft"]["draft"]
        saved = await node.call("catalog.draft.save", entry=entry, by="甲", draft=draft)
        assert (saved["draft"]["draft"], saved["problems"]) == (draft, [])

        road = [("review", "乙"), ("check", "丙"), ("file", "丁"), ("ratify", "丁")]
        for act, by in road:
            (listed,) = (await node.call("catalog.draft.list"))["drafts"]
            assert listed["draft"] == draft
            shown = await node.call("catalog.draft.show", draft=draft)
            assert act in [each["act"] for each in shown["next"]]
            await node.call("catalog.step", draft=draft, act=act, by=by)
        published = await node.call("catalog.step", draft=draft, act="publish", by="丁")
        assert (published["code"], published["state"]) == (CODE, "published")
        assert (await node.call("catalog.draft.list"))["drafts"] == []
        (listed,) = (await node.call("catalog.draft.list", states=["published"]))["drafts"]
        assert listed["filed"].startswith("150700-")
        shown = await node.call("catalog.draft.show", draft=CODE)
        taken = [(each["act"], each["who"]) for each in shown["steps"]]
        assert taken == [("compile", "甲"), ("compile", "甲"), *road, ("publish", "丁")]
        assert (await node.call("catalog.show", code=CODE))["entry"]["ratified_by"] == "丁"

        with pytest.raises(CatalogStep):
            await node.call("catalog.step", draft=CODE, act="publish", by="丁")
        with pytest.raises(CatalogDraftUnknown):
            await node.call("catalog.draft.show", draft="none")
        revised = await node.call("catalog.step", draft=CODE, act="revise", by="甲")
        assert (revised["version"], revised["state"]) == (2, "drafting")
        stopped = await node.call(
            "catalog.stop", code=CODE, reason="机构改革", by="甲", approver="丁"
        )
        assert (stopped["version"], stopped["ended"]) == (2, 0)


async def test_a_step_of_many_drafts(tmp_path: Path) -> None:
    """One that is refused holds up no other."""
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        numbers = []
        for name, basis in (("一", "《社会救助暂行办法》"), ("二", ""), ("三", "《统计法》")):
            entry = {**FIELDS, "name": name, "basis": basis}
            saved = await node.call("catalog.draft.save", entry=entry, by="甲")
            numbers.append(saved["draft"]["draft"])
        many = {"drafts": [*numbers, "0" * 32], "act": "review", "by": "乙"}
        answer = await node.call("catalog.step.many", **many)
        assert [each["draft"] for each in answer["taken"]] == [numbers[0], numbers[2]]
        assert [(each["draft"], each["error"]["code"]) for each in answer["refused"]] == [
            (numbers[1], "catalog.basis"),
            ("0" * 32, "catalog.draft-unknown"),
        ]
        (left,) = (await node.call("catalog.draft.list", states=["drafting"]))["drafts"]
        assert left["name"] == "二"


async def test_a_conflict_shows_in_doctor(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        letter = body_of(Conflict)
        raw = make_letter(kit, HUB, PARTY, letter)
        await node.app.station.write(lambda tx: inbox.accept(tx, raw))
        findings = (await node.call("doctor"))["findings"]
        (found,) = [each for each in findings if each["check"] == "catalog"]
        assert found["error"]["code"] == "catalog.conflicted"


async def test_codes_and_lists(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        found = await node.call("catalog.codes", prefix="1")
        assert found["scheme"] == "built-in"
        assert found["classes"][0] == {"code": "101", "name": "人口", "lead": ""}
        row = {
            "list": "demand",
            "department": DEPARTMENTS[PARTY][0],
            "title": "不动产登记信息",
            "basis": "《社会救助暂行办法》",
            "purpose": "数据校核",
            "contact": "丁",
            "compiled_by": "甲",
            "secrecy_checked_by": "乙",
            "approved_by": "丙",
        }
        put = await node.call("catalog.lists.put", row=row)
        (shown,) = (await node.call("catalog.lists.show", list="demand", mine=True))["rows"]
        assert (shown["number"], shown["accepted_ms"]) == (put["number"], None)
        settled = await node.call(
            "catalog.lists.settle",
            list="demand",
            number=put["number"],
            status="closed",
            answer="已另行取得",
            by="甲",
            checker="乙",
            approver="丙",
        )
        assert (settled["version"], settled["status"]) == (2, "closed")
        assert (await node.call("catalog.lists.show", list="demand", status="open"))["rows"] == []
        with pytest.raises(CatalogField):
            await node.call("catalog.lists.show", list="wish")
        assert (await node.call("catalog.lists.uncovered"))["codes"] == []
        assert (await node.call("catalog.conflicts"))["conflicts"] == []

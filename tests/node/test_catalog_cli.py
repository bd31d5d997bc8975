"""catalog: what the commands about drafts and steps ask the service, print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ortoo_node.cli import app
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.errors import CatalogBasis, CatalogDuties, SourceMissing
from ortoo_protocol.station.control_client import error_to
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

DRAFT: dict[str, Any] = {
    "draft": "d" * 32,
    "code": "307001",
    "version": 1,
    "name": "低保家庭",
    "department": "11150700MB0000000G",
    "compiled_by": "甲",
    "filed": "",
    "created_ms": 1,
    "changed_ms": 1,
    "state": "drafting",
    "share_type": 2,
}
PROBLEM = {
    "field": "basis",
    "item": None,
    "error": error_to(CatalogBasis(article="Measures art. 14")),
}
IN_ITEM = {**PROBLEM, "field": "length", "item": 1}
ROW = {
    "list": "demand",
    "number": "XQ-150700-000001",
    "version": 1,
    "title": "不动产登记信息",
    "provider_name": "呼伦贝尔市",
    "department_name": "民政局",
    "basis": "《社会救助暂行办法》",
    "resource": "",
    "status": "open",
    "answer": "",
}
CONFLICT = {
    "conflict": "c" * 32,
    "resource": "307001/000001",
    "other": "307001/000002",
    "other_name": "低保对象",
    "other_provider": "s150000",
    "items": ["婚姻状况"],
    "state": "open",
    "source": "",
    "reason": "",
    "by": "",
    "time_ms": 1,
}
PLACE: dict[str, Any] = {
    "resource": "307001/000001",
    "kind": "table",
    "source": "business",
    "table": "people",
    "drift": [{"kind": "missing", "column": "income", "entry": "I", "source": ""}],
    "error": None,
    "time_ms": 1,
}
CHANGE: dict[str, Any] = {
    "change": "e" * 32,
    "what": "机构改革",
    "since_ms": 1,
    "due": "2026-10-12",
    "provisional": True,
    "days": 15,
    "state": "overdue",
    "codes": [{"code": "307001/000001", "done_ms": 1}],
    "reason": "",
}
STEP = {"act": "compile", "before": "drafting", "after": "drafting", "who": "甲", "why": "初稿"}
ANSWERS: dict[str, object] = {
    "catalog.draft.save": {"draft": DRAFT, "problems": [PROBLEM, IN_ITEM]},
    "catalog.draft.list": {"drafts": [DRAFT]},
    "catalog.draft.show": {
        "draft": DRAFT,
        "entry": {"name": "低保家庭"},
        "steps": [{**STEP, "time_ms": 1}],
        "next": [{"act": "review", "side": "department", "reason": False}],
        "problems": [],
        "refusals": [{"version": 1, "error": "catalog.basis", "reason": "缺依据", "time_ms": 1}],
    },
    "catalog.check": {"problems": [PROBLEM]},
    "catalog.step": {**DRAFT, "state": "reviewed"},
    "catalog.lists.show": {"rows": [ROW]},
    "catalog.lists.put": ROW,
    "catalog.lists.settle": {**ROW, "version": 2},
    "catalog.lists.uncovered": {"codes": ["307001/000001"]},
    "catalog.conflicts": {"conflicts": [CONFLICT]},
    "catalog.propose": {
        "items": [{"name": "编号", "column": "id", "type": "C", "length": 12, "key": True}],
        "draft": "",
    },
    "catalog.attach": {**PLACE, "drift": []},
    "catalog.detach": {"resource": "307001/000001"},
    "catalog.change.record": CHANGE,
    "catalog.change.list": {"changes": [CHANGE]},
    "catalog.change.extend": CHANGE,
    "catalog.change.close": CHANGE,
    "catalog.codes": {
        "scheme": "built-in",
        "classes": [{"code": "307", "name": "民政", "lead": ""}],
    },
}


def run(folder: Path, *arguments: str) -> Result:
    environment = {"ORTOO_LANG": "zh_CN"}
    return invoke(app, ["-c", str(folder), "catalog", *arguments], env=environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return settings_folder(tmp_path / "plain", "s150700")


@pytest.fixture
def service(folder: Path) -> Iterator[FakeService]:
    with FakeService(folder, ANSWERS) as running:
        yield running


@pytest.fixture
def entry(tmp_path: Path) -> str:
    file = tmp_path / "e.toml"
    file.write_text('name = "低保家庭"\n', encoding="utf-8")
    return str(file)


CASES: list[tuple[list[str], str, dict[str, object], str]] = [
    (["drafts"], "catalog.draft.list", {"states": [], "department": ""}, "编目中"),
    (
        ["drafts", "--state", "filed", "--department", "x"],
        "catalog.draft.list",
        {"states": ["filed"], "department": "x"},
        "低保家庭",
    ),
    (["steps", "307001/000001"], "catalog.draft.show", {"draft": "307001/000001"}, "初稿"),
    (
        ["step", "d", "review", "--by", "乙"],
        "catalog.step",
        {"draft": "d", "act": "review", "by": "乙", "why": ""},
        "部门已审核",
    ),
    (
        ["step", "d", "send-back", "--by", "乙", "--why", "缺依据"],
        "catalog.step",
        {"draft": "d", "act": "send-back", "by": "乙", "why": "缺依据"},
        "低保家庭",
    ),
    (["codes", "3"], "catalog.codes", {"prefix": "3"}, "民政"),
    (
        ["lists", "show", "demand", "--mine", "--status", "open", "--text", "不动产"],
        "catalog.lists.show",
        {"list": "demand", "mine": True, "status": "open", "text": "不动产"},
        "XQ-150700-000001",
    ),
    (
        [
            *("lists", "settle", "demand", "XQ-150700-000001", "--by", "甲", "--approver", "丙"),
            *("--status", "answered", "--resource", "307001/000001", "--checker", "乙"),
        ],
        "catalog.lists.settle",
        {
            **{"list": "demand", "number": "XQ-150700-000001", "status": "answered"},
            **{"answer": "", "resource": "307001/000001", "by": "甲", "approver": "丙"},
            "checker": "乙",
        },
        "XQ-150700-000001",
    ),
    (
        ["propose", "--source", "business", "--table", "people"],
        "catalog.propose",
        {"source": "business", "table": "people", "draft": "", "by": ""},
        "length = 12\nkey = true",
    ),
    (
        [
            *("attach", "307001/000001", "--source", "business", "--table", "people"),
            *("--by", "甲"),
        ],
        "catalog.attach",
        {
            **{"resource": "307001/000001", "source": "business", "table": "people"},
            **{"query": "", "by": "甲"},
        },
        "people",
    ),
    (
        ["detach", "307001/000001"],
        "catalog.detach",
        {"resource": "307001/000001"},
        "307001/000001",
    ),
    (
        ["change", "record", "机构改革", "--department", "x", "--by", "甲", "--code", "3/1"],
        "catalog.change.record",
        {
            **{"department": "x", "what": "机构改革", "by": "甲", "basis": "", "since_ms": 0},
            "codes": ["3/1"],
        },
        "2026-10-12",
    ),
    (["change", "list", "--ended"], "catalog.change.list", {"ended": True}, "机构改革"),
    (
        ["change", "extend", "e", "--reason", "因", "--by", "丁"],
        "catalog.change.extend",
        {"change": "e", "reason": "因", "by": "丁"},
        "2026-10-12",
    ),
    (
        ["change", "close", "e", "--reason", "因", "--by", "丁"],
        "catalog.change.close",
        {"change": "e", "reason": "因", "by": "丁"},
        "e",
    ),
    (["lists", "uncovered"], "catalog.lists.uncovered", {}, "307001/000001"),
    (["conflicts", "--state", "open"], "catalog.conflicts", {"state": "open"}, "婚姻状况"),
]


@pytest.mark.parametrize(("arguments", "method", "params", "shown"), CASES)
def test_commands(
    service: FakeService,
    folder: Path,
    arguments: list[str],
    method: str,
    params: dict[str, object],
    shown: str,
) -> None:
    said = run(folder, *arguments)
    assert said.exit_code == Exit.OK, said.output
    assert service.asked == [(method, params)]
    assert shown in said.stdout
    as_json = run(folder, *arguments, "--json")
    assert json.loads(as_json.stdout) == ANSWERS[method]


def test_a_draft_is_kept_and_what_to_mend_is_said(
    service: FakeService, folder: Path, entry: str
) -> None:
    said = run(folder, "draft", entry, "--by", "甲", "--why", "初稿")
    assert said.exit_code == Exit.OK, said.output
    params = {"entry": {"name": "低保家庭"}, "by": "甲", "why": "初稿", "draft": ""}
    assert service.asked == [("catalog.draft.save", params)]
    assert "《办法》第十四条" in said.stdout
    assert "length (2)" in said.stdout


def test_a_row_of_a_list(service: FakeService, folder: Path, entry: str) -> None:
    said = run(folder, "lists", "put", entry)
    assert said.exit_code == Exit.OK, said.output
    assert service.asked == [("catalog.lists.put", {"row": {"name": "低保家庭"}})]
    assert "XQ-150700-000001" in said.stdout


def test_checking_without_keeping(folder: Path, entry: str) -> None:
    with FakeService(folder, ANSWERS):
        said = run(folder, "check", entry)
    assert said.exit_code == Exit.REFUSED
    assert "第十四条" in said.stdout
    with FakeService(folder, {"catalog.check": {"problems": []}}):
        assert run(folder, "check", entry).exit_code == Exit.OK


def test_where_catalog_and_source_differ(folder: Path) -> None:
    lost = {**PLACE, "drift": [], "error": error_to(SourceMissing(name="business", table="people"))}
    with FakeService(folder, {"catalog.drift": {"places": [PLACE, lost]}}) as service:
        said = run(folder, "drift", "--now")
    assert said.exit_code == Exit.REFUSED
    assert service.asked == [("catalog.drift", {"resource": "", "now": True})]
    assert "income" in said.stdout
    with FakeService(folder, {"catalog.drift": {"places": [{**PLACE, "drift": []}]}}):
        assert run(folder, "drift", "307001/000001").exit_code == Exit.OK
    for arguments in ((), ("--source", "x"), ("--source", "x", "--table", "t", "--query", "q")):
        assert run(folder, "attach", "3/1", "--by", "甲", *arguments).exit_code == Exit.USAGE


def test_a_refused_step(folder: Path) -> None:
    with FakeService(folder, {"catalog.step": CatalogDuties(who="甲", step="review")}):
        said = run(folder, "step", "d", "review", "--by", "甲")
    assert said.exit_code == Exit.REFUSED
    assert "部门审核" in said.output
    assert run(folder, "step", "d", "fly", "--by", "甲").exit_code == Exit.USAGE


def test_a_step_of_many_drafts(folder: Path) -> None:
    """All of a state, however often the list has to be asked for; the refused ones are named."""
    other = {**DRAFT, "draft": "f" * 32, "name": "特困人员"}
    refused = [{"draft": "f" * 32, "error": error_to(CatalogDuties(who="乙", step="review"))}]
    answers = {
        "catalog.draft.list": {"drafts": [DRAFT, other]},
        "catalog.step.many": {"taken": [DRAFT], "refused": refused},
    }
    many = ("step-all", "review", "--by", "乙", "--state", "drafting")
    with FakeService(folder, answers) as service:
        said = run(folder, *many, "--department", "11150700MB0000000G")
    assert said.exit_code == Exit.REFUSED
    listed = {"states": ["drafting"], "department": "11150700MB0000000G"}
    drafts = ["d" * 32, "f" * 32]
    step = {"drafts": drafts, "act": "review", "by": "乙", "why": ""}
    assert service.asked == [
        ("catalog.draft.list", listed), ("catalog.step.many", step), ("catalog.draft.list", listed)
    ]  # fmt: skip
    assert "1 份草案已办理。" in said.stdout
    assert "特困人员" in said.stdout
    with FakeService(folder, {**answers, "catalog.step.many": {"taken": [], "refused": []}}):
        assert run(folder, *many).exit_code == Exit.OK

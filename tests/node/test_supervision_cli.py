"""supervise and report in both programs: tables, JSON, the year's page and workbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer import Typer
from typer.testing import Result

from ortoo_hub.cli import app as hub_app
from ortoo_node.cli import app as node_app
from ortoo_protocol.core.errors import SupervisionMove
from ortoo_protocol.core.supervision.facts import FACTS, GROUPS
from ortoo_protocol.core.supervision.leads import RULES
from ortoo_protocol.core.supervision.scores import BUILT_IN
from ortoo_protocol.station.supervision import words
from tests.node.test_catalog_report import Page
from tests.support import made_year
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

CHINESE, ENGLISH = {"ORTOO_LANG": "zh_CN"}, {"ORTOO_LANG": "en"}
YEAR = made_year.answer()
LEAD = {
    "lead": "1" * 32,
    "rule": "data-stale",
    "violation": 3,
    "state": "open",
    "text": "",
    "intent": "",
    "found_ms": 1,
    "changed_ms": 1,
    "party": "s150700",
    "department": "",
    "name": "呼伦贝尔市",
    "article": "Measures art. 36 (3)",
    "matters": 1,
}
EVIDENCE = {
    "kind": "entry",
    "ref": "307001/000001@4",
    "time_ms": 1,
    "detail": "每日",
    "leaf": 12,
    "hash": "ab" * 32,
    "envelope": "cd" * 16,
    "body_hash": "ef" * 32,
}
NOTICE = {
    "notice": "2" * 32,
    "side": "authority",
    "authority": "h150000",
    "state": "answered",
    "due_ms": 1_800_000_000_000,
    "provisional": True,
    "issued_ms": 1,
    "changed_ms": 1,
    "number": "内数通〔2026〕3号",
    "violation": 3,
    "article": "Measures art. 36 (3)",
    "title": "关于数据未及时更新的通报",
    "found": "超期",
    "demands": "更新",
    "days": 10,
    "handler": "甲",
    "approver": "乙",
    "party": "s150700",
    "department": "",
    "name": "呼伦贝尔市",
    "leads": [],
    "late": True,
    "next": ["verify", "return"],
}
SUBMISSION = {
    "submission": "3" * 32,
    "side": "authority",
    "period": "2026H1",
    "authority": "h150000",
    "state": "submitted",
    "round": 1,
    "due_ms": 1_800_000_000_000,
    "provisional": False,
    "note": "",
    "opened_ms": 1,
    "first_ms": 1,
    "changed_ms": 1,
    "party": "s150700",
    "department": "",
    "name": "呼伦贝尔市",
    "hash": "ab" * 32,
    "letter": "",
    "late": False,
}
DRAFT = {"figures": [["entries", 5, 6, "一条待审"]], "passages": [["effect", "减少材料"]]}
EVALUATION = {
    "evaluation": "4" * 32,
    "period": "2026H1",
    "standard": 0,
    "by": "甲",
    "time_ms": 1,
    "same": True,
    **{name: YEAR["report"]["standard"][name] for name in ("indicators", "bounds")},
    "ranked": YEAR["report"]["ranked"],
}
STANDARD = {
    "version": 0,
    "indicators": EVALUATION["indicators"],
    "bounds": {},
    "rules": [
        {"rule": rule.code, "violation": rule.violation.value, "at_least": rule.at_least}
        for rule in RULES
    ],
    "history": [],
}
FACTS_OF = {
    "period": "2026H1",
    "now_ms": 1,
    "subjects": [
        {**each, "reasons": [{"reason": "依据不足", "count": 2}]}
        for each in YEAR["report"]["subjects"]
    ],
}
ANSWERS: dict[str, Any] = {
    "supervise.facts": FACTS_OF,
    "supervise.look": {"period": "2026H1", "leads": []},
    "supervise.leads": {"leads": [LEAD]},
    "supervise.lead": {"lead": LEAD, "evidence": [EVIDENCE], "events": []},
    "supervise.decide": {**LEAD, "state": "confirmed"},
    "supervise.enter": {**LEAD, "rule": "entered", "text": "隐瞒"},
    "supervise.evaluate": EVALUATION,
    "supervise.evaluation": {**EVALUATION, "same": False},
    "supervise.evaluations": {"evaluations": [EVALUATION]},
    "supervise.standard": STANDARD,
    "supervise.standard.put": {"version": 1},
    "notice.issue": NOTICE,
    "notice.act": {**NOTICE, "state": "verified"},
    "notice.list": {"notices": [NOTICE]},
    "notice.show": {"notice": NOTICE, "evidence": [EVIDENCE], "moves": []},
    "report.open": {"period": "2026H1", "submissions": ["3" * 32]},
    "report.list": {"submissions": [SUBMISSION]},
    "report.show": {"submission": SUBMISSION, "draft": DRAFT, "sent": None, "events": []},
    "report.fill": {"submission": SUBMISSION, "draft": DRAFT},
    "report.submit": SUBMISSION,
    "report.decide": {**SUBMISSION, "state": "accepted"},
    "report.year": YEAR,
    "report.year.show": YEAR,
    "report.years": {"reports": [YEAR]},
}


@pytest.fixture(params=["s150700", "h150000"])
def program(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Typer, Path, FakeService]]:
    party = str(request.param)
    folder = settings_folder(tmp_path / "plain", "s150700")
    if party.startswith("h"):
        text = (folder / "station.toml").read_text().replace("s150700", party)
        (folder / "station.toml").write_text(text)
    with FakeService(folder, ANSWERS) as running:
        yield (hub_app if party.startswith("h") else node_app), folder, running


def run(
    program: tuple[Typer, Path, FakeService], *arguments: str, env: dict[str, str] = CHINESE
) -> Result:
    app, folder, _ = program
    return invoke(app, ["-c", str(folder), *arguments], env=env)


HANDS = ("--handler", "甲", "--approver", "乙")
COMMANDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("supervise", "facts"), "呼伦贝尔市"),
    (("supervise", "facts", "--subject", "s150700"), "答复时长中位数"),
    (("supervise", "leads", "--look"), "数据超过更新周期一倍以上未更新"),
    (("supervise", "leads", "1" * 32), "《办法》第三十六条第（三）项"),
    (("supervise", "decide", "1" * 32, "confirm", "--reason", "属实", "--by", "甲"), "已确认"),
    (("supervise", "enter", "s150700", "6", "--text", "隐瞒", "--by", "甲"), "已录入"),
    (("supervise", "evaluate", "--by", "甲"), "名次"),
    (("supervise", "evaluate", "--show", "4" * 32), "存储被改动"),
    (("supervise", "evaluate"), "2026H1"),
    (("supervise", "standard", "show"), "按期答复"),
    (("supervise", "notice", "list"), "暂定"),
    (("supervise", "notice", "show", "2" * 32), "销号"),
    (
        (
            "supervise", "notice", "issue", "s150700", "--violation", "3", "--found", "超期",
            "--demands", "更新", "--days", "10", *HANDS,
        ),
        "已下发",
    ),
    (("supervise", "notice", "acknowledge", "2" * 32, "--handler", "甲"), "已整改销号"),
    (("supervise", "notice", "answer", "2" * 32, "--text", "改了", *HANDS), "已整改销号"),
    (("supervise", "notice", "return", "2" * 32, "--text", "不", "--handler", "甲"), "销号"),
    (("supervise", "notice", "verify", "2" * 32, "--text", "好", *HANDS), "销号"),
    (("supervise", "notice", "escalate", "2" * 32, "--text", "督办", *HANDS), "销号"),
    (("supervise", "notice", "revoke", "2" * 32, "--text", "错", *HANDS), "销号"),
    (("report", "open", "2026H1", "--days", "10", "--by", "甲"), "已通知 1 家"),
    (("report", "list"), "2026H1"),
    (("report", "show", "3" * 32), "一条待审"),
    (("report", "fill", "3" * 32, "--by", "甲"), "减少材料"),
    (("report", "submit", "3" * 32, *HANDS), "已发出"),
    (("report", "accept", "3" * 32, "--by", "甲"), "已归档"),
    (("report", "return", "3" * 32, "--by", "甲", "--reason", "补"), "已归档"),
    (("report", "chase", "3" * 32, "--by", "甲"), "已归档"),
    (("report", "years"), "2026"),
)  # fmt: skip


def test_every_command_speaks_chinese_english_and_json(
    program: tuple[Typer, Path, FakeService],
) -> None:
    for arguments, shown in COMMANDS:
        said = run(program, *arguments)
        assert said.exit_code == 0, (arguments, said.output)
        assert shown in said.output, (arguments, said.output)
        assert run(program, *arguments, env=ENGLISH).exit_code == 0
        as_json = run(program, *arguments, "--json")
        assert json.loads(as_json.stdout) is not None, arguments


def test_what_is_sent(program: tuple[Typer, Path, FakeService], tmp_path: Path) -> None:
    _, _, service = program
    written = tmp_path / "filled.json"
    given = {
        "passages": {"effect": "减少材料"},
        "stated": {"entries": {"value": 6, "note": "一条待审"}},
    }
    written.write_text(json.dumps(given))
    run(program, "report", "fill", "3" * 32, "--by", "丁", "--file", str(written))
    assert service.asked[-1] == ("report.fill", {"submission": "3" * 32, "by": "丁", **given})
    shown = json.loads(run(program, "supervise", "standard", "show", "--json").stdout)
    standard = tmp_path / "standard.json"
    standard.write_text(json.dumps(shown))
    put = run(
        program, "supervise", "standard", "put", str(standard), "--by", "丁", "--reason", "新办法"
    )
    assert put.exit_code == 0, put.output
    sent = service.asked[-1][1]["standard"]
    assert sent == {"indicators": STANDARD["indicators"], "bounds": {}}
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    for command in (
        ("report", "fill", "3" * 32, "--by", "丁", "--file", str(broken)),
        ("supervise", "standard", "put", str(broken), "--by", "丁", "--reason", "x"),
    ):
        assert run(program, *command).exit_code == 2


def test_a_refusal_is_explained(tmp_path: Path) -> None:
    folder = settings_folder(tmp_path / "plain", "s150700")
    refusal = SupervisionMove(document="notice", state="verified", event="answer")
    with FakeService(folder, {"notice.act": refusal}) as service:
        said = run(
            (node_app, folder, service),
            "supervise", "notice", "answer", "2" * 32, "--text", "改", *HANDS,
        )  # fmt: skip
    assert said.exit_code != 0
    assert "通报现为" in said.stderr
    assert "supervision.move" in said.stderr


# --- the year -----------------------------------------------------------------------------------


def test_the_years_page(program: tuple[Typer, Path, FakeService], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    said = run(
        program, "report", "year", "2026", "--html", str(file), "--number", "内数组〔2027〕1号",
        "--to", "协调办公室 <b>&", "--signer", "张三",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert page.loads == []
    assert "script" not in page.elements
    assert not re.search(r"https?://|url\(|@import|<b>&", text)
    assert page.elements.count("svg") == 3
    assert page.elements.count("table") >= 14
    shown = "".join(page.words)
    for words_ in (
        "关于2026年度政务信息资源共享情况的报告", "内数组〔2027〕1号", "签发人：张三",
        "协调办公室 <b>&：",
        "根据《办法》第三十二条规定", "一、总体情况", "九、存在的问题和下一步工作", "（加盖公章）",
        "2027年1月18日", "附件1：考评标准及得分明细", "固化数据摘要",
    ):  # fmt: skip
        assert words_ in shown, words_
    for league in made_year.LEAGUES.values():
        assert shown.count(league) > 5
    again = run(program, "report", "year", "2026", "--html", str(file))
    assert again.exit_code != 0, "what is there is not written over"
    english = tmp_path / "english.html"
    run(program, "report", "year", "2026", "--html", str(english), env=ENGLISH)
    shown = english.read_text(encoding="utf-8")
    assert "1. The year as a whole" in shown
    assert "Number: ________" in shown


def test_the_years_workbook(program: tuple[Typer, Path, FakeService], tmp_path: Path) -> None:
    file = tmp_path / "report.xlsx"
    said = run(program, "report", "year", "2026", "--xlsx", str(file), "--to", "=1+1", "--by", "甲")
    assert said.exit_code == 0, said.output
    assert program[2].asked[-1][0] == "report.year", "with a name the year is counted anew"
    book = openpyxl.load_workbook(BytesIO(file.read_bytes()))
    first = book.worksheets[0]
    texts = [str(row[0].value or "") for row in first.iter_rows()]
    assert any("关于2026年度政务信息资源共享情况的报告" in text for text in texts)
    assert any("加盖公章" in text for text in texts)
    (recipient,) = (row[0] for row in first.iter_rows() if str(row[0].value).startswith("=1+1"))
    assert recipient.data_type == "s", "a text is never calculated"
    charts = {sheet.title: len(sheet._charts) for sheet in book.worksheets if sheet._charts}  # type: ignore[attr-defined]  # openpyxl keeps them so
    assert charts == {"目录": 1, "申请答复": 1, "考评结果": 1}
    catalog = book["目录"]
    figures = {
        row[0]: row[1:]
        for row in catalog.iter_rows(min_col=16, max_col=20, values_only=True)
        if row[0]
    }
    one = YEAR["report"]["subjects"][0]
    assert figures[one["name"]][0] == one["facts"]["fresh"]


def test_a_year_of_nothing(tmp_path: Path) -> None:
    folder = settings_folder(tmp_path / "plain", "s150700")
    report = {
        **YEAR["report"],
        **{name: [] for name in ("subjects", "reasons", "submissions", "notices", "ranked")},
        "total": {},
        "leads": {},
        "months": [{"month": month} for month in range(1, 13)],
        "regional": False,
    }  # fmt: skip
    with FakeService(folder, {"report.year.show": {**YEAR, "report": report}}) as service:
        page, book = tmp_path / "empty.html", tmp_path / "empty.xlsx"
        said = run(
            (node_app, folder, service),
            "report", "year", "2026", "--html", str(page), "--xlsx", str(book),
        )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert Page(page.read_text(encoding="utf-8")).elements.count("svg") == 0
    assert openpyxl.load_workbook(BytesIO(book.read_bytes())).worksheets[0].max_row > 20


def test_everything_has_a_name() -> None:
    assert set(words.FACTS) == {each.name for each in FACTS}
    assert set(words.RULES) == {each.code for each in RULES}
    assert set(words.INDICATORS) == {each.code for each in BUILT_IN.indicators}
    assert set(words.GROUPS) == set(GROUPS)

"""quality, reject, task: what each command asks, prints and writes."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ortoo_node.cli import app
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

CHINESE, ENGLISH = {"ORTOO_LANG": "zh_CN"}, {"ORTOO_LANG": "en"}
CODE = "307001/000001"
REPORT: dict[str, Any] = {
    "report": {
        "resource": CODE,
        "name": "低保 <b>对象</b>",
        "department": "11150700MB1500001N",
        "department_name": "民政局",
        "rules_version": 3,
        "time_ms": 1_780_000_000_000,
        "rows": 400,
        "failed_rows": 12,
        "rules": [
            {
                "rule": "id-card:card",
                "code": "quality.id-card",
                "column": "card",
                "title": "身份证号",
                "severity": "reject",
                "source_failed": 12,
                "published_failed": 0,
                "tolerance_percent": 0.0,
                "passed": False,
                "examples": ["0123456789abcdef"],
            }
        ],
        "comparison": {
            "source_rows": 400,
            "published_rows": 388,
            "rejected": 12,
            "missing": 0,
            "surplus": 0,
            "differing": 0,
            "passed": True,
            "examples": [],
        },
        "freshness": {
            "cycle": "每月",
            "limit_ms": 1,
            "published_ms": 1_780_000_000_000,
            "passed": True,
        },
        "score_permille": 982,
        "passed": False,
    },
    "trend": [
        {"time_ms": 1_779_000_000_000, "score_permille": 950},
        {"time_ms": 1_780_000_000_000, "score_permille": 982},
    ],
}
TASK = {
    "task": "a" * 32,
    "resource": CODE,
    "resource_name": "低保",
    "department": "11150700MB1500001N",
    "rule": "id-card:card",
    "what": "12/400",
    "state": "open",
    "overdue": True,
    "opened_ms": 1_780_000_000_000,
    "due_ms": 1_780_800_000_000,
    "changed_ms": 1_780_000_000_000,
    "events": [
        {"time_ms": 1_780_000_000_000, "event": "open", "by": "quality check", "reason": "12/400"}
    ],
}
REJECT = {
    "run": 4,
    "row": 17,
    "key": "=1+1",
    "column": "card",
    "error": "quality.id-card",
    "detail": "quality.id-card",
    "times": 2,
    "first_ms": 1_780_000_000_000,
    "time_ms": 1_780_000_000_000,
}
ANSWERS: dict[str, object] = {
    "quality.put": {"resource": CODE, "version": 3, "rules": 2},
    "quality.show": {
        "resource": CODE,
        "version": 3,
        "personal": ["card"],
        "rules": [
            {"column": "card", "check": "id-card", "severity": "reject", "tolerance_percent": 0},
            {
                "column": "sex",
                "check": "codes",
                "severity": "warn",
                "tolerance_percent": 0.5,
                "codes": ["1", "2"],
            },
        ],
        "versions": [{"version": 3, "by": "丁", "time_ms": 1_780_000_000_000}],
    },
    "quality.check": REPORT,
    "quality.report": REPORT,
    "quality.list": {
        "resources": [
            {
                "resource": CODE,
                "resource_name": "低保",
                "time_ms": 1,
                "score_permille": 982,
                "passed": False,
                "cycle": "daily",
                "next_ms": 2,
                "error": "",
            }
        ]
    },
    "quality.schedule": {"resource": CODE, "cycle": "daily", "next_ms": 1_780_000_000_000},
    "reject.list": {
        "rejects": [REJECT],
        "totals": [{"error": "quality.id-card", "column": "card", "total": 12}],
    },
    "task.list": {"tasks": [TASK, {**TASK, "rule": "freshness", "overdue": False}]},
    "task.answer": {"task": "a" * 32, "state": "answered"},
    "task.close": {"task": "a" * 32, "state": "closed"},
}


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Result:
    return invoke(app, ["-c", str(folder), *arguments], env=env or CHINESE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return settings_folder(tmp_path / "plain", "s150700")


@pytest.fixture
def service(folder: Path) -> Iterator[FakeService]:
    with FakeService(folder, ANSWERS) as running:
        yield running


SAID = {"task": "a" * 32, "by": "己", "reason": "已补录"}
PERSON = ("a" * 32, "--by", "己", "--reason", "已补录")


@pytest.mark.parametrize(
    ("arguments", "method", "params", "shown"),
    [
        (["quality", "rules", "show", CODE], "quality.show", {"resource": CODE}, "公民身份号码"),
        (["quality", "check", CODE], "quality.check", {"resource": CODE}, "98.2"),
        (["quality", "report", CODE], "quality.report", {"resource": CODE}, "不是公民身份号码"),
        (["quality", "list"], "quality.list", {}, "每日"),
        (
            ["quality", "schedule", CODE, "daily"],
            "quality.schedule",
            {"resource": CODE, "cycle": "daily"},
            "下次核查时间",
        ),
        (["reject", "list", CODE], "reject.list", {"resource": CODE, "most": 50}, "=1+1"),
        (["task", "list"], "task.list", {"settled": False}, "逾期"),
        (["task", "list", "--all"], "task.list", {"settled": True}, "待整改"),
        (["task", "answer", *PERSON], "task.answer", SAID, "已答复"),
        (["task", "close", *PERSON], "task.close", SAID, "已关闭"),
    ],
)
def test_each_command(
    folder: Path,
    service: FakeService,
    arguments: list[str],
    method: str,
    params: dict[str, Any],
    shown: str,
) -> None:
    said = run(folder, *arguments)
    english = run(folder, *arguments, env=ENGLISH)
    read = run(folder, *arguments, "--json")
    assert (said.exit_code, english.exit_code, read.exit_code) == (0, 0, 0), said.output
    assert service.asked == [(method, params)] * 3
    assert shown in said.stdout
    assert json.loads(read.stdout) == ANSWERS[method]


def test_rules_take_their_codes_along(folder: Path, service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("1\n2\n\n", encoding="utf-8-sig")
    file = tmp_path / "rules.toml"
    file.write_text(
        f'resource = "{CODE}"\n[[rules]]\ncolumn = "sex"\ncheck = "codes"\nfile = "codes.txt"\n',
        encoding="utf-8",
    )
    ended = run(folder, "quality", "rules", "put", str(file), "--by", "丁")
    assert ended.exit_code == 0, ended.output
    rule = {"column": "sex", "check": "codes", "codes": ["1", "2"]}
    given = {"resource": CODE, "rules": [rule]}
    assert service.asked == [("quality.put", {"given": given, "by": "丁"})]


@pytest.mark.parametrize("text", ["resource = ", '[[rules]]\nfile = "gone.txt"'])
def test_a_file_without_rules(
    folder: Path, service: FakeService, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    assert run(folder, "quality", "rules", "put", str(file), "--by", "丁").exit_code == 2
    assert service.asked == []


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_to_print(folder: Path, service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert run(folder, "quality", "export", CODE, str(file)).exit_code == 0
    text = file.read_text(encoding="utf-8")
    tags = _Tags()
    tags.feed(text.replace("/>", ">"))
    assert tags.open == []
    assert not tags.seen & {"script", "link", "img", "iframe", "b"}
    assert "&lt;b&gt;对象" in text
    assert not re.search(r"https?:|//[a-z]", text)
    for said in ("数据质量报告", "98.2", "不合格", "0123456789abcdef", "缺少"):
        assert said in text
    assert run(folder, "quality", "export", CODE, str(file)).exit_code == 3  # it must be new
    assert run(folder, "quality", "export", CODE, str(tmp_path / "x.pdf")).exit_code == 2


def test_a_report_for_programs(folder: Path, service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    assert run(folder, "quality", "export", CODE, str(file)).exit_code == 0
    assert json.loads(file.read_bytes()) == REPORT


def test_rejects_as_csv(folder: Path, service: FakeService, tmp_path: Path) -> None:
    file = tmp_path / "rejects.csv"
    assert run(folder, "reject", "export", CODE, str(file)).exit_code == 0
    assert service.asked == [("reject.list", {"resource": CODE, "most": 10_000})]
    with file.open(encoding="utf-8-sig", newline="") as handle:
        heading, row = csv.reader(handle)
    assert heading[:3] == ["主键", "行", "列名"]
    assert row[0] == "'=1+1"  # a spreadsheet would calculate it
    assert row[3] == "quality.id-card"
    assert "不是公民身份号码" in row[4]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("rows.length", "「name」的值超过信息项规定的长度"),
        ("rows.empty", "「name」是主键信息项，但为空"),
        ("rows.value", "「name」的值不符合其信息项类型"),
        ("rows.key", "两行的主键相同"),
    ],
)
def test_why_a_row_stays_is_said_in_words(folder: Path, code: str, said: str) -> None:
    one = {
        "run": "1", "row": 3, "key": "001", "column": "name", "error": code, "detail": "…",
        "times": 1, "first_ms": 1, "time_ms": 1,
    }  # fmt: skip
    totals = [{"error": code, "column": "name", "total": 1}]
    with FakeService(folder, {"reject.list": {"rejects": [one], "totals": totals}}):
        assert run(folder, "reject", "list", "3/1").output.count(said) == 2

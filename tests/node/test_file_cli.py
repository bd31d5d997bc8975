"""The command line of files: what is asked of the service, and what people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ortoo_node.cli import app
from ortoo_node.cli.file import Form
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.files import FORMS
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

TRANSFER = {
    "transfer": "7" * 32,
    "resource": "3/1",
    "feed": "s150700.dibao",
    "grant": "a" * 32,
    "subscription": "",
    "file": "3-1-00000001.csv",
    "sha256": "0" * 64,
    "target": "/srv/3-1-00000001.csv",
    "size_bytes": 8,
    "done_bytes": 8,
    "bytes_a_s": 0,
    "left_s": None,
    "state": "done",
    "error": None,
    "began_ms": 1,
    "changed_ms": 1,
}
ORDER = {
    "order": "1" * 32,
    "role": "asked",
    "peer": "s150700",
    "resource": "3/1",
    "grant": "a" * 32,
    "department": "11152900MB0000000K",
    "form": "csv",
    "purpose": "业务协同",
    "handler": "张三",
    "file": "3-1-00000001.csv",
    "target": "/srv/3-1-00000001.csv",
    "rows": 1225,
    "size_bytes": 8,
    "sha256": "0" * 64,
    "seq": 4,
    "transfer": "7" * 32,
    "state": "made",
    "error": None,
    "asked_ms": 1,
    "changed_ms": 1,
}
WAY = ["--purpose", "业务协同", "--handler", "张三", "--to", "/srv"]
ASK = ["file", "get", "3/1", "--as", "csv", *WAY]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return settings_folder(tmp_path / "plain", "s152900")


def run(folder: Path, *arguments: str, language: str = "zh_CN") -> Result:
    return invoke(app, ["-c", str(folder), *arguments], env={"ORTOO_LANG": language})


def refused(code: str, detail: str) -> dict[str, Any]:
    facts = {"detail": detail, "grant": "a" * 32, "reason": "-"}
    error = {"code": code, "what": code, "cure": "", "facts": facts}
    return {**ORDER, "state": "refused", "transfer": "", "fetched": None, "error": error}


def test_a_table_is_ordered_waited_for_and_fetched(folder: Path) -> None:
    waiting = {**ORDER, "state": "open", "transfer": "", "fetched": None}
    answers = {"file.order": waiting, "file.ordered": {**ORDER, "fetched": TRANSFER}}
    with FakeService(folder, answers) as service:
        shown = run(folder, *ASK)
        assert "/srv/3-1-00000001.csv" in shown.output
        assert shown.exit_code == 0
        read = run(folder, *ASK, "--json")
        assert json.loads(read.stdout) == TRANSFER
        begun = run(folder, *ASK, "--no-wait", "--json")
        assert json.loads(begun.stdout)["state"] == "open"
        assert "正在传输" in run(folder, *ASK, "--no-wait").output
    assert service.asked[0] == (
        "file.order",
        {
            "resource": "3/1",
            "form": "csv",
            "to": "/srv",
            "purpose": "业务协同",
            "handler": "张三",
            "grant": None,
        },
    )
    assert service.asked[1] == ("file.ordered", {"order": ORDER["order"]})


@pytest.mark.parametrize(
    ("code", "detail", "chinese", "english"),
    [
        ("file.form", "row 7, c: …", "请改用其他格式", "csv takes every table"),
        ("file.no-table", "its rows are events", "其数据是事件", "its rows are events"),
        ("grant.ended", "", "授权", "ended"),
        ("file.orders", "4", "已达上限：4 个", "Wait until one of them"),
        ("sink.future", "of a newer station", "sink.future", "sink.future"),
    ],
)
def test_why_it_does_not_come(
    folder: Path, code: str, detail: str, chinese: str, english: str
) -> None:
    with FakeService(folder, {"file.order": refused(code, detail)}):
        said = run(folder, *ASK)
        assert said.exit_code in (Exit.REFUSED, Exit.SETUP)
        assert chinese in said.stderr
        assert code in said.stderr
        assert english in run(folder, *ASK, language="en").stderr


def test_a_file_or_a_table_has_to_be_named(folder: Path) -> None:
    for wrong in (["file", "get", "3/1", *WAY], [*ASK, "a.pdf"]):
        said = run(folder, *wrong)
        assert said.exit_code == Exit.USAGE
        assert "--as" in said.stderr


def test_the_record_of_orders(folder: Path) -> None:
    theirs = {**ORDER, "role": "made for", "peer": "s150200", "state": "removed"}
    failed = refused("file.form", "a sheet holds 1048575 rows, and there are more")
    with FakeService(folder, {"file.orders": {"orders": [ORDER, theirs, failed]}}):
        shown = run(folder, "file", "orders").output
        assert all(each in shown for each in ("业务协同", "张三", "1225", "已清除", "file.form"))
        read = json.loads(run(folder, "file", "orders", "--json").stdout)
        assert [one["state"] for one in read["orders"]] == ["made", "removed", "refused"]


def test_the_forms_are_those_of_the_protocol() -> None:
    assert [form.value for form in Form] == list(FORMS)

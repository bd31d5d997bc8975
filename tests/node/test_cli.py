"""ortoo-node: what each command asks the service, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import Result

from ortoo_node import settings as node_settings
from ortoo_node.cli import app
from ortoo_node.cli.subscription import beginning
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.cli.setting_up import now_ms, open_keys
from ortoo_protocol.core import enrolment
from ortoo_protocol.core.errors import CaseReason, CatalogField, GrantUnknown
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.core.rows import CIVIL_ZONE
from ortoo_protocol.station.settings import read_secret
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder
from tests.support.welcome import welcome_for

CHINESE, ENGLISH = {"ORTOO_LANG": "zh_CN"}, {"ORTOO_LANG": "en"}
TOP = Path(__file__).parents[2]
CASE = "0" * 31 + "1"
PEOPLE = ["--handler", "张三", "--approver", "李四"]
SUMMARY = {
    "code": "3150000/0001",
    "version": 1,
    "name": "乡镇区划",
    "provider": "s150000",
    "provider_name": "自治区本级",
    "department": "11150000MB0000000C",
    "department_name": "自治区民政厅",
    "share_type": 1,
    "cycle": "每年",
    "items": 4,
    "status": "published",
    "feed": "s150000.townships",
}
ENTRY = {
    **SUMMARY,
    "office": "区划处",
    "abstract": "全区乡镇",
    "share_condition": "",
    "basis": "",
    "modes": ["系统对接"],
    "purposes": ["工作参考"],
    "replaces_paper": "",
    "published_ms": 1_780_000_000_000,
    "items": [
        {
            "name": "代码",
            "column": "code",
            "type": "C",
            "length": 9,
            "share_type": 1,
            "base": True,
            "key": True,
        }
    ],
}
PUBLICATION = {
    "resource": "3/1",
    "resource_name": "低保",
    "source": "civil",
    "table": "dibao",
    "capture": "auto",
    "watermark": "",
    "overlap": 600,
    "whole_every_s": 86_400,
    "every_s": 300,
    "follow": False,
    "how": "log",
    "began_ms": 1_780_000_000_000,
    "ended_ms": 1_780_000_001_000,
    "rows": 1225,
    "upserts": 3,
    "deletes": 1,
    "rejected": 2,
    "rejects": 2,
    "warned": {},
    "failures": 1,
    "next_ms": 1_780_000_301_000,
    "error": {
        "code": "source.unreachable",
        "what": "",
        "cure": "",
        "facts": {"name": "civil", "table": "dibao", "detail": "refused"},
    },
}
A_CASE = {
    "case": CASE,
    "role": "applicant",
    "resource": "3150700/0007",
    "resource_name": "低保",
    "applicant": "s152900",
    "department": "11152900MB0000000K",
    "department_name": "阿拉善盟民政局",
    "provider": "s150700",
    "purpose": "业务协同",
    "state": "refused",
    "opened_ms": 1_780_000_000_000,
    "notarised": True,
    "changed_ms": 1_780_000_000_000,
    "grant": None,
    "reason": "超出履职需要",
}
A_DEMAND = {
    "provider": "s152900",
    "number": "XQ-152900-000001",
    "version": 1,
    "title": "不动产登记信息",
    "content": "权利人、坐落",
    "department_name": "阿拉善盟民政局",
    "purpose": "财产核对",
    "basis": "《社会救助暂行办法》",
    "state": "assigned",
    "party": "s150700",
    "assigned_department": "11150700MB1500001N",
    "draft": "",
    "supplied_by": "",
    "clocks": [{"duty": "demand-answer", "day": "2026-10-09", "state": "running"}],
    "events": [{"time_ms": 1, "event": "assign", "party": "h150000", "by": "孙七", "reason": ""}],
}
A_CLOCK = {
    "duty": "answer",
    "article": "Measures art. 19",
    "party": "s150700",
    "day": "2026-10-09",
    "provisional": False,
    "state": "running",
    "opened_ms": 1_780_000_000_000,
    "closed_ms": None,
}
APPLICATION = {
    "purpose": "业务协同",
    "basis": "职责",
    "scenario": "救助",
    "mode": "系统对接",
    "items": ["name"],
    "row_filter": "",
    "handler": "张三",
    "approver": "李四",
}
GRANT = {
    "grant": "a" * 32,
    "case": CASE,
    "resource": "3150700/0007",
    "resource_name": "低保",
    "feed": "s150700.dibao-v1",
    "provider": "s150700",
    "reader": "s152900",
    "reader_department": "11152900MB0000000K",
    "items": ["name"],
    "row_filter": "",
    "mode": "系统对接",
    "purpose": "业务协同",
    "from_ms": 1,
    "until_ms": 0,
    "state": "active",
    "reason": "",
    "ended_ms": None,
}
SUBSCRIPTION = {
    "subscription": "1" * 32,
    "resource": "3150000/0001",
    "resource_name": "乡镇区划",
    "feed": "s150000.townships",
    "grant": "a" * 32,
    "department": "11152900MB0000000K",
    "sink": "front",
    "table": "townships",
    "incarnation": 1,
    "received": 5,
    "applied": 5,
    "head": 5,
    "lag": 0,
    "lag_s": 0.0,
    "rows": 40,
    "rejects": 0,
    "state": "paused",
    "error": None,
    "changed_ms": 1,
}

ANSWERS: dict[str, object] = {
    "catalog.add": {"code": "3/1", "version": 2, "name": "x", "feed": "s150700.x", "seq": 4},
    "catalog.search": {
        "entries": [SUMMARY],
        "total": 73,
        "facets": {
            "league": {"1500": 70, "1507": 3},
            "share": {"1": 73},
            "freshness": {"late": 2},
            "theme": {f"3{number:02d}": 1 for number in range(20)},
        },
        "names": {"league": {"1500": "自治区本级", "1507": "呼伦贝尔市"}, "theme": {"301": "民政"}},
        "counted": 73,
    },
    "catalog.list": {"entries": []},
    "catalog.show": {
        "entry": ENTRY,
        "provider_name": "自治区本级",
        "accepted_ms": None,
        "number": 1,
    },
    "catalog.refusals": {
        "refusals": [
            {
                "code": "3/1",
                "version": 1,
                "error": "catalog.basis",
                "reason": "无依据",
                "time_ms": 1,
            }
        ]
    },
    "catalog.stop": {"code": "3/1", "version": 3, "filing": "f" * 32, "ended": 2},
    "request.apply": {
        "case": CASE,
        "cases": [{"case": CASE, "provider": "s150700", "state": "submitted", "joined": False}],
    },
    **{
        f"request.{name}": {"case": CASE, "state": "submitted"}
        for name in (
            *("submit", "complete", "agree", "accept", "return", "extend"),
            *("negotiate", "disagree", "coordinate", "sign"),
        )
    },
    "request.compare": {"asked": 3, "answered": True, "differing": []},
    "request.paper": {"case": CASE, "paper": "application", "page": "<p>申请表</p>"},
    "request.attachment": {"name": "scan.pdf", "size_bytes": 5, "content": "JVBERi0="},
    "demand.list": {"demands": [A_DEMAND]},
    "demand.show": A_DEMAND,
    **{
        f"demand.{name}": {**A_DEMAND, "draft": "d" * 32}
        for name in ("ask", "assign", "take", "decline", "supply")
    },
    "coordination.list": {
        "cases": [{**A_CASE, "waits_for": "coordination", "clocks": [A_CLOCK]}],
    },
    "coordination.rule": {"case": CASE, "state": "decided"},
    "request.list": {"cases": [A_CASE]},
    "request.show": {
        "case": A_CASE,
        "application": APPLICATION,
        "answer": None,
        "events": [
            {"time_ms": 1, "event": "submit", "party": "s152900", "by": "张三", "reason": ""},
            {"time_ms": 2, "event": "notarised", "party": "h150000", "by": "", "reason": ""},
        ],
        "attachments": [{"name": "申请表.pdf"}],
        "clocks": [A_CLOCK],
        "open": {"applicant": ["withdraw"], "provider": []},
    },
    "request.grant": {"case": CASE, "state": "granted", "grant": "a" * 32, "feed": "s150700.v"},
    "request.refuse": {"case": CASE, "state": "refused"},
    "request.withdraw": {"case": CASE, "state": "withdrawn"},
    "grant.list": {"grants": [GRANT]},
    "grant.end": {
        "grant": "a" * 32,
        "filing": "f" * 32,
        "feed": "s150700.v",
        "incarnation": 1,
        "fence": 9,
    },
    "subscribe": {
        "subscription": "1",
        "resource": "3150000/0001",
        "feed": None,
        "grant": None,
        "case": CASE,
        "state": "waiting",
    },
    "subscription.list": {"subscriptions": [SUBSCRIPTION]},
    "subscription.show": {"subscription": SUBSCRIPTION},
    "subscription.pause": {"subscription": SUBSCRIPTION},
    "subscription.resume": {"subscription": SUBSCRIPTION},
    "subscription.resync": {"subscription": SUBSCRIPTION},
    "subscription.reread": {"subscription": SUBSCRIPTION, "first": 3, "last": 5},
    "token.new": {"token": "ab" * 6, "text": "ortoo_x", "expires_ms": 1, "scopes": ["push:3/1"]},
    "token.rotate": {"token": "cd" * 6, "text": "ortoo_y", "expires_ms": 1, "scopes": ["push:3/1"]},
    "token.list": {
        "tokens": [
            {
                "token": "ab" * 6,
                "application": "低保系统",
                "department": "11152900MB0000000K",
                "scopes": ["push:3/1"],
                "state": "expired",
                "created_ms": 1,
                "expires_ms": 2,
                "revoked_ms": None,
                "used_ms": None,
            }
        ]
    },
    "token.revoke": {"token": "ab" * 6, "state": "revoked"},
    "publish": {
        "feed": "s150700.x",
        "rows": 1225,
        "upserts": 3,
        "deletes": 1,
        "rejected": 2,
        "incarnation": 1,
        "seq": 8,
    },
    "publication.list": {"publications": [PUBLICATION]},
    "publication.set": PUBLICATION,
    "source.check": {
        "name": "civil",
        "table": "dibao",
        "key": ["id"],
        "captures": [
            {"how": "slot", "state": "not possible", "why": "only PostgreSQL has slots"},
            {"how": "log", "state": "possible", "why": "run source prepare"},
            {"how": "whole", "state": "usable", "why": ""},
        ],
        "best": "whole",
    },
    "source.prepare": {
        "name": "civil",
        "table": "dibao",
        "capture": "log",
        "sql": ["CREATE TABLE ortoo_log_s150700_dibao (x INTEGER)"],
        "applied": True,
    },
    "folder.files": {
        "folder": "/srv/in",
        "pattern": "*.csv",
        "files": [
            {"file": "a.csv", "size_bytes": 7, "state": "read", "error": None},
            {
                "file": "b.csv",
                "size_bytes": 8,
                "state": "failed",
                "error": {
                    "code": "source.file-columns",
                    "what": "",
                    "cure": "",
                    "facts": {"file": "b.csv", "name": "front", "columns": "人口数 (count)"},
                },
            },
        ],
    },
    "journal.verify": {"size": 9, "root": "ab", "checkpoints": 2, "first_ms": 1, "last_ms": 2},
    "journal.show": {
        "size": 9,
        "rows": [
            {
                "seq": 0,
                "direction": "sent",
                "flow": CASE,
                "envelope": "00",
                "kind": "case.answer",
                "sender": "s150700",
                "state": "accepted",
                "error": "",
                "time_ms": 1,
            }
        ],
    },
    "journal.search": {"size": 9, "rows": [], "next_before": 3, "looked": 9, "whole": True},
    "journal.entry": {
        "size": 9,
        "entry": {
            "seq": 7,
            "time_ms": 1,
            "direction": "received",
            "kind": "case.application",
            "sender": "s150200",
            "addressee": "s150700",
            "flow": CASE,
            "state": "accepted",
            "error": "",
            "envelope": "00",
            "body_hash": "ab",
            "signature_state": "bytes-gone",
        },
    },
    **{
        key: {
            "grant": None,
            "application": None,
            "answer": None,
            "entries": [],
            "unknown": [{"code": "case-away", "text": "Nothing.", "facts": {}}],
        }
        for key in ("trace.grant", "trace.call", "trace.download")
    },
    "health": {
        "ok": True,
        "checks": [
            {
                "check": "disk",
                "subject": "/x",
                "level": "ok",
                "error": None,
                "stops": False,
                "since_ms": 1,
            }
        ],
    },
    "settings.show": {
        "file": "/x/station.toml",
        "profile": "NM2018",
        "changed": True,
        "error": None,
        "sections": [{"entries": [{"key": "station.party", "value": "s150700", "line": 2}]}],
    },
    "trace.row": {
        "published": [
            {
                "feed": "s150700.a",
                "items": [{"item": 2, "time_ms": 1, "entries": [{"seq": 9}]}],
                "readers": [],
                "unknown": [],
            }
        ],
        "received": [],
    },
    "journal.checkpoints": {
        "size": 9,
        "checkpoints": [{"size": 9, "root": "ab", "time_ms": 1, "signers": ["ortoo/x"]}],
        "next_before": 0,
    },
}
APPLY = [
    *("request", "apply", "3150700/0007", "--department", "11152900MB0000000K"),
    *("--purpose", "业务协同", "--basis", "职责", "--scenario", "救助", *PEOPLE),
]
SUBSCRIBE = [
    *("subscribe", "3150000/0001", "--department", "11152900MB0000000K"),
    *("--sink", "front", "--table", "townships", "--purpose", "业务协同"),
]


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Result:
    return invoke(app, ["-c", str(folder), *arguments], env=env or CHINESE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Settings without keys."""
    return settings_folder(tmp_path / "plain", "s150700")


@pytest.fixture
def founded(tmp_path: Path) -> Path:
    """What `init` makes."""
    made = tmp_path / "node"
    ended = invoke(
        app,
        ["init", str(made), "--party", "s150700", "--plane", "extranet", "--name", "呼伦贝尔市"],
        env=CHINESE,
    )
    assert ended.exit_code == 0, ended.output
    return made


@pytest.fixture
def service(folder: Path) -> Iterator[FakeService]:
    with FakeService(folder, ANSWERS) as running:
        yield running


class TestInit:
    def test_makes_a_folder_that_loads(self, founded: Path) -> None:
        settings = node_settings.load(founded)
        assert settings.station.name == "呼伦贝尔市"
        assert settings.broker is None
        assert open_keys(settings).role == "station"
        assert "单位的配置" in (founded / "station.toml").read_text()

    def test_secrets_are_private(self, founded: Path) -> None:
        for name in ("passphrase", "station.key"):
            assert stat.S_IMODE((founded / "keys" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE((founded / "keys").stat().st_mode) == 0o700
        assert stat.S_IMODE(founded.stat().st_mode) == 0o750

    @pytest.mark.parametrize("gone", [None, "station.toml"])
    def test_never_replaces_settings_or_keys(self, founded: Path, gone: str | None) -> None:
        keys = (founded / "keys/station.key").read_bytes()
        if gone:
            (founded / gone).unlink()
        again = run(
            founded,
            "init",
            str(founded),
            "--party",
            "s150700",
            "--plane",
            "extranet",
            "--name",
            "x",
        )
        assert again.exit_code == Exit.SETUP
        assert "settings.exists" in again.stderr
        assert (founded / "keys/station.key").read_bytes() == keys

    @pytest.mark.parametrize(
        "wrong",
        [["--party", "呼伦贝尔", "--plane", "extranet"], ["--party", "s150700", "--plane", "x"]],
    )
    def test_wrong_usage(self, tmp_path: Path, wrong: list[str]) -> None:
        ended = run(tmp_path, "init", str(tmp_path / "n"), *wrong, "--name", "x")
        assert ended.exit_code == Exit.USAGE
        assert not (tmp_path / "n").exists()


class TestRun:
    def test_says_what_keeps_it_from_starting(self, founded: Path) -> None:
        (founded / "keys/passphrase").write_text("another\n")
        ended = started(founded)
        assert ended.returncode == Exit.SETUP
        assert "keys.passphrase" in ended.stderr
        assert "Traceback" not in ended.stderr
        assert (founded / "log/ortoo.log").exists()

    def test_needs_settings(self, tmp_path: Path) -> None:
        ended = started(tmp_path)
        assert ended.returncode == Exit.SETUP
        assert "settings.missing" in ended.stderr


def started(folder: Path) -> subprocess.CompletedProcess[str]:
    """`ortoo-node run` as a process of its own, to its end."""
    path = os.pathsep.join(str(TOP / part) for part in ("protocol", "node"))
    return subprocess.run(
        [sys.executable, "-m", "ortoo_node", "-c", str(folder), "run"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **CHINESE, "PYTHONPATH": path, "PYTHONUTF8": "1"},
    )


class TestEnrol:
    def test_a_request_that_the_hub_can_check(self, founded: Path, tmp_path: Path) -> None:
        department = "11150700MB0000000G=呼伦贝尔市民政局"
        ended = run(
            founded,
            *("enrol", "request", str(tmp_path / "request"), "--token", "t0"),
            *("--department", department, "--contact", "张三", "--json"),
        )
        assert ended.exit_code == 0, ended.output
        plane = node_settings.load(founded).station.plane
        raw = (tmp_path / "request").read_bytes()
        request, announced = enrolment.read_request(
            raw, plane=plane, suites=builtin_suites(), allowed=(1,)
        )
        assert (request.party, request.name, request.token) == ("s150700", "呼伦贝尔市", "t0")
        assert announced.departments[0].name == "呼伦贝尔市民政局"
        assert json.loads(ended.stdout)["fingerprint"] == enrolment.fingerprint_of(
            raw, plane=plane, suites=builtin_suites()
        )

    def test_a_wrong_department(self, founded: Path, tmp_path: Path) -> None:
        ended = run(
            founded,
            *("enrol", "request", str(tmp_path / "r"), "--token", "t", "--department", "123=x"),
        )
        assert ended.exit_code == Exit.USAGE
        assert "codec.identifier" in ended.stderr

    def test_a_request_is_not_overwritten(self, founded: Path, tmp_path: Path) -> None:
        (tmp_path / "r").write_text("mine")
        ended = run(founded, "enrol", "request", str(tmp_path / "r"), "--token", "t")
        assert ended.exit_code == Exit.SETUP
        assert (tmp_path / "r").read_text() == "mine"

    def test_accept_refuses_what_is_no_welcome(self, founded: Path, tmp_path: Path) -> None:
        before = (founded / "station.toml").read_text()
        (tmp_path / "w").write_bytes(b"\x00")
        ended = run(founded, "enrol", "accept", str(tmp_path / "w"), "--fingerprint", "00")
        assert ended.exit_code == Exit.UNVERIFIED
        assert (founded / "station.toml").read_text() == before
        assert not (founded / "keys/broker.password").exists()


def test_accept_takes_a_real_welcome(founded: Path, tmp_path: Path) -> None:
    """The whole of it, with a hub and registrars in memory."""
    run(founded, "enrol", "request", str(tmp_path / "r"), "--token", "t")
    settings = node_settings.load(founded)
    raw, fingerprint = welcome_for(settings.station.plane, (tmp_path / "r").read_bytes(), now_ms())
    (tmp_path / "w").write_bytes(raw)
    typed = fingerprint.upper().replace(" ", "-")
    other = "1" if typed[0] == "0" else "0"
    wrong = run(founded, "enrol", "accept", str(tmp_path / "w"), "--fingerprint", other + typed[1:])
    ended = run(founded, "enrol", "accept", str(tmp_path / "w"), "--fingerprint", typed)
    again = run(founded, "enrol", "accept", str(tmp_path / "w"), "--fingerprint", typed)

    assert wrong.exit_code == Exit.UNVERIFIED
    assert "trust.pin" in wrong.stderr
    assert ended.exit_code == 0, ended.output
    joined = node_settings.load(founded)
    broker = joined.need_broker()
    assert (broker.host, broker.port, broker.user) == ("broker.example", 5671, "s150700")
    assert read_secret(broker.password_file) == "hush"
    assert broker.ca_file.read_text() == "PEM"
    assert (joined.trust_folder / "root.fingerprint").read_text().strip() == fingerprint
    assert again.exit_code == Exit.SETUP


@pytest.mark.parametrize(
    ("arguments", "method", "params"),
    [
        (
            ["catalog", "search", "乡镇"],
            "catalog.search",
            {"text": "乡镇", "limit": 50, "offset": 0, "filters": {}, "facets": []},
        ),
        (
            [
                *("catalog", "search", "--league", "呼伦贝尔市", "--share", "有条件共享"),
                *("--freshness", "stale", "--mode", "联机查询", "--offset", "5", "--limit", "9"),
            ],
            "catalog.search",
            {
                "text": "",
                "limit": 9,
                "offset": 5,
                "filters": {
                    "league": "1507",
                    "share": "2",
                    "mode": "联机查询",
                    "freshness": "stale",
                },
                "facets": [],
            },
        ),
        (["catalog", "list", "--mine"], "catalog.list", {"mine": True}),
        (["catalog", "show", "3150000/0001"], "catalog.show", {"code": "3150000/0001"}),
        (["catalog", "refusals"], "catalog.refusals", {}),
        (
            [
                "catalog",
                "stop",
                "3/1",
                "--reason",
                "机构改革",
                "--by",
                "王五",
                "--approver",
                "赵六",
            ],
            "catalog.stop",
            {"code": "3/1", "reason": "机构改革", "by": "王五", "approver": "赵六"},
        ),
        (
            [*APPLY, "--item", "name", "--item", "id"],
            "request.apply",
            {
                "resource": ["3150700/0007"],
                "department": "11152900MB0000000K",
                "purpose": "业务协同",
                "basis": "职责",
                "scenario": "救助",
                "handler": "张三",
                "approver": "李四",
                "items": ["name", "id"],
                "row_filter": "",
                "mode": "系统对接",
                "until_ms": 0,
                "contact": "",
                "attachments": [],
                "draft": False,
            },
        ),
        (
            ["request", "list"],
            "request.list",
            {"role": "all", "state": None, "group": "", "limit": 1_000, "offset": 0},
        ),
        (
            ["request", "list", "--role", "provider", "--state", "submitted"],
            "request.list",
            {"role": "provider", "state": "submitted", "group": "", "limit": 1_000, "offset": 0},
        ),
        (["request", "show", CASE], "request.show", {"case": CASE}),
        (
            ["request", "grant", CASE, "--item", "name", *PEOPLE],
            "request.grant",
            {
                "case": CASE,
                "items": ["name"],
                "handler": "张三",
                "approver": "李四",
                "conditions": "",
                "until_ms": 0,
                "masks": {},
            },
        ),
        (
            ["request", "grant", CASE, "--mask", "id=hash", "--mask", "n=partial(1,0)", *PEOPLE],
            "request.grant",
            {
                "case": CASE,
                "items": [],
                "handler": "张三",
                "approver": "李四",
                "conditions": "",
                "until_ms": 0,
                "masks": {"id": "hash", "n": "partial(1,0)"},
            },
        ),
        (
            ["request", "refuse", CASE, *PEOPLE],
            "request.refuse",
            {
                "case": CASE,
                "reason": "",
                "handler": "张三",
                "approver": "李四",
                "ground_kind": "",
                "ground": "",
            },
        ),
        (["request", "submit", CASE], "request.submit", {"case": CASE}),
        (
            ["request", "complete", CASE, "--note", "已补充", "--set", "basis=职责=二"],
            "request.complete",
            {"case": CASE, "note": "已补充", "changes": {"basis": "职责=二"}, "attachments": []},
        ),
        (
            ["request", "accept", CASE, "--handler", "张三"],
            "request.accept",
            {"case": CASE, "handler": "张三"},
        ),
        (
            ["request", "return", CASE, "--missing", "申请表", "--missing", "函", *PEOPLE],
            "request.return",
            {"case": CASE, "missing": ["申请表", "函"], "handler": "张三", "approver": "李四"},
        ),
        *(
            (
                ["request", name, CASE, "--reason", "情况复杂", *PEOPLE],
                f"request.{name}",
                {"case": CASE, "reason": "情况复杂", "handler": "张三", "approver": "李四"},
            )
            for name in ("extend", "negotiate", "coordinate")
        ),
        (
            ["request", "agree", CASE, *PEOPLE],
            "request.agree",
            {"case": CASE, "handler": "张三", "approver": "李四"},
        ),
        (
            ["request", "disagree", CASE, "--reason", "分歧", "--side", "provider", *PEOPLE],
            "request.disagree",
            {
                "case": CASE,
                "reason": "分歧",
                "handler": "张三",
                "approver": "李四",
                "side": "provider",
            },
        ),
        (
            ["request", "sign", CASE, "--handler", "张三"],
            "request.sign",
            {"case": CASE, "handler": "张三", "side": ""},
        ),
        (["request", "compare", "--wait", "5"], "request.compare", {"wait_s": 5}),
        (["coordination", "list"], "coordination.list", {}),
        (
            ["demand", "list", "--assigned", "--state", "assigned"],
            "demand.list",
            {"assigned": True, "state": "assigned"},
        ),
        (
            ["demand", "show", "s152900", "XQ-1"],
            "demand.show",
            {"provider": "s152900", "number": "XQ-1"},
        ),
        (
            ["demand", "assign", "XQ-1", "--department", "D", *PEOPLE],
            "demand.assign",
            {
                "number": "XQ-1",
                "department": "D",
                "handler": "张三",
                "approver": "李四",
                "reason": "",
            },
        ),
        (
            ["demand", "take", "s152900", "XQ-1", *PEOPLE],
            "demand.take",
            {
                "provider": "s152900",
                "number": "XQ-1",
                "handler": "张三",
                "approver": "李四",
                "reason": "",
            },
        ),
        (
            ["demand", "decline", "s152900", "XQ-1", "--reason", "不掌握", *PEOPLE],
            "demand.decline",
            {
                "provider": "s152900",
                "number": "XQ-1",
                "reason": "不掌握",
                "handler": "张三",
                "approver": "李四",
            },
        ),
        (
            ["demand", "supply", "s152900", "XQ-1", "--resource", "3/1", *PEOPLE],
            "demand.supply",
            {
                "provider": "s152900",
                "number": "XQ-1",
                "resource": "3/1",
                "handler": "张三",
                "approver": "李四",
            },
        ),
        *(
            (
                ["coordination", name, CASE, "--reason", "应当共享", *PEOPLE],
                "coordination.rule",
                {
                    "case": CASE,
                    "event": event,
                    "reason": "应当共享",
                    "handler": "张三",
                    "approver": "李四",
                },
            )
            for name, event in (
                ("decide", "decide"),
                ("uphold", "uphold"),
                ("refer", "refer"),
                ("extend", "extend"),
                ("deny", "deny-extension"),
            )
        ),
        (
            ["request", "withdraw", CASE, "--reason", "不再需要", "--handler", "张三"],
            "request.withdraw",
            {"case": CASE, "reason": "不再需要", "handler": "张三"},
        ),
        (["grant", "list", "--ended"], "grant.list", {"active": False, "role": "all"}),
        (
            ["grant", "end", "a" * 32, "--reason", "用途已满足", "--by", "王五"],
            "grant.end",
            {"grant": "a" * 32, "reason": "用途已满足", "by": "王五"},
        ),
        (
            SUBSCRIBE,
            "subscribe",
            {
                "resource": "3150000/0001",
                "department": "11152900MB0000000K",
                "sink": "front",
                "table": "townships",
                "purpose": "业务协同",
                "basis": "",
                "scenario": "",
                "handler": "",
                "approver": "",
                "grant": None,
            },
        ),
        (["subscription", "list"], "subscription.list", {}),
        (["subscription", "show", "1111"], "subscription.show", {"subscription": "1111"}),
        (["subscription", "pause", "1111"], "subscription.pause", {"subscription": "1111"}),
        (["subscription", "resume", "1111"], "subscription.resume", {"subscription": "1111"}),
        (["subscription", "resync", "1111"], "subscription.resync", {"subscription": "1111"}),
        (
            ["subscription", "reread", "1111", "--from", "3"],
            "subscription.reread",
            {"subscription": "1111", "first": 3},
        ),
        (
            ["token", "new", "--department", "D", "--scope", "push:3/1", "--days", "30"],
            "token.new",
            {"department": "D", "scopes": ["push:3/1"], "days": 30, "application": ""},
        ),
        (
            ["token", "rotate", "abab", "--overlap-hours", "2"],
            "token.rotate",
            {"token": "abab", "overlap_hours": 2, "days": 365},
        ),
        (["token", "list"], "token.list", {}),
        (["token", "revoke", "abab"], "token.revoke", {"token": "abab"}),
        (
            ["publish", "3/1", "--source", "civil", "--table", "t"],
            "publish",
            {"resource": "3/1", "source": "civil", "table": "t"},
        ),
        (["publication", "list"], "publication.list", {}),
        (
            [
                "publication",
                "set",
                "3/1",
                "--capture",
                "watermark",
                "--watermark",
                "at",
                "--overlap",
                "9",
                "--every-s",
                "300",
                "--no-follow",
            ],
            "publication.set",
            {
                "resource": "3/1",
                "source": None,
                "table": None,
                "capture": "watermark",
                "watermark": "at",
                "overlap": 9,
                "whole_every_s": None,
                "every_s": 300,
                "follow": False,
            },
        ),
        (
            ["source", "check", "civil", "--table", "dibao", "--key", "id"],
            "source.check",
            {"name": "civil", "table": "dibao", "key": ["id"], "watermark": ""},
        ),
        (
            ["source", "prepare", "civil", "--table", "dibao", "--apply"],
            "source.prepare",
            {
                "name": "civil",
                "table": "dibao",
                "key": [],
                "capture": "log",
                "apply": True,
                "remove": False,
            },
        ),
        (["folder", "files", "3/1"], "folder.files", {"resource": "3/1"}),
        (["journal", "verify"], "journal.verify", {}),
        (
            ["journal", "show", "--first", "0", "--count", "5"],
            "journal.show",
            {"first": 0, "count": 5, "flow": None},
        ),
        (
            ["journal", "search", "--party", "s150200", "--refused", "--before", "9"],
            "journal.search",
            {
                "kind": "",
                "party": "s150200",
                "flow": "",
                "resource": "",
                "since_ms": 0,
                "until_ms": 0,
                "refused": True,
                "before": 9,
                "count": 50,
            },
        ),
        (["journal", "entry", "7"], "journal.entry", {"seq": 7}),
        (["health"], "health", {}),
        (["settings"], "settings.show", {}),
        (
            ["trace", "row", "3/1", "--key", "id=7"],
            "trace.row",
            {"resource": "3/1", "key": {"id": "7"}},
        ),
        (["trace", "grant", "ab"], "trace.grant", {"grant": "ab"}),
        (["trace", "call", "cd"], "trace.call", {"ask": "cd"}),
        (["trace", "download", "ef"], "trace.download", {"transfer": "ef"}),
        (["journal", "checkpoints"], "journal.checkpoints", {"before": 0, "count": 20}),
    ],
)
def test_each_command_asks_its_method(
    folder: Path, service: FakeService, arguments: list[str], method: str, params: dict[str, Any]
) -> None:
    shown = run(folder, *arguments)
    english = run(folder, *arguments, env=ENGLISH)
    read = run(folder, *arguments, "--json")
    assert (shown.exit_code, english.exit_code, read.exit_code) == (0, 0, 0), shown.output
    assert service.asked == [(method, params)] * 3
    assert json.loads(read.stdout) == ANSWERS[method]
    assert "None" not in shown.output
    assert shown.output != english.output


def test_papers_and_scans_are_files(folder: Path, service: FakeService, tmp_path: Path) -> None:
    page, scan = tmp_path / "申请表.html", tmp_path / "scan.pdf"
    assert run(folder, "request", "print", CASE, str(page)).exit_code == 0
    assert page.read_text(encoding="utf-8") == "<p>申请表</p>"
    assert run(folder, "request", "attachment", CASE, "1", "--to", str(scan)).exit_code == 0
    assert scan.read_bytes() == b"%PDF-"
    scanned = run(folder, *APPLY, "--attach", str(scan), "--draft")
    assert scanned.exit_code == 0
    method, params = service.asked[-1]
    assert method == "request.apply"
    assert params["attachments"] == [{"name": "scan.pdf", "content": "JVBERi0="}]
    assert params["draft"] is True


@pytest.mark.usefixtures("service")
def test_a_difference_ends_with_its_own_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    differing = [{"case": CASE, "here": "granted", "there": "accepted"}]
    answer = {"asked": 1, "answered": True, "differing": differing}
    monkeypatch.setitem(ANSWERS, "request.compare", answer)
    ran = run(folder, "request", "compare")
    assert ran.exit_code == 6
    assert "同意共享" in ran.output


def test_estimated_counts_say_so(folder: Path) -> None:
    found = {**cast("dict[str, object]", ANSWERS["catalog.search"]), "counted": 40}
    with FakeService(folder, {"catalog.search": found}):
        said = run(folder, "catalog", "search", "乡镇", "--facets").output
    assert "以下计数为估计值，由 73 条中的 40 条推算。" in said


def test_what_people_look_for_is_shown(folder: Path, service: FakeService) -> None:
    found = run(folder, "catalog", "search", "乡镇").output
    assert all(part in found for part in ("乡镇区划", "无条件共享", "自治区民政厅", "已发布"))
    assert "第 1 至 1 条，共 73 条。" in found
    counted = run(folder, "catalog", "search", "乡镇", "--facets").output
    expected = ("自治区本级 70 · 呼伦贝尔市 3", "无条件共享 73", "逾期 2", "民政 1", "另有 8 项")
    assert all(part in counted for part in expected)
    assert "估计" not in counted
    case = run(folder, "request", "show", CASE).output
    assert all(part in case for part in ("超出履职需要", "已拒绝", "已公证登记", "张三"))
    assert "没有记录。" in run(folder, "catalog", "list").output
    assert "1225" in run(folder, "publish", "3/1").output
    files = run(folder, "folder", "files", "3/1").output
    published = run(folder, "publication", "list").output
    assert all(
        part in published for part in ("低保", "civil: dibao", "变更日志表", "无法连接", "1225")
    )
    assert "检查地址" in published
    captures = run(folder, "source", "check", "civil", "--table", "dibao").output
    assert all(part in captures for part in ("复制槽", "不可行", "运行 source prepare", "可用"))
    assert "ortoo_log_s150700" in run(folder, "source", "prepare", "civil", "--table", "t").output
    assert all(part in files for part in ("已读取", "失败", "缺少：人口数", "source.file-columns"))


def test_until_is_the_end_of_the_day(folder: Path, service: FakeService) -> None:
    run(folder, *APPLY, "--until", "2026-12-31")
    expected = int(datetime(2027, 1, 1, tzinfo=CIVIL_ZONE).timestamp() * 1000)
    assert service.asked[0][1]["until_ms"] == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.toml", 'code = "3/1"\n[[items]]\nname = "x"\n'),
        ("e.json", '{"code": "3/1", "items": [{"name": "x"}]}'),
    ],
)
def test_an_entry_from_a_file(
    folder: Path, service: FakeService, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    ended = run(folder, "catalog", "add", str(tmp_path / name))
    assert ended.exit_code == 0
    assert service.asked == [("catalog.add", {"entry": {"code": "3/1", "items": [{"name": "x"}]}})]


@pytest.mark.parametrize(
    ("name", "content"),
    [("e.toml", b"code ="), ("e.json", b"["), ("e.json", b"[1]"), ("e.json", b"\xff")],
)
def test_a_file_that_holds_no_entry(
    folder: Path, service: FakeService, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    ended = run(folder, "catalog", "add", str(tmp_path / name))
    assert ended.exit_code == Exit.USAGE
    assert service.asked == []


@pytest.mark.parametrize(
    ("method", "error", "arguments", "said"),
    [
        ("request.refuse", CaseReason(), ["request", "refuse", CASE, *PEOPLE], "第十九条"),
        (
            "request.apply",
            CatalogField(field="items", detail="no item is the key"),
            APPLY,
            "没有指定主键信息项",
        ),
        (
            "grant.end",
            GrantUnknown(grant="a"),
            ["grant", "end", "a", "--reason", "r", "--by", "b"],
            "没有授权 a",
        ),
    ],
)
def test_a_rule_that_refuses(
    folder: Path, method: str, error: Exception, arguments: list[str], said: str
) -> None:
    with FakeService(folder, {method: error}):
        ended = run(folder, *arguments)
    assert ended.exit_code == Exit.REFUSED
    assert said in ended.stderr
    assert "处理办法：" in ended.stderr


def test_numbers_of_subscriptions_are_shown_as_far_as_they_differ() -> None:
    """What is shown is what is typed: those of one minute begin alike."""
    assert beginning([]) == beginning(["01a21e65f58475c4bd4c4b341eef649c"]) == 8
    made_at_once = ["01a21e65f58475c4bd4c4b341eef649c", "01a21e65f92a7a00a6c88871b11ddb85"]
    assert beginning(made_at_once) == 10
    assert beginning(["a" * 32, "a" * 31 + "b"]) == 32


INCLUDED = {
    "proves": "inclusion", "index": 7, "origin": "ortoo/extranet/s150700", "kind": "case.answer",
    "size": 9, "signers": ["ortoo/extranet/s150700", "ortoo/extranet/h150000"],
}  # fmt: skip
EXTENDED = {
    "proves": "consistency", "first": 3, "second": 9, "origin": "ortoo/extranet/s150700",
    "signers": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("made", "asked", "answer", "said"),
    [
        (["prove", "7"], ("journal.proof", {"seq": 7, "size": 0}), INCLUDED, "h150000"),
        (
            ["consistency", "3", "9"],
            ("journal.consistency", {"first": 3, "second": 9}),
            EXTENDED,
            "Nobody whose key we know",
        ),
    ],
)
def test_a_proof_is_printed_and_checked_as_it_was_printed(
    folder: Path, made: list[str], asked: tuple[str, Any], answer: dict[str, Any], said: str
) -> None:
    document = {"leaf_bytes": "00", "proof": ["ab"]}
    with FakeService(folder, {asked[0]: document, "journal.check": answer}) as service:
        printed = run(folder, "journal", *made)
        file = folder / "proof.json"
        file.write_text(printed.stdout, encoding="utf-8")
        checked = run(folder, "journal", "check", str(file), env=ENGLISH)
        assert service.asked == [asked, ("journal.check", {"document": document})]
        assert said in checked.stdout
        file.write_text("no proof", encoding="utf-8")
        assert run(folder, "journal", "check", str(file)).exit_code == 6

"""ortoo-hub: founding with real keys; what the other commands ask the service."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from ortoo_hub import settings as hub_settings
from ortoo_hub.cli import app
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.errors import TrustThreshold
from ortoo_protocol.station.settings import read_secret, write_secret
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

CHINESE, ENGLISH = {"ORTOO_LANG": "zh_CN"}, {"ORTOO_LANG": "en"}
CHANGES = [{"party": "s150700", "from": "", "to": "active"}]
MEMBER = {
    "party": "s150700",
    "name": "呼伦贝尔市",
    "parent": "h150000",
    "status": "suspended",
    "pending": "active",
    "since_ms": 1_780_000_000_000,
    "reason": "检查",
    "departments": 3,
    "seen_ms": None,
}
PROOFS = {
    "feed": "s150000.townships",
    "agree": True,
    "incarnation": 1,
    "first": 1,
    "last": 9,
    "count": 9,
    "root": "ab",
    "parties": [
        {
            "party": "s150000",
            "role": "publisher",
            "answered": True,
            "agree": True,
            "count": 9,
            "root": "ab",
            "detail": "",
        }
    ],
}
CLOCK = {
    "clock": "ab",
    "subject": "case:1",
    "duty": "answer",
    "article": "Measures art. 19",
    "party": "s150700",
    "department": "11150700MB0000000G",
    "opened_ms": 1_780_000_000_000,
    "day": "2026-10-09",
    "due_ms": 1_780_800_000_000,
    "provisional": True,
    "state": "late",
    "events": [{"time_ms": 1_780_000_000_000, "event": "warn", "detail": "3"}],
}
YEAR = {
    "year": 2026,
    "version": 2,
    "source": "国办发明电",
    "by": "甲",
    "off": 1,
    "worked": 1,
    "days": [
        {"day": "2026-07-15", "working": False, "name": "那达慕"},
        {"day": "2026-10-10", "working": True, "name": "国庆节调休"},
    ],
}
CONTACT = {
    "party": "s150700",
    "department": "11150700MB0000000G",
    "unit": "数据科",
    "number": 2,
    "confirmed_ms": 1_780_000_000_000,
    "by": "己",
    "persons": [{"role": "a", "name": "甲", "phone": "1234", "mail": "", "webhook": ""}],
    "away": [{"person": "甲", "from_ms": 1_780_000_000_000, "until_ms": 1_780_000_000_000}],
    "confirm_by": "2026-12-18",
    "stale": True,
}
HANDOVER = {
    "role": "a",
    "before": "甲",
    "after": "丙",
    "time_ms": 1_780_000_000_000,
    "by": "己",
    "reason": "调岗",
    "matters": ["case:1"],
}
DELIVERY = {
    "number": 1,
    "channel": "mail",
    "department": "11150700MB0000000G",
    "person": "甲",
    "address": "jia@example.cn",
    "state": "failed",
    "attempts": 3,
    "error": "SMTP 451",
    "created_ms": 1_780_000_000_000,
    "next_ms": 1_780_000_000_000,
    "settled_ms": None,
}
ANNOUNCEMENT = {
    "announcement": "a" * 32,
    "issued_ms": 1_780_000_000_000,
    "title": "停机检修",
    "text": "周六停机。",
    "level": "urgent",
    "from_ms": 1_780_000_000_000,
    "until_ms": 1_790_000_000_000,
    "leagues": [],
    "league_names": [],
    "by": "甲",
    "replaces": "",
    "ended_ms": 0,
    "ended_by": "",
    "reason": "",
    "successor": "",
    "standing": "current",
}
ANSWERS: dict[str, object] = {
    "todo.list": {"clocks": [CLOCK], "on_duty": {"11150700MB0000000G": ["甲"]}},
    "notify.list": {"channels": ["mail"], "deliveries": [DELIVERY]},
    "notify.retry": {"count": 2},
    "notify.test": {"channels": [{"channel": "mail", "address": "a@b", "error": None}]},
    "contact.list": {"contacts": [CONTACT]},
    "contact.show": {**CONTACT, "handovers": [HANDOVER]},
    "contact.set": CONTACT,
    "contact.confirm": CONTACT,
    "contact.handover": {**CONTACT, "matters": ["case:1"]},
    "contact.away": CONTACT,
    "contact.back": CONTACT,
    "announcement.list": {"announcements": [ANNOUNCEMENT], "total": 1},
    "announcement.show": {
        "announcement": ANNOUNCEMENT,
        "readers": [{"person": "王芳", "read_ms": 1_780_000_000_000}],
    },
    "announcement.withdraw": {"announcement": "a" * 32},
    "calendar.show": {"years": [YEAR]},
    "calendar.set": {"year": 2026, "version": 3, "days": 2},
    "calendar.import": {"year": 2026, "version": 3, "days": 2},
    "clock.list": {"clocks": [CLOCK, {**CLOCK, "day": None, "due_ms": None}]},
    "clock.show": {"clocks": [CLOCK]},
    "member.token": {"party": "s150700", "token": "t0k", "expires_ms": 1_780_000_000_000},
    "member.admit": {
        "party": "s150700",
        "name": "呼伦贝尔市",
        "fingerprint": "ab",
        "departments": [],
        "pending": "active",
    },
    "member.list": {"members": [MEMBER]},
    "member.suspend": {"party": "s150700", "pending": "suspended"},
    "member.restore": {"party": "s150700", "pending": "active"},
    "member.revoke": {"party": "s150700", "pending": "revoked"},
    "member.compromise": {"party": "s150700", "pending": "active", "keys": ["ab"]},
    "directory.publish": {
        "version": 4,
        "hash": "ab",
        "expires_ms": 1,
        "parties": 5,
        "changes": CHANGES,
    },
    "directory.show": {
        "version": 4,
        "hash": "ab",
        "created_ms": 1,
        "expires_ms": 2,
        "profile": "NM2018",
        "root_version": 1,
        "root_fingerprint": "0123 4567",
        "timestamp_ms": 3,
        "parties": [MEMBER],
        "pending": CHANGES,
    },
    "catalog.search": {"entries": [], "total": 0, "facets": {}, "names": {}, "counted": 0},
    "catalog.show": {
        "entry": {
            **dict.fromkeys(("code", "name", "provider", "department_name", "department"), "x"),
            **dict.fromkeys(("office", "abstract", "share_condition", "basis", "cycle"), "x"),
            **dict.fromkeys(("replaces_paper", "feed"), "x"),
            **{"version": 1, "share_type": 2, "modes": [], "purposes": [], "published_ms": 1},
            **{"status": "published", "items": []},
        },
        "provider_name": "呼伦贝尔市",
        "accepted_ms": 1,
        "number": 1,
    },
    "catalog.conflicts": {"conflicts": []},
    "catalog.resolve": {"conflict": "c"},
    "catalog.lists": {"rows": []},
    "catalog.refusals": {
        "refusals": [
            {
                "code": "3/1",
                "version": 1,
                "provider": "s150700",
                "error": "catalog.basis",
                "reason": "无依据",
                "time_ms": 1,
            }
        ]
    },
    "case.list": {"cases": []},
    "case.differing": {"cases": []},
    "coordination.list": {"cases": []},
    "coordination.rule": {"case": "c" * 32, "state": "referred"},
    "demand.list": {"demands": []},
    "demand.assign": {"provider": "s152900", "number": "XQ-1", "state": "assigned"},
    "grant.list": {"grants": []},
    "router.show": {
        "agree": True,
        "checked_ms": 1,
        "changes": [],
        "members": 4,
        "direct": 2,
        "feeds": 6,
    },
    "reconcile": PROOFS,
}


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Result:
    return invoke(app, ["-c", str(folder), *arguments], env=env or CHINESE)


def good(ended: Result) -> Any:
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Settings without keys."""
    return settings_folder(tmp_path / "plain", "h150000")


@pytest.fixture
def founded(tmp_path: Path) -> Path:
    """What `init` makes."""
    made = tmp_path / "hub"
    arguments = ["--party", "h150000", "--plane", "extranet", "--name", "内蒙古自治区"]
    ended = invoke(app, ["init", str(made), *arguments], env=CHINESE)
    assert ended.exit_code == 0, ended.output
    return made


@pytest.fixture
def service(folder: Path) -> Iterator[FakeService]:
    with FakeService(folder, ANSWERS) as running:
        yield running


class Holders:
    """Two root keys and two registrar keys in `folder`, one passphrase for all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = ["--passphrase-file", str(folder / "secret")]
        write_secret(folder / "secret", "opensesame")
        for role in ("root", "registrar"):
            for number in (1, 2):
                place = ["--role", role, "--region", "h150000", "--plane", "extranet"]
                good(
                    run(
                        folder, "key", "new", self.key(role, number), *place, *self.secret, "--json"
                    )
                )

    def key(self, role: str, number: int) -> str:
        return str(self.folder / f"{role}-{number}.key")

    def draft_root(self, file: str) -> Any:
        publics: list[str] = []
        for role in ("root", "registrar"):
            for number in (1, 2):
                publics += [f"--{role}-key", f"{self.key(role, number)}.pub"]
            publics += [f"--{role}-threshold", "2"]
        place = ["--region", "h150000", "--plane", "extranet"]
        return good(run(self.folder, "root", "draft", file, *place, *publics, "--json"))

    def sign(self, group: str, role: str, number: int, file: str) -> Result:
        key = ["--key", self.key(role, number)]
        return run(self.folder, group, "sign", file, *key, *self.secret, "--yes")


class TestFounding:
    def test_from_keys_to_a_hub_that_may_run(self, founded: Path, tmp_path: Path) -> None:
        login = founded / "keys" / "broker.password"
        assert len(read_secret(login)) > 30, "its own user at the broker, which the hub makes"
        holders = Holders(tmp_path)
        root, directory = str(tmp_path / "root.doc"), str(tmp_path / "directory.doc")
        fingerprint = holders.draft_root(root)["fingerprint"]
        signed = [holders.sign("root", "root", number, root) for number in (1, 2)]
        assert [ended.exit_code for ended in signed] == [0, 0]
        assert fingerprint in signed[0].output
        good(run(founded, "directory", "first", directory, "--root", root, "--json"))
        install = ("root", "install", root, directory, "--fingerprint", fingerprint)

        first = holders.sign("directory", "registrar", 1, directory)
        early = run(founded, *install)
        second = holders.sign("directory", "registrar", 2, directory)
        ended = run(founded, *install)
        again = run(founded, *install)

        assert "内蒙古自治区" in first.output
        assert (first.exit_code, second.exit_code) == (0, 0)
        assert early.exit_code == Exit.UNVERIFIED
        assert TrustThreshold.code in early.stderr
        assert ended.exit_code == 0, ended.output
        assert again.exit_code == Exit.SETUP
        trust = hub_settings.load(founded).trust_folder
        assert (trust / "root").read_bytes() == Path(root).read_bytes()
        assert (trust / "directory").exists()

    def test_a_registrar_cannot_sign_a_root(self, tmp_path: Path) -> None:
        holders = Holders(tmp_path)
        root = str(tmp_path / "root.doc")
        holders.draft_root(root)
        before = Path(root).read_bytes()
        ended = holders.sign("root", "registrar", 1, root)
        assert ended.exit_code == Exit.SETUP
        assert "登记管理员" in ended.stderr
        assert Path(root).read_bytes() == before

    def test_signing_asks_first(self, tmp_path: Path) -> None:
        holders = Holders(tmp_path)
        root = str(tmp_path / "root.doc")
        holders.draft_root(root)
        before = Path(root).read_bytes()
        arguments = ["root", "sign", root, "--key", holders.key("root", 1), *holders.secret]
        refused = invoke(app, arguments, input="n\n", env=CHINESE)
        assert refused.exit_code != 0
        assert Path(root).read_bytes() == before
        taken = invoke(app, arguments, input="y\n", env=CHINESE)
        assert taken.exit_code == 0
        assert Path(root).read_bytes() != before

    def test_the_next_root_and_what_is_no_public_key(self, tmp_path: Path) -> None:
        holders = Holders(tmp_path)
        root, later = str(tmp_path / "root.doc"), str(tmp_path / "later.doc")
        holders.draft_root(root)
        assert good(run(tmp_path, "root", "next", root, later, "--json"))["version"] == 2
        Path(f"{holders.key('root', 1)}.pub").write_text("x\n")
        with pytest.raises(AssertionError, match=r"root-1\.key\.pub"):
            holders.draft_root(str(tmp_path / "other.doc"))
        assert not (tmp_path / "other.doc").exists()


@pytest.mark.parametrize(
    ("arguments", "method", "params"),
    [
        (
            ["member", "token", "s150700"],
            "member.token",
            {"party": "s150700", "days": 7},
        ),
        (["member", "list"], "member.list", {}),
        (
            ["member", "suspend", "s150700", "--reason", "检查"],
            "member.suspend",
            {"party": "s150700", "reason": "检查"},
        ),
        (
            ["member", "restore", "s150700", "--reason", "整改完成"],
            "member.restore",
            {"party": "s150700", "reason": "整改完成"},
        ),
        (
            ["member", "revoke", "s150700", "--reason", "撤并"],
            "member.revoke",
            {"party": "s150700", "reason": "撤并"},
        ),
        (
            ["member", "compromise", "s150700", "--since", "2026-07-01T08:00:00"],
            "member.compromise",
            {"party": "s150700", "since_ms": int(datetime(2026, 7, 1, 8).timestamp() * 1000)},
        ),
        (["directory", "show"], "directory.show", {}),
        (
            ["catalog", "search", "低保"],
            "catalog.search",
            {"text": "低保", "limit": 50, "offset": 0, "filters": {}, "facets": []},
        ),
        (["catalog", "show", "3/1"], "catalog.show", {"code": "3/1"}),
        (["catalog", "refusals"], "catalog.refusals", {}),
        (["catalog", "conflicts"], "catalog.conflicts", {"state": "open"}),
        (
            ["catalog", "resolve", "c", "--source", "3/1", "--reason", "职责", "--by", "庚"],
            "catalog.resolve",
            {"conflict": "c", "source": "3/1", "reason": "职责", "by": "庚"},
        ),
        (["catalog", "lists", "demand"], "catalog.lists", {"list": "demand", "status": ""}),
        (["case", "list", "--state", "granted"], "case.list", {"state": "granted"}),
        (["case", "differing"], "case.differing", {}),
        (["coordination", "list"], "coordination.list", {}),
        (
            [
                *("coordination", "refer", "c" * 32, "--reason", "未达成一致"),
                *("--handler", "孙七", "--approver", "周八"),
            ],
            "coordination.rule",
            {
                "case": "c" * 32,
                "event": "refer",
                "reason": "未达成一致",
                "handler": "孙七",
                "approver": "周八",
            },
        ),
        (["demand", "list"], "demand.list", {"state": ""}),
        (
            [
                *("demand", "assign", "s152900", "XQ-1", "--party", "s150700"),
                *("--department", "D", "--handler", "孙七", "--approver", "周八"),
            ],
            "demand.assign",
            {
                "provider": "s152900",
                "number": "XQ-1",
                "party": "s150700",
                "department": "D",
                "handler": "孙七",
                "approver": "周八",
                "reason": "",
            },
        ),
        (["grant", "list"], "grant.list", {"active": True}),
        (
            ["announce", "list", "--all", "--limit", "5"],
            "announcement.list",
            {"which": "all", "others": False, "limit": 5},
        ),
        (
            ["announce", "show", "a" * 32],
            "announcement.show",
            {"announcement": "a" * 32},
        ),
        (
            ["announce", "withdraw", "a" * 32, "--reason", "有误", "--by", "甲"],
            "announcement.withdraw",
            {"announcement": "a" * 32, "reason": "有误", "by": "甲"},
        ),
        (["calendar", "show", "2026"], "calendar.show", {"year": 2026}),
        (
            ["calendar", "set", "2026-07-15", "off", "--by", "甲", "--name", "那达慕"],
            "calendar.set",
            {"day": "2026-07-15", "kind": "off", "by": "甲", "name": "那达慕", "source": ""},
        ),
        (
            ["clock", "list", "late"],
            "clock.list",
            {"which": "late", "party": "", "department": ""},
        ),
        (["clock", "show", "case:1"], "clock.show", {"clock": "case:1"}),
        (["todo", "--person", "甲"], "todo.list", {"person": "甲", "department": ""}),
        (["notify", "list", "--state", "failed"], "notify.list", {"state": "failed"}),
        (["notify", "retry"], "notify.retry", {}),
        (
            ["notify", "test", "--person", "甲", "--department", "d"],
            "notify.test",
            {"person": "甲", "department": "d"},
        ),
        (["contact", "list", "--party", "s150700"], "contact.list", {"party": "s150700"}),
        (
            ["contact", "show", "11150700MB0000000G", "--party", "s150700"],
            "contact.show",
            {"department": "11150700MB0000000G", "party": "s150700"},
        ),
        (
            [
                *("contact", "set", "11150700MB0000000G", "--unit", "数据科", "--by", "己"),
                *("--a-name", "甲", "--a-phone", "1234"),
            ],
            "contact.set",
            {
                "department": "11150700MB0000000G",
                "unit": "数据科",
                "by": "己",
                "a": {"name": "甲", "phone": "1234", "mail": "", "webhook": ""},
                "b": None,
            },
        ),
        (
            ["contact", "confirm", "11150700MB0000000G", "--by", "己"],
            "contact.confirm",
            {"department": "11150700MB0000000G", "by": "己"},
        ),
        (
            [
                *("contact", "handover", "11150700MB0000000G", "a", "--name", "丙", "--by", "己"),
                *("--mail", "c@example.cn", "--reason", "调岗"),
            ],
            "contact.handover",
            {
                "department": "11150700MB0000000G",
                "role": "a",
                "to": {"name": "丙", "phone": "", "mail": "c@example.cn", "webhook": ""},
                "by": "己",
                "reason": "调岗",
            },
        ),
        (
            ["contact", "back", "11150700MB0000000G", "甲"],
            "contact.back",
            {"department": "11150700MB0000000G", "person": "甲"},
        ),
        (["router", "show"], "router.show", {}),
        (["reconcile", "s150000.townships"], "reconcile", {"feed": "s150000.townships"}),
    ],
)
def test_each_command_asks_its_method(
    folder: Path, service: FakeService, arguments: list[str], method: str, params: dict[str, Any]
) -> None:
    shown = run(folder, *arguments)
    english = run(folder, *arguments, env=ENGLISH)
    read = run(folder, *arguments, "--json")
    assert (shown.exit_code, english.exit_code) == (0, 0), shown.output
    assert service.asked == [(method, params)] * 3
    assert good(read) == ANSWERS[method]
    assert "None" not in shown.output
    assert shown.output != english.output


def test_requests_and_documents_travel_as_files(
    folder: Path, service: FakeService, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff")
    carried = base64.b64encode(b"\x00\xff").decode()
    admitted = run(folder, "member", "admit", str(tmp_path / "file"), "--fingerprint", "AB:CD:EF")
    published = run(folder, "directory", "publish", str(tmp_path / "file"))
    assert (admitted.exit_code, published.exit_code) == (0, 0)
    assert service.asked == [
        ("member.admit", {"request": carried, "fingerprint": "abcd ef"}),
        ("directory.publish", {"document": carried}),
    ]


def test_welcome_and_proposal_are_written_to_new_files(folder: Path, tmp_path: Path) -> None:
    carried = base64.b64encode(b"\x00\xff").decode()
    answers = {
        "member.welcome": {"welcome": carried, "fingerprint": "0123 4567"},
        "directory.propose": {
            "document": carried,
            "version": 2,
            "changes": CHANGES,
            "threshold": 2,
        },
    }
    with FakeService(folder, answers):
        welcome = run(folder, "member", "welcome", "s150700", str(tmp_path / "w"))
        proposed = run(folder, "directory", "propose", str(tmp_path / "d"))
        again = run(folder, "directory", "propose", str(tmp_path / "d"))
    assert "0123 4567" in welcome.output
    assert "s150700" in proposed.output
    assert (tmp_path / "w").read_bytes() == (tmp_path / "d").read_bytes() == b"\x00\xff"
    assert again.exit_code == Exit.SETUP


def test_parties_that_do_not_agree(folder: Path) -> None:
    with FakeService(folder, {"reconcile": {**PROOFS, "agree": False}}):
        shown = run(folder, "reconcile", "s150000.townships")
        read = run(folder, "reconcile", "s150000.townships", "--json")
    assert shown.exit_code == read.exit_code == Exit.UNVERIFIED
    assert "各方不一致。" in shown.output
    assert json.loads(read.stdout)["agree"] is False


def test_a_file_that_is_too_large(folder: Path, service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1024 * 1024))
    ended = run(folder, "directory", "publish", str(tmp_path / "file"))
    assert ended.exit_code == Exit.SETUP
    assert service.asked == []


def test_days_of_an_absence_are_local(folder: Path, service: FakeService) -> None:
    arguments = ("contact", "away", "11150700MB0000000G", "甲", "--until", "2026-10-08")
    assert run(folder, *arguments, "--from", "2026-10-01T12:00", "--by", "己").exit_code == 0
    (method, params) = service.asked[-1]
    assert method == "contact.away"
    assert params["until_ms"] - params["from_ms"] == (6 * 24 + 12) * 3_600_000


def test_a_channel_that_fails_its_test(folder: Path) -> None:
    error = {"code": "notice.failed", "facts": {"channel": "mail", "detail": "SMTP 451"}}
    outcome = {"channel": "mail", "address": "a@b", "error": {**error, "what": "", "cure": ""}}
    with FakeService(folder, {"notify.test": {"channels": [outcome]}}):
        shown = run(folder, "notify", "test")
    assert shown.exit_code == Exit.REFUSED
    assert "SMTP 451" in shown.output


def test_a_calendar_goes_out_and_comes_in(
    folder: Path, service: FakeService, tmp_path: Path
) -> None:
    for name in ("year.csv", "year.json"):
        file = tmp_path / name
        assert run(folder, "calendar", "export", "2026", str(file)).exit_code == 0
        source = ("--source", "国办发明电") if name.endswith("csv") else ()
        assert run(folder, "calendar", "import", str(file), "--by", "乙", *source).exit_code == 0
        method, params = service.asked[-1]
        assert method == "calendar.import"
        assert params == {
            "year": 2026,
            "source": "国办发明电",
            "by": "乙",
            "days": YEAR["days"],
        }
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\xff\xfe")
    assert "calendar.file" in run(folder, "calendar", "import", str(broken), "--by", "乙").output

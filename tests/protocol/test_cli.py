"""What both command lines share: exit codes, the texts of every command, doctor, status."""

from __future__ import annotations

import ast
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import ortoo_hub.cli
import ortoo_node.cli
from ortoo_protocol.cli.common import as_fingerprint
from ortoo_protocol.cli.exits import EXITS, Exit, exit_of
from ortoo_protocol.core import errors
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station import starter
from ortoo_protocol.station.control_client import error_to
from tests.support.commands import invoke
from tests.support.service import FakeService, settings_folder

CHINESE, ENGLISH = {"ORTOO_LANG": "zh_CN"}, {"ORTOO_LANG": "en"}
PROGRAMS = {"node": ortoo_node.cli.app, "hub": ortoo_hub.cli.app}
STATUS: dict[str, Any] = {
    "party": "s150700",
    "name": "呼伦贝尔市",
    "plane": "extranet",
    "version": "0.1.0",
    "pid": os.getpid(),
    "started_ms": 1_780_000_000_000,
    "now_ms": 1_780_000_100_000,
    "directory": {"version": 3, "expires_ms": 1_783_000_000_000, "fresh": True},
    "broker": {"connected": True, "blocked": False, "since_ms": 1_780_000_000_000, "detail": ""},
    "outbox": 2,
    "quarantine": 0,
    "journal": {"size": 41, "root": "00" * 32, "signed_ms": 0},
    "feeds": [
        {
            "feed": "s150000.townships",
            "role": "reader",
            "incarnation": 1,
            "seq": 7,
            "head": 9,
            "applied": 7,
            "readers": None,
            "state": "behind",
            "error": error_to(errors.FeedRetention(seq=3, feed="s150000.townships")),
        }
    ],
    "warnings": [error_to(errors.StoreFull(path="/var/lib/ortoo"))],
}


def walk(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, below in getattr(command, "commands", {}).items():
        found += walk(below, (*path, name))
    return found


EVERY = [
    (name, path) for name, app in PROGRAMS.items() for path in walk(typer.main.get_command(app))
]


@pytest.mark.parametrize(("program", "path"), EVERY, ids=lambda value: str(value))
def test_every_command_helps_in_both_languages(program: str, path: tuple[str, ...]) -> None:
    chinese = invoke(PROGRAMS[program], [*path, "--help"], env=CHINESE)
    english = invoke(PROGRAMS[program], [*path, "--help"], env=ENGLISH)
    assert chinese.exit_code == english.exit_code == 0
    assert chinese.output != english.output
    assert any("一" <= character <= "鿿" for character in chinese.output)


def test_no_help_in_chinese_is_cut_off() -> None:
    """Columns are narrow, and the texts have no spaces to break at."""
    for path in (["query", "run"], ["request", "apply"], []):
        shown = invoke(PROGRAMS["node"], [*path, "--help"], env=CHINESE).output
        assert "…" not in shown


@pytest.mark.parametrize("program", PROGRAMS)
def test_exit_codes_are_documented(program: str) -> None:
    shown = invoke(PROGRAMS[program], ["--help"], env=CHINESE).output
    readme = (Path(__file__).parents[2] / program / "README.md").read_text()
    for code in Exit:
        assert str(int(code)) in shown
        assert f"| {int(code)} |" in readme


def test_every_error_has_a_code_of_its_own_or_its_parents() -> None:
    assert exit_of(errors.OrtooError()) is Exit.DEFECT
    assert exit_of(errors.CaseReason()) is Exit.REFUSED
    assert exit_of(errors.SettingsUnknown(place="", key="")) is Exit.SETUP
    assert exit_of(errors.DaemonUnreachable(folder="")) is Exit.UNREACHABLE
    assert exit_of(errors.JournalFork(origin="", size=1)) is Exit.UNVERIFIED
    assert exit_of(errors.CodecIdentifier(value="", expected="")) is Exit.USAGE
    everywhere = errors.OrtooError.__subclasses__()
    direct = {cls for cls in everywhere if cls.__module__ == errors.__name__}
    assert direct <= set(EXITS)


@pytest.mark.parametrize("program", PROGRAMS)
class TestErrors:
    def test_no_settings(self, program: str, tmp_path: Path) -> None:
        ended = invoke(PROGRAMS[program], ["-c", str(tmp_path), "status"], env=CHINESE)
        assert ended.exit_code == Exit.SETUP
        assert "没有配置文件" in ended.stderr
        assert "处理办法：" in ended.stderr
        assert "代码：settings.missing" in ended.stderr
        assert "Traceback" not in ended.output

    def test_not_running(self, program: str, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "h150000" if program == "hub" else "s150700")
        ended = invoke(PROGRAMS[program], ["-c", str(folder), "status", "--json"], env=ENGLISH)
        assert ended.exit_code == Exit.UNREACHABLE
        assert json.loads(ended.stdout)["error"]["code"] == "daemon.unreachable"
        assert "What to do: Start it with run." in ended.stderr

    def test_usage(self, program: str) -> None:
        ended = invoke(PROGRAMS[program], ["no-such"], env=CHINESE)
        assert ended.exit_code == Exit.USAGE

    def test_a_refusal_from_the_other_side(self, program: str, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "h150000" if program == "hub" else "s150700")
        unknown = errors.RemoteError(remote_code="future.rule", said="No.", advice="Ask.")
        with FakeService(folder, {"journal.verify": unknown}):
            ended = invoke(PROGRAMS[program], ["-c", str(folder), "journal", "verify"], env=ENGLISH)
        assert ended.exit_code == Exit.REFUSED
        assert "future.rule" in ended.stderr

    def test_a_journal_that_does_not_verify(self, program: str, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "h150000" if program == "hub" else "s150700")
        with FakeService(folder, {"journal.verify": errors.JournalRow(detail="7")}):
            ended = invoke(PROGRAMS[program], ["-c", str(folder), "journal", "verify"], env=CHINESE)
        assert ended.exit_code == Exit.UNVERIFIED
        assert "安全管理员" in ended.stderr


def test_the_language_of_the_settings(tmp_path: Path) -> None:
    text = starter.station("s150700", Plane.EXTRANET, "", "en", str)
    (tmp_path / "station.toml").write_text(text)
    ended = invoke(ortoo_node.cli.app, ["-c", str(tmp_path), "status"], env={"ORTOO_LANG": None})
    assert "What to do: " in ended.stderr


def test_status(tmp_path: Path) -> None:
    folder = settings_folder(tmp_path, "s150700")
    with FakeService(folder, {"status": STATUS}):
        shown = invoke(ortoo_node.cli.app, ["-c", str(folder), "status"], env=CHINESE)
        read = invoke(ortoo_node.cli.app, ["-c", str(folder), "status", "--json"], env=CHINESE)
    assert shown.exit_code == 0
    for expected in ("呼伦贝尔市", "外网", "已连接", "追赶中", "第 3 条已超过保留期", "磁盘已满"):
        assert expected in shown.output
    assert json.loads(read.stdout) == STATUS


def test_an_error_of_which_only_the_code_was_kept(tmp_path: Path) -> None:
    bare = {"code": "feed.epoch", "what": "feed.epoch", "cure": "", "facts": {}}
    folder = settings_folder(tmp_path, "s150700")
    with FakeService(folder, {"status": {**STATUS, "warnings": [bare]}}):
        shown = invoke(ortoo_node.cli.app, ["-c", str(folder), "status"], env=CHINESE)
    assert "[feed.epoch]" in shown.output
    assert "<" not in shown.output


def test_columns_stand_below_each_other_in_chinese(tmp_path: Path) -> None:
    from rich.cells import cell_len

    folder = settings_folder(tmp_path, "s150700")
    with FakeService(folder, {"status": STATUS}):
        shown = invoke(
            ortoo_node.cli.app, ["-c", str(folder), "status"], env=CHINESE
        ).output.splitlines()
    heading = next(line for line in shown if "数据流" in line)
    row = next(line for line in shown if "s150000.townships" in line)
    assert cell_len(heading[: heading.index("角色")]) == cell_len(row[: row.index("使用方")])


class TestDoctor:
    def test_without_a_service(self, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "s150700")
        ended = invoke(ortoo_node.cli.app, ["-c", str(folder), "doctor", "--json"], env=CHINESE)
        found = {one["check"]: one for one in json.loads(ended.stdout)["findings"]}
        assert ended.exit_code == Exit.SETUP
        assert found["settings"]["level"] == found["folder"]["level"] == "ok"
        assert found["keys"]["error"]["code"] == "settings.secret"
        assert found["broker's address"]["error"]["code"] == "settings.lacking"
        assert found["service"]["error"]["code"] == "daemon.unreachable"

    def test_says_what_to_do(self, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "s150700")
        ended = invoke(ortoo_node.cli.app, ["-c", str(folder), "doctor"], env=CHINESE)
        assert "请用 run 启动。" in ended.stdout
        assert "chmod 600" in ended.stdout

    def test_bad_settings(self, tmp_path: Path) -> None:
        (tmp_path / "station.toml").write_text("[station")
        ended = invoke(ortoo_node.cli.app, ["-c", str(tmp_path), "doctor", "--json"], env=CHINESE)
        assert [one["check"] for one in json.loads(ended.stdout)["findings"]] == ["settings"]
        assert ended.exit_code == Exit.SETUP

    def test_all_well(self, tmp_path: Path) -> None:
        folder = settings_folder(tmp_path, "s150700")
        (folder / "keys").mkdir()
        for name in ("passphrase", "broker.password", "station.key"):
            (folder / "keys" / name).touch(0o600)
            (folder / "keys" / name).write_text("x\n")
        findings = {"findings": [{"check": "clock", "subject": "", "level": "ok", "error": None}]}
        with socket.create_server(("127.0.0.1", 0)) as broker:
            port = broker.getsockname()[1]
            with (folder / "station.toml").open("a") as settings:
                settings.write(starter.broker("127.0.0.1", port, "/", "s150700"))
            with FakeService(folder, {"doctor": findings}):
                ended = invoke(ortoo_node.cli.app, ["-c", str(folder), "doctor"], env=CHINESE)
        assert ended.exit_code == 0, ended.output
        assert "一切正常。" in ended.output
        assert "时钟" in ended.output


def test_stop_waits_for_the_end(tmp_path: Path) -> None:
    folder = settings_folder(tmp_path, "s150700")
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        answers = {"status": {**STATUS, "pid": process.pid}, "stop": {"stopping": True}}
        with FakeService(folder, answers):
            late = invoke(
                ortoo_node.cli.app, ["-c", str(folder), "stop", "--timeout", "0.1"], env=CHINESE
            )
            process.communicate()
            ended = invoke(ortoo_node.cli.app, ["-c", str(folder), "stop"], env=CHINESE)
    assert late.exit_code == Exit.UNREACHABLE
    assert "daemon.silent" in late.stderr
    assert ended.exit_code == 0
    assert "服务已停止。" in ended.output


def test_fingerprints_may_be_typed_in_any_way() -> None:
    assert as_fingerprint(" ABCD ef01-23") == "abcd ef01 23"
    assert as_fingerprint("ab:cd:ef:01:23") == "abcd ef01 23"


@pytest.mark.parametrize("program", ["ortoo_node", "ortoo_hub"])
def test_the_program_says_the_librarys_words_in_chinese(program: str) -> None:
    top = Path(__file__).parents[2]
    path = os.pathsep.join(str(top / part) for part in ("protocol", "hub", "node"))
    ended = subprocess.run(
        [sys.executable, "-c", f"from {program}.cli import main; main()", "status", "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "ORTOO_LANG": "zh_CN", "PYTHONUTF8": "1"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "选项" in ended.stdout
    assert "显示本帮助并退出" in ended.stdout


def test_commands_import_nothing_heavy_before_they_run() -> None:
    """`--help` and a control call stay fast: databases, crypto and asyncio come later."""
    code = (
        "import sys, ortoo_node.cli, ortoo_hub.cli\n"
        "print([m for m in ('asyncio', 'sqlalchemy', 'aio_pika', 'nacl', 'httpx', 'rich.table')"
        " if m in sys.modules])"
    )
    top = Path(__file__).parents[2]
    path = os.pathsep.join(str(top / part) for part in ("protocol", "hub", "node"))
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert ast.literal_eval(ended.stdout) == []

"""The whole demo, once, judged by its report and by the databases; and that it leaves nothing."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo import scenario
from tests.support.processes import wait_until

WHOLE_S = 600
KILLABLE_S = 90


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    argv = [sys.executable, "-m", "ortoo_demo.cli", "--folder", str(folder)]
    with log.open("wb") as output:
        return subprocess.Popen(argv, stdout=output, stderr=output, env=env)


def left_behind(folder: Path) -> list[str]:
    """Command lines of processes that have to do with `folder`, brokers and epmd included."""
    mark, found = bytes(folder), []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                known = command + (entry / "environ").read_bytes()
            except OSError:
                continue
            if mark in known and entry.name != str(os.getpid()):
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def digest(source: dict[str, Any]) -> tuple[int, str]:
    names = ", ".join(f't."{name}"' for name in source["columns"])
    with closing(sqlite3.connect(f"file:{source['database']}?mode=ro", uri=True)) as db:
        rows: Sequence[Any] = db.execute(f'SELECT {names} FROM "{source["table"]}" t').fetchall()  # noqa: S608
    lines = sorted(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    return len(rows), hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


@pytest.mark.timeout(WHOLE_S)
def test_the_main_job(tmp_path: Path) -> None:
    folder, log = tmp_path / "demo", tmp_path / "log"
    with start(folder, log) as demo:
        code = demo.wait(WHOLE_S)
    said = log.read_text(encoding="utf-8")
    assert code == 0, said
    assert left_behind(folder) == []
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert set(report) == {"readers", "steps", "seconds"}
    assert not list(folder.rglob("departments/*-wal"))
    _check_readers(report["readers"])
    _check_steps(report["steps"])


def _check_readers(readers: list[dict[str, Any]]) -> None:
    found = [(one["plane"], one["station"]) for one in readers]
    assert sorted(found) == [
        ("extranet", "s150200"),
        ("extranet", "s150700"),
        ("extranet", "s152900"),
        ("extranet", "s152900"),
        ("intranet", "s150200"),
        ("intranet", "s150200"),
        ("intranet", "s150700"),
    ]
    for one in readers:
        there, here = digest(one["source"]), digest(one["sink"])
        assert there == here == (one["rows"], one["digest_sink"])
        assert one["digest_source"] == one["digest_sink"]
        assert one["source"]["columns"] == one["sink"]["columns"]
        assert set(one["sink"]["key"]) <= set(one["sink"]["columns"])
    townships = [one for one in readers if one["source"]["table"] == "townships"]
    assert [one["rows"] for one in townships] == [1_225, 1_225]


def _check_steps(steps: list[dict[str, Any]]) -> None:
    names = [step["name"] for step in steps]
    for plane in ("extranet", "intranet"):
        wanted = [f"{plane}: {step.name.en}" for step in scenario.STEPS]
        assert [name for name in names if name.startswith(f"{plane}: ")] == wanted
    both = [scenario.NEVER_MEET.en, scenario.ENDED.en, scenario.EQUAL.en]
    assert names[-len(both) :] == both
    assert all(step["outcome"] and not step["outcome"].startswith("FAILED") for step in steps)
    assert all(step["seconds"] >= 0 for step in steps)


@pytest.mark.timeout(KILLABLE_S)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    folder, log = tmp_path / "demo", tmp_path / "log"
    with start(folder, log) as demo:
        # A hub runs by now, and the brokers do.
        wait_until(lambda: (folder / "extranet/h150000/control.sock").exists(), KILLABLE_S)
        demo.send_signal(number)
        code = demo.wait(KILLABLE_S)
    assert code == (130 if number is signal.SIGINT else -signal.SIGKILL)
    wait_until(lambda: left_behind(folder) == [])

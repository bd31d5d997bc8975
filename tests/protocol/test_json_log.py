"""The log as JSON: one object a line, with code and ids, without what rows hold."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ortoo_hub import settings as hub
from ortoo_node import settings as node
from ortoo_protocol.cli.json_lines import JsonFormatter
from ortoo_protocol.core.errors import FeedUnknown, OrtooError, SettingsValue, StoreFull
from ortoo_protocol.station.correlation import about, known


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def only(self) -> dict[str, Any]:
        (text,) = self.texts
        assert "\n" not in text
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def log(lines: Lines) -> logging.Logger:
    made = logging.Logger("ortoo_test", logging.DEBUG)
    made.addHandler(lines)
    return made


def test_a_line_has_what_collectors_need(log: logging.Logger, lines: Lines) -> None:
    with about(feed="s150700.dibao", subscription=""):
        log.warning("%s: %s", "s150700.dibao", StoreFull(path="/x"))
    line = lines.only()
    assert line.keys() == {"time", "level", "logger", "message", "code", "feed"}
    assert (line["level"], line["logger"], line["code"]) == ("warning", "ortoo_test", "store.full")
    assert line["time"].endswith("Z")
    assert line["feed"] == "s150700.dibao"
    assert "disk of /x is full" in line["message"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("[trust.clock] the clock was set by +3.0 s", "trust.clock"),
        ("[daemon.silent] not ended", "daemon.silent"),
        ("linked to the broker", None),
        ("[1/2] of it", None),
    ],
)
def test_codes_that_stand_in_the_text(
    log: logging.Logger, lines: Lines, said: str, code: str | None
) -> None:
    log.info(said)
    assert lines.only().get("code") == code


def test_texts_of_others_stay_one_line(log: logging.Logger, lines: Lines) -> None:
    log.info("from %s", '甲"}\n{"level": "critical"\x1b[2J')
    line = lines.only()
    assert line["level"] == "info"
    assert "\\u000a" in line["message"]
    assert "\x1b" not in line["message"]


def test_a_trace_tells_places_and_not_what_rows_hold(log: logging.Logger, lines: Lines) -> None:
    try:
        try:
            raise ValueError("UNIQUE failed [parameters: ('张三', '15070019800101')]")
        except ValueError as error:
            raise FeedUnknown(feed="s150700.dibao") from error
    except OrtooError:
        log.exception("it failed")
    line = lines.only()
    assert line["code"] == "feed.unknown"
    assert any("test_json_log.py" in each for each in line["trace"])
    assert "ValueError" in line["trace"]
    assert "张三" not in lines.texts[0]
    assert "1507001980" not in lines.texts[0]


def test_each_of_a_group_is_told(log: logging.Logger, lines: Lines) -> None:
    try:
        raise ExceptionGroup("several", [ValueError("a secret"), KeyError("another")])
    except ExceptionGroup as error:
        log.critical("it ends", exc_info=error)
    assert {"ExceptionGroup", "ValueError", "KeyError"} <= set(lines.only()["trace"])
    assert "secret" not in lines.texts[0]


async def test_ids_follow_tasks_and_threads() -> None:
    async def within() -> dict[str, str]:
        return {**known(), **await asyncio.to_thread(lambda: {"thread": known()["feed"]})}

    with about(feed="f"):
        task = asyncio.create_task(within())
        with about(subscription="s"):
            assert dict(known()) == {"feed": "f", "subscription": "s"}
    assert dict(known()) == {}
    assert await task == {"feed": "f", "thread": "f"}


PROGRAM = """
import logging, sys
from pathlib import Path
from ortoo_node.settings import load
from ortoo_protocol.cli.running import Level, start_log
start_log(load(Path(sys.argv[1])), Level.INFO)
logging.getLogger("ortoo_node.daemon").info("it %s", "runs")
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_setting_chooses(tmp_path: Path, form: str) -> None:
    file = tmp_path / "station.toml"
    file.write_text(f'[station]\nparty = "s150700"\nplane = "extranet"\nlog = "{form}"\n')
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True
    ).stderr
    kept = (tmp_path / "log" / "ortoo.log").read_text()
    for text in (said, kept):
        if form == "json":
            assert json.loads(text)["message"] == "it runs"
        else:
            assert text.rstrip().endswith("INFO ortoo_node.daemon it runs")


def test_another_form_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    for load, party in ((node.load, "s150700"), (hub.load, "h150000")):
        file.write_text(f'[station]\nparty = "{party}"\nplane = "extranet"\nlog = "xml"\n')
        with pytest.raises(SettingsValue, match="log"):
            load(file)

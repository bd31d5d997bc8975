"""`ortoo-node correction` and `use` as people type them, on a station at work: two departments of
one city, no hub and no broker; each command says what it did in Chinese, or in JSON to programs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_protocol.cli.exits import Exit
from tests.node.kit import FORM, PEOPLE, entry, fill
from tests.support.daemons import Daemon, Where, enrolled
from tests.support.trust import DEPARTMENTS

PARTY, CODE = "s150700", "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
TWO = ("--handler", "甲", "--approver", "丙")
TODAY = date.today().isoformat()  # as who types it has it


@pytest.fixture
def city(tmp_path: Path, broker_authority: DemoAuthority) -> Iterator[Daemon]:
    """Twenty rows, shared between two departments, applied."""
    folder = tmp_path / "station"
    daemon = enrolled(folder, Where(ca_file=broker_authority.ca_file))
    source, sink = tmp_path / "business.sqlite", tmp_path / "shared.sqlite"
    fill(source, 20)
    with (folder / "station.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'[[sources]]\nname = "business"\nurl = "sqlite:///{source}"\n')
        settings.write(f'[[sinks]]\nname = "shared"\nurl = "sqlite:///{sink}"\n')
    daemon.start()
    try:
        daemon.call("catalog.add", entry=entry(PARTY, CODE, 2))
        daemon.call("publish", resource=CODE, source="business", table="people")
        yield daemon
    finally:
        daemon.kill()


def said(daemon: Daemon, *command: str) -> str:
    """To people."""
    ran = daemon.cli(*command)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def told(daemon: Daemon, *command: str) -> Any:
    """To programs."""
    return json.loads(said(daemon, *command, "--json"))


def granted(daemon: Daemon) -> str:
    made = daemon.call("request.apply", resource=CODE, department=OWN, **FORM)
    grant: str = daemon.call("request.grant", case=made["case"], items=[], **PEOPLE)["grant"]
    daemon.call(
        "subscribe", resource=CODE, department=OWN, sink="shared", table="people",
        purpose=FORM["purpose"],
    )  # fmt: skip
    daemon.until(lambda: len(rows(daemon)) == 20)
    return grant


def rows(daemon: Daemon) -> dict[str, str]:
    with sqlite3.connect(daemon.folder.parent / "shared.sqlite") as conn:
        try:
            return dict(conn.execute("SELECT id, name FROM people").fetchall())
        except sqlite3.OperationalError:
            return {}


def test_a_doubt_of_one_department_is_answered_by_another(city: Daemon, tmp_path: Path) -> None:
    grant = granted(city)
    scan = tmp_path / "户口簿.pdf"
    scan.write_bytes(b"%PDF-1.7 scan")
    raised = told(
        city, "correction", "raise", grant, "--key", "id=00003", "--seen", "name=人3",
        "--expected", "name=人叁", "--text", "姓名有误", "--found", TODAY, "--by", "丁",
        "--about", "wrong", "--evidence", str(scan),
    )  # fmt: skip
    number = raised["correction"]["correction"]
    shown = said(city, "correction", "show", number)
    assert "校核期间" in shown
    assert "人叁" in shown
    copy = tmp_path / "copy.pdf"
    said(city, "correction", "evidence", number, "detail", "--to", str(copy))
    assert copy.read_bytes() == scan.read_bytes()
    assert [one["duty"] for one in told(city, "clock", "list")["clocks"]] == ["correction"]

    answer = ("correction", "answer", number, "--outcome", "corrected", "--reason", "已更正", *TWO)
    refused = city.cli(*answer)
    assert refused.returncode == Exit.REFUSED
    assert "correction.not-published" in refused.stderr
    with sqlite3.connect(tmp_path / "business.sqlite") as conn:
        conn.execute("UPDATE people SET name = '人叁' WHERE id = '00003'")
    said(city, "publish", CODE)
    assert "已更正" in said(city, *answer)

    def closed() -> bool:
        return bool(
            city.call("correction.show", correction=number)["correction"]["state"] == "closed"
        )

    city.until(closed)
    assert rows(city)["00003"] == "人叁"
    events = [each["event"] for each in told(city, "correction", "show", number)["events"]]
    assert events == ["raise", "corrected", "applied"]
    assert [one["duty"] for one in told(city, "clock", "list")["clocks"]] == []

    right = told(
        city, "correction", "raise", grant, "--key", "id=00004", "--text", "金额存疑",
        "--found", TODAY, "--by", "丁",
    )["correction"]["correction"]  # fmt: skip
    said(city, "correction", "answer", right, "--outcome", "right", "--reason", "经核无误", *TWO)
    said(city, "correction", "close", right, "--by", "丁")
    third = told(
        city, "correction", "raise", grant, "--key", "id=00005", "--text", "存疑",
        "--found", TODAY, "--by", "丁",
    )["correction"]["correction"]  # fmt: skip
    said(city, "correction", "withdraw", third, "--reason", "看错", "--by", "丁")
    listed = told(city, "correction", "list", "--closed")["corrections"]
    states = {one["correction"]: one["state"] for one in listed}
    assert states == {number: "closed", right: "closed", third: "withdrawn"}
    assert city.call("journal.verify")["size"] > 10


def test_records_and_disposal(city: Daemon) -> None:
    grant = granted(city)
    empty = city.cli("use", "record", grant, "--by", "丁")
    assert empty.returncode == Exit.REFUSED
    said(
        city, "use", "record", grant, "--by", "丁", "--scenario", "资格核对", "--effect", "少跑一趟"
    )
    assert "少跑一趟" in said(city, "use", "list", grant)
    ask = told(city, "use", "ask", grant, "--reason", "年度检查", "--by", "丙")["ask"]

    def answered() -> bool:
        records = city.call("grant.show", grant=grant)["records"]
        return bool(records[0]["ask"] == ask and records[0]["answer"])

    city.until(answered)
    said(city, "use", "dispose", grant, "--why", "met", "--by", "丁")
    city.until(lambda: city.call("grant.show", grant=grant)["grant"]["state"] == "ended")
    said(city, "use", "require", grant, "--requirements", "删除副本", "--days", "5", "--by", "丙")
    city.until(lambda: city.call("grant.show", grant=grant)["disposal"]["state"] == "asked")
    assert "20" in said(city, "use", "destroyed", grant, "--by", "丁", "--drop")
    assert rows(city) == {}
    assert city.call("grant.show", grant=grant)["disposal"]["state"] == "done"
    # The Measures know no consent to passing on, and the command says which article that is.
    ask_onward = (
        "use", "onward", "ask", grant, "--resource", CODE, "--to", PARTY, "--department", OWN,
        "--basis", "第八条", "--purpose", "核对", "--form", "核验结果",
        "--until", "2099-12-31", *TWO,
    )  # fmt: skip
    refused = city.cli(*ask_onward)
    assert refused.returncode == Exit.REFUSED
    assert "use.onward-clause" in refused.stderr
    assert "《办法》第二十条" in refused.stderr
    assert told(city, "use", "onward", "list")["onward"] == []

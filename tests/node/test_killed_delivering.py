"""SIGKILL of the station's process while it posts and while a program fetches: nothing is lost, and
what comes twice comes under the same id with the same bytes."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ortoo_demo.pki import DemoAuthority
from ortoo_protocol.station.settings import write_secret
from tests.node.kit import FORM, PEOPLE, entry, fill
from tests.support.daemons import Daemon, Where, enrolled
from tests.support.programs import SECRET_TEXT, Seen, Tables, WebhookProgram
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
ROWS = 300


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def program() -> Iterator[WebhookProgram]:
    with WebhookProgram() as program:
        yield program


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def station(
    tmp_path: Path, broker_authority: DemoAuthority, program: WebhookProgram, port: int
) -> Iterator[Daemon]:
    """Publishes to itself; nobody is at the broker's address."""
    daemon = enrolled(tmp_path / "station", Where(ca_file=broker_authority.ca_file))
    write_secret(daemon.folder / "keys" / "program.secret", SECRET_TEXT)
    fill(tmp_path / "source.sqlite", ROWS)
    with (daemon.folder / "station.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"""
[[sources]]
name = "business"
url = "sqlite:///{tmp_path}/source.sqlite"
[http]
port = {port}
[[webhooks]]
name = "program"
url = "{program.url}"
secret_file = "keys/program.secret"
timeout_s = 5
page_kb = 1
[[pulls]]
name = "fetched"
page_kb = 1
""")
    daemon.start()
    daemon.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
    publish(daemon)
    yield daemon
    daemon.kill()


def publish(daemon: Daemon) -> None:
    daemon.call("publish", resource=CODE, source="business", table="people")


def subscribe(daemon: Daemon, sink: str) -> str:
    case = daemon.call("request.apply", resource=CODE, department=OWN, **FORM)["case"]
    daemon.call("request.grant", case=case, items=[], **PEOPLE)
    made = daemon.call(
        "subscribe",
        resource=CODE,
        department=OWN,
        sink=sink,
        table="people",
        purpose=FORM["purpose"],
    )
    return str(made["subscription"])


def change(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "source.sqlite") as conn:
        conn.execute("UPDATE people SET income = -1 WHERE id < '00100'")
        conn.execute("DELETE FROM people WHERE id >= '00250'")


def wanted(tmp_path: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(tmp_path / "source.sqlite") as conn:
        return conn.execute("SELECT id, name, income FROM people ORDER BY id").fetchall()


def kept(tables: Tables) -> list[tuple[object, ...]]:
    return tables.rows("people", "id", "name", "income")


def test_while_it_posts(station: Daemon, program: WebhookProgram, tmp_path: Path) -> None:
    killed: list[str] = []

    def kill(seen: Seen) -> None:
        """At the third page and later of a snapshot, then of an item: the program takes the page,
        and the station dies before it hears so."""
        name = seen.headers["webhook-id"]
        kind = "snapshot" if ":snapshot:" in name else "item"
        if kind not in killed and int(name.rpartition(":")[2]) >= 2:
            killed.append(kind)
            os.kill(station.pid, signal.SIGKILL)
            station.ended()

    program.before = kill
    subscribe(station, "program")
    for count in (1, 2):
        while len(killed) < count:
            assert station.ended(within_s=20) == -signal.SIGKILL
        station.start()
        station.until(lambda: kept(program.tables) == wanted(tmp_path))
        if count == 1:
            change(tmp_path)
            publish(station)
    assert killed == ["snapshot", "item"]
    assert program.tables.twice == 2  # each page that it died over; bytes are compared in take


def test_while_a_program_fetches(station: Daemon, port: int, tmp_path: Path) -> None:
    subscription = subscribe(station, "fetched")
    made = station.call("token.new", department=OWN, scopes=[f"pull:{subscription}"], days=1)
    headers = {"authorization": f"Bearer {made['text']}"}
    url = f"http://127.0.0.1:{port}/api/v1/subscriptions/{subscription}/changes"
    tables, cursor, deaths = Tables(), "", 0

    def get() -> httpx.Response:
        params: dict[str, Any] = {"cursor": cursor, "limit": 3, "wait_s": 5}
        answer = httpx.get(url, params=params, headers=headers, timeout=20, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer

    changed = False
    while True:
        answer = get()
        if answer.json()["changes"] and deaths < 4:
            deaths += 1
            station.kill()
            station.start()
            assert get().content == answer.content
        for page in answer.json()["changes"]:
            assert page["id"] not in tables.known
            tables.known[page["id"]] = b""
            tables._apply(page)
        cursor = answer.json()["cursor"]
        if kept(tables) == wanted(tmp_path):
            if changed:
                break
            change(tmp_path)
            publish(station)
            changed = True
    assert deaths == 4

"""Use between leagues as it runs: processes, a real TLS broker, a hub.

Suspended and resumed without loss; a doubt whose papers pass the hub unopened, closed by its row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.station.launch import clock
from tests.node.kit import FORM, PEOPLE, entry, fill
from tests.support.daemons import Daemon, joined
from tests.support.founded import Founded, founded
from tests.support.trust import DEPARTMENTS

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0001"
DEPARTMENT = DEPARTMENTS[READER][0]


@pytest.fixture
def region(tmp_path: Path, broker: PrivateBroker) -> Iterator[tuple[Founded, Daemon, Daemon]]:
    daemons: list[Daemon] = []
    with founded(tmp_path / "hub", broker) as made:
        made.start()
        try:
            for party in (PROVIDER, READER):
                daemons.append(_station(tmp_path / party, made, party))
                daemons[-1].start()
            yield made, daemons[0], daemons[1]
        finally:
            for daemon in daemons:
                daemon.kill()


def _station(folder: Path, made: Founded, party: str) -> Daemon:
    daemon = joined(folder, made, party)
    with (folder / "station.toml").open("a", encoding="utf-8") as settings:
        for kind, name in (("sources", "business"), ("sinks", "shared")):
            url = f"sqlite:///{folder / name}.sqlite"
            settings.write(f'[[{kind}]]\nname = "{name}"\nurl = "{url}"\n')
    return daemon


def _rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as conn:
        try:
            return conn.execute(f"SELECT id, name FROM {table} ORDER BY id").fetchall()  # noqa: S608
        except sqlite3.OperationalError:
            return []


def test_suspended_resumed_and_corrected(
    region: tuple[Founded, Daemon, Daemon], tmp_path: Path
) -> None:
    hub, provider, reader = region
    source, sink = tmp_path / PROVIDER / "business.sqlite", tmp_path / READER / "shared.sqlite"
    fill(source, 20)
    provider.call("catalog.add", entry=entry(PROVIDER, CODE, 2))
    provider.call("publish", resource=CODE, source="business", table="people")
    reader.until(lambda: reader.call("catalog.search", text="低保")["entries"])
    reader.call("request.apply", resource=CODE, department=DEPARTMENT, **FORM)
    provider.until(lambda: provider.call("request.list", state="submitted")["cases"])
    (case,) = provider.call("request.list", state="submitted")["cases"]
    grant = provider.call("request.grant", case=case["case"], items=[], **PEOPLE)["grant"]

    def state(side: Any) -> list[str]:
        return [one["state"] for one in side.call("grant.list", active=False)["grants"]]

    reader.until(lambda: state(reader) == ["active"])
    reader.call(
        "subscribe", resource=CODE, department=DEPARTMENT, sink="shared", table="people",
        purpose=FORM["purpose"],
    )  # fmt: skip

    def equal() -> bool:
        return _rows(sink, "people") == _rows(source, "people")

    reader.until(equal)
    why = {"reason": "超出用途", "evidence": "日志", "days": 5, "by": "丙"}
    provider.call("grant.suspend", grant=grant, **why)
    reader.until(lambda: state(reader) == state(hub) == ["suspended"])
    with sqlite3.connect(source) as conn:
        conn.execute("UPDATE people SET name = '改' WHERE id < '00010'")
        conn.execute("DELETE FROM people WHERE id = '00019'")
    provider.call("publish", resource=CODE)
    reader.call("grant.rectified", grant=grant, report="已整改", by="丁")
    provider.until(
        lambda: provider.call("grant.show", grant=grant)["suspensions"][0]["state"] == "reported"
    )
    assert not equal()
    provider.call("grant.resume", grant=grant, reason="整改到位", by="丙")
    reader.until(equal)

    correction = reader.call(
        "correction.raise", grant=grant, key={"id": "00012"}, expected={"name": "正"},
        text="姓名有误", found_ms=clock(), by="丁",
    )["correction"]["correction"]  # fmt: skip

    def known() -> bool:
        found = provider.call("correction.list")["corrections"]
        return (
            bool(found)
            and provider.call("correction.show", correction=correction)["detail"] is not None
        )

    provider.until(known)
    with sqlite3.connect(source) as conn:
        conn.execute("UPDATE people SET name = '正' WHERE id = '00012'")
    provider.call("publish", resource=CODE)
    provider.call(
        "correction.answer", correction=correction, outcome="corrected", reason="已更正", **PEOPLE
    )
    for side in (reader, provider, hub):

        def closed(side: Any = side) -> bool:
            shown = side.call("correction.show", correction=correction)
            return bool(shown["correction"]["state"] == "closed")

        reader.until(closed)
    assert equal()

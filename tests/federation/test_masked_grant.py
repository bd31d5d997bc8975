"""A masked grant across stations, with the hub between them: what is hidden never gets there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ortoo_hub import membership
from ortoo_protocol.station.context import Tx
from tests.node.kit import FORM, PEOPLE, entry, open_node, running
from tests.support.hubs import PASSWORD, HubKit, until_true
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0001"
SECRETS = ("150702199001011234", "乌云其木格", "152921195503022345", "斯琴高娃")
ITEMS = [
    {"name": "身份证号", "column": "id", "type": "C", "length": 18, "key": True},
    {"name": "姓名", "column": "name", "type": "C", "length": 50},
    {"name": "年龄", "column": "age", "type": "I"},
]
MASKS = {"id": "hash", "name": "name", "age": "age(18,60)"}


def holds(folder: Path, text: str) -> list[str]:
    """The files in which `text` stands as it is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if text.encode() in path.read_bytes()]


async def test_what_is_hidden_is_nowhere_at_the_reader(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = open_node(kit, PROVIDER), open_node(kit, READER)
    with sqlite3.connect(provider.source) as conn:
        conn.execute("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, age INTEGER)")
        conn.execute("INSERT INTO people VALUES (?, ?, 34)", SECRETS[:2])

    def users(tx: Tx) -> None:
        for party in (PROVIDER, READER):
            membership.keep_user(tx, party, PASSWORD)

    hub = kit.hub()
    await hub.prepare(PASSWORD)
    await hub.station.write(users)
    async with kit.hub_running(hub) as region, running(kit, provider, reader):
        await provider.call("catalog.add", entry=entry(PROVIDER, CODE, 2, items=ITEMS))
        await provider.call("publish", resource=CODE, source="business", table="people")

        async def known() -> bool:
            return bool((await reader.call("catalog.search", text="低保"))["entries"])

        await until_true(known)
        department = DEPARTMENTS[READER][0]
        asked = await reader.call("request.apply", resource=CODE, department=department, **FORM)

        async def arrived() -> bool:
            return bool((await provider.call("request.list", state="submitted"))["cases"])

        await until_true(arrived)
        await provider.call("request.grant", case=asked["case"], items=[], masks=MASKS, **PEOPLE)

        async def granted() -> bool:
            return bool((await reader.call("grant.list"))["grants"])

        await until_true(granted)
        for told in (reader.call, provider.call, lambda name: region.call[name]()):
            assert (await told("grant.list"))["grants"][0]["masks"] == MASKS
        await reader.call(
            "subscribe",
            resource=CODE,
            department=department,
            sink="shared",
            table="people",
            purpose=FORM["purpose"],
        )
        await until(lambda: len(reader.rows("people")) == 1)
        with sqlite3.connect(provider.source) as conn:
            conn.execute("INSERT INTO people VALUES (?, ?, 71)", SECRETS[2:])
        await provider.call("publish", resource=CODE)
        await until(lambda: len(reader.rows("people")) == 2)
        assert {row[1:] for row in reader.rows("people")} == {
            ("乌****", "18-59"),
            ("斯***", "60+"),
        }
    for secret in SECRETS:
        assert holds(tmp_path / PROVIDER, secret)
        assert not holds(tmp_path / READER, secret)
        assert not holds(tmp_path / hub.station.party, secret)

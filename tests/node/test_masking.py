"""Masks from the grant to the reader's table: two departments of one station share through it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ortoo_node import views
from ortoo_node.store.tables import views as views_table
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.station.store.tables import shadow
from tests.node.kit import FORM, PEOPLE, Node, entry, open_node, running
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
ITEMS = [
    {"name": "身份证号", "column": "id", "type": "C", "length": 18, "key": True},
    {"name": "姓名", "column": "name", "type": "C", "length": 50},
    {"name": "年龄", "column": "age", "type": "I"},
    {"name": "区划", "column": "place", "type": "C", "length": 12},
]
ROWS = [
    ("150702199001011234", "乌云其木格", 34, "150702"),
    ("150702195503022345", "张三", 70, "150723"),
]
MASKS = {"id": "hash", "name": "name", "age": "age(18,60)", "place": "division(city)"}


def write(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as conn:
        for statement in statements:
            conn.execute(statement)


@asynccontextmanager
async def published(folder: Path) -> AsyncIterator[Node]:
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False)
    write(node.source, "CREATE TABLE people (id TEXT, name TEXT, age INTEGER, place TEXT)")
    with sqlite3.connect(node.source) as conn:
        conn.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", ROWS)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2, items=ITEMS))
        await node.call("publish", resource=CODE, source="business", table="people")
        yield node


async def granted(node: Node, masks: dict[str, str], rows: str = "") -> dict[str, Any]:
    asked = await node.call("request.apply", resource=CODE, department=OWN, row_filter=rows, **FORM)
    answer = await node.call("request.grant", case=asked["case"], items=[], masks=masks, **PEOPLE)
    return dict(answer)


async def subscribed(node: Node, grant: dict[str, Any], table: str) -> list[tuple[Any, ...]]:
    await node.call(
        "subscribe",
        resource=CODE,
        department=OWN,
        sink="shared",
        table=table,
        purpose=FORM["purpose"],
        grant=grant["grant"],
    )
    await until(lambda: node.rows(table))
    return node.rows(table)


async def test_a_reader_sees_what_the_masks_leave(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        grant = await granted(node, MASKS)
        rows = await subscribed(node, grant, "masked")
        assert {row[1:] for row in rows} == {
            ("乌****", "18-59", "150700"),
            ("张*", "60+", "150700"),
        }
        assert all(re.fullmatch("[0-9a-f]{32}", row[0]) for row in rows)
        listed = (await node.call("grant.list"))["grants"]
        assert [one["masks"] for one in listed] == [MASKS]

        # What changes comes under the same masked key, what goes is gone.
        before = {row[1]: row[0] for row in rows}
        write(
            node.source,
            "UPDATE people SET name = '张三丰' WHERE name = '张三'",
            "DELETE FROM people WHERE age = 34",
        )
        await node.call("publish", resource=CODE)
        await until(lambda: len(node.rows("masked")) == 1)
        assert node.rows("masked") == [(before["张*"], "张**", "60+", "150700")]


async def test_two_hashing_grants_cannot_be_joined(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        first, second = await granted(node, MASKS), await granted(node, MASKS)
        assert first["feed"] != second["feed"]
        mine = {row[0] for row in await subscribed(node, first, "first")}
        theirs = {row[0] for row in await subscribed(node, second, "second")}
        assert len(mine) == len(theirs) == 2
        assert not mine & theirs


async def test_a_hash_is_the_same_after_a_restart(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        grant = await granted(node, MASKS)
        before = {row[1]: row[0] for row in await subscribed(node, grant, "masked")}
    node = open_node(Kit(tmp_path), PARTY, online=False)
    async with running(Kit(tmp_path), node):
        write(node.source, "UPDATE people SET age = 59 WHERE name = '张三'")
        await node.call("publish", resource=CODE)
        await until(lambda: {row[2] for row in node.rows("masked")} == {"18-59"})
        assert {row[1]: row[0] for row in node.rows("masked")} == before


async def test_grants_of_one_masked_scope_share_a_feed(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        one = await granted(node, {"name": "name", "age": "suppress"})
        other = await granted(node, {"age": "suppress", "name": "name"})
        third = await granted(node, {"age": "suppress"})
        assert one["feed"] == other["feed"] != third["feed"]


async def test_masks_that_are_refused(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        for masks in ({"id": "partial(6,4)"}, {"name": "year"}, {"salary": "hash"}, {"age": "x"}):
            with pytest.raises(GrantScope):
                await granted(node, masks)
        with pytest.raises(GrantScope, match="the row filter tells what the mask hides"):
            await granted(node, {"name": "name"}, rows="name = '张三'")


async def test_the_end_of_a_hashing_grant_erases_rows_and_secret(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        grant = await granted(node, MASKS)
        await subscribed(node, grant, "masked")
        kept = select(shadow.c.key).where(shadow.c.feed == grant["feed"])
        salt = select(views_table.c.salt).where(views_table.c.feed == grant["feed"])
        station = node.app.station
        assert len(await station.read(lambda conn: conn.execute(kept).all())) == 2
        sealed = await station.read(lambda conn: conn.execute(salt).scalar())
        assert sealed
        await node.call("grant.end", grant=grant["grant"], reason="已不需要", by="丁")
        assert await station.read(lambda conn: conn.execute(kept).all()) == []
        assert await station.read(lambda conn: conn.execute(salt).scalar()) is None


async def test_a_view_rests_while_nobody_reads_it(tmp_path: Path) -> None:
    async with published(tmp_path) as node:
        grant = await granted(node, {"name": "name"})
        station, feed = node.app.station, grant["feed"]
        await node.call("grant.end", grant=grant["grant"], reason="已不需要", by="丁")
        assert await station.read(lambda conn: views.of_resource(conn, CODE)) == []
        write(
            node.source,
            "DELETE FROM people WHERE age = 34",
            "INSERT INTO people VALUES ('150702200001010001', '李四', 20, '150702')",
        )
        await node.call("publish", resource=CODE)
        again = await granted(node, {"name": "name"})
        assert again["feed"] == feed
        rows = await subscribed(node, again, "again")
        await until(lambda: len(node.rows("again")) == 2)
        rows = node.rows("again")
        assert {row[1] for row in rows} == {"张*", "李*"}

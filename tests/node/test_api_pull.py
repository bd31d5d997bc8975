"""A department's program fetches over HTTP: cursors, long polls, bounds, restarts."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx

from ortoo_node.interfaces import Pull
from tests.node.api_kit import (
    CODE,
    add_entry,
    bearer,
    open_station,
    problem,
    serving,
    subscribe,
)
from tests.node.kit import Node, fill
from tests.support.programs import Tables
from tests.support.stations import Kit, until


async def fetch(
    client: httpx.AsyncClient, path: str, token: dict[str, str], tables: Tables, cursor: str = ""
) -> str:
    """All there is, confirmed page by page; the last cursor."""
    while True:
        answer = await client.get(path, params={"cursor": cursor, "limit": 2}, headers=token)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        if not found["changes"]:
            assert found["cursor"] == cursor or not cursor
            return str(found["cursor"])
        for page in found["changes"]:
            assert page["id"] not in tables.known
            tables.known[page["id"]] = b""
            tables._apply(page)
        cursor = found["cursor"]


def change(node: Node, *statements: str) -> None:
    with sqlite3.connect(node.source) as conn:
        for statement in statements:
            conn.execute(statement)


async def publish(node: Node) -> None:
    await node.call("publish", resource=CODE, source="business", table="people")


async def applied(node: Node, subscription: str) -> dict[str, Any]:
    shown: dict[str, Any] = (await node.call("subscription.show", subscription=subscription))[
        "subscription"
    ]
    return shown


async def test_snapshot_then_tail_over_a_restart(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 300)
    tables = Tables()
    async with serving(kit, node) as client:
        await add_entry(node)
        await publish(node)
        subscription = await subscribe(node, "fetched")
        path = f"/subscriptions/{subscription}/changes"
        token = await bearer(node, f"pull:{subscription}")
        begun = time.monotonic()
        first = await client.get(path, params={"wait_s": 20}, headers=token)
        assert time.monotonic() - begun < 15
        assert first.json()["changes"][0]["type"] == "snapshot"
        again = await client.get(path, headers=token)
        assert first.content == again.content

    node = open_station(kit)
    async with serving(kit, node) as client:
        assert (await client.get(path, headers=token)).content == first.content
        cursor = await fetch(client, path, token, tables)
        assert len(tables.kept["people"]) == 300

        waiting = asyncio.create_task(
            client.get(path, params={"cursor": cursor, "wait_s": 20}, headers=token)
        )
        change(node, "DELETE FROM people WHERE id = '00000'", "UPDATE people SET income = -1")
        await publish(node)
        assert (await waiting).json()["changes"]
        cursor = await fetch(client, path, token, tables, cursor)
        while len(tables.kept["people"]) != 299:
            cursor = await fetch(client, path, token, tables, cursor)
        assert {row["income"] for row in tables.kept["people"].values()} == {-1}
        shown = await applied(node, subscription)
        assert (shown["lag"], shown["lag_s"], shown["error"]) == (0, 0.0, None)


async def test_cursors_that_are_refused(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 300)
    async with serving(kit, node) as client:
        await add_entry(node)
        await publish(node)
        one, two = await subscribe(node, "fetched"), await subscribe(node, "fetched", "other")
        path = f"/subscriptions/{one}/changes"
        token = await bearer(node, f"pull:{one}")
        first = await client.get(path, params={"wait_s": 20, "limit": 1}, headers=token)
        cursor = first.json()["cursor"]
        second = await client.get(path, params={"cursor": cursor, "limit": 1}, headers=token)
        third = second.json()["cursor"]
        await client.get(path, params={"cursor": third, "limit": 1}, headers=token)
        problem(await client.get(path, params={"cursor": cursor}, headers=token), 410,
                "api.cursor-passed")  # fmt: skip
        for wrong in ("x", "AAAA", third[:-4] + "AAA=", "é"):
            problem(await client.get(path, params={"cursor": wrong}, headers=token), 400,
                    "api.cursor")  # fmt: skip
        other = await bearer(node, f"pull:{two}")
        path_two = f"/subscriptions/{two}/changes"
        problem(await client.get(path_two, params={"cursor": cursor}, headers=other), 400,
                "api.cursor")  # fmt: skip
        problem(await client.get(path, headers=other), 403, "api.scope")
        table = await subscribe(node, "shared", "elsewhere")
        path_three, third = f"/subscriptions/{table}/changes", await bearer(node, "pull:*")
        problem(await client.get(path_three, headers=third), 409, "api.pull")
        for name, value in (("limit", "0"), ("limit", "x"), ("wait_s", "61"), ("limit", "-1")):
            problem(await client.get(path, params={name: value}, headers=token), 422, "api.field")


async def test_one_that_does_not_fetch_holds_nobody_else(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    pulls = (Pull(name="fetched", max_items=1, page_kb=64), Pull(name="second"))
    node = open_station(kit, pulls=pulls)
    fill(node.source, 20)
    tables, others = Tables(), Tables()
    async with serving(kit, node) as client:
        await add_entry(node)
        await publish(node)
        lazy = await subscribe(node, "fetched")
        await subscribe(node, "shared", "people")
        await until(lambda: len(node.rows("people")) == 20)
        await until_applied(node, lazy)
        for number in range(3):
            change(node, f"UPDATE people SET income = {number + 100}")  # noqa: S608  # a number
            await publish(node)
        await until(lambda: node.rows("people")[0][2] == 102)
        shown = await applied(node, lazy)
        while shown["error"] is None:
            await asyncio.sleep(0)
            shown = await applied(node, lazy)
        assert shown["error"]["code"] == "sink.pull-full"
        assert shown["lag"] > 0
        token = await bearer(node, f"pull:{lazy}")
        path, cursor = f"/subscriptions/{lazy}/changes", ""
        while not tables.kept or {r["income"] for r in tables.kept["people"].values()} != {102}:
            cursor = await fetch(client, path, token, tables, cursor)
    assert not others.kept


async def until_applied(node: Node, subscription: str) -> None:
    while True:
        shown = await applied(node, subscription)
        if shown["applied"] and shown["lag"] == 0:
            return
        await asyncio.sleep(0)


async def test_what_waits_is_sealed(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 5)
    async with serving(kit, node):
        await add_entry(node)
        await publish(node)
        await until_applied(node, await subscribe(node, "fetched"))
    with sqlite3.connect(tmp_path / "s150700" / "store.sqlite") as conn:
        bodies = conn.execute("SELECT body FROM pull_pages").fetchall()
    assert bodies
    assert not any("人1".encode() in body for (body,) in bodies)

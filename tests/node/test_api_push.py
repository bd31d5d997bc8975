"""A department's program publishes over HTTP: rows, events, tokens, what is refused and how."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import Connection, func, select, update

from ortoo_demo.pki import DemoAuthority
from ortoo_node.api import bodies
from ortoo_node.api.answers import KEPT_MS
from ortoo_node.api.server import http_listener
from ortoo_node.catalog import mirror
from ortoo_node.interfaces import Http
from ortoo_node.publishing import plans
from ortoo_node.store.tables import publications
from ortoo_protocol.core.errors import CatalogStopped, HttpListen, HttpTls, TokenScope
from ortoo_protocol.station.store.tables import feed_out_items
from tests.node.api_kit import (
    CODE,
    PARTY,
    add_entry,
    bearer,
    foreign_bearer,
    open_station,
    problem,
    serving,
    subscribe,
)
from tests.node.kit import Node, fill
from tests.support.stations import Kit, until, until_read

ROWS = f"/resources/{CODE}/rows"
EVENTS = f"/resources/{CODE}/events"


def person(number: int, name: str = "甲", income: Any = 1) -> dict[str, Any]:
    return {"id": f"{number:05}", "name": name, "income": income}


def put(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"upsert": row} for row in rows]


async def items(node: Node) -> int:
    query = select(func.count()).where(feed_out_items.c.feed == f"{PARTY}.dibao")
    return await node.app.station.read(lambda conn: int(conn.execute(query).scalar_one()))


async def test_rows_arrive_and_follow(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        first = await client.post(ROWS, json=put(*map(person, range(50))), headers=token)
        assert first.json() == {"accepted": 50, "rejected": 0, "rejects": []}
        await subscribe(node, "shared")
        await until(lambda: len(node.rows("people")) == 50)

        lines = [
            {"upsert": person(7, "改名")},
            {"delete": {"id": "00008"}},
            {"upsert": person(60)},
            {"delete": {"id": "00060"}},
            {"upsert": person(60, "又来")},
            {"upsert": person(9)},
            {"delete": {"id": "00009"}},
        ]
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n"
        ndjson = {"content-type": "application/x-ndjson; charset=utf-8"}
        second = await client.post(ROWS, content=text.encode(), headers={**token, **ndjson})
        assert second.json()["accepted"] == 7
        await until(lambda: len(node.rows("people")) == 49)
        rows = node.rows("people")
        assert {("00007", "改名", 1), ("00060", "又来", 1)} <= set(rows)
        assert not {"00008", "00009"} & {row[0] for row in rows}


async def test_rejects_stop_nobody_else(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        body = [
            {"upsert": person(0)},
            {"upsert": person(1, income="many")},
            {"upsert": {"id": "00002", "name": "乙"}},
            {"upsert": {**person(3), "other": 1}},
            {"delete": {"id": None}},
            {"replace": person(4)},
            "row",
            {"upsert": {**person(5), "name": {"a": 1}}},
            {"upsert": person(6)},
        ]
        answer = (await client.post(ROWS, json=body, headers=token)).json()
        assert (answer["accepted"], answer["rejected"]) == (2, 7)
        told = {one["row"]: one["code"] for one in answer["rejects"]}
        assert told == {
            1: "rows.value", 2: "api.row", 3: "api.row", 4: "rows.empty", 5: "api.row",
            6: "api.row", 7: "api.row",
        }  # fmt: skip
        assert "many" not in json.dumps(answer)


async def test_a_key_makes_a_repetition_harmless(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        keyed = {**token, "idempotency-key": "batch-1"}
        first = await client.post(EVENTS, json=[person(1), person(2)], headers=keyed)
        again = await client.post(EVENTS, json=[person(1), person(2)], headers=keyed)
        assert first.content == again.content
        assert first.json()["accepted"] == 2
        assert again.headers["idempotency-replayed"] == "true"
        other = await client.post(EVENTS, json=[person(3)], headers=keyed)
        problem(other, 422, "api.idempotency-key")
        bad = {**token, "idempotency-key": "x" * 129}
        problem(await client.post(EVENTS, json=[], headers=bad), 422, "api.idempotency-key")
        problem(await client.post(ROWS, json=[], headers=token), 409, "api.feed-kind")


async def test_of_two_at_once_one_is_done(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        keyed = {**(await bearer(node, f"push:{CODE}")), "idempotency-key": "one"}
        body = put(*map(person, range(200)))
        answers = await asyncio.gather(
            *(client.post(ROWS, json=body, headers=keyed) for _ in range(4))
        )
        done = [answer for answer in answers if answer.status_code == 200]
        assert done
        assert len({answer.content for answer in done}) == 1
        for answer in answers:
            if answer.status_code != 200:
                problem(answer, 409, "api.under-way")


async def test_who_may_not(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        good = await bearer(node, f"push:{CODE}")
        problem(await client.post(ROWS, json=[]), 401, "api.token")
        for text in ("", "Basic abc", "Bearer", "Bearer ortoo_000000000000_" + "A" * 43,
                     good["authorization"][:-1], good["authorization"] + "A"):  # fmt: skip
            answer = await client.post(ROWS, json=[], headers={"authorization": text})
            problem(answer, 401, "api.token")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await client.post("/resources/9/rows", json=[], headers=good)
        problem(answer, 404, "api.path")
        with pytest.raises(TokenScope):
            await bearer(node, "push:9/9")
        with pytest.raises(TokenScope):
            await bearer(node, "admin:all")

        made = (await node.call("token.list"))["tokens"]
        assert [one["state"] for one in made] == ["active"]
        await node.call("token.revoke", token=made[0]["token"])
        problem(await client.post(ROWS, json=[], headers=good), 401, "api.token")

        late = await bearer(node, f"push:{CODE}")
        kit.offset_ms += 25 * 3_600_000
        problem(await client.post(ROWS, json=[], headers=late), 401, "api.token")


async def test_for_another_department(tmp_path: Path) -> None:
    """Of this station, or of another one: its resources are not there."""
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        foreign = await foreign_bearer(node, f"push:{CODE}")
        for path in (ROWS, EVENTS):
            problem(await client.post(path, json=[], headers=foreign), 404, "api.path")
        mine = await bearer(node, f"push:{CODE}")
        own = await node.app.station.read(lambda conn: mirror.entry(conn, CODE))
        theirs = msgspec.structs.replace(
            own, provider="s150200", code="3020001/0001", feed="s150200.dibao"
        )
        await node.app.station.write(lambda tx: mirror.store(tx, theirs, 1, tx.now_ms))
        with pytest.raises(TokenScope):
            await bearer(node, f"push:{theirs.code}")
        path = f"/resources/{theirs.code}/rows"
        problem(await client.post(path, json=put(person(1)), headers=mine), 404, "api.path")
        assert await items(node) == 0


async def test_a_key_of_yesterday_is_a_new_one(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        keyed = {**(await bearer(node, f"push:{CODE}", days=5)), "idempotency-key": "batch-1"}

        async def post(*people: dict[str, Any]) -> httpx.Response:
            return await client.post(EVENTS, json=list(people), headers=keyed)

        first = await post(person(1))
        kit.offset_ms += KEPT_MS - 60_000
        again = await post(person(1))
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        problem(await post(person(2)), 422, "api.idempotency-key")
        kit.offset_ms += 120_000
        other = await post(person(2))
        assert other.json()["accepted"] == 1
        assert "idempotency-replayed" not in other.headers


async def test_where_the_next_reading_begins_is_left_alone(tmp_path: Path) -> None:
    """Else a front-end machine's files of last year would follow what was pushed."""
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as client:
        await add_entry(node)
        await node.call("publish", resource=CODE, source="business", table="people")
        mark = update(publications).values(mark="as far as this")
        await node.app.station.write(lambda tx: tx.conn.execute(mark))
        token = await bearer(node, f"push:{CODE}")
        answer = await client.post(ROWS, json=put(person(7)), headers=token)
        assert answer.json()["accepted"] == 1
        left = await node.app.station.read(
            lambda conn: conn.execute(select(publications.c.mark)).scalar()
        )
        assert left == "as far as this"


async def test_after_the_resource_was_stopped(tmp_path: Path) -> None:
    """Nothing more is published, by whatever door, and nothing runs by itself any more."""
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        answer = await client.post(ROWS, json=put(person(7)), headers=token)
        assert answer.json()["accepted"] == 1
        await node.call(
            "publication.set", resource=CODE, source="business", table="people", every_s=3600
        )
        await until_read(node.app.station, _has_run)
        sent = await items(node)
        await node.call("catalog.stop", code=CODE, reason="机构改革", by="甲", approver="丁")
        refused = problem(
            await client.post(ROWS, json=put(person(1)), headers=token), 409, "catalog.stopped"
        )
        assert CODE in refused["title"]
        with pytest.raises(CatalogStopped):
            await node.call("publish", resource=CODE)
        (shown,) = (await node.call("publication.list"))["publications"]
        assert (shown["every_s"], shown["next_ms"]) == (0, 0)
        assert await items(node) == sent


def _has_run(conn: Connection) -> bool:
    (one,) = plans.listed(conn)
    return bool(one["rows"] == 3 and not one["failures"])


async def test_tokens_are_hashed_at_rest(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node):
        await add_entry(node)
        text = (await bearer(node, f"push:{CODE}"))["authorization"].rpartition("_")[2]
        listed = await node.call("token.list")
    assert text not in json.dumps(listed)
    for file in (tmp_path / PARTY).glob("store.sqlite*"):
        assert text.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"[]", "text/plain", 415, "api.body-type"),
        (b"{}", "application/json", 400, "api.body"),
        (b"[1,2", "application/json", 400, "api.body"),
        (b"[1 2]", "application/json", 400, "api.body"),
        (b"[1,]", "application/json", 400, "api.body"),
        (b"[1]x", "application/json", 400, "api.body"),
        (b"[NaN]", "application/json", 400, "api.body"),
        (b"[\xff]", "application/json", 400, "api.body"),
        (b'[{"a":1,"a":2}]', "application/json", 400, "api.body"),
        (b"", "application/json", 400, "api.body"),
        (b'{"upsert":\n', "application/x-ndjson", 400, "api.body"),
        (b'["' + b"x" * (1 << 21) + b'"]', "application/json", 413, "api.too-large"),
        (b" " * ((1 << 20) + 2), "application/x-ndjson", 413, "api.too-large"),
        (b" " * ((5 << 20) + 1), "application/json", 413, "api.too-large"),
    ],
)
async def test_bodies_that_are_refused_whole(
    tmp_path: Path, content: bytes, kind: str, status: int, code: str
) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit, http=Http(port=0, max_body_mb=5))
    async with serving(kit, node) as client:
        await add_entry(node)
        headers = {**(await bearer(node, f"push:{CODE}")), "content-type": kind}
        problem(await client.post(ROWS, content=content, headers=headers), status, code)
        assert await items(node) == 0


async def test_paths_methods_and_languages(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        problem(await client.get("/nothing"), 404, "api.path")
        chinese = problem(await client.get(ROWS), 405, "api.method")
        english = problem(
            await client.get(ROWS, headers={"accept-language": "en-GB"}), 405, "api.method"
        )
        assert "不" in chinese["title"]
        assert english["title"].endswith("does not answer GET.")


def test_values_of_an_array_wherever_a_block_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    values = [1, 12345, -2.5, "文字", {"a": [1, {"b": None}]}, True, [], "x" * 100]
    file = tmp_path / "body"
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    file.write_text(" [" + " ,\n ".join(texts) + "] ")
    for size in range(1, 40):
        monkeypatch.setattr(bodies, "READ_BYTES", size)
        with file.open("rb") as opened:
            assert list(bodies.array_values(opened)) == values


async def test_a_port_in_use_and_a_wrong_certificate(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        port = client.base_url.port
        assert port is not None
        with pytest.raises(HttpListen):
            http_listener(node.app, Http(port=port), node.methods).open()
        (tmp_path / "cert").write_text("none")
        http = Http(port=port, cert_file=tmp_path / "cert", key_file=tmp_path / "cert")
        with pytest.raises(HttpTls):
            http_listener(node.app, http, node.methods).open()


async def test_over_tls(tmp_path: Path) -> None:
    authority = DemoAuthority.create(tmp_path / "pki", "Ortoo test authority")
    cert_file, key_file = authority.issue_server("extranet", ("localhost", "127.0.0.1"))
    kit = Kit(tmp_path)
    node = open_station(kit, http=Http(port=0, cert_file=cert_file, key_file=key_file))
    async with serving(kit, node, authority.ca_file) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}")
        answer = await client.post(ROWS, json=put(person(1)), headers=token)
        assert answer.json()["accepted"] == 1
        assert "server" not in answer.headers

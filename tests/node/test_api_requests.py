"""A department's program asks, is granted, subscribes, listens, doubts and proves, over HTTP; a
program of another department sees nothing of it."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx

from ortoo_protocol.core.merkle import verify_consistency, verify_inclusion
from tests.node.api_kit import (
    CODE,
    add_entry,
    bearer,
    foreign_bearer,
    open_station,
    problem,
    serving,
)
from tests.node.kit import FORM, PEOPLE, Node, fill
from tests.support.stations import Kit

ALL = (
    "catalog:read", "request:read", "request:write", "grant:read", "subscription:read",
    "subscription:write", "pull:*", "correction:read", "correction:write", "journal:read",
    "query:*", "file:*",
)  # fmt: skip
PDF = base64.b64encode(b"%PDF-1.4 scan").decode()


async def asked(client: httpx.AsyncClient, token: dict[str, str], **more: Any) -> str:
    body = {"resources": [CODE], **FORM, **more}
    made = await client.post("/requests", json=body, headers=token)
    assert made.status_code == 201, made.text
    case = made.json()["cases"][0]["case"]
    assert made.headers["location"] == f"/api/v1/requests/{case}"
    return str(case)


async def granted(node: Node, case: str) -> str:
    return str((await node.call("request.grant", case=case, items=[], **PEOPLE))["grant"])


async def test_from_draft_to_paper(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *ALL)
        scan = [{"name": "扫描件.pdf", "content": PDF}]
        case = await asked(client, token, draft=True, attachments=scan)
        path = f"/requests/{case}"
        shown = (await client.get(path, headers=token)).json()
        assert shown["case"]["state"] == "draft"
        problem(await client.get(f"{path}/paper", headers=token), 404, "api.path")
        read = await client.get(f"{path}/attachments/0", headers=token)
        assert read.content == b"%PDF-1.4 scan"
        assert "attachment" in read.headers["content-disposition"]
        problem(await client.get(f"{path}/attachments/1", headers=token), 404, "api.path")

        sent = await client.post(f"{path}/submission", headers=token)
        assert sent.json()["state"] == "submitted", sent.text
        again = await client.post(f"{path}/submission", headers=token)
        assert again.status_code == 409
        assert again.json()["code"].startswith("case.")
        await node.call("request.refuse", case=case, reason="用途不明确", **PEOPLE)
        paper = await client.get(f"{path}/paper", headers=token)
        assert "用途不明确" in paper.text
        assert "sandbox" in paper.headers["content-security-policy"]
        refused = await client.get("/requests", params={"state": "refused"}, headers=token)
        assert [each["case"] for each in refused.json()["requests"]] == [case]

        second = await asked(client, token)
        body = {"reason": "不再需要", "handler": "申请人"}
        gone = await client.post(f"/requests/{second}/withdrawal", json=body, headers=token)
        assert gone.json()["state"] == "withdrawn", gone.text
        page = await client.get("/requests", params={"limit": 1}, headers=token)
        rest = await client.get(page.links["next"]["url"].removeprefix("/api/v1"), headers=token)
        both = [*page.json()["requests"], *rest.json()["requests"]]
        assert {each["case"] for each in both} == {case, second}
        assert rest.json()["next"] is None


async def test_a_stream_goes_on_when_it_is_confirmed(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *ALL)
        grant = await granted(node, await asked(client, token))
        await node.call("publish", resource=CODE, source="business", table="people")
        body = {"resource": CODE, "sink": "fetched", "table": "people", "purpose": FORM["purpose"]}
        wrong = await client.post("/subscriptions", json={**body, "sink": "shared"}, headers=token)
        problem(wrong, 422, "api.field")
        made = await client.post("/subscriptions", json=body, headers=token)
        assert made.status_code == 201, made.text
        assert made.json()["grant"] == grant
        path = f"/subscriptions/{made.json()['subscription']}"

        async with client.stream("GET", f"{path}/stream", headers=token) as stream:
            events = _events(stream)
            first = await anext(events)
            assert first["data"]["changes"][0]["type"] == "snapshot"
            await node.call("publish", resource=CODE)
            waiting = asyncio.ensure_future(anext(events))
            confirmed = await client.post(
                f"{path}/confirmations", json={"cursor": first["id"]}, headers=token
            )
            assert confirmed.status_code == 200, confirmed.text
            _change(node, "UPDATE people SET income = 7 WHERE id = '00001'")
            await node.call("publish", resource=CODE)
            second = await waiting
            assert second["data"]["changes"][0]["upserts"] == [
                {"id": "00001", "name": "人1", "income": 7}
            ]
        # What was not confirmed comes again, and a new stream confirms by what it saw last.
        async with client.stream("GET", f"{path}/stream", headers=token) as stream:
            assert (await anext(_events(stream)))["id"] == second["id"]
        last = {**token, "last-event-id": second["id"]}
        _change(node, "DELETE FROM people WHERE id = '00002'")
        await node.call("publish", resource=CODE)
        async with client.stream("GET", f"{path}/stream", headers=last) as stream:
            third = await anext(_events(stream))
            assert third["data"]["changes"][0]["deletes"] == [{"id": "00002"}]
        shown = (await client.get(path, headers=token)).json()
        assert shown["sink"] == "fetched"
        for step, state in (("pause", "paused"), ("resume", "current")):
            moved = await client.post(f"{path}/{step}", headers=token)
            assert moved.status_code == 200, moved.text
            assert (moved.json()["state"] == "paused") == (state == "paused")


async def test_a_stream_ends_with_its_token(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("ortoo_node.api.streams.BEAT_S", 0.05)
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *ALL)
        await granted(node, await asked(client, token))
        body = {"resource": CODE, "sink": "fetched", "table": "people", "purpose": FORM["purpose"]}
        made = await client.post("/subscriptions", json=body, headers=token)
        path = f"/subscriptions/{made.json()['subscription']}/stream"
        async with client.stream("GET", path, headers=token) as stream:
            lines = stream.aiter_lines()
            while await anext(lines) != ": ":
                pass
            name = (await node.call("token.list"))["tokens"][0]["token"]
            await node.call("token.revoke", token=name)
            assert [line async for line in lines if line.startswith("data")] == []


async def test_doubts_and_proofs(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *ALL)
        case = await asked(client, token)
        grant = await granted(node, case)
        await node.call("publish", resource=CODE, source="business", table="people")
        grants = (await client.get("/grants", headers=token)).json()["grants"]
        assert [each["grant"] for each in grants] == [grant]
        one = await client.get(f"/grants/{grant}", headers=token)
        assert one.json()["case"] == case
        doubt = {
            "grant": grant,
            "text": "姓名有误",
            "found_ms": node.app.now_ms(),
            "by": "丁",
            "key": {"id": "00001"},
            "seen": {"name": "人1"},
            "expected": {"name": "人甲"},
            "evidence": {"name": "证明.txt", "content": base64.b64encode(b"proof").decode()},
        }
        raised = await client.post("/corrections", json=doubt, headers=token)
        assert raised.status_code == 201, raised.text
        number = raised.json()["correction"]["correction"]
        path = f"/corrections/{number}"
        file = await client.get(f"{path}/files/detail", headers=token)
        assert file.content == b"proof"
        reply = {"outcome": "right", "reason": "核对无误", "handler": "甲", "approver": "乙"}
        answered = await client.post(f"{path}/answer", json=reply, headers=token)
        assert answered.status_code == 200, answered.text
        closed = await client.post(f"{path}/closing", json={"by": "丁"}, headers=token)
        assert closed.json()["correction"]["closed_ms"], closed.text
        listed = await client.get("/corrections", params={"closed": True}, headers=token)
        assert [each["correction"] for each in listed.json()["corrections"]] == [number]

        digest = node.app.station.parts.identity.suite.hash
        checkpoint = await _checkpoint(client, token)
        first = checkpoint["size"]
        root = bytes.fromhex(checkpoint["root"])
        found = await client.get(
            "/journal/inclusion", params={"flow": case, "size": first}, headers=token
        )
        rows = found.json()["rows"]
        assert {row["kind"] for row in rows} >= {"case.application", "case.answer"}
        for row in rows:
            proof = [bytes.fromhex(each) for each in row["proof"]]
            leaf = bytes.fromhex(row["leaf"])
            assert verify_inclusion(digest, leaf, row["index"], first, proof, root) is None
        proved = await client.get("/journal/consistency", params={"first": 3}, headers=token)
        said = proved.json()
        assert (
            verify_consistency(
                digest,
                3,
                said["second"],
                bytes.fromhex(said["first_root"]),
                bytes.fromhex(said["second_root"]),
                [bytes.fromhex(each) for each in said["proof"]],
            )
            is None
        )
        far = await client.get("/journal/consistency", params={"first": 10**9}, headers=token)
        problem(far, 422, "journal.size")


async def test_another_department_sees_nothing(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, *ALL)
        case = await asked(client, token)
        grant = await granted(node, case)
        body = {"resource": CODE, "sink": "fetched", "table": "people", "purpose": FORM["purpose"]}
        made = await client.post("/subscriptions", json=body, headers=token)
        subscription = made.json()["subscription"]
        doubt = {"grant": grant, "text": "疑", "found_ms": node.app.now_ms(), "by": "丁",
                 "key": {"id": "00001"}, "seen": {"name": "人1"}}  # fmt: skip
        raised = await client.post("/corrections", json=doubt, headers=token)
        correction = raised.json()["correction"]["correction"]

        other = await foreign_bearer(node, *ALL)
        for path, name in (
            ("/requests", "requests"),
            ("/grants", "grants"),
            ("/subscriptions", "subscriptions"),
            ("/corrections", "corrections"),
            ("/transfers", "transfers"),
        ):
            assert (await client.get(path, headers=other)).json()[name] == []
        asks = {"purpose": FORM["purpose"], "handler": "戊"}
        moves: list[tuple[str, str, Any]] = [
            ("GET", "/requests/{}", None),
            ("GET", "/requests/{}/paper?paper=application", None),
            ("POST", "/requests/{}/submission", None),
            ("POST", "/requests/{}/withdrawal", {"reason": "撤", "handler": "戊"}),
            ("GET", "/journal/inclusion?flow={}", None),
        ]
        await _same(client, other, case, moves)
        await _same(
            client,
            other,
            grant,
            [
                ("GET", "/grants/{}", None),
                ("GET", "/grants/{}/queries", None),
                ("POST", "/grants/{}/queries/q", asks),
                ("GET", "/journal/inclusion?flow={}", None),
            ],
        )
        await _same(
            client,
            other,
            subscription,
            [
                ("GET", "/subscriptions/{}", None),
                ("GET", "/subscriptions/{}/changes", None),
                ("GET", "/subscriptions/{}/stream", None),
                ("POST", "/subscriptions/{}/pause", None),
            ],
        )
        await _same(
            client,
            other,
            correction,
            [
                ("GET", "/corrections/{}", None),
                ("POST", "/corrections/{}/closing", {"by": "戊"}),
                ("GET", "/corrections/{}/files/detail", None),
                ("GET", "/journal/inclusion?flow={}", None),
            ],
        )


async def _same(
    client: httpx.AsyncClient, token: dict[str, str], real: str, moves: list[tuple[str, str, Any]]
) -> None:
    """What another department has answers just as what nobody has."""
    nobody = ("0" if real[0] != "0" else "1") + real[1:]
    for method, path, body in moves:
        texts = []
        for name in (real, nobody):
            answer = await client.request(method, path.format(name), json=body, headers=token)
            problem(answer, 404, "api.path")
            texts.append(answer.text.replace(name, ""))
        assert texts[0] == texts[1]


async def _events(stream: httpx.Response) -> Any:
    assert stream.status_code == 200
    found: dict[str, Any] = {}
    async for line in stream.aiter_lines():
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            found[name] = json.loads(value) if name == "data" else value
        elif not line and "data" in found:
            yield found
            found = {}


async def _checkpoint(client: httpx.AsyncClient, token: dict[str, str]) -> dict[str, Any]:
    while True:
        answer = await client.get("/journal/checkpoint", headers=token)
        if answer.status_code == 200 and answer.json()["size"] > 10:
            found: dict[str, Any] = answer.json()
            return found


def _change(node: Node, statement: str) -> None:

    with sqlite3.connect(node.source) as conn:
        conn.execute(statement)

"""What programs may not do: ask too often or too much, come slowly, repeat with another body; and
tokens that are rotated, keys that outlive a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ortoo_node.api import answers
from ortoo_node.api.answers import Answer, Key
from ortoo_node.api.bodies import read_json
from ortoo_node.api.rates import Rates
from ortoo_node.api.uploads import Place
from ortoo_node.folders import Folder
from ortoo_node.interfaces import Http
from ortoo_node.store.tables import api_answers
from ortoo_protocol.core.errors import ApiBody, ApiFile, ApiOutcome, FileName, TokenUnknown
from tests.node import files_kit
from tests.node.api_kit import (
    CODE,
    add_entry,
    bearer,
    open_station,
    problem,
    served,
    serving,
)
from tests.node.kit import FORM
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

WANTED = {"resources": [CODE], "draft": True, **FORM}


def test_a_bucket_fills_evenly() -> None:
    now_s = 0.0
    rates = Rates(per_s=2.0, burst=3, clock=lambda: now_s)
    assert [rates.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take("b") == 0
    now_s = 0.5
    assert (rates.take("a"), rates.take("a")) == (0, 0.5)
    now_s = 1_000.0
    assert [rates.take("a") > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":1,"a":2}',
        b'"\\ud800"',
        b'["\\udc00\\ud800"]',
        b"1e999",
        b"99999999999999999999",
        b"NaN",
        b"\xff",
        b"",
    ],
)
def test_json_that_is_refused(text: bytes) -> None:
    with pytest.raises(ApiBody):
        read_json(text)


def test_json_that_is_taken() -> None:
    assert read_json(b"[" * 32 + b"]" * 32)
    assert read_json(b'["[[[[\\"[[", "\\ud83d\\ude00", 1.5, -1]') == ['[[[["[[', "😀", 1.5, -1]


@pytest.mark.parametrize(
    "name",
    [
        "../x.pdf",
        "a/../x.pdf",
        "/etc/x.pdf",
        "a\\x.pdf",
        ".x.pdf",
        "x.txt",
        "x.pdf.part",
        "a/b/x.pdf",
        "link/x.pdf",
        "",
    ],
)
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    folder = Folder(name="front", path=tmp_path)
    folder.read_path.mkdir()
    (folder.read_path / "link").symlink_to(tmp_path)
    with pytest.raises((FileName, ApiFile)):
        Place(folder, "*/*.pdf" if "link" in name else "*.pdf", name).path()


async def test_depth_size_type_and_headers(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, "request:write", f"push:{CODE}")
        kind = {"content-type": "application/json"}

        async def post(content: bytes, **headers: str) -> Any:
            return await client.post(
                "/requests", content=content, headers={**token, **kind, **headers}
            )

        problem(await post(b"[" * 5_000), 400, "api.body")
        problem(await post(b" " * ((16 << 20) + 1)), 413, "api.too-large")
        problem(await post(b"{}", **{"content-type": "text/plain"}), 415, "api.body-type")
        answer = await post(json.dumps({**WANTED, "until_ms": 1 << 60}).encode())
        assert "until_ms" in problem(answer, 422, "api.field")["title"]
        answer = await post(json.dumps({**WANTED, "other": 1}).encode())
        problem(answer, 422, "api.field")
        deep = b"[" + b"[" * 5_000 + b"]"
        rows = f"/resources/{CODE}/rows"
        problem(await client.post(rows, content=deep, headers={**token, **kind}), 400, "api.body")
        halves = b'[{"upsert":{"id":"1","name":"\\ud800","income":1}}]'
        answer = await client.post(rows, content=halves, headers={**token, **kind})
        problem(answer, 400, "api.body")
        for each in (answer, await client.get("/openapi.json")):
            assert each.headers["x-content-type-options"] == "nosniff"
            assert each.headers["x-frame-options"] == "DENY"
            assert each.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in each.headers["content-security-policy"]
        late = await client.delete("/requests", headers=token)
        problem(late, 405, "api.method")
        assert set(late.headers["allow"].split(", ")) & {"GET", "POST"}


async def test_bodies_that_come_slowly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ortoo_node.api.guard.WAIT_S", 0.2)
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, f"push:{CODE}", "request:write")
        for path in (f"/api/v1/resources/{CODE}/rows", "/api/v1/requests"):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            writer.write(
                f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                f"authorization: {token['authorization']}\r\ncontent-length: 99\r\n\r\n[".encode()
            )
            head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
            assert b" 408 " in head
            writer.close()


async def test_requests_that_never_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ortoo_protocol.console.patience.HEAD_S", 0.3)
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        for begun in (b"", b"GET /api/v1/token HTTP/1.1\r\nhost: x\r\nx-slow: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            writer.write(begun)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
        token = await bearer(node, "grant:read")
        assert (await client.get("/token", headers=token)).status_code == 200


async def test_a_key_outlives_restart_and_rotation(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, "request:read", "request:write")
        keyed = {**token, "idempotency-key": "paper-7"}
        first = await client.post("/requests", json=WANTED, headers=keyed)
        assert first.status_code == 201, first.text
        wrong = {**WANTED, "purpose": "别的"}
        problem(await client.post("/requests", json=wrong, headers=keyed), 422,
                "api.idempotency-key")  # fmt: skip
        bad = {**token, "idempotency-key": "refused-1"}
        nothing = {**WANTED, "resources": ["9/9"]}
        for _ in range(2):  # what was refused did nothing, and its key may be used again
            problem(await client.post("/requests", json=nothing, headers=bad), 404,
                    "catalog.unknown")  # fmt: skip
        name = (await node.call("token.list"))["tokens"][0]["token"]
        made = await node.call("token.rotate", token=name, overlap_hours=1)

    node = open_station(kit)
    async with serving(kit, node) as client:
        new = {"authorization": f"Bearer {made['text']}", "idempotency-key": "paper-7"}
        for header in (keyed, new):
            again = await client.post("/requests", json=WANTED, headers=header)
            assert (again.status_code, again.content) == (201, first.content)
            assert again.headers["idempotency-replayed"] == "true"
            assert again.headers["location"] == first.headers["location"]
        assert len((await client.get("/requests", headers=token)).json()["requests"]) == 1
        kit.offset_ms += 2 * 3_600_000
        problem(await client.get("/requests", headers=token), 401, "api.token")
        assert (await client.get("/requests", headers=new)).status_code == 200
        with pytest.raises(TokenUnknown):
            await node.call("token.rotate", token=name)


async def test_a_station_that_ended_in_the_middle(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    station = node.app.station
    async with serving(kit, node):
        key = Key("ab" * 6, "one", b"digest")
        assert await station.write(lambda tx: answers.begin(tx, key)) is None
        with pytest.raises(ApiOutcome):
            await station.write(lambda tx: answers.begin(tx, key))
        said = Answer(201, '{"姓名":"甲"}'.encode())
        await station.write(lambda tx: answers.keep(tx, key, said))
        assert await station.write(lambda tx: answers.begin(tx, key)) == said
        raw = await station.read(lambda conn: conn.execute(api_answers.select()).first())
        assert raw is not None
        assert "姓名".encode() not in raw.answer
        kit.offset_ms += answers.KEPT_MS + 1_000
        assert await station.write(lambda tx: answers.begin(tx, key)) is None


async def test_a_program_that_asks_too_often_holds_up_no_other(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit, http=Http(port=0, calls_a_minute=1, calls_at_once=2))
    async with serving(kit, node) as client:
        one, two = await bearer(node, "grant:read"), await bearer(node, "grant:read")
        codes = [(await client.get("/token", headers=one)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        answer = await client.get("/token", headers=one)
        problem(answer, 429, "api.rate")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert (await client.get("/token", headers=two)).status_code == 200


async def test_files_are_published_whole(tmp_path: Path) -> None:
    async with (
        files_kit.pair(tmp_path, {"一.pdf": b"one"}) as pair,
        served(pair.provider) as client,
    ):
        own = DEPARTMENTS[files_kit.PROVIDER][0]
        token = await bearer(pair.provider, f"push:{files_kit.CODE}", department=own)
        path = f"/resources/{files_kit.CODE}/file"
        put = await client.put(path, params={"name": "新/二.pdf"}, content=b"two", headers=token)
        assert put.json()["size_bytes"] == 3, put.text
        assert (pair.shared / "新" / "二.pdf").read_bytes() == b"two"
        publication = f"/resources/{files_kit.CODE}/publication"
        done = await client.post(publication, headers=token)
        assert (done.status_code, done.json()["upserts"]) == (200, 1)
        gone = await client.delete(path, params={"name": "一.pdf"}, headers=token)
        assert gone.status_code == 204
        again = await client.delete(path, params={"name": "一.pdf"}, headers=token)
        problem(again, 404, "api.path")
        assert (await client.post(publication, headers=token)).json()["deletes"] == 1
        wrong = await client.put(path, params={"name": "../x"}, content=b"x", headers=token)
        problem(wrong, 422, "file.name")

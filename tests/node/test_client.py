"""The Python client against a real station, in both manners; its examples as programs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from ortoo_node.api.shapes.files import TransferGiven
from ortoo_node.api.shapes.queries import Question
from ortoo_node.api.shapes.requests import RequestGiven
from ortoo_node.client import AsyncClient, Client, Refused, calls
from ortoo_node.client.attempts import Trying
from ortoo_node.interfaces import Http
from tests.node import files_kit, query_kit
from tests.node.api_kit import (
    CODE,
    add_entry,
    bearer,
    open_station,
    served,
    serving,
    subscribe,
)
from tests.node.kit import FORM, fill
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
QUICK = Trying(attempts=8, pause_s=0.05)


def base(client: httpx.AsyncClient) -> str:
    return str(client.base_url).removesuffix("/api/v1/")


def text_of(header: dict[str, str]) -> str:
    return header["authorization"].removeprefix("Bearer ")


async def test_it_asks_lists_and_is_refused(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as http:
        await add_entry(node)
        token = text_of(await bearer(node, "catalog:read", "request:read", "request:write"))

        def work() -> list[str]:
            with Client(base(http), token, language="en", trying=QUICK) as ortoo:
                assert [each.code for each in ortoo.each(calls.search("低保"))] == [CODE]
                assert ortoo.send(calls.entry(CODE)).entry["code"] == CODE
                given = RequestGiven(resources=[CODE], draft=True, **FORM)
                made = ortoo.send(calls.make_request(given), key="mine-1")
                again = ortoo.send(calls.make_request(given), key="mine-1")
                assert made == again
                with pytest.raises(Refused) as refused:
                    ortoo.send(calls.checkpoint())
                assert (refused.value.code, refused.value.status) == ("api.scope", 403)
                for _ in range(3):
                    ortoo.send(calls.make_request(given))
                return [each.case for each in ortoo.each(calls.requests_of("draft"))]

        assert len(await asyncio.to_thread(work)) == 4


async def test_it_waits_when_it_asks_too_often(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit, http=Http(port=0, calls_a_minute=120, calls_at_once=2))
    async with serving(kit, node) as http:
        header = await bearer(node, "catalog:read")
        async with AsyncClient(base(http), text_of(header), trying=QUICK) as ortoo:
            assert all([await ortoo.send(calls.token()) for _ in range(3)])
        answers = [await http.get("/token", headers=header) for _ in range(4)]
        late = next(each for each in answers if each.status_code == 429)
        assert int(late.headers["retry-after"]) >= 1
        assert late.json()["code"] == "api.rate"


async def test_it_downloads_and_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    content = files_kit.noise(3 << 20)
    async with (
        files_kit.pair(tmp_path, {"图/一.bin": content}) as pair,
        served(pair.reader) as http,
    ):
        own = DEPARTMENTS[files_kit.READER][0]
        header = await bearer(pair.reader, "file:*", department=own)
        given = TransferGiven(resource=files_kit.CODE, purpose=files_kit.PURPOSE, name="图/一.bin")
        async with AsyncClient(base(http), text_of(header), trying=QUICK) as ortoo:
            listed = await ortoo.send(calls.files_of(files_kit.CODE, files_kit.PURPOSE))
            while "图/一.bin" not in {each.name for each in listed.files}:
                listed = await ortoo.send(calls.files_of(files_kit.CODE, files_kit.PURPOSE))
            begun = await ortoo.send(calls.begin_transfer(given))
            target = tmp_path / "here.bin"
            # A part that came before: its rest alone is asked for.
            part = target.with_name(f".here.bin.{begun.transfer}.part")
            part.write_bytes(content[: 1 << 20])
            await ortoo.download(begun.transfer, target)
            assert hashlib.sha256(target.read_bytes()).digest() == (
                hashlib.sha256(content).digest()
            )
            path = f"/transfers/{begun.transfer}/content"
            rest = await http.get(path, headers={**header, "range": "bytes=-5"})
            assert (rest.status_code, rest.content) == (206, content[-5:])
            for wrong in ("bytes=9999999-", "bytes=5-1", "lines=1-2", "bytes=0-1,3-4"):
                answer = await http.get(path, headers={**header, "range": wrong})
                assert (answer.status_code, answer.json()["code"]) == (416, "api.range")
            await ortoo.send(calls.remove_transfer(begun.transfer))
            assert (await http.get(path, headers=header)).status_code == 404


async def test_it_reads_an_answer_page_by_page(tmp_path: Path) -> None:
    async with query_kit.pair(tmp_path, 25) as pair:
        grant = await pair.grant(reader_department=DEPARTMENTS[query_kit.READER][0])
        async with served(pair.reader) as http:
            own = DEPARTMENTS[query_kit.READER][0]
            header = await bearer(pair.reader, "query:*", department=own)
            question = Question(
                purpose=query_kit.PURPOSE, handler="查询人", parameters={"least": 5}, page_rows=8
            )
            async with AsyncClient(base(http), text_of(header), trying=QUICK) as ortoo:
                offered = await ortoo.send(calls.queries_of(grant.grant))
                assert [each.code for each in offered.queries] == ["by-income"]
                pages = [page async for page in ortoo.pages(grant.grant, "by-income", question)]
            assert [len(page.rows) for page in pages] == [8, 8, 4]
            other = await bearer(pair.reader, "query:*", department=own)
            gone = f"/readings/{pages[0].reading}/pages"
            assert (await http.post(gone, headers=other)).status_code == 404


async def test_the_examples(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    fill(node.source, 3)
    async with serving(kit, node) as http:
        await add_entry(node)
        token = text_of(await bearer(node, f"push:{CODE}", "pull:*"))
        rows = [{"id": f"{number:05}", "name": "甲", "income": 1} for number in range(5)]
        file = tmp_path / "rows.json"
        file.write_text(json.dumps({"upserts": rows, "deletes": []}))
        assert await _run("publish_rows.py", base(http), token, CODE, str(file)) == 0
        subscription = await subscribe(node, "fetched")
        table = tmp_path / "table.sqlite"
        script = (
            "import asyncio,sys;sys.path.insert(0,sys.argv[1]);import follow_changes as it;"
            "asyncio.run(it.follow(*sys.argv[2:6],rounds=1))"
        )
        arguments = (str(EXAMPLES), base(http), token, subscription, str(table))
        while len(_kept(table)) != 5:
            assert await _python("-c", script, *arguments) == 0
        file.write_text(json.dumps({"upserts": [], "deletes": [{"id": "00004"}]}))
        assert await _run("publish_rows.py", base(http), token, CODE, str(file)) == 0
        while len(_kept(table)) != 4:
            assert await _python("-c", script, *arguments) == 0
        file.write_text(json.dumps({"upserts": [{"id": "x" * 99}], "deletes": []}))
        assert await _run("publish_rows.py", base(http), token, CODE, str(file)) == 1


async def _run(name: str, *arguments: str) -> int:
    return await _python(str(EXAMPLES / name), *arguments)


async def _python(*arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    return await process.wait()


def _kept(table: Path) -> list[Any]:
    if not table.exists():
        return []
    with sqlite3.connect(table) as conn:
        return conn.execute("SELECT key FROM people").fetchall()

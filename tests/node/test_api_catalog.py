"""The catalog over HTTP: found in pages, shown with ETags; drafts that two writers change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from ortoo_node.api.shapes import catalog as shapes
from tests.node.api_kit import (
    CODE,
    OWN,
    PARTY,
    add_entry,
    bearer,
    foreign_bearer,
    open_station,
    problem,
    serving,
)
from tests.node.kit import entry
from tests.support.stations import Kit

READ, WRITE = "catalog:read", "catalog:write"
DRAFTS = "/catalog/drafts"


def draft_entry(name: str = "低保对象名单", **more: Any) -> dict[str, Any]:
    made = entry(PARTY, "307001", **more)
    names = ("compiled_by", "secrecy_checked_by", "approved_by", "feed", "department")
    return {**{key: value for key, value in made.items() if key not in names}, "name": name}


async def test_search_goes_on_by_its_link(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        for number in range(1, 6):
            made = entry(PARTY, f"3070101/000{number}", feed=f"{PARTY}.dibao{number}")
            await node.call("catalog.add", entry=made)
        token = await bearer(node, READ)
        codes: list[str] = []
        path: str | None = "/catalog/entries?text=低保&limit=2"
        while path is not None:
            answer = await client.get(path, headers=token)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert page["total"] == 5
            codes += [each["code"] for each in page["entries"]]
            following = answer.links.get("next")
            assert (following is None) == (page["next"] is None)
            path = None if following is None else str(answer.url.join(following["url"]))
        assert sorted(codes) == [f"3070101/000{number}" for number in range(1, 6)]
        wrong = await client.get("/catalog/entries", params={"cursor": "x"}, headers=token)
        problem(wrong, 400, "api.query")
        wrong = await client.get("/catalog/entries", params={"freshness": "x"}, headers=token)
        problem(wrong, 400, "catalog.query")
        assert set(page["entries"][0]) == set(shapes.EntryFound.__dataclass_fields__)


async def test_what_is_known_is_not_sent_again(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, READ)
        path = f"/catalog/entries/{CODE}"
        first = await client.get(path, headers=token)
        assert first.json()["entry"]["code"] == CODE
        known = {**token, "if-none-match": first.headers["etag"]}
        again = await client.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
        await add_entry(node, abstract="改了")
        assert (await client.get(path, headers=known)).status_code == 200
        problem(await client.get("/catalog/entries/9/9", headers=token), 404, "catalog.unknown")
        page = (await client.get("/catalog.jsonld", headers=token)).json()
        assert page["@graph"]


async def test_two_writers_of_one_draft(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        token = await bearer(node, READ, WRITE)
        made = await client.post(DRAFTS, json={"entry": draft_entry(), "by": "甲"}, headers=token)
        assert made.status_code == 201, made.text
        path = made.headers["location"].removeprefix("/api/v1")
        read = await client.get(path, headers=token)
        assert read.headers["etag"] == made.headers["etag"]
        assert read.json()["draft"]["department"] == OWN

        def change(text: str) -> Any:
            body = {"entry": draft_entry(abstract=text), "by": "乙"}
            match = {**token, "if-match": read.headers["etag"]}
            return client.put(path, json=body, headers=match)

        both: list[httpx.Response] = await asyncio.gather(change("一"), change("二"))
        assert sorted(each.status_code for each in both) == [200, 412]
        lost = next(each for each in both if each.status_code == 412)
        problem(lost, 412, "api.match")
        won = next(each for each in both if each.status_code == 200)
        now = await client.get(path, headers=token)
        assert now.headers["etag"] == won.headers["etag"]
        assert now.json()["entry"]["abstract"] in ("一", "二")

        body = {"entry": draft_entry(), "by": "乙"}
        problem(await client.put(path, json=body, headers=token), 428, "api.match-lacking")
        problem(await client.post(DRAFTS, json=body, headers=token), 412, "api.match")
        listed = (await client.get(DRAFTS, headers=token)).json()["drafts"]
        assert [each["draft"] for each in listed] == [path.rpartition("/")[2]]


async def test_drafts_of_another_department(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        await add_entry(node)
        token = await bearer(node, READ, WRITE)
        body = {"entry": draft_entry("另一份"), "by": "甲"}
        made = await client.post(DRAFTS, json=body, headers=token)
        path = made.headers["location"].removeprefix("/api/v1")
        other = await foreign_bearer(node, READ, WRITE)
        assert (await client.get(DRAFTS, headers=other)).json()["drafts"] == []
        problem(await client.get(path, headers=other), 404, "api.path")
        match = {**other, "if-match": made.headers["etag"]}
        problem(await client.put(path, json=body, headers=match), 404, "api.path")
        # Neither by the code of what it has published, nor in its name.
        theirs = {"entry": {**draft_entry(), "code": CODE}, "by": "丙"}
        answer = await client.post(DRAFTS, json=theirs, headers=other)
        assert answer.status_code in (403, 422), answer.text
        named = {"entry": {**draft_entry(), "department": OWN}, "by": "丙"}
        problem(await client.post(DRAFTS, json=named, headers=other), 422, "api.field")
        assert (await client.get(path, headers=token)).headers["etag"] == made.headers["etag"]


async def test_an_entry_is_checked_without_being_kept(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_station(kit)
    async with serving(kit, node) as client:
        token = await bearer(node, READ)
        wrong = {"entry": {"name": "x", "share_type": 3}}
        found = (await client.post("/catalog/checks", json=wrong, headers=token)).json()
        assert found["problems"]
        assert (await client.get(DRAFTS, headers=token)).json()["drafts"] == []

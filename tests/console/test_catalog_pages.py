"""The pages of the catalog: found, read, and what stands in entries shown as text alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ortoo_protocol.core.accounts.roles import Role
from tests.console.kit import Front, front
from tests.node.kit import entry, open_node, running
from tests.support.stations import Kit

PARTY = "s150700"
CODE = "307001150700/000001"
HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'{{7*7}}"
TEXTS = (
    *("name", "office", "abstract", "format_type", "share_condition", "basis", "open_condition"),
    *("name_en", "source_system", "format_other", "replaces_paper"),
    "project",
)


@asynccontextmanager
async def at_work(folder: Path) -> AsyncIterator[Front]:
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node), front(node) as made:
        yield made


async def add(made: Front, number: int, **more: Any) -> str:
    code = f"307001150700/{number:06}"
    given = entry(PARTY, code, **{"feed": f"{PARTY}.f{number}", **more})
    await made.node.call("catalog.add", entry=given)
    return code


async def test_words_filters_facets_and_pages(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await made.person("wang", "王芳", Role.SUBSCRIBER)
        for number in range(1, 53):
            await add(made, number, name=f"名单{number}", cycle="每月" if number > 51 else "每日")
        async with made.visitor("wang") as visitor:
            page = await visitor.get("/catalog")
            assert page.count("/catalog/entries/") == 50
            assert "52" in page
            assert 'href="/catalog?page=2"' in page
            assert "/catalog?cycle=%E6%AF%8F%E6%9C%88" in page, "a facet narrows the search"
            assert (await visitor.get("/catalog?page=2")).count("/catalog/entries/") == 2
            page = await visitor.get("/catalog?q=名单7&cycle=每日")
            assert f"/catalog/entries/{CODE[:-1]}7" in page
            assert 'href="/catalog?q=%E5%90%8D%E5%8D%957"' in page, "the filter can be taken away"
            assert (await visitor.get("/catalog?cycle=每月")).count("/catalog/entries/") == 1
            assert "找不到" in await visitor.get("/catalog?q=没有的")
            await visitor.get("/catalog?freshness=nonsense", 422)
            await visitor.get("/catalog?page=0", 422)


async def test_an_entry_whole_and_the_way_to_apply_for_it(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await made.person("wang", "王芳", Role.SUBSCRIBER)
        await add(made, 1, share_type=2, basis="《社会救助暂行办法》", office="社会救助科")
        async with made.visitor("wang") as visitor:
            page = await visitor.get(f"/catalog/entries/{CODE}")
            for text in ("社会救助科", "有条件共享", "月收入", "甲", "乙", "丙", f"{PARTY}.f1"):
                assert text in page, text
            (apply,) = re.findall(r'href="(/act/request.apply[^"]*)"', page)
            assert CODE in await visitor.get(apply)
            await visitor.get("/catalog/entries/307001150700/999999", 404)


async def test_what_stands_in_an_entry_is_text_and_nothing_else(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await made.person("wang", "王芳", Role.SUBSCRIBER)
        items = [
            {
                **dict.fromkeys(("name", "name_en", "remark", "share_condition"), HOSTILE),
                "column": "id",
                "length": 1,
                "key": True,
            }
        ]
        texts = dict.fromkeys(TEXTS, HOSTILE)
        lists = {"purposes": [HOSTILE], "related_classes": [HOSTILE]}
        code = await add(made, 1, **{**texts, **lists, "items": items})
        async with made.visitor("wang") as visitor:
            for path in ("/catalog", f"/catalog/entries/{code}", f"/catalog?q={HOSTILE}"):
                page = await visitor.get(path)
                assert "<script>alert" not in page
                assert "<img" not in page
                assert "'49" not in page
            assert "&lt;script&gt;alert(1)" in visitor.pages[-2]
            page = await visitor.get("/catalog", 200)
            for name in ("department", "theme", "league", "mode", "cycle", "share"):
                answer = await visitor.client.get("/catalog", params={name: HOSTILE})
                assert answer.status_code == 200
                assert "<script>alert" not in answer.text
                assert "<img" not in answer.text

"""The pages of the catalog: found, read, and what stands in entries shown as text alone."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from ortoo_node.catalog.sheets import apart
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.catalog.claims import Conflict
from ortoo_protocol.core.errors import SheetError
from ortoo_protocol.station import inbox
from tests.console.kit import PASSWORD, Front, Visitor, front
from tests.node.kit import entry, open_node, running
from tests.node.sheet_kit import ITEM, RESOURCE, book, row
from tests.support.bodies import body_of
from tests.support.letters import make_letter
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, HUB

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


DEPARTMENT = DEPARTMENTS[PARTY][0]
FORM = {
    "do": "save",
    "revision": "0",
    "name": "低保家庭信息",
    "code": "307001",
    "department": DEPARTMENT,
    "abstract": "城乡低保家庭",
    "format_class": "3",
    "share_type": "1",
    "cycle": "每月",
    "modes": ["系统对接", "批量下载"],
    "item-0-name": "家庭编号",
    "item-0-column": "id",
    "item-0-type": "C",
    "item-0-length": "18",
    "item-0-key": "1",
    "item-3-name": "月收入",
    "item-3-column": "income",
    "item-3-type": "I",
}
PEOPLE = (
    ("jia", "甲", (Role.COMPILER, Role.APPROVER)),
    ("yi", "乙", (Role.APPROVER,)),
    ("bing", "丙", (Role.SECRECY_REVIEWER,)),
    ("ding", "丁", (Role.APPROVER,)),
)


async def people(made: Front) -> None:
    for account, person, roles in PEOPLE:
        await made.person(account, person, *roles)


async def test_an_entry_from_the_form_through_its_steps(tmp_path: Path) -> None:
    """Who compiled does not approve: what the step refuses is shown where it was asked for."""
    async with at_work(tmp_path) as made:
        await people(made)
        async with made.visitor("jia") as compiler:
            await compiler.get("/catalog/edit")
            page = (await compiler.post("/catalog/edit", 200, **{**FORM, "do": "add"})).text
            assert page.count("-column") == 7, "two rows that are written, five that are new"
            page = (await compiler.post("/catalog/edit", 200, **{**FORM, "do": "remove-0"})).text
            assert "家庭编号" not in page
            assert "月收入" in page
            checked = await compiler.post("/catalog/edit", 200, **{**FORM, "do": "check"})
            assert "没有需要修改的地方" in checked.text
            saved = await compiler.post("/catalog/edit", **FORM)
            path = saved.headers["location"]
            draft = path.rpartition("/")[2]
            assert "系统对接" in await compiler.get(path)
            entry = (await made.node.call("catalog.draft.show", draft=draft))["entry"]
            assert [each["column"] for each in entry["items"]] == ["id", "income"]
            assert entry["items"][0]["key"] is True
            await compiler.get(f"/act/catalog.step.review?draft={draft}")
            refused = await compiler.post("/act/catalog.step.review", 422, draft=draft, why="")
            assert "catalog.duties" in refused.text
        for account, act in (
            ("yi", "review"), ("bing", "check"), ("ding", "file"), ("ding", "publish"),
        ):  # fmt: skip
            async with made.visitor(account) as visitor:
                page = await visitor.get(path)
                assert f"/act/catalog.step.{act}?" in page
                await visitor.get(f"/act/catalog.step.{act}?draft={draft}")
                done = await visitor.post(f"/act/catalog.step.{act}", draft=draft, why="")
                assert done.headers["location"].startswith(path)
        async with made.visitor("jia") as compiler:
            assert "低保家庭信息" in await compiler.get(f"/catalog/entries/{CODE}")
            await compiler.get(f"/act/catalog.step.revise?draft={CODE}")
            await compiler.post("/act/catalog.step.revise", draft=CODE, why="")
            page = await compiler.get(f"/catalog/drafts/{CODE}")
            assert "编目中" in page
            assert "/catalog/edit/" in page


async def test_steps_of_many_drafts_at_once(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        drafts = []
        for name in ("一", "二"):
            given = {"name": name, "code": "307001", "department": DEPARTMENT, "abstract": "某"}
            items = [{"name": "编号", "name_en": "id", "length": 3}] if name == "一" else []
            entry = {**given, "items": items}
            saved = await made.node.call("catalog.draft.save", entry=entry, by="甲")
            drafts.append(saved["draft"]["draft"])
        async with made.visitor("yi") as visitor:
            page = await visitor.get("/catalog/drafts")
            assert page.count('type="checkbox"') == 2
            assert 'formaction="/act/catalog.step.many.review"' in page
            await visitor.get(f"/act/catalog.step.many.review?drafts={drafts[0]}")
            answer = await visitor.post("/act/catalog.step.many.review", 200, drafts=drafts)
            assert drafts[0] in answer.text
            assert "catalog." in answer.text
        (left,) = (await made.node.call("catalog.draft.list", states=["drafting"]))["drafts"]
        assert left["name"] == "二"


async def test_a_draft_that_somebody_else_saved_meanwhile_is_not_overwritten(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        async with made.visitor("jia") as first:
            await first.get("/catalog/edit")
            path = (await first.post("/catalog/edit", **FORM)).headers["location"]
            draft = path.rpartition("/")[2]
            edit = f"/catalog/edit/{draft}"
            await first.get(edit)
            await first.post(edit, **{**FORM, "revision": "1", "office": "一科"})
            await first.get(edit)
            again = await first.post(edit, 422, **{**FORM, "revision": "1", "office": "二科"})
            assert "二科" in again.text, "what was typed stands there still"
            entry = (await made.node.call("catalog.draft.show", draft=draft))["entry"]
            assert entry["office"] == "一科"


async def test_only_compilers_write_drafts(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        async with made.visitor("yi") as visitor:
            assert "/catalog/edit" not in await visitor.get("/catalog/drafts")
            await visitor.get("/catalog/edit", 403)
            await visitor.post("/catalog/edit", 403, **FORM)
        async with made.visitor("jia") as visitor:
            await visitor.get("/catalog/edit")
            refused = await visitor.post("/catalog/edit", 409, **{**FORM, "csrf": "guessed"})
            assert "低保家庭信息" in refused.text
        assert (await made.node.call("catalog.draft.list"))["drafts"] == []


async def test_a_session_that_ends_over_the_form_keeps_every_row(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        async with made.visitor("jia") as visitor:
            await visitor.get("/catalog/edit")
            form = visitor.pages[-1]
            await visitor.post("/sign-out")
            visitor.pages.append(form)
            asked = (await visitor.post("/catalog/edit", 401, **FORM)).text
            carried = dict(re.findall(r'name="(carried\.[^"]+)" value="([^"]*)"', asked))
            assert carried["carried.item-3-name"] == "月收入"
            again = await visitor.post(
                "/sign-in", 200, name="jia", password=PASSWORD, next="/catalog/edit", **carried
            )
            assert 'value="月收入"' in again.text
            assert 'value="低保家庭信息"' in again.text


async def test_hostile_texts_in_drafts(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        async with made.visitor("jia") as visitor:
            await visitor.get("/catalog/edit")
            bad = {name: HOSTILE for name in ("name", "office", "abstract", "basis", "project")}
            rows = {f"item-0-{name}": HOSTILE for name in ("name", "share_condition", "remark")}
            rest = {"item-0-rest": f'{{"name_en": "{HOSTILE[:20]}"}}'}
            saved = await visitor.post("/catalog/edit", **{**FORM, **bad, **rows, **rest})
            path = saved.headers["location"]
            edit = path.replace("drafts", "edit")
            for each in (path, edit, "/catalog/drafts"):
                page = await visitor.get(each)
                assert "<script>alert" not in page
                assert "<img" not in page
                assert "&lt;script&gt;" in page
            wrong = {"item-0-length": HOSTILE, "item-0-rest": "no JSON", "revision": "1"}
            await visitor.post(edit, 422, **{**FORM, **wrong})
            assert "<script>alert" not in visitor.pages[-1]


READING_S = 60.0  # files are read in a process of their own


async def bring(visitor: Visitor, content: bytes, name: str = "目录.xlsx") -> httpx.Response:
    """Upload a file as a browser does."""
    page = await visitor.get("/catalog/files")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page)[-1]
    return await visitor.client.post(
        "/catalog/import",
        data={"csrf": csrf},
        files={"file": (name, content)},
        headers={"sec-fetch-site": "same-origin"},
    )


async def test_a_workbook_with_problems_comes_back_marked_and_saves_nothing(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        wrong = book(row(RESOURCE, ITEM, **{"数据长度": "很长", "信息资源名称": HOSTILE}))
        async with made.visitor("jia", timeout=READING_S) as visitor:
            answer = await bring(visitor, wrong, name="../../<b>目录.xlsx")
            assert answer.status_code == 303, answer.text
            path = answer.headers["location"]
            page = await visitor.get(path)
            assert "U2" in page
            assert "数据长度" in page
            assert "<script>alert" not in page
            assert "<b>" not in page
            found = await visitor.client.get(f"{path}/download")
            assert found.status_code == 200
            marked = openpyxl.load_workbook(io.BytesIO(found.content))
            assert marked.worksheets[1]["U2"].comment is not None
            await visitor.post(path, 422, why="")
        async with made.visitor("yi") as other:
            await other.get(path, 403)
            await other.get(f"{path}/download", 403)
        await made.person("geng", "庚", Role.COMPILER)
        async with made.visitor("geng") as other:
            answer = await other.client.get(f"{path}/download")
            assert answer.status_code == 422, "somebody else's file"
        assert (await made.node.call("catalog.draft.list"))["drafts"] == []


async def test_a_workbook_without_problems_becomes_drafts(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        given = {**RESOURCE, "信息资源提供方代码": DEPARTMENT}
        async with made.visitor("jia", timeout=READING_S) as visitor:
            path = (await bring(visitor, book(row(given, ITEM)))).headers["location"]
            page = await visitor.get(path)
            assert "没有问题" in page, page
            done = await visitor.post(path, why="初次编目")
            assert "婚姻登记信息" in await visitor.get(done.headers["location"])
            await visitor.get(path, 422)
            assert (await bring(visitor, b"PK\x03\x04 no workbook")).status_code == 422
        (draft,) = (await made.node.call("catalog.draft.list"))["drafts"]
        assert draft["compiled_by"] == "甲"


FORMULAS = ("=1+1", "+1", "-1", "@SUM(1)", '=HYPERLINK("http://x","y")')


async def test_no_export_holds_a_formula(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        for number, text in enumerate(FORMULAS, 1):
            await add(made, number, name=text, abstract=text, office=text)
        async with made.visitor("yi", timeout=READING_S) as visitor:
            assert "/catalog/export" in await visitor.get("/catalog/files")
            sheet = (await visitor.client.get("/catalog/export?form=csv")).content
            cells = [c for line in csv.reader(io.StringIO(sheet.decode("utf-8-sig"))) for c in line]
            assert "'=1+1" in cells
            assert not [each for each in cells if each.startswith(("=", "+", "-", "@"))]
            answer = await visitor.client.get("/catalog/export?form=xlsx&mine=true")
            assert "attachment" in answer.headers["content-disposition"]
            made_book = openpyxl.load_workbook(io.BytesIO(answer.content))
            kinds = {
                cell.data_type
                for one in made_book.worksheets[0].iter_rows(min_row=4)
                for cell in one
                if str(cell.value).startswith(("=", "+", "-", "@"))
            }
            assert kinds == {"s"}
            for form in ("json", "dcat"):
                answer = await visitor.client.get(f"/catalog/export?form={form}")
                assert "=1+1" in json.dumps(answer.json(), ensure_ascii=False)
            answer = await visitor.client.get("/catalog/export/template")
            assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames[0]


async def test_lists_changes_and_drift(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        await people(made)
        await add(made, 1, share_type=3, name="不予共享的", basis="《统计法》第九条")
        async with made.visitor("yi") as visitor:
            assert CODE in await visitor.get("/catalog/lists/negative"), "on no list yet"
            await visitor.get("/act/catalog.lists.put?list=demand")
            given = {"list": "demand", "department": DEPARTMENT, "purpose": HOSTILE, "contact": "x"}
            texts = {"title": HOSTILE, "basis": HOSTILE, "compiled_by": "甲"}
            done = await visitor.post(
                "/act/catalog.lists.put", **given, **texts, secrecy_checked_by="丙"
            )
            page = await visitor.get(done.headers["location"])
            assert "XQ-150700-000001" in page
            (settle,) = re.findall(r'href="(/act/catalog.lists.settle[^"]*)"', page)
            await visitor.get(settle.replace("&amp;", "&"))
            row_ = {"list": "demand", "number": "XQ-150700-000001", "status": "closed"}
            why = {"answer": HOSTILE, "by": "甲", "checker": "丙"}
            token = re.findall(r'name="csrf" value="([^"]+)"', visitor.pages[-1])[-1]
            done = await visitor.client.post(
                "/act/catalog.lists.settle",
                data={**row_, **why, "csrf": token},
                headers={"sec-fetch-site": "same-origin"},
            )
            assert done.status_code == 303
            for name in ("demand", "duty", "negative"):
                page = await visitor.get(f"/catalog/lists/{name}?q={HOSTILE[:8]}")
                assert "<script>alert" not in page
                assert "<img" not in page
            await visitor.get("/catalog/lists/nonsense", 422)
        async with made.visitor("jia") as visitor:
            await visitor.get("/act/catalog.change.record")
            typed = {"department": DEPARTMENT, "what": HOSTILE, "codes": CODE}
            await visitor.post("/act/catalog.change.record", **typed, since_ms="2026-01-05")
            page = await visitor.get("/catalog/changes")
            assert CODE in page
            assert "2026-01-05" in page
            assert "<script>alert" not in page
            assert "&lt;script&gt;" in page
            for path in ("/catalog/conflicts", "/catalog/refusals", "/catalog/drift"):
                assert "nothing" in await visitor.get(path)


async def test_a_conflict_is_told(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node), front(node) as made:
        await people(made)
        letter = body_of(Conflict)
        raw = make_letter(kit, HUB, PARTY, letter)
        await node.app.station.write(lambda tx: inbox.accept(tx, raw))
        async with made.visitor("yi") as visitor:
            page = await visitor.get("/catalog/conflicts")
            assert letter.other in page
            assert await visitor.get("/catalog/conflicts?page=2")
            assert letter.other not in visitor.pages[-1]


async def test_a_process_that_dies_over_a_file_is_told_as_the_files_fault() -> None:
    with pytest.raises(SheetError):
        await apart.in_a_process(partial(os._exit, 3), "x.xlsx")

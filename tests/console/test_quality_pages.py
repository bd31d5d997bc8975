"""Data quality at a station: rules, reports, rows set aside, rectification tasks; and what a grant
offers to whom."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from ortoo_node.console.actions.quality import read, written
from ortoo_node.store.tables import rejects
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.errors import QualityRule
from ortoo_protocol.station.context import Tx
from tests.console.kit import Front, Visitor, front
from tests.console.test_law_pages import HOSTILE, SCRIPT, acted, desk, safe
from tests.node.kit import Node, entry, open_node, running
from tests.support.stations import Kit

PARTY, CODE = "s150700", "3070101/0001"
ITEMS = [
    {"name": "编号", "column": "id", "type": "C", "length": 60, "key": True},
    {"name": "姓名", "column": "name", "type": "C", "length": 50},
]
REQUIRED = '[[rules]]\ncolumn = "name"\ncheck = "required"\n'
TRICKY = "\\\"'\t\n\x7f<é>内𐀀"


@asynccontextmanager
async def department(folder: Path) -> AsyncIterator[tuple[Node, Front]]:
    """A table of which one row has a name, one has none, and one has none and a hostile key."""
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False)
    with sqlite3.connect(node.source) as conn:
        conn.execute("CREATE TABLE people (id TEXT, name TEXT)")
        rows = [("1", "乌云其木格"), ("2", None), (HOSTILE, None)]
        conn.executemany("INSERT INTO people VALUES (?, ?)", rows)
    async with running(kit, node), front(node) as made:
        await made.person("wang", "王芳", Role.APPROVER, Role.SYSTEM_ADMIN)
        await made.person("li", "李强", Role.COMPILER)
        await node.call("catalog.add", entry=entry(PARTY, CODE, items=ITEMS))
        yield node, made


async def publish(node: Node) -> None:
    await node.call("publish", resource=CODE, source="business", table="people")


async def put(visitor: Visitor, status: int = 303, rules: str = REQUIRED) -> str:
    await visitor.get("/act/quality.put")
    answer = await visitor.post("/act/quality.put", status, resource=CODE, rules=rules)
    return await visitor.get(answer.headers["location"]) if status == 303 else answer.text


async def test_rules_are_typed_put_in_force_and_typed_again(tmp_path: Path) -> None:
    async with department(tmp_path) as (node, made), made.visitor("wang") as visitor:
        assert "尚未发布数据" in await visitor.get("/quality")
        assert "第 1 版" in await put(visitor)
        assert f'href="/quality/resources/{CODE}"' in await visitor.get("/quality")
        form = await visitor.get(f"/quality/rules/{CODE}")
        assert "check = &#34;required&#34;" in form, "what is in force stands in the form"
        refused = await put(visitor, 422, REQUIRED.replace('"name"', f"'{SCRIPT}'"))
        assert "quality.rule" in safe(refused)
        assert "&lt;script&gt;alert(1)" in refused, "what was typed stands there again"
        assert "quality.rule" in await put(visitor, 422, "[[rules")
        shown = await node.call("quality.show", resource=CODE)
        assert (shown["version"], shown["versions"][0]["by"]) == (1, "王芳")
        await visitor.get("/quality/resources/9/404", 404)
        await visitor.get("/quality/rules/9/404", 404)


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [{"column": "a", "check": "codes", "codes": ["1", TRICKY], "tolerance_percent": 0.00001}],
        [{"column": "a", "check": "range", "min": 0, "max": "today"}, {"column": TRICKY}],
    ],
)
def test_rules_that_were_written_are_read_as_they_were(rules: list[dict[str, Any]]) -> None:
    shown = {"resource": CODE, "version": 3, "personal": ["a", TRICKY], "rules": rules}
    params = {"resource": CODE, "rules": written(shown), "by": "王芳"}
    given = {"resource": CODE, "personal": ["a", TRICKY], "rules": rules}
    assert read(params) == {"given": given, "by": "王芳"}


def test_rules_of_another_resource_are_refused() -> None:
    with pytest.raises(QualityRule):
        read({"resource": CODE, "rules": 'resource = "other"', "by": "王芳"})


async def test_rejected_rows_are_shown_with_their_reason_and_harmless(tmp_path: Path) -> None:
    async with department(tmp_path) as (node, made), made.visitor("wang") as visitor:
        await put(visitor)
        await publish(node)
        link = f"/quality/rejects/{CODE}"
        assert f'<a href="{link}">2</a>' in await visitor.get("/publications")
        assert f'<a href="{link}">2</a>' in await visitor.get("/quality")
        page = safe(await visitor.get(link))
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<code>2</code>" in page
        assert "乌云其木格" not in page
        (total,) = (await node.call("reject.list", resource=CODE))["totals"]
        assert page.count("<code>name</code>") == 1 + total["total"]
        with sqlite3.connect(node.source) as conn:
            conn.execute("UPDATE people SET name = '有名'")
        await publish(node)
        assert "没有剔除的记录" in await visitor.get(link)
        assert link not in await visitor.get("/publications")


async def test_many_rejected_rows_stand_on_pages(tmp_path: Path) -> None:
    async with department(tmp_path) as (node, made), made.visitor("wang") as visitor:
        await put(visitor)
        await publish(node)

        def more(tx: Tx) -> None:
            known = dict(tx.conn.execute(select(rejects).limit(1)).one()._mapping)
            del known["number"]
            rows = [{**known, "key": f"k{n}", "mark": f"m{n}"} for n in range(998)]
            tx.conn.execute(insert(rejects), rows)

        await node.app.station.write(more)
        seen: set[str] = set()
        for number in (1, 2, 20):
            page = safe(await visitor.get(f"/quality/rejects/{CODE}?page={number}"))
            here = set(re.findall(r"<code>(k\d+)</code>", page))
            assert len(here) == (48 if number == 20 else 50)
            assert not here & seen
            seen |= here
        assert "page=21" not in page
        assert "page=19" in page


async def test_a_check_reports_and_its_task_is_answered_and_closed(tmp_path: Path) -> None:
    async with (
        department(tmp_path) as (node, made),
        made.visitor("wang") as visitor,
        made.visitor("li") as clerk,
    ):
        await put(visitor)
        await publish(node)
        assert "尚未核查" in await visitor.get(f"/quality/resources/{CODE}")
        await visitor.get(f"/act/quality.check?resource={CODE}")
        done = await visitor.post("/act/quality.check", resource=CODE)
        page = await visitor.get(done.headers["location"])
        report = (await node.call("quality.report", resource=CODE))["report"]
        assert f"{report['score_permille'] / 10:.1f}" in page
        assert "不合格" in page
        await visitor.get(f"/act/quality.schedule?resource={CODE}")
        done = await visitor.post("/act/quality.schedule", resource=CODE, cycle="weekly")
        assert "每周" in await visitor.get(done.headers["location"])

        (one,) = (await node.call("task.list", limit=1))["tasks"]
        task = one["task"]
        assert f'href="/quality/tasks/{task}"' in await clerk.get("/quality/tasks")
        page = await clerk.get(f"/quality/tasks/{task}")
        assert "待整改" in page
        assert "质量核查" in page
        assert page.count("<meter") == 1
        assert "/act/task.close" not in page, "that is the approver's"
        await clerk.get(f"/act/task.answer?task={task}")
        await clerk.post("/act/task.answer", task=task, reason=HOSTILE)
        page = safe(await clerk.get(f"/quality/tasks/{task}"))
        assert "已答复" in page
        assert "&lt;script&gt;alert(1)" in page
        await clerk.get("/act/task.close", 403)
        await visitor.get(f"/act/task.close?task={task}")
        await visitor.post("/act/task.close", task=task, reason="确有其事")
        page = await visitor.get(f"/quality/tasks/{task}")
        assert "/act/task." not in page, "nothing is left to do"
        assert task not in await visitor.get("/quality/tasks")
        assert task in await visitor.get("/quality/tasks?settled=1")
        assert task not in await visitor.get("/quality/tasks?settled=1&page=2")
        refused = await visitor.post("/act/task.close", 422, task=task, reason="again")
        assert "task.move" in refused.text
        await visitor.get("/quality/tasks/none", 404)


async def test_a_grant_offers_what_fits_its_state_and_side(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        grant = await at.granted()

        async def offered(who: Visitor = visitor) -> set[str]:
            return set(re.findall(r"/act/grant\.(\w+)", await who.get(f"/grants/{grant}")))

        assert await offered() == {"announce", "suspend", "end"}
        await acted(visitor, "grant.announce", grant=grant, reason="停", at_ms="2099-01-01")
        assert await offered() == {"keep", "suspend", "end"}
        async with at.front.visitor("li") as reader:
            assert await offered(reader) == {"answer"}
            await acted(visitor, "grant.keep", grant=grant, reason="续")
            assert await offered(reader) == set()
            more = {"reason": "误用", "evidence": "日志", "days": "5"}
            await acted(visitor, "grant.suspend", grant=grant, **more)
            assert await offered() == {"announce", "resume", "end"}
            assert await offered(reader) == {"rectified"}
            await acted(reader, "grant.rectified", grant=grant, report="已改")
            assert await offered() == {"announce", "reject", "resume", "end"}
            await acted(visitor, "grant.reject", grant=grant, reason="不够", days="5")
            assert await offered() == {"announce", "resume", "terminate", "end"}
        await acted(visitor, "grant.resume", grant=grant, reason="已改")
        await acted(visitor, "grant.end", grant=grant, reason="完")
        assert await offered() == set()

"""Two departments of one station share through it: same steps, same journal, no broker."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ortoo_protocol.core.errors import CaseReason, GrantScope
from tests.node.kit import FORM, PEOPLE, entry, fill, open_node, running
from tests.support.hubs import until_true
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]


async def test_refused_then_granted_for_named_items_then_followed(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 100)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        published = await node.call("publish", resource=CODE, source="business", table="people")
        assert published["upserts"] == 100
        case = (await node.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
        with pytest.raises(CaseReason):
            await node.call("request.refuse", case=case, reason=" ", **PEOPLE)
        await node.call("request.refuse", case=case, reason="用途不明确", **PEOPLE)
        shown = await node.call("request.show", case=case)
        assert shown["case"]["state"] == "refused"
        assert shown["case"]["reason"] == "用途不明确"

        case = (await node.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
        with pytest.raises(GrantScope):
            await node.call("request.grant", case=case, items=["name"], **PEOPLE)
        granted = await node.call("request.grant", case=case, items=["id", "name"], **PEOPLE)
        await node.call(
            "subscribe",
            resource=CODE,
            department=OWN,
            sink="shared",
            table="dibao",
            purpose=FORM["purpose"],
        )
        await until(lambda: len(node.rows("dibao")) == 100)
        assert node.rows("dibao")[0] == ("00000", "人0")

        with sqlite3.connect(node.source) as conn:
            conn.execute("UPDATE people SET name = '改名' WHERE id = '00007'")
            conn.execute("UPDATE people SET income = 9999 WHERE id = '00008'")
            conn.execute("DELETE FROM people WHERE id = '00009'")
        again = await node.call("publish", resource=CODE)
        assert (again["upserts"], again["deletes"]) == (2, 1)
        await until(lambda: len(node.rows("dibao")) == 99)
        assert ("00007", "改名") in node.rows("dibao")

        ended = await node.call("grant.end", grant=granted["grant"], reason="需求已满足", by="丁")
        assert ended["filing"]
        verified = await node.call("journal.verify")
        assert verified["size"] > 10


async def test_suspended_and_resumed_inside_one_station(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 5)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        await node.call("publish", resource=CODE, source="business", table="people")
        case = (await node.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
        grant = (await node.call("request.grant", case=case, items=[], **PEOPLE))["grant"]
        purpose = FORM["purpose"]
        await node.call(
            "subscribe", resource=CODE, department=OWN, sink="shared", table="t", purpose=purpose
        )
        await until(lambda: len(node.rows("t")) == 5)
        why = {"reason": "用于其他目的", "evidence": "日志", "days": 3, "by": "丁"}
        await node.call("grant.suspend", grant=grant, **why)

        async def state() -> str:
            return str((await node.call("subscription.list"))["subscriptions"][0]["state"])

        await until_true(state_is(state, "suspended"))
        with sqlite3.connect(node.source) as conn:
            conn.execute("UPDATE people SET income = 9")
        await node.call("publish", resource=CODE)
        assert {row[2] for row in node.rows("t")} != {9}
        await node.call("grant.rectified", grant=grant, report="已改", by="乙")
        await node.call("grant.resume", grant=grant, reason="整改到位", by="丁")
        await until(lambda: {row[2] for row in node.rows("t")} == {9})
        events = (await node.call("grant.show", grant=grant))["events"]
        assert [event["event"] for event in events] == ["suspend", "report", "resume"]


def state_is(state: Callable[[], Awaitable[str]], wanted: str) -> Callable[[], Awaitable[bool]]:
    async def so() -> bool:
        return await state() == wanted

    return so

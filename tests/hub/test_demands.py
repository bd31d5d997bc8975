"""Demands: asked, assigned across leagues or by a city's own authority, taken on, turned into a
catalog entry, supplied; each state the same at who demands, who was asked, and the hub."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from ortoo_node import demands
from ortoo_node.store.tables import catalog_drafts
from ortoo_protocol.core.demands import MOVES, Event, State, move
from ortoo_protocol.core.errors import CaseField, CaseReason, DemandMove, DemandUnknown
from ortoo_protocol.station.context import Tx
from tests.support.hubs import PROVIDER, READER, RESOURCE
from tests.support.requests_rig import Requests, requests, until_true
from tests.support.trust import DEPARTMENTS

PEOPLE = {"handler": "经办人", "approver": "审批人"}
ROW = {
    "department": DEPARTMENTS[READER][0],
    "title": "不动产登记信息",
    "content": "权利人、坐落、面积",
    "basis": "《社会救助暂行办法》",
    "purpose": "救助对象财产核对",
    "contact": "0472-0000000",
    "items": ["权利人", "坐落"],
    "compiled_by": "甲",
    "secrecy_checked_by": "丙",
    "approved_by": "乙",
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_the_table_is_the_machine(state: State, event: Event) -> None:
    if (state, event) in MOVES:
        assert move(state, event) is MOVES[state, event]
    else:
        with pytest.raises(DemandMove):
            move(state, event)


async def asked(rig: Requests) -> str:
    """A demand that all know."""
    made = await rig.reader.call("demand.ask", row=ROW)

    async def known() -> bool:
        at_hub = (await rig.running.call["demand.list"]())["demands"]
        there = (await rig.provider.call("demand.list"))["demands"]
        return made["number"] in {r["number"] for r in at_hub} & {r["number"] for r in there}

    await until_true(known)
    return str(made["number"])


async def assigned(rig: Requests, number: str) -> None:
    await rig.running.call["demand.assign"](
        READER, number, PROVIDER, DEPARTMENTS[PROVIDER][0], **PEOPLE, reason="由你单位提供"
    )
    await all_hold(rig, number, "assigned")


async def all_hold(rig: Requests, number: str, state: str) -> None:
    async def same() -> bool:
        shown = [await node.call("demand.show", provider=READER, number=number) for node in nodes]
        shown.append(await rig.running.call["demand.show"](READER, number))
        return {one["state"] for one in shown} == {state}

    nodes = (rig.reader, rig.provider)
    await until_true(same)


async def test_from_a_demand_to_a_published_entry(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        number = await asked(rig)
        await assigned(rig, number)
        where: dict[str, Any] = {"provider": READER, "number": number}
        shown = await rig.provider.call("demand.show", **where)
        assert [clock["duty"] for clock in shown["clocks"]] == ["demand-answer"]
        with pytest.raises(DemandMove):
            await rig.running.call["demand.assign"](
                READER, number, PROVIDER, DEPARTMENTS[PROVIDER][0], **PEOPLE
            )
        taken = await rig.provider.call("demand.take", **where, **PEOPLE)
        await all_hold(rig, number, "taken")
        drafts = (await rig.provider.call("catalog.draft.list"))["drafts"]
        assert [(one["draft"], one["name"]) for one in drafts] == [(taken["draft"], ROW["title"])]

        def published(tx: Tx) -> None:
            """As the steps of the catalog leave it (tests/node/test_catalog_steps.py)."""
            this = catalog_drafts.c.draft == taken["draft"]
            values = {"state": "published", "code": RESOURCE}
            tx.conn.execute(catalog_drafts.update().where(this).values(values))
            demands.look(tx)

        await rig.provider.app.station.write(published)
        await all_hold(rig, number, "supplied")

        async def settled() -> bool:
            rows = (await rig.provider.call("catalog.lists.show", list="demand"))["rows"]
            return [(row["status"], row["resource"]) for row in rows] == [("answered", RESOURCE)]

        await until_true(settled)
        shown = await rig.reader.call("demand.show", **where)
        assert [each["event"] for each in shown["events"]] == ["assign", "take", "supply"]
        assert {clock["state"] for clock in shown["clocks"]} == {"met"}


async def test_declined_and_assigned_again(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        number = await asked(rig)
        await assigned(rig, number)
        where: dict[str, Any] = {"provider": READER, "number": number}
        with pytest.raises(CaseReason):
            await rig.provider.call("demand.decline", **where, reason=" ", **PEOPLE)
        await rig.provider.call("demand.decline", **where, reason="不掌握该数据", **PEOPLE)
        await all_hold(rig, number, "declined")
        await assigned(rig, number)
        await rig.provider.call("demand.supply", **where, resource=RESOURCE, **PEOPLE)
        await all_hold(rig, number, "supplied")


async def test_who_may(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        number = await asked(rig)
        with pytest.raises(DemandUnknown):  # it is assigned to nobody here
            await rig.provider.call("demand.take", provider=READER, number=number, **PEOPLE)
        assign = rig.running.call["demand.assign"]
        with pytest.raises(CaseField):  # the authority of its own level does that
            await assign(READER, number, READER, DEPARTMENTS[READER][0], **PEOPLE)
        with pytest.raises(DemandUnknown):
            await assign(READER, "XQ-1", PROVIDER, DEPARTMENTS[PROVIDER][0], **PEOPLE)


async def test_inside_one_station_its_own_authority_assigns(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        row = {**ROW, "department": DEPARTMENTS[PROVIDER][0]}
        number = (await rig.provider.call("demand.ask", row=row))["number"]
        department = DEPARTMENTS[PROVIDER][0]
        where: dict[str, Any] = {"provider": PROVIDER, "number": number}
        await rig.provider.call("demand.assign", number=number, department=department, **PEOPLE)
        await rig.provider.call("demand.supply", **where, resource=RESOURCE, **PEOPLE)
        shown = await rig.provider.call("demand.show", **where)
        assert (shown["state"], shown["row_status"]) == ("supplied", "answered")

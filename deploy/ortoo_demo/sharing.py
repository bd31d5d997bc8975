"""Catalog, unconditional and conditional sharing, and sharing inside one station."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ortoo_demo.checks import check
from ortoo_demo.plane import Plane
from ortoo_demo.readers import Reader, ended, granted, neighbour, takers, wait_equal
from ortoo_demo.texts import Text
from ortoo_demo.world import Department, Resource
from ortoo_protocol.core.topology import feed_queue

# What the hub may read and the broker may not: looked for on the broker at the end.
PURPOSE = "社会救助对象资格核对（演示申请用途）"
ANOTHER_PURPOSE = "临时救助家庭经济状况核对"
REASON = "申请的信息项超出核对所需范围，请缩小后重新申请"
_PEOPLE = ("--handler", "经办人丁", "--approver", "批准人戊")
_BY = {"handler": "经办人丁", "approver": "批准人戊"}
_WHY = {
    "purpose": PURPOSE,
    "basis": "《社会救助暂行办法》第五十八条",
    "scenario": "社会救助资格核对",
}


# --- catalog ------------------------------------------------------------------------------------


def catalog(plane: Plane) -> Text:
    """Entries travel to the regional catalog and into every mirror; one is found in Chinese."""
    cast = plane.cast
    without_basis = {**cast.households.entry(), "basis": ""}
    found = plane.refused_call(cast.households.owner.station, "catalog.add", entry=without_basis)
    check(found == "catalog.basis", f"a conditional entry without basis was met with {found}")
    for resource in cast.resources:
        if resource is not cast.everybody:
            plane.call(resource.owner.station, "catalog.add", entry=resource.entry())
            continue
        file = plane.desk(f"entry-{resource.slug}.json")
        file.write_text(json.dumps(resource.entry(), ensure_ascii=False), encoding="utf-8")
        plane.cli(resource.owner.station, "catalog", "add", str(file))
    for party in cast.names:
        for resource in cast.resources:
            plane.patience.until(
                lambda p=party, r=resource: _in_mirror(plane, p, r),  # type: ignore[misc]
                f"{resource.code} is in the catalog of {party}",
            )
    regional = plane.cli(cast.hub, "catalog", "search", cast.search_word)["entries"]
    check(cast.everybody.code in {each["code"] for each in regional}, f"the hub found {regional}")
    seeker = cast.asker.station
    entries = plane.cli(seeker, "catalog", "search", cast.search_word)["entries"]
    hits = [entry for entry in entries if entry["code"] == cast.everybody.code]
    check(len(hits) == 1, f"{seeker} found {entries} by {cast.search_word}")
    check(hits[0]["provider"] == cast.everybody.owner.station, f"its provider: {hits[0]}")
    check(hits[0]["department_name"] == cast.everybody.owner.name, f"its department: {hits[0]}")
    return Text(
        f"{len(cast.resources)} 条目录到达全部 {len(cast.names)} 方；"
        f"{seeker} 以“{cast.search_word}”检索到《{cast.everybody.name}》",
        f"{len(cast.resources)} entries at all {len(cast.names)} parties; {seeker} found"
        f" {cast.everybody.code} by the word {cast.search_word}",
    )


def _in_mirror(plane: Plane, party: str, resource: Resource) -> bool:
    word = resource.name.partition("（")[0]
    found = plane.call(party, "catalog.search", text=word)["entries"]
    return any(entry["code"] == resource.code for entry in found)


# --- unconditional ------------------------------------------------------------------------------


def unconditional(plane: Plane) -> Text:
    """Readers subscribe directly, without asking anybody."""
    resource, readers = plane.cast.everybody, takers(plane)
    count = len(plane.source(resource).rows())
    answer = plane.cli(
        resource.owner.station, "publish", resource.code,
        "--source", resource.owner.slug, "--table", resource.table,
    )  # fmt: skip
    check(answer["rows"] == count, f"published {answer}, the table has {count} rows")
    first, *others = readers
    plane.cli(
        first.department.station, "subscribe", resource.code,
        "--department", first.department.code, "--sink", first.department.slug,
        "--table", first.sink.table, "--purpose", PURPOSE, "--basis", _WHY["basis"],
        "--scenario", _WHY["scenario"], *_PEOPLE,
    )  # fmt: skip
    for one in others:
        subscribe(plane, one, **_WHY, **_BY)
    wait_equal(plane, *readers)
    for one in readers:
        queue = feed_queue(one.department.station, resource.feed)
        check(plane.admin().bound(queue, resource.feed), f"{queue} is not bound")
    stations = ", ".join(one.department.station for one in readers)
    return Text(
        f"{stations} 直接订阅《{resource.name}》，各收到 {count} 行，摘要一致",
        f"{stations} subscribed to {resource.slug}: {count} rows each, digests agree",
    )


# --- conditional --------------------------------------------------------------------------------


def refused(plane: Plane) -> Text:
    """A refusal without reason is not accepted; one with a reason reaches the applicant."""
    cast = plane.cast
    for resource in (cast.households, cast.ended):
        plane.call(
            resource.owner.station, "publish", resource=resource.code,
            source=resource.owner.slug, table=resource.table,
        )  # fmt: skip
    case = apply(plane, cast.households, cast.asker, cast.households.columns)
    provider, applicant = cast.households.owner.station, cast.asker.station
    refuse = ("request", "refuse", case, *_PEOPLE)
    found = plane.refused(provider, *refuse)
    check(found == "case.reason", f"a refusal without reason was met with {found}")
    check(state_of(plane, provider, case) == "submitted", "the case was moved all the same")
    plane.cli(provider, *refuse, "--reason", REASON)
    for party in (applicant, provider):
        wait_state(plane, party, case, "refused")
    shown = plane.cli(applicant, "request", "show", case)
    check(shown["case"]["reason"] == REASON, f"the applicant was told {shown['case']}")
    events = {each["event"] for each in shown["events"]}
    check({"submit", "notarised", "refuse"} <= events, f"the applicant knows {sorted(events)}")
    plane.patience.until(lambda: _hub_state(plane, case) == "refused", "the hub notarised it")
    events = {each["event"] for each in plane.cli(cast.hub, "case", "show", case)["events"]}
    check({"submit", "refuse"} <= events, f"the hub's notary knows {sorted(events)}")
    plane.notes["refused case"] = case
    return Text(
        "不写理由的拒绝不被受理（case.reason）；写明理由后送达申请方并经枢纽公证",
        "a refusal without reason is not accepted (case.reason); with one it reached the applicant"
        " and the hub's notary",
    )


def granted_in_part(plane: Plane) -> Text:
    """The second application is granted for named items only: a view without the others."""
    cast, one = plane.cast, granted(plane)
    case = apply(plane, cast.households, cast.asker, cast.households.columns)
    grant(plane, one, case, cast.granted_items)
    subscribe(plane, one)
    other = ended(plane)
    also = apply(plane, cast.ended, cast.asker, ())
    plane.notes["ended grant"] = grant(plane, other, also, ())
    subscribe(plane, other)
    wait_equal(plane, one, other)
    has = set(one.sink.all_columns())
    check(has == set(cast.granted_items), f"the reader's table has {sorted(has)}")
    held_back = [name for name in cast.households.columns if name not in cast.granted_items]
    return Text(
        f"第二次申请只核准 {len(cast.granted_items)} 项：{len(one.sink.rows())} 行到达，"
        f"不含 {'、'.join(held_back)}",
        f"granted for {len(cast.granted_items)} items: {len(one.sink.rows())} rows arrived without"
        f" {', '.join(held_back)}",
    )


def inside_one_station(plane: Plane) -> Text:
    """Two departments of one city: the same steps, no broker, nothing for the hub."""
    cast, one = plane.cast, neighbour(plane)
    station = cast.households.owner.station
    check(one.department.station == station, "they are not at one station")
    first = apply(plane, cast.households, cast.neighbour, cast.households.columns)
    found = plane.refused_call(station, "request.refuse", case=first, reason=" ", **_BY)
    check(found == "case.reason", f"a refusal without reason was met with {found}")
    plane.call(station, "request.refuse", case=first, reason=REASON, **_BY)
    wait_state(plane, station, first, "refused")
    case = apply(plane, cast.households, cast.neighbour, cast.households.columns)
    grant(plane, one, case, cast.neighbour_items)
    subscribe(plane, one)
    wait_equal(plane, one)
    has = set(one.sink.all_columns())
    check(has == set(cast.neighbour_items), f"the neighbour's table has {sorted(has)}")
    known = {each["case"] for each in plane.call(cast.hub, "case.list")["cases"]}
    check(not known & {first, case}, "the hub knows a case inside one station")
    queue = feed_queue(station, subscription(plane, one)["feed"])
    check(queue not in plane.admin().queues(), f"the broker has {queue}")
    return Text(
        f"{cast.neighbour.name}同节点获得 {len(one.sink.rows())} 行，未经消息服务器与枢纽",
        f"{len(one.sink.rows())} rows from department to department, no broker, no hub",
    )


# --- what people do -----------------------------------------------------------------------------


def ask_again(plane: Plane) -> str:
    """A request that waits for its answer, for whoever looks around afterwards."""
    cast = plane.cast
    return apply(plane, cast.households, cast.takers[0], cast.granted_items, ANOTHER_PURPOSE)


def apply(
    plane: Plane,
    resource: Resource,
    applicant: Department,
    items: Sequence[str],
    purpose: str = PURPOSE,
) -> str:
    """Apply, and wait until provider and hub have it; returns the case."""
    answer = plane.call(
        applicant.station, "request.apply", resource=resource.code, department=applicant.code,
        items=list(items), **{**_WHY, "purpose": purpose}, **_BY,
    )  # fmt: skip
    case = str(answer["case"])
    provider = resource.owner.station
    wait_state(plane, provider, case, "submitted")
    if provider != applicant.station:
        plane.patience.until(lambda: _hub_state(plane, case) == "submitted", "the hub has the case")
        plane.patience.until(
            lambda: case_of(plane, applicant.station, case)["notarised"], f"{case} is notarised"
        )
    return case


def grant(plane: Plane, one: Reader, case: str, items: Sequence[str]) -> str:
    """The provider's people grant; returns the grant when the reader has it."""
    provider, reader = one.resource.owner.station, one.department.station
    if items:
        named = [word for item in items for word in ("--item", item)]
        answer = plane.cli(provider, "request", "grant", case, *named, *_PEOPLE)
    else:
        answer = plane.call(provider, "request.grant", case=case, items=[], **_BY)
    wait_state(plane, reader, case, "granted")

    def listed() -> bool:
        held = plane.call(reader, "grant.list", role="reader")["grants"]
        return any(each["grant"] == answer["grant"] for each in held)

    plane.patience.until(listed, f"{reader} has the grant")
    return str(answer["grant"])


def subscribe(plane: Plane, one: Reader, **application: str) -> None:
    """Under a grant; with `application` an unconditional resource."""
    plane.call(
        one.department.station, "subscribe", resource=one.resource.code,
        department=one.department.code, sink=one.department.slug, table=one.sink.table,
        **{"purpose": PURPOSE, **application},
    )  # fmt: skip


def subscription(plane: Plane, one: Reader) -> dict[str, Any]:
    """What the reader's station says about this subscription."""
    listed = plane.call(one.department.station, "subscription.list")["subscriptions"]
    mine = [each for each in listed if each["table"] == one.sink.table]
    mine = [each for each in mine if each["sink"] == one.department.slug]
    check(len(mine) == 1, f"subscriptions into {one.sink.table}: {mine}")
    return dict(mine[0])


def case_of(plane: Plane, party: str, case: str) -> dict[str, Any]:
    """The case as `party` knows it; empty while it does not."""
    found = plane.call(party, "request.list")["cases"]
    return next((each for each in found if each["case"] == case), {})


def state_of(plane: Plane, party: str, case: str) -> str:
    return str(case_of(plane, party, case).get("state", ""))


def wait_state(plane: Plane, party: str, case: str, state: str) -> None:
    plane.patience.until(
        lambda: state_of(plane, party, case) == state, f"case {case} is {state} at {party}"
    )


def _hub_state(plane: Plane, case: str) -> str:
    found = plane.call(plane.cast.hub, "case.list")["cases"]
    return next((str(each["state"]) for each in found if each["case"] == case), "")

"""Lists beside the catalog, and letters about claims, at a station."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_node import app as node_app
from ortoo_node.catalog import conflicts, lists, mirror, own
from ortoo_node.store import NODE
from ortoo_protocol.core.catalog.claims import Conflict
from ortoo_protocol.core.errors import (
    CatalogBasis,
    CatalogField,
    CatalogListUnknown,
    CatalogRatification,
    CatalogSecrecy,
    CatalogSeparation,
    TrustDepartment,
)
from tests.support import hubs
from tests.support.bodies import body_of
from tests.support.desk import Desk
from tests.support.hubs import PROVIDER, THIRD
from tests.support.letters import make_letter
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, HUB

DEMAND: dict[str, Any] = {
    "list": "demand",
    "department": DEPARTMENTS[PROVIDER][0],
    "title": "不动产登记信息",
    "content": "权利人、坐落",
    "basis": "《社会救助暂行办法》",
    "purpose": "数据校核",
    "contact": "丁",
    "compiled_by": "甲",
    "secrecy_checked_by": "乙",
    "approved_by": "丙",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Kit(tmp_path), PROVIDER, node_app.hooks(), migrations=(NODE,))
    yield made
    made.close()


def test_a_demand_from_made_to_answered(desk: Desk) -> None:
    made = desk.do(lambda tx: lists.put(tx, DEMAND))
    assert (made.number, made.version, made.status) == ("XQ-150700-000001", 1, "open")
    assert made.department_name == "呼伦贝尔市民政局"
    again = desk.do(lambda tx: lists.put(tx, {**DEMAND, "number": made.number, "items": ["坐落"]}))
    assert (again.number, again.version, again.items) == (made.number, 2, ("坐落",))
    assert desk.do(lambda tx: lists.put(tx, DEMAND)).number == "XQ-150700-000002"
    assert (
        desk.do(lambda tx: lists.put(tx, {**DEMAND, "list": "duty"})).number == "ZR-150700-000001"
    )

    def answered(**changes: Any) -> Any:
        given = {
            **{"status": "answered", "answer": "", "resource": "307001/000001"},
            **{"compiled_by": "甲", "secrecy_checked_by": "乙", "approved_by": "丙"},
            **changes,
        }
        return desk.do(lambda tx: lists.settle(tx, "demand", made.number, **given))

    with pytest.raises(CatalogSeparation):
        answered(approved_by="甲")
    with pytest.raises(CatalogField):
        answered(resource="")
    assert answered().version == 3
    found = desk.do(lambda tx: lists.listed(tx.conn, "demand", status="answered"))
    assert [(row.number, row.resource, taken) for row, taken in found] == [
        (made.number, "307001/000001", None)
    ]
    by_word = desk.do(lambda tx: lists.listed(tx.conn, "demand", word="不动产", provider=PROVIDER))
    assert len(by_word) == 2
    assert len(desk.items(own.own_feed(PROVIDER))) == 5


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"list": "wish"}, CatalogField),
        ({"basis": " "}, CatalogBasis),
        ({"title": ""}, CatalogField),
        ({"title": 7}, CatalogField),
        ({"colour": "red"}, CatalogField),
        ({"number": "XQ-150700-000009"}, CatalogListUnknown),
        ({"department": DEPARTMENTS[THIRD][0]}, CatalogField),  # its name is not known here
        ({"department": DEPARTMENTS[THIRD][0], "department_name": "x"}, CatalogField),
        ({"approved_by": "甲"}, CatalogSeparation),
        ({"approved_by": "乙"}, CatalogSeparation),
        ({"secrecy_checked_by": "甲 "}, CatalogSeparation),
        ({"secrecy_checked_by": ""}, CatalogSecrecy),
        ({"compiled_by": ""}, CatalogSeparation),
        ({"basis": "无"}, CatalogBasis),
        ({"list": "negative"}, CatalogRatification),
        ({"list": "negative", "ratified_by": "乙"}, CatalogSeparation),
    ],
)
def test_rows_that_are_not_published(
    desk: Desk, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.do(lambda tx: lists.put(tx, {**DEMAND, **changes}))
    assert desk.do(lambda tx: lists.listed(tx.conn, "demand")) == []


def test_a_row_of_anothers_department(desk: Desk) -> None:
    made = desk.do(lambda tx: lists.put(tx, DEMAND))
    foreign = replace(made, department=DEPARTMENTS[THIRD][0], version=2)
    with pytest.raises(TrustDepartment):
        desk.do(lambda tx: lists.publish(tx, foreign))


def test_what_is_not_shared_belongs_on_the_negative_list(desk: Desk) -> None:
    closed = hubs.entry(share_type=3)
    desk.do(lambda tx: mirror.store(tx, closed, 1, 1))
    assert desk.do(lambda tx: lists.uncovered(tx.conn, PROVIDER)) == [hubs.RESOURCE]
    row = {**DEMAND, "list": "negative", "resource": hubs.RESOURCE, "ratified_by": "丙"}
    desk.do(lambda tx: lists.put(tx, row))
    assert desk.do(lambda tx: lists.uncovered(tx.conn, PROVIDER)) == []
    assert desk.do(lambda tx: lists.uncovered(tx.conn, THIRD)) == []


def test_letters_about_claims(desk: Desk) -> None:
    body = body_of(Conflict)
    assert isinstance(body, Conflict)
    decided = replace(
        body, state="resolved", source=body.resource, by="庚", time_ms=body.time_ms + 2
    )
    for letter in (body, decided, replace(body, time_ms=body.time_ms + 1)):  # the last comes late
        desk.take(make_letter(desk.kit, HUB, PROVIDER, letter))
    (held,) = desk.do(lambda tx: conflicts.listed(tx.conn))
    assert (held.state, held.source) == ("resolved", body.resource)
    assert desk.do(lambda tx: conflicts.listed(tx.conn, "open")) == []
    other = replace(body, resource=body.other, other=body.resource)
    desk.take(make_letter(desk.kit, HUB, PROVIDER, other))  # both are ours
    assert len(desk.do(lambda tx: conflicts.listed(tx.conn))) == 2

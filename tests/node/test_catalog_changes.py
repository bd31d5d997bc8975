"""The update clock: changes of law or duties, and the catalog that follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from ortoo_node import app as node_app
from ortoo_node.catalog import adding, changes, mirror, steps
from ortoo_node.catalog.changes import Change
from ortoo_node.store import NODE
from ortoo_protocol.core.errors import (
    CatalogChangeUnknown,
    CatalogExtension,
    CatalogField,
    CatalogOwner,
    CatalogReason,
    CatalogUnknown,
    TrustDepartment,
)
from ortoo_protocol.core.law.clock import Deadline
from ortoo_protocol.core.law.workdays import WorkingDays
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.store import clock_tables
from tests.node.kit import entry, open_node, running
from tests.support import hubs
from tests.support.desk import Desk
from tests.support.hubs import PROVIDER, THIRD
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

DEPARTMENT = DEPARTMENTS[PROVIDER][0]
ONE, TWO = "307001/000001", "307001/000002"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(Kit(tmp_path), PROVIDER, node_app.hooks(), migrations=(NODE,))
    for code in (ONE, TWO):
        fields = entry(PROVIDER, code, feed=f"{PROVIDER}.f{code[-1]}")
        made.do(lambda tx, fields=fields: adding.add(tx, fields))  # type: ignore[misc]
    yield made
    made.close()


def record(desk: Desk, *codes: str, **given: object) -> Change:
    values = {
        "department": DEPARTMENT,
        "what": "机构改革",
        "basis": "《三定》规定",
        "by": "甲",
        **given,
    }
    since_ms = values.pop("since_ms", desk.kit.clock())
    return desk.do(
        lambda tx: changes.record(tx, since_ms=since_ms, codes=codes, **values)  # type: ignore[arg-type]
    )


def test_a_change_ends_when_all_have_followed(desk: Desk) -> None:
    made = record(desk, ONE, TWO)
    assert (made.days, made.state, [done for _, done in made.codes]) == (15, "open", [0, 0])
    desk.do(lambda tx: adding.add(tx, entry(PROVIDER, ONE, abstract="新")))
    found = desk.do(lambda tx: changes.find(tx.conn, made.change))
    assert (found.state, [done > 0 for _, done in found.codes]) == ("open", [True, False])
    assert desk.do(lambda tx: mirror.entry(tx.conn, ONE)).law_changed_ms == made.recorded_ms
    desk.do(lambda tx: steps.stop(tx, TWO, "机构改革", "甲", "丁"))
    assert desk.do(lambda tx: changes.find(tx.conn, made.change)).state == "done"
    desk.do(lambda tx: adding.add(tx, entry(PROVIDER, ONE)))
    assert desk.do(lambda tx: mirror.entry(tx.conn, ONE)).law_changed_ms == 0
    assert desk.do(lambda tx: changes.listed(tx.conn)) == []
    assert len(desk.do(lambda tx: changes.listed(tx.conn, open_only=False))) == 1
    assert clock_of(desk, made).state == "met"


def clock_of(desk: Desk, change: Change) -> Clock:
    (found,) = desk.do(lambda tx: clocks.of(tx.conn, changes.subject_of(change.change)))
    return found


def test_the_clock_of_a_change(desk: Desk) -> None:
    made = record(desk)
    clock = clock_of(desk, made)
    assert (clock.duty, clock.article, clock.days) == ("catalog-update", "Measures art. 9", 15)
    assert clock.day == made.deadline(WorkingDays()).day
    desk.do(lambda tx: changes.close(tx, made.change, "目录不受影响", "丁"))
    assert clock_of(desk, made).state == "cancelled"


def test_a_change_that_an_earlier_version_recorded(desk: Desk) -> None:
    made = record(desk)
    desk.erase(clock_tables.clocks, clock_tables.clocks.c.duty == "catalog-update")
    desk.do(changes.adopt)
    desk.do(changes.adopt)
    assert clock_of(desk, made).opened_ms == made.since_ms


@pytest.mark.parametrize(
    ("codes", "given", "error"),
    [
        ((), {"what": " "}, CatalogReason),
        ((), {"by": ""}, CatalogReason),
        ((), {"since_ms": 1 << 50}, CatalogField),
        ((), {"department": DEPARTMENTS[THIRD][0]}, TrustDepartment),
        (("3/9",), {}, CatalogUnknown),
        (("x",) * 1_001, {}, CatalogField),
    ],
)
def test_what_is_not_recorded(
    desk: Desk, codes: tuple[str, ...], given: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        record(desk, *codes, **given)
    assert desk.do(lambda tx: changes.listed(tx.conn)) == []


def test_others_entries(desk: Desk) -> None:
    foreign = hubs.entry(
        provider=THIRD, department=DEPARTMENTS[THIRD][0], feed=f"{THIRD}.x", code="307001/000009"
    )
    desk.do(lambda tx: mirror.store(tx, foreign, 1, 1))
    with pytest.raises(CatalogOwner):
        record(desk, "307001/000009")


def test_closing(desk: Desk) -> None:
    made = record(desk)
    with pytest.raises(CatalogReason):
        desk.do(lambda tx: changes.close(tx, made.change, " ", "甲"))
    closed = desk.do(lambda tx: changes.close(tx, made.change, "目录不受影响", "丁"))
    assert (closed.state, closed.reason) == ("closed", "丁: 目录不受影响")
    with pytest.raises(CatalogChangeUnknown):
        desk.do(lambda tx: changes.close(tx, made.change, "再关", "丁"))
    with pytest.raises(CatalogChangeUnknown):
        desk.do(lambda tx: changes.find(tx.conn, "0" * 32))


def test_extending(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = record(desk)
    with pytest.raises(CatalogExtension):  # NM2018 knows none
        desk.do(lambda tx: changes.extend(tx, made.change, "系统改造", "丁"))
    monkeypatch.setattr(Trust, "profile", "SC2025")
    made = record(desk)
    assert made.days == 10
    with pytest.raises(CatalogReason):
        desk.do(lambda tx: changes.extend(tx, made.change, "", "丁"))
    assert desk.do(lambda tx: changes.extend(tx, made.change, "系统改造", "丁")).days == 15
    assert clock_of(desk, made).extended_days == 5
    with pytest.raises(CatalogExtension):  # once
        desk.do(lambda tx: changes.extend(tx, made.change, "系统改造", "丁"))


@dataclass(frozen=True)
class Known:
    """A calendar that knows all days."""

    last: date

    def after(self, day: date, working_days: int) -> Deadline:
        return Deadline(self.last, provisional=False)

    def is_working(self, day: date) -> bool:
        return True

    def between(self, first: date, last: date) -> int:
        return (last - first).days


def test_what_is_overdue_or_soon(desk: Desk) -> None:
    record(desk)
    last = date(2026, 9, 21)

    def overdue(day: int) -> int:
        today = date(2026, 9, day)
        return len(desk.do(lambda tx: changes.overdue(tx.conn, today, Known(last))))

    assert [overdue(day) for day in (17, 18, 21, 22)] == [0, 1, 1, 1]


async def test_by_method_and_doctor(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, PROVIDER, online=False)
    async with running(kit, node):
        long_ago = kit.clock() - 60 * 86_400_000
        made = await node.call(
            "catalog.change.record",
            department=DEPARTMENT,
            what="机构改革",
            by="甲",
            since_ms=long_ago,
        )
        assert (made["state"], made["provisional"], made["days"]) == ("overdue", True, 15)
        findings = (await node.call("doctor"))["findings"]
        (missing,) = [each for each in findings if each["check"] == "calendar"]
        assert missing["error"]["facts"] == {"year": 2026, "count": 1}
        (found,) = [each for each in findings if each["check"] == "catalog"]
        assert (found["level"], found["error"]["code"]) == ("error", "catalog.overdue")
        with pytest.raises(CatalogExtension):
            await node.call("catalog.change.extend", change=made["change"], reason="因", by="丁")
        await node.call("catalog.change.close", change=made["change"], reason="无影响", by="丁")
        assert (await node.call("catalog.change.list"))["changes"] == []
        (ended,) = (await node.call("catalog.change.list", ended=True))["changes"]
        assert ended["state"] == "closed"

"""Supervision at its borders: nothing to divide by, clocks that stand still, half-years that end,
resources that moved, letters that were taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, insert

from ortoo_node.store.case_tables import case_events, cases
from ortoo_node.supervision.sources import sources
from ortoo_protocol.core.cases import AUTOMATIC
from ortoo_protocol.core.catalog.freshness import DAY_MS
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseField
from ortoo_protocol.core.supervision.facts import Facts, Subject
from ortoo_protocol.core.supervision.half_years import civil_ms, half_year
from ortoo_protocol.core.supervision.scores import BUILT_IN, evaluate, score
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.supervision_tables import leads
from ortoo_protocol.station.supervision import evaluating
from ortoo_protocol.station.supervision.facts import Counter
from ortoo_protocol.station.supervision.watching import once
from tests.node.kit import Node, entry, open_node
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
MINE = DEPARTMENTS[PARTY][0]
CODE, CLOSED = "307001/000001", "307001/000003"
DECEMBER, JANUARY = civil_ms(date(2026, 12, 28)), civil_ms(date(2027, 1, 20))

pytestmark = pytest.mark.asyncio(loop_scope="module")
Events = Sequence[tuple[str, int, str, str]]  # what, when, by whom, its status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """Nothing runs: what is counted is what a test puts there. It is 20 January 2027."""
    kit = Kit(tmp_path_factory.mktemp("borders"))
    kit.offset_ms += JANUARY - kit.clock()
    kit.region.now_ms = kit.clock()
    made = open_node(kit, PARTY, online=False)
    await made.call("catalog.add", entry=entry(PARTY, CODE, 2, cycle="每日"))
    yield made
    await made.app.station.close()


async def counted(node: Node, job: Any, period: str = "2026H2") -> Facts:
    """What is counted once `job` has put rows there; they are gone afterwards."""

    def look(tx: Tx) -> Facts:
        for table in (cases, case_events, clocks):
            tx.conn.execute(delete(table))
        job(tx)
        counter = Counter(sources(PARTY), tx.trust, tx.party, JANUARY)
        return counter.one(tx.conn, Subject(PARTY, MINE), "民政局", half_year(period)).facts

    found: Facts = await node.app.station.write(look)
    return found


def put(
    tx: Tx,
    *events: tuple[str, int, str, str],
    case: str = "c" * 32,
    opened_ms: int = DECEMBER,
    clock: dict[str, Any] | None = None,
    **changes: Any,
) -> None:
    row = {
        "case": case, "role": "provider", "resource": CODE, "applicant": "s150200",
        "department": DEPARTMENTS["s150200"][0], "provider": PARTY, "state": "submitted",
        "application": b"", "letter": b"", "opened_ms": opened_ms, "notarised": True,
        "changed_ms": opened_ms, "reason": "", "share_type": 2, "provider_department": MINE,
    } | changes  # fmt: skip
    tx.conn.execute(insert(cases).values(row))
    for what, when_ms, by, status in events:
        values = {"case": case, "time_ms": when_ms, "event": what, "party": PARTY, "by": by}
        tx.conn.execute(insert(case_events).values(**values, reason="", status=status))
    if clock is not None:
        values = {
            "clock": case, "subject": f"case:{case}", "duty": "answer", "article": "",
            "party": PARTY, "department": MINE, "opened_ms": opened_ms, "days": 10,
            "extension_days": 0, "extended_days": 0, "closes_min": 1440, "pauses": "[]",
            "provisional": False, "state": "running", "stage": 0,
        } | clock  # fmt: skip
        tx.conn.execute(insert(clocks).values(values))


def nothing(_tx: Tx) -> None:
    pass


async def test_a_department_without_cases_has_no_rates_and_is_not_judged_by_them(
    node: Node,
) -> None:
    found = await counted(node, nothing)
    assert (found["asked"], found["answers_due"], found["decided"]) == (0, 0, 0)
    assert not {"late_permille", "granted_permille", "answer_median_ms"} & set(found)
    (one,) = evaluate(BUILT_IN, {Subject(PARTY, MINE): found})
    applies = {each.code: each.applies for each in one.scores}
    for code in ("answers", "granted", "corrections", "quality", "submissions", "rectified"):
        assert not applies[code], code
    assert one.weight == sum(each.weight for each in one.scores if each.applies)


async def test_while_the_applicant_completes_nobody_is_late(node: Node) -> None:
    """The clock stands; that its old day is over says nothing."""
    due = {"due_ms": DECEMBER + DAY_MS}
    still = await counted(node, lambda tx: put(tx, clock={**due, "state": "paused"}))
    assert (still["waiting"], still["answers_late"], still["answers_due"]) == (1, 0, 0)
    runs = await counted(node, lambda tx: put(tx, clock={**due, "state": "late"}))
    assert (runs["answers_late"], runs["answers_due"]) == (1, 1)


async def test_what_is_not_shared_has_no_day_for_an_answer(node: Node) -> None:
    """Art. 19: it is negotiated from the beginning."""
    found = await counted(node, lambda tx: put(tx, share_type=3, opened_ms=DECEMBER - 60 * DAY_MS))
    assert (found["asked"], found["answers_late"]) == (1, 0)
    found = await counted(node, lambda tx: put(tx, opened_ms=DECEMBER - 60 * DAY_MS))
    assert found["answers_late"] == 1


async def test_what_the_notary_refused_is_no_answer(node: Node) -> None:
    """The grant was taken back after the withdrawal, which had been first, was here."""
    by = "甲, 乙"
    events: Events = [
        ("grant", DECEMBER + 2, by, "refused"),
        ("withdraw", DECEMBER + 3, "丁", "counted"),
        ("taken-back", DECEMBER + 4, "", "counted"),
    ]
    found = await counted(node, lambda tx: put(tx, *events, state="withdrawn"))
    assert (found["withdrawn"], found["granted"], found["waiting"]) == (1, 0, 0)


async def test_a_resource_that_is_stopped_leaves_nothing_to_answer(node: Node) -> None:
    stopped = ("stop", DECEMBER + 5, "丙", "counted")
    old = DECEMBER - 90 * DAY_MS
    found = await counted(node, lambda tx: put(tx, stopped, state="ended", opened_ms=old))
    assert (found["waiting"], found["answers_due"]) == (0, 0)


async def test_what_was_asked_is_counted_once(node: Node) -> None:
    """A refusal, a negotiation and a yes are one request; a draft and one that was not taken are
    none; joined to an open one it is that one."""
    by = "甲, 乙"

    def job(tx: Tx) -> None:
        refused = ("refuse", DECEMBER + 1, by, "counted")
        joined = ("joined", DECEMBER + 2, by, "counted")
        granted = ("grant", DECEMBER + 3, by, "counted")
        put(tx, refused, joined, granted, role="both", department=MINE, state="granted")
        put(tx, case="d" * 32, role="both", department=MINE, state="draft")
        put(tx, case="e" * 32, role="applicant", department=MINE, state="rejected")

    found = await counted(node, job)
    assert (found["asked"], found["refused"], found["decided"]) == (1, 1, 1)
    assert (found["applied"], found["applied_granted"]) == (1, 1)


async def test_whose_the_resource_was_answers_for_it(node: Node) -> None:
    """It has another department since, and another share type."""
    elsewhere = "11150700MB0000000X"
    found = await counted(node, lambda tx: put(tx, provider_department=elsewhere))
    assert found["asked"] == 0
    found = await counted(node, lambda tx: put(tx, resource="307001/999999"))
    assert found["asked"] == 1
    found = await counted(node, lambda tx: put(tx, provider_department=""))
    assert found["asked"] == 1


async def test_the_half_year_ends_at_local_midnight(node: Node) -> None:
    first = civil_ms(date(2027, 1, 1))
    assert first % DAY_MS == 16 * 3_600_000  # 2026-12-31T16:00Z
    for opened_ms, halves in ((first - 1, (1, 0)), (first, (0, 1))):
        found = [
            (await counted(node, lambda tx, at=opened_ms: put(tx, opened_ms=at), half))["asked"]
            for half in ("2026H2", "2027H1")
        ]
        assert tuple(found) == halves


async def test_what_was_asked_in_the_last_days_of_a_half_year_is_not_lost(node: Node) -> None:
    """Asked on 28 December, late in January: the daily look finds it."""
    due = {"due_ms": JANUARY - DAY_MS, "state": "late"}

    def look(tx: Tx) -> list[str]:
        for table in (cases, case_events, clocks):
            tx.conn.execute(delete(table))
        put(tx, clock=due)
        tx.now_ms = JANUARY
        once(tx, sources(PARTY))
        return [row.rule for row in tx.conn.execute(leads.select()).all()]

    assert "sharing-answer" in await node.app.station.write(look)
    again = await node.app.station.write(lambda tx: once(tx, sources(PARTY)))
    assert again == []


async def test_what_is_shown_of_a_score_gives_the_score(node: Node) -> None:
    """Anybody with the page can count again: points from part, whole, zero, full and weight."""

    def run(tx: Tx) -> Any:
        for table in (cases, case_events, clocks):
            tx.conn.execute(delete(table))
        put(tx, ("grant", DECEMBER + 1, "甲, 乙", "counted"), state="granted")
        return evaluating.find(tx.conn, evaluating.run(tx, _counter(tx), "2026H2", "信息中心"))

    row = await node.app.station.write(run)
    shown = {each.code: each for each in BUILT_IN.indicators}
    for one in evaluating.result_of(row).ranked:
        for each in one.scores:
            kept = next(
                entered.facts
                for entered in decode(row.facts, evaluating.Entries).subjects
                if (entered.party, entered.department) == (one.party, one.department)
            )
            assert score(shown[each.code], kept) == each
        applies = [each for each in one.scores if each.applies]
        assert one.total == (
            100 * sum(each.points for each in applies) // sum(each.weight for each in applies)
            if applies
            else 0
        )


def _counter(tx: Tx) -> Counter:
    return Counter(sources(PARTY), tx.trust, tx.party, JANUARY)


async def test_no_person_is_called_as_the_software_is(node: Node) -> None:
    """Else a late answer by hand would be nobody's, and one person could grant alone."""
    for people in ((AUTOMATIC, ""), (AUTOMATIC, "乙"), ("甲", AUTOMATIC), (f" {AUTOMATIC}", "乙")):
        with pytest.raises(CaseField):
            await node.call(
                "request.grant", case="c" * 32, items=[], handler=people[0], approver=people[1]
            )

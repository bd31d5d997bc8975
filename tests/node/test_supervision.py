"""A station's own authority supervises its departments: one store, letters to itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, update

from ortoo_node.quality import tasks as quality_tasks
from ortoo_node.store.tables import (
    catalog_change_codes,
    catalog_changes,
    file_transfers,
    publication_runs,
    queries,
    tasks,
)
from ortoo_node.supervision.sources import sources
from ortoo_node.use.desk import clocks as use_clocks
from ortoo_protocol.core.catalog.freshness import DAY_MS
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import (
    QueryPurpose,
    SupervisionField,
    SupervisionLate,
    SupervisionSubject,
    SupervisionWaiting,
)
from ortoo_protocol.core.supervision.half_years import civil_ms
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.store.supervision_tables import leads, notices, submissions
from ortoo_protocol.station.store.tables import catalog_index
from ortoo_protocol.station.supervision import hooks
from ortoo_protocol.station.supervision.watching import once
from tests.node.kit import FORM, PEOPLE, Node, entry, open_node, running
from tests.support.hubs import until_true
from tests.support.stations import Kit, terms
from tests.support.trust import DEPARTMENTS, Region

PARTY = "s150700"
MINE = DEPARTMENTS[PARTY][0]
CODE = "307001/000001"
TWO = {"handler": "督查员", "approver": "主任"}
OTHERS = {"handler": "丁", "approver": "戊"}


@asynccontextmanager
async def station(folder: Path) -> AsyncIterator[Node]:
    kit = Kit(folder)
    node = open_node(kit, PARTY)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, 2, cycle="每日"))
        yield node


async def facts_of(node: Node) -> dict[str, int]:
    found = await node.call("supervise.facts", subject=MINE)
    facts: dict[str, int] = found["subjects"][0]["facts"]
    return facts


async def rules_of(node: Node) -> dict[str, dict[str, Any]]:
    await node.call("supervise.look")
    return {one["rule"]: one for one in (await node.call("supervise.leads"))["leads"]}


async def listed(node: Node, method: str, key: str, state: str) -> list[dict[str, Any]]:
    """Both sides' rows, once both stand in `state`."""
    more = {"settled": True} if method == "notice.list" else {}

    async def there() -> bool:
        found = (await node.call(method, **more))[key]
        return len(found) == 2 and {one["state"] for one in found} == {state}

    await until_true(there)
    found: list[dict[str, Any]] = (await node.call(method, **more))[key]
    return found


async def test_facts_of_a_department(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        made = await node.call("request.apply", resource=CODE, department=MINE, **FORM)

        async def come() -> bool:
            return bool((await facts_of(node))["asked"])

        await until_true(come)
        assert (await facts_of(node))["waiting"] == 1
        await node.call("request.grant", case=made["case"], items=[], **PEOPLE)

        def used(tx: Tx) -> None:
            now = tx.now_ms
            run = {"resource": CODE, "how": "whole", "began_ms": now, "ended_ms": now}
            run |= dict.fromkeys(("upserts", "deletes", "rejected", "failures", "next_ms"), 0)
            tx.conn.execute(insert(publication_runs).values(rows=120, error="", **run))
            fetched = dict.fromkeys(("resource", "feed", "subscription", "name", "sha256"), "x")
            tx.conn.execute(
                insert(file_transfers).values(
                    transfer="1" * 32, grant=granted, size_bytes=5_000, target="", chunk_bytes=1,
                    chunks=1, done=1, state="done", error="", began_ms=now, changed_ms=now,
                    **fetched,
                )
            )  # fmt: skip
            tx.conn.execute(insert(tasks), [task(now, n) for n in range(3)])

        def task(now: int, number: int) -> dict[str, Any]:
            state = "verified" if number else "open"
            return {
                "task": f"{number:032x}",
                "resource": CODE,
                "department": MINE,
                "rule": "required",
                "what": "空值",
                "state": state,
                "opened_ms": now,
                "due_ms": now - 1,
                "changed_ms": now,
            }

        granted = (await node.call("request.show", case=made["case"]))["case"]["grant"]
        await node.app.station.write(used)
        found = await facts_of(node)
        expected = {
            "asked": 1,
            "granted": 1,
            "applied": 1,
            "applied_granted": 1,
            "answers_due": 1,
            "answers_in_time": 1,
            "grants_given": 1,
            "grants_held": 1,
            "rows_published": 120,
            "files_fetched": 1,
            "file_bytes": 5_000,
            "tasks": 3,
            "tasks_settled": 2,
            "tasks_late": 1,
        }
        assert {name: found[name] for name in expected} == expected
        assert (await rules_of(node))["data-quality"]["matters"] == 1


async def test_an_answer_that_is_late_is_a_lead_with_its_application(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        made = await node.call("request.apply", resource=CODE, department=MINE, **FORM)

        async def come() -> bool:
            return bool((await facts_of(node))["asked"])

        await until_true(come)
        assert "sharing-answer" not in await rules_of(node)
        from ortoo_node.store.case_tables import cases
        from ortoo_protocol.station.store.clock_tables import clocks

        def long_ago(tx: Tx) -> None:
            tx.conn.execute(update(cases).values(opened_ms=tx.now_ms - 30 * DAY_MS))
            tx.conn.execute(update(clocks).values(due_ms=tx.now_ms - DAY_MS))

        await node.app.station.write(long_ago)
        lead = (await rules_of(node))["sharing-answer"]
        assert (lead["violation"], lead["department"]) == (2, MINE)
        (evidence,) = (await node.call("supervise.lead", lead=lead["lead"]))["evidence"]
        assert (evidence["kind"], evidence["ref"]) == ("case", made["case"])
        assert evidence["leaf"] is not None
        shown = await node.call("clock.show", clock=evidence["detail"].removeprefix("clock:"))
        assert [one["subject"] for one in shown["clocks"]] == [f"case:{made['case']}"]
        assert len(evidence["hash"]) == len(evidence["body_hash"]) == 64
        found = await facts_of(node)
        assert (found["answers_due"], found["answers_late"], found["late_permille"]) == (
            1,
            1,
            1_000,
        )


async def test_the_catalog_has_to_follow_the_law(tmp_path: Path) -> None:
    async with station(tmp_path) as node:

        def recorded(tx: Tx) -> None:
            since = tx.now_ms - 40 * DAY_MS
            change = {"change": "c" * 32, "department": MINE, "what": "条例修订", "basis": ""}
            change |= {"by": "甲", "state": "open", "reason": ""}
            tx.conn.execute(
                insert(catalog_changes).values(
                    since_ms=since, recorded_ms=since, days=15, closed_ms=0, **change
                )
            )
            code = {"change": "c" * 32, "code": CODE, "version": 1, "done_ms": 0}
            tx.conn.execute(insert(catalog_change_codes).values(code))

        await node.app.station.write(recorded)
        found = await facts_of(node)
        assert (found["changes_due"], found["changes_late"]) == (1, 1)
        lead = (await rules_of(node))["catalog-change"]
        assert (lead["violation"], lead["article"]) == (1, "Measures art. 36 (1)")


async def test_use_beyond_the_grant_counts_from_three(tmp_path: Path) -> None:
    async with station(tmp_path) as node:

        def refused(count: int) -> Any:
            def job(tx: Tx) -> None:
                for number in range(count):
                    values = dict.fromkeys(("rows", "pages", "took_us"), 0)
                    texts = {"role": "asked", "peer": PARTY, "ask": f"{number:032x}", "cut": ""}
                    texts |= {"grant": "a" * 32, "query": "q", "resource": CODE, "handler": "甲"}
                    tx.conn.execute(
                        insert(queries).values(
                            department=MINE, purpose="商业用途", digest=b"", parameters=b"",
                            time_ms=tx.now_ms, state="refused", error=QueryPurpose.code,
                            **texts, **values,
                        )
                    )  # fmt: skip

            return job

        await node.app.station.write(refused(2))
        assert "use-beyond" not in await rules_of(node)
        await node.app.station.write(lambda tx: tx.conn.execute(queries.delete()))
        await node.app.station.write(refused(3))
        lead = (await rules_of(node))["use-beyond"]
        assert (lead["violation"], lead["matters"]) == (4, 3)


async def test_a_notice_within_the_station(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        made = await node.call(
            "notice.issue",
            subject=MINE,
            violation=3,
            title="数据未及时更新",
            found="超期",
            demands="更新",
            days=5,
            **TWO,
        )
        number = made["notice"]
        both = await listed(node, "notice.list", "notices", "issued")
        assert {one["side"] for one in both} == {"authority", "subject"}
        assert {one["due_ms"] for one in both} == {made["due_ms"]}
        (clock,) = (await node.call("clock.list"))["clocks"]
        assert (clock["duty"], clock["department"], clock["due_ms"]) == (
            "notice-rectify",
            MINE,
            made["due_ms"],
        )
        answer = {"text": "已更新", "handler": "丁", "approver": "戊"}
        await node.call("notice.act", notice=number, event="answer", **answer)
        await listed(node, "notice.list", "notices", "answered")
        (closed,) = (await node.call("clock.list", which="closed"))["clocks"]
        assert closed["state"] == "met"
        await node.call("notice.act", notice=number, event="return", handler="甲", text="没有")
        await listed(node, "notice.list", "notices", "returned")
        (again,) = (await node.call("clock.list"))["clocks"]
        assert again["due_ms"] == made["due_ms"], "it goes on to the same day"
        await node.call("notice.act", notice=number, event="revoke", text="发错", **TWO)
        await listed(node, "notice.list", "notices", "revoked")
        assert (await node.call("clock.list"))["clocks"] == []
        assert (await facts_of(node))["notices"] == 0, "what was revoked never was"


async def test_another_calendar_moves_the_last_day(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        made = await node.call(
            "notice.issue", subject=MINE, violation=1, title="题", found="事", demands="改",
            days=5, **TWO,
        )  # fmt: skip
        await listed(node, "notice.list", "notices", "issued")
        from ortoo_protocol.core.law.workdays import WorkingDays
        from ortoo_protocol.station.clocks.keeping import recompute

        class Never(WorkingDays):
            """A year of holidays but for its end."""

            def after(self, day: Any, working_days: int) -> Any:
                return super().after(day, working_days + 7)

        await node.app.station.write(lambda tx: recompute(tx, Never()))
        moved = await listed(node, "notice.list", "notices", "issued")
        assert all(one["due_ms"] > made["due_ms"] for one in moved)


async def test_a_departments_submission(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        await node.call("report.open", period="2026H1", days=10, by="信息中心")
        first, _ = await listed(node, "report.list", "submissions", "open")
        number = first["submission"]
        with pytest.raises(SupervisionField):
            await node.call("report.fill", submission=number, by="丁", passages={"other": "x"})
        written = {"implementation": "已编目。", "effect": "已使用。"}
        await node.call("report.fill", submission=number, by="丁", passages=written)
        await node.call("report.submit", submission=number, handler="丁", approver="戊")
        await listed(node, "report.list", "submissions", "submitted")
        await node.call("report.decide", submission=number, outcome="accept", by="信息中心")
        both = await listed(node, "report.list", "submissions", "accepted")
        assert len({one["hash"] for one in both}) == 1

        def late(tx: Tx) -> None:
            tx.conn.execute(update(submissions).values(due_ms=submissions.c.opened_ms))

        found = await facts_of(node)
        assert (found["submissions_due"], found["submissions_in_time"]) == (1, 1)
        await node.app.station.write(late)
        assert (await facts_of(node))["submissions_in_time"] == 0


async def test_whom_the_station_does_not_supervise(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        for other in ("", PARTY, DEPARTMENTS["s150200"][0]):
            with pytest.raises(SupervisionSubject):
                await node.call("supervise.enter", subject=other, violation=6, text="x", by="y")


async def test_stale_and_never(tmp_path: Path) -> None:
    async with station(tmp_path) as node:

        def carried(days: int) -> Any:
            def job(tx: Tx) -> None:
                at = tx.now_ms - days * DAY_MS if days else 0
                old = {"changed_ms": tx.now_ms - 9 * DAY_MS}
                tx.conn.execute(update(catalog_index).values(carried_ms=at, **old))

            return job

        await node.app.station.write(carried(9))
        found = await facts_of(node)
        assert (found["stale"], found["fresh"], found["supplied"]) == (1, 0, 1)
        assert "data-stale" in await rules_of(node)
        await node.app.station.write(carried(0))
        found = await facts_of(node)
        assert (found["never"], found["supplied"], found["coverage_permille"]) == (1, 0, 0)
        assert "data-never" in await rules_of(node)
        lead = (await rules_of(node))["data-stale"]
        shown = await node.call("supervise.lead", lead=lead["lead"])
        (evidence,) = shown["evidence"]
        assert len(evidence["body_hash"]) == 64


async def test_overdue_notices_of_the_station(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        await node.call(
            "notice.issue", subject=MINE, violation=3, title="题", found="事", demands="改",
            days=1, **TWO,
        )  # fmt: skip
        await listed(node, "notice.list", "notices", "issued")

        def over(tx: Tx) -> None:
            tx.conn.execute(update(notices).values(due_ms=tx.now_ms - 1))

        await node.app.station.write(over)
        assert (await rules_of(node))["rectify-late"]["violation"] == 5


async def doctor(node: Node) -> list[tuple[str, str, str]]:
    """What it says of supervision: level, document, code."""
    found = (await node.call("doctor"))["findings"]
    return sorted(
        (each["level"], each["error"]["facts"]["document"], each["error"]["code"])
        for each in found
        if each["check"] == "supervision"
    )


async def test_doctor_names_what_is_late_and_what_waits_for_the_authority(tmp_path: Path) -> None:
    async with station(tmp_path) as node:
        wanted = {"subject": MINE, "violation": 3, "title": "题", "found": "事", "demands": "改"}
        await node.call("notice.issue", days=1, **wanted, **TWO)
        (notice, _) = await listed(node, "notice.list", "notices", "issued")
        await node.call("report.open", period="2026H1", days=10, by="信息中心")
        (report, _) = await listed(node, "report.list", "submissions", "open")
        assert await doctor(node) == []

        def over(tx: Tx) -> None:
            for table in (notices, submissions):
                tx.conn.execute(update(table).values(due_ms=tx.now_ms - 1))

        await node.app.station.write(over)
        await node.call("supervise.look")  # finds that as leads
        await node.app.station.write(
            lambda tx: tx.conn.execute(update(leads).values(found_ms=tx.now_ms - 30 * DAY_MS))
        )
        late, waiting = SupervisionLate.code, SupervisionWaiting.code
        assert await doctor(node) == [
            ("error", "notice", late),
            ("error", "report", late),
            ("warning", "lead", waiting),
            ("warning", "notice", late),
            ("warning", "report", late),
        ]
        # Answered and submitted: the authority's affair, and named once it has waited.
        await node.call(
            "notice.act", notice=notice["notice"], event="answer", text="已整改", **OTHERS
        )
        written = {"implementation": "已编目。", "effect": "已使用。"}
        number = report["submission"]
        await node.call("report.fill", submission=number, by="丁", passages=written)
        await node.call("report.submit", submission=number, handler="丁", approver="戊")
        await listed(node, "notice.list", "notices", "answered")
        await listed(node, "report.list", "submissions", "submitted")
        assert await doctor(node) == [("warning", "lead", waiting)]

        def long_ago(tx: Tx) -> None:
            for table in (notices, submissions):
                tx.conn.execute(update(table).values(changed_ms=tx.now_ms - 30 * DAY_MS))

        await node.app.station.write(long_ago)
        assert await doctor(node) == [
            ("warning", "lead", waiting),
            ("warning", "notice", waiting),
            ("warning", "report", waiting),
        ]


async def test_the_daily_look_and_the_clock_of_the_year(tmp_path: Path) -> None:
    """Kit's region stands in a year of its own; the report of the year before is due in January."""
    kit = Kit(tmp_path)
    kit.offset_ms += civil_ms(january()) - kit.clock()
    kit.region.now_ms = kit.clock()
    node = open_node(kit, PARTY, online=False)
    station_ = node.app.station
    try:
        found = await station_.write(lambda tx: once(tx, sources(PARTY)))
        assert len(found) == 1, "a department without a catalog"
        again = await station_.write(lambda tx: once(tx, sources(PARTY)))
        assert again == []
        (clock,) = (await node.call("clock.list"))["clocks"]
        assert (clock["duty"], clock["due_ms"]) == ("year-report", civil_ms(date(2027, 1, 30)))
        await node.call("report.year", year=2026, by="信息中心")
        assert (await node.call("clock.list"))["clocks"] == []
        await station_.write(lambda tx: once(tx, sources(PARTY)))
        assert (await node.call("clock.list"))["clocks"] == [], "it was made"
    finally:
        await station_.close()


def january() -> date:
    return date(2027, 1, 5)


def test_each_duty_has_one_who_acts() -> None:
    """Clocks call by the duty's name: two owners of one name would silence one of them."""
    names = [quality_tasks.DUTY, *hooks.clocks(), *use_clocks()]
    assert len(set(names)) == len(names)


async def test_granted_and_not_supplied_under_the_decree(tmp_path: Path) -> None:
    """Decree 809 art. 22 gives 20 working days from a yes; the Measures name none."""
    for profile, expected in (("SC2025", ["sharing-supply"]), ("NM2018", [])):
        kit = Kit(tmp_path / profile, region=Region(profile=profile))
        kit.folder.mkdir()
        node = open_node(kit, PARTY, online=False)
        station_ = node.app.station
        try:
            await station_.write(lambda tx: given(tx, tx.now_ms - 60 * DAY_MS))
            found = await rules_of(node)
            assert [rule for rule in found if rule == "sharing-supply"] == expected
            for lead in found.values():
                assert lead["article"].startswith("Decree" if profile == "SC2025" else "Measures")
        finally:
            await station_.close()


def given(tx: Tx, long_ago_ms: int) -> None:
    """An entry that never carried anything, and a grant on it."""
    values = {
        "id": 1, "code": CODE, "name_length": 2, "status": "published", "provider": PARTY,
        "league": "1507", "department": MINE, "department_name": "局", "kind": "3",
        "theme": "", "share": 2,
        "cycle": "每日", "modes": "", "grade": "", "items": 1, "changed_ms": tx.now_ms,
        "promise_ms": DAY_MS, "carried_ms": 0, "carried_seq": 0,
    }  # fmt: skip
    tx.conn.execute(insert(catalog_index).values(values))
    granted = replace(terms(PARTY, "s150200", f"{PARTY}.dibao"), resource=CODE, from_ms=long_ago_ms)
    grants_held.keep(tx, granted, encode(granted))


async def test_corrections_in_time_and_late(tmp_path: Path) -> None:
    async with station(tmp_path) as node:

        def doubted(tx: Tx) -> None:
            day = DAY_MS
            rows = (  # opened, answered, closed: of 40 days, the clock's 10 working days are over
                (40, 35, None),
                (40, 1, None),
                (40, None, None),
                (1, None, None),
                (40, None, 39),  # taken back by the reader
            )
            for number, ages in enumerate(rows):
                opened, answered, closed = (age and tx.now_ms - age * day for age in ages)
                values = dict.fromkeys(
                    ("by", "outcome", "reason", "source", "how"), ""
                ) | dict.fromkeys(("incarnation", "seq"), 0)
                tx.conn.execute(
                    insert(corrections).values(
                        correction=f"{number:032x}", grant="a" * 32, resource=CODE,
                        provider=PARTY, provider_department=MINE, reader="s150200",
                        reader_department=MINE, about="wrong", found_ms=opened, late=False,
                        opened_ms=opened, answered_ms=answered, closed_ms=closed,
                        state="withdrawn" if closed else "corrected" if answered else "raised",
                        letter=b"", **values,
                    )
                )  # fmt: skip

        await node.app.station.write(doubted)
        found = await facts_of(node)
        expected = {"received": 4, "due": 3, "late": 2, "in_time": 1}
        assert {name: found[f"corrections_{name}"] for name in expected} == expected
        lead = (await rules_of(node))["data-correction"]
        assert (lead["violation"], lead["matters"]) == (3, 2)

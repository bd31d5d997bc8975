"""Quality from the rule to the reader: what is wrong never leaves, is counted, and flows once it is
mended; reports, schedules and tasks about it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import update

from ortoo_node import catalog
from ortoo_node.folders import FileOptions, Folder
from ortoo_node.publishing import rejects
from ortoo_node.quality import checking, tasks
from ortoo_node.quality.tasks import MOVES, UNSETTLED, Event, State
from ortoo_node.store.tables import quality_runs, quality_schedules
from ortoo_node.store.tables import rejects as rejects_table
from ortoo_node.store.tables import tasks as tasks_table
from ortoo_protocol.core.errors import (
    CatalogOwner,
    QualityLacking,
    QualityRule,
    SourceMissing,
    TaskMove,
    TaskReason,
    TaskUnknown,
)
from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.law.workdays import CalendarYear, NamedDay, WorkingDays
from ortoo_protocol.station.clocks import taking
from tests.node.kit import FORM, Node, entry, open_node, running
from tests.support import hubs
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE, PLACES = "3070101/0001", "3070101/0002"
OWN = DEPARTMENTS[PARTY][0]
GOOD = ["11010519491231002X", "440524188001010014"]
ITEMS = [
    {"name": "编号", "column": "id", "type": "C", "length": 18, "key": True},
    {"name": "姓名", "column": "name", "type": "C", "length": 50},
    {"name": "身份证号", "column": "card", "type": "C", "length": 18},
    {"name": "区划", "column": "place", "type": "C", "length": 6},
    {"name": "收入", "column": "income", "type": "I"},
]
RULES: dict[str, Any] = {
    "resource": CODE,
    "rules": [
        {"column": "name", "check": "required"},
        {"column": "card", "check": "id-card"},
        {"column": "card", "check": "unique"},
        {"column": "place", "check": "reference", "resource": PLACES, "item": "code"},
        {"column": "income", "check": "range", "min": 0, "max": 9999, "severity": "warn"},
    ],
}
ROWS = [
    ("1", "乌云其木格", GOOD[0], "150702", 1000),
    ("2", "张三", GOOD[1], "150702", 99999),  # warned
    ("3", "", None, "150702", 1),  # no name
    ("4", "李四", "110105194912310021", "150702", 1),  # check digit
    ("5", "王五", GOOD[0], "150702", 1),  # the card of 1
    ("6", "赵六", None, "999999", 1),  # no such place
    ("7", "孙七", None, "1507021", 1),  # longer than its item
]
BAD = {"3", "4", "5", "6", "7"}


def change(node: Node, *statements: str) -> None:
    with sqlite3.connect(node.source) as conn:
        for statement in statements:
            conn.execute(statement)


@asynccontextmanager
async def department(folder: Path, **more: Any) -> AsyncIterator[Node]:
    """A station with the tables people and places, both in the catalog; places is published."""
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False)
    change(
        node,
        "CREATE TABLE people (id TEXT, name TEXT, card TEXT, place TEXT, income INTEGER)",
        "CREATE TABLE places (code TEXT, name TEXT)",
        "INSERT INTO places VALUES ('150702', '海拉尔区')",
    )
    with sqlite3.connect(node.source) as conn:
        conn.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", ROWS)
    places = [
        {"name": "代码", "column": "code", "type": "C", "length": 6, "key": True},
        {"name": "名称", "column": "name", "type": "C", "length": 50},
    ]
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, items=ITEMS, **more))
        await node.call(
            "catalog.add", entry=entry(PARTY, PLACES, items=places, feed=f"{PARTY}.places")
        )
        await node.call("publish", resource=PLACES, source="business", table="places")
        yield node


async def publish(node: Node) -> dict[str, Any]:
    return dict(await node.call("publish", resource=CODE, source="business", table="people"))


async def open_rejects(node: Node) -> dict[str, str]:
    """Key to code."""
    found = (await node.call("reject.list", resource=CODE))["rejects"]
    return {one["key"]: one["error"] for one in found}


# --- rows ----------------------------------------------------------------------------------------


async def test_a_bad_row_never_leaves_and_a_mended_one_flows(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        published = await publish(node)
        assert (published["rows"], published["upserts"], published["rejected"]) == (7, 2, 5)
        await node.call(
            "subscribe", resource=CODE, department=OWN, sink="shared", table="people", **FORM
        )
        await until(lambda: len(node.rows("people")) == 2)
        assert {row[0] for row in node.rows("people")} == {"1", "2"}
        assert await open_rejects(node) == {
            "3": "quality.required",
            "4": "quality.id-card",
            "5": "quality.unique",
            "6": "quality.reference",
            "7": "rows.length",
        }
        (listed,) = [
            one
            for one in (await node.call("publication.list"))["publications"]
            if one["resource"] == CODE
        ]
        assert (listed["rows"], listed["rejected"], listed["rejects"]) == (7, 5, 5)
        assert listed["warned"] == {"range:income": 1}
        status = await node.call("status")
        assert status["rejects"] == {CODE: 5}
        assert status["tasks"] == {"open": 0, "overdue": 0}

        change(node, "UPDATE people SET name = '额尔敦' WHERE id = '3'")
        again = await publish(node)
        assert (again["upserts"], again["deletes"], again["rejected"]) == (1, 0, 4)
        await until(lambda: len(node.rows("people")) == 3)
        assert set(await open_rejects(node)) == BAD - {"3"}


async def test_a_row_that_turns_bad_keeps_its_last_good_form(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        change(node, "DELETE FROM people WHERE id = '5'")  # it would take the card of 1
        await publish(node)
        change(node, "UPDATE people SET name = '', income = 5 WHERE id = '1'")
        again = await publish(node)
        assert (again["upserts"], again["deletes"]) == (0, 0)
        assert "1" in await open_rejects(node)
        change(node, "DELETE FROM people WHERE id = '1'")
        assert (await publish(node))["deletes"] == 1
        assert "1" not in await open_rejects(node)


async def test_rejects_hold_no_value_and_no_personal_key(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        change(
            node, "INSERT INTO people SELECT card, '', NULL, place, 1 FROM people WHERE id = '2'"
        )
        await node.call("quality.put", given={**RULES, "personal": ["name"]}, by="丁")
        await publish(node)
        found = (await node.call("reject.list", resource=CODE))["rejects"]
        said = str(found)
        for value in ("李四", "110105194912310021", "999999", "1507021", GOOD[1]):
            assert value not in said
        assert sum(one["key"].startswith("#") for one in found) == 1

        await node.call("quality.put", given={**RULES, "personal": ["id"]}, by="丁")
        await publish(node)
        found = (await node.call("reject.list", resource=CODE))["rejects"]
        assert all(one["key"].startswith("#") for one in found)
        assert {one["times"] for one in found} == {2}


async def test_rows_pushed_are_judged_by_what_is_published(tmp_path: Path) -> None:
    """Unique looks at the rows that are there; what a later push mends is no reject any more."""
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        publisher = node.app.publisher

        async def push(*rows: tuple[Any, ...], gone: list[tuple[str]] | None = None) -> list[str]:
            _, refused = await publisher.push(CODE, rows, gone or [])
            return [reject.code for reject in refused]

        taken = ("8", "周八", GOOD[0], "150702", 1)
        assert await push(taken) == ["quality.unique"]
        assert await push(("1", "乌云", GOOD[0], "150702", 1)) == []  # its own
        assert "8" in await open_rejects(node)
        assert await push(("8", "周八", None, "150702", 1)) == []
        assert set(await open_rejects(node)) == BAD
        await push(gone=[("7",)])
        assert set(await open_rejects(node)) == BAD - {"7"}
        assert (await node.call("status"))["rejects"] == {CODE: 4}


async def test_rejects_are_bounded_and_all_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects, "MOST_KEPT", 3)
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        kept = await node.app.station.read(lambda conn: conn.execute(rejects_table.select()).all())
        assert len(kept) == 3
        assert (await node.call("status"))["rejects"] == {CODE: 5}


async def test_a_reference_to_a_table_of_a_source(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        rule = {"column": "place", "check": "reference", "source": "business"}
        given = {"resource": CODE, "rules": [{**rule, "table": "places", "item": "code"}]}
        await node.call("quality.put", given=given, by="丁")
        await publish(node)
        assert (await open_rejects(node))["6"] == "quality.reference"
        gone = {"resource": CODE, "rules": [{**rule, "table": "gone", "item": "code"}]}
        await node.call("quality.put", given=gone, by="丁")
        with pytest.raises(SourceMissing):
            await publish(node)


async def test_a_reference_is_read_anew_after_a_while(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        rule = {"column": "place", "check": "reference", "source": "business"}
        given = {"resource": CODE, "rules": [{**rule, "table": "places", "item": "code"}]}
        await node.call("quality.put", given=given, by="丁")
        await publish(node)
        change(node, "INSERT INTO places VALUES ('999999', '新设')")
        await publish(node)
        assert (await open_rejects(node))["6"] == "quality.reference"
        with mock.patch.object(checking, "REFERENCE_KEPT_MS", 0):
            await publish(node)
        assert "6" not in await open_rejects(node)


# --- rules ---------------------------------------------------------------------------------------


async def test_rules_have_versions(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        with pytest.raises(QualityLacking):
            await node.call("quality.show", resource=CODE)
        await node.call("quality.put", given=RULES, by="丁")
        fewer = {"resource": CODE, "rules": RULES["rules"][:1]}
        assert (await node.call("quality.put", given=fewer, by="戊"))["version"] == 2
        shown = await node.call("quality.show", resource=CODE)
        assert [(one["version"], one["by"]) for one in shown["versions"]] == [(2, "戊"), (1, "丁")]
        assert [rule["check"] for rule in shown["rules"]] == ["required"]
        assert (await publish(node))["rejected"] == 2  # no name; longer than its item


async def test_rules_that_are_not_put_in_force(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        other = {"column": "place", "check": "reference", "resource": PLACES, "item": "gone"}
        for given in (
            {"resource": CODE, "rules": [{"column": "gone", "check": "required"}]},
            {"resource": CODE, "rules": [other]},
            {"resource": CODE, "rules": [{**other, "resource": "3070101/9"}]},
            {"resource": CODE},
        ):
            with pytest.raises(QualityRule):
                await node.call("quality.put", given=given, by="丁")
        with pytest.raises(TaskReason):
            await node.call("quality.put", given=RULES, by=" ")
        assert (await publish(node))["rejected"] == 1  # longer than its item


# --- reports -------------------------------------------------------------------------------------


async def test_a_report_says_what_is_wrong_where(tmp_path: Path) -> None:
    async with department(tmp_path, cycle="每日") as node:
        await publish(node)  # before there are rules: most of it has left
        await node.call("quality.put", given=RULES, by="丁")
        change(
            node,
            "UPDATE people SET income = 5 WHERE id = '1'",
            "DELETE FROM people WHERE id = '2'",
            "INSERT INTO people VALUES ('9', '钱九', NULL, '150702', 1)",
        )
        answer = await node.call("quality.check", resource=CODE)
        report = answer["report"]
        failed = {
            one["rule"]: (one["source_failed"], one["published_failed"]) for one in report["rules"]
        }
        assert failed == {
            "required:name": (1, 1),
            "id-card:card": (1, 1),
            "unique:card": (1, 1),
            "reference:place": (1, 1),
            "range:income": (0, 1),
            "rows.length:place": (1, 0),
        }
        compared = report["comparison"]
        assert (compared["source_rows"], compared["published_rows"]) == (7, 6)
        assert (compared["missing"], compared["surplus"], compared["differing"]) == (1, 1, 1)
        assert compared["rejected"] == 5
        assert not compared["passed"]
        assert (report["rows"], report["failed_rows"]) == (7, 5)
        assert report["freshness"]["passed"]
        assert not report["passed"]
        assert 0 < report["score_permille"] < 1000
        marks = [mark for one in report["rules"] for mark in one["examples"]]
        assert marks
        assert all(len(mark) == 16 for mark in marks)


async def test_a_few_rows_may_differ(tmp_path: Path) -> None:
    """As many as `quality.difference_percent` says: one of a hundred."""
    async with department(tmp_path) as node:
        change(node, "DELETE FROM people")
        with sqlite3.connect(node.source) as conn:
            rows = [(str(number), "甲", None, None, 1) for number in range(150)]
            conn.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)
        await publish(node)
        for differing, passed in ((1, True), (2, False)):
            one = "SELECT min(rowid) FROM people WHERE income = 1"
            change(node, f"UPDATE people SET income = 2 WHERE rowid = ({one})")  # noqa: S608 - our own
            compared = (await node.call("quality.check", resource=CODE))["report"]["comparison"]
            assert (compared["differing"], compared["passed"]) == (differing, passed)


async def test_a_clean_table_scores_full_and_the_trend_shows_it(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        first = await node.call("quality.check", resource=CODE)
        change(
            node,
            "DELETE FROM people WHERE id > '2'",
            "UPDATE people SET income = 1 WHERE id = '2'",
        )
        await publish(node)
        second = await node.call("quality.check", resource=CODE)
        assert second["report"]["passed"]
        scores = [one["score_permille"] for one in second["trend"]]
        assert scores == [first["report"]["score_permille"], 1000]
        listed = (await node.call("quality.list"))["resources"][0]
        assert (listed["score_permille"], listed["passed"]) == (1000, True)


async def test_what_was_published_too_long_ago_is_late(tmp_path: Path) -> None:
    async with department(tmp_path, cycle="每日") as node:
        await publish(node)
        two_days_ms = 2 * 86_400_000
        job = update(quality_runs).values(time_ms=quality_runs.c.time_ms - two_days_ms)
        await node.app.station.write(lambda tx: tx.conn.execute(job))
        report = (await node.call("quality.check", resource=CODE))["report"]
        assert not report["freshness"]["passed"]
        rules = {one["rule"] for one in (await node.call("task.list"))["tasks"]}
        assert "freshness" in rules


async def test_nothing_to_check(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        with pytest.raises(QualityLacking):
            await node.call("quality.check", resource=CODE)
        with pytest.raises(QualityLacking):
            await node.call("quality.report", resource=CODE)


async def test_a_pushed_resource_is_checked_as_it_is_published(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.app.publisher.push(CODE, ROWS[:3])
        await node.call("quality.put", given=RULES, by="丁")
        report = (await node.call("quality.check", resource=CODE))["report"]
        assert report["comparison"] is None
        assert (report["rows"], report["failed_rows"]) == (3, 2)


async def test_reports_run_when_their_turn_is(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await publish(node)
        await node.call("quality.schedule", resource=CODE, cycle="daily")
        inspector, station = node.app.inspector, node.app.station
        await inspector.check_due()
        with pytest.raises(QualityLacking):
            await node.call("quality.report", resource=CODE)
        due = update(quality_schedules).values(next_ms=0)
        await station.write(lambda tx: tx.conn.execute(due))
        await inspector.check_due()
        assert (await node.call("quality.report", resource=CODE))["report"]["rows"] == 7

        change(node, "DROP TABLE people")
        await station.write(lambda tx: tx.conn.execute(due))
        await inspector.check_due()
        listed = (await node.call("quality.list"))["resources"][0]
        assert (listed["error"], listed["cycle"]) == ("source.missing", "daily")
        assert listed["next_ms"] > station.parts.clock()
        await node.call("quality.schedule", resource=CODE, cycle="off")
        assert (await node.call("quality.list"))["resources"][0]["cycle"] == ""


# --- tasks ---------------------------------------------------------------------------------------


async def waiting(node: Node) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in (await node.call("task.list"))["tasks"]}


async def test_a_task_from_the_report_to_its_verification(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        await node.call("quality.check", resource=CODE)
        opened = await waiting(node)
        assert set(opened) == {
            "required:name",
            "id-card:card",
            "unique:card",
            "reference:place",
            "range:income",
            "rows.length:place",
        }
        one = opened["required:name"]
        assert (one["state"], one["department"], one["what"]) == ("open", OWN, "1/7")
        last = WorkingDays().after(day_of(one["opened_ms"]), 10).day
        assert one["due_ms"] == moment_ms(last, 1_440)
        assert await clock_of(node, one["task"]) == "running"

        # It goes on failing: the same task; an answer that helped nothing opens it again.
        with pytest.raises(TaskReason):
            await node.call("task.answer", task=one["task"], by="", reason="已补录")
        await node.call("task.answer", task=one["task"], by="己", reason="已补录")
        await node.call("quality.check", resource=CODE)
        again = (await waiting(node))["required:name"]
        assert (again["task"], again["state"]) == (one["task"], "open")

        change(node, "UPDATE people SET name = '额尔敦' WHERE id = '3'")
        await publish(node)
        await node.call("task.answer", task=one["task"], by="己", reason="这次真的补录了")
        await node.call("quality.check", resource=CODE)
        assert "required:name" not in await waiting(node)
        settled = {
            each["task"]: each for each in (await node.call("task.list", settled=True))["tasks"]
        }[one["task"]]
        assert settled["state"] == "verified"
        assert await clock_of(node, one["task"]) == "met"
        assert [event["event"] for event in settled["events"]] == [
            "open", "answer", "fail", "answer", "pass",
        ]  # fmt: skip
        with pytest.raises(TaskMove):
            await node.call("task.close", task=one["task"], by="己", reason="多余")


async def clock_of(node: Node, task: str) -> str:
    (clock,) = (await node.call("clock.show", clock=f"task:{task}"))["clocks"]
    assert clock["duty"] == "data-rectify"
    return str(clock["state"])


async def test_a_calendar_moves_the_day_of_a_task(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        await node.call("quality.check", resource=CODE)
        before = (await waiting(node))["required:name"]["due_ms"]
        first = day_of(before - 1)
        off = NamedDay(first.isoformat(), False, "那达慕")
        year = CalendarYear(year=first.year, version=1, source="自治区", by="甲", days=(off,))
        await node.app.station.write(lambda tx: taking.put(tx, [year]))
        after = (await waiting(node))["required:name"]["due_ms"]
        assert after == moment_ms(WorkingDays([year]).after(first, 1).day, 1_440) > before


async def test_a_person_closes_a_task_and_the_next_check_opens_another(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        await node.call("quality.check", resource=CODE)
        task = (await waiting(node))["range:income"]["task"]
        await node.call("task.close", task=task, by="庚", reason="确有其事")
        assert await clock_of(node, task) == "cancelled"
        await node.call("quality.check", resource=CODE)
        assert (await waiting(node))["range:income"]["task"] != task
        with pytest.raises(TaskUnknown):
            await node.call("task.close", task="0" * 32, by="庚", reason="-")


async def test_an_overdue_task_shows(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        await node.call("quality.put", given=RULES, by="丁")
        await publish(node)
        await node.call("quality.check", resource=CODE)
        late = update(tasks_table).where(tasks_table.c.rule == "unique:card").values(due_ms=1)
        await node.app.station.write(lambda tx: tx.conn.execute(late))
        assert (await node.call("status"))["tasks"] == {"open": 6, "overdue": 1}
        found = (await node.call("task.list"))["tasks"]
        assert [one["rule"] for one in found if one["overdue"]] == ["unique:card"]
        assert found[0]["rule"] == "unique:card"


def test_the_machine_settles_and_stays_settled() -> None:
    assert {state.value for state, _ in MOVES} == set(UNSETTLED)
    for state in (State.VERIFIED, State.CLOSED):
        for event in Event:
            with pytest.raises(TaskMove):
                tasks.move(state, event)


async def test_only_own_resources_have_rules(tmp_path: Path) -> None:
    async with department(tmp_path) as node:
        foreign = hubs.entry(provider="s150200", feed="s150200.x")
        await node.app.station.write(lambda tx: catalog.store(tx, foreign, 1, 1))
        given = {"resource": "3150700001", "rules": []}
        with pytest.raises(CatalogOwner):
            await node.call("quality.put", given=given, by="丁")
        with pytest.raises(CatalogOwner):
            await node.call("quality.schedule", resource="3150700001", cycle="daily")


# --- folders -------------------------------------------------------------------------------------


async def test_files_are_compared_where_one_holds_the_whole_table(tmp_path: Path) -> None:
    front = tmp_path / "front"
    (front / "in").mkdir(parents=True)
    changes = FileOptions(pattern="log*.csv", whole=False, op_column="操作")
    folder = Folder(name="front-end", path=front, settle_s=0, files=(changes,))
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False, folders=(folder,))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        file = front / "in" / "1.csv"
        file.write_text("编号,姓名,月收入\n1,甲,1\n2,乙,2\n", encoding="utf-8")
        await node.call("publish", resource=CODE, source="front-end", table="[0-9].csv")
        report = (await node.call("quality.check", resource=CODE))["report"]
        assert (report["comparison"]["source_rows"], report["passed"]) == (2, True)
        await node.call("quality.check", resource=CODE)  # a check reads and takes nothing away
        assert file.exists()

        file.unlink()
        report = (await node.call("quality.check", resource=CODE))["report"]
        assert (report["comparison"], report["rows"]) == (None, 2)

        log = "操作,编号,姓名,月收入\nU,3,丙,3\n"
        (front / "in" / "log1.csv").write_text(log, encoding="utf-8")
        await node.call("publish", resource=CODE, source="front-end", table="log*.csv")
        report = (await node.call("quality.check", resource=CODE))["report"]
        assert (report["comparison"], report["rows"]) == (None, 3)

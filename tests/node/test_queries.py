"""Online query from ask to answer: two stations on a broker in memory, or one alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from ortoo_node.queries import client, rates
from ortoo_node.queries.waiting import Asks, Waiting
from ortoo_node.store.tables import queries
from ortoo_protocol.core import errors
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.station.control import ControlServer
from ortoo_protocol.station.store.tables import feed_readers, journal
from tests.node.kit import FORM, PEOPLE, Node
from tests.node.query_kit import CODE, PROVIDER, READER, pair, question
from tests.support.trust import DEPARTMENTS

MINUTE_MS = 60_000


async def record_of(node: Node, role: str) -> list[Any]:
    await node.app.queries.notes.flush()
    query = select(queries).where(queries.c.role == role).order_by(queries.c.time_ms)
    return await node.app.station.read(lambda conn: list(conn.execute(query).all()))


@pytest.mark.parametrize("alone", [False, True], ids=["two stations", "one station"])
async def test_an_ask_is_answered_recorded_and_journalled_at_both_ends(
    tmp_path: Path, alone: bool
) -> None:
    async with pair(tmp_path, alone=alone) as both:
        grant = await both.grant()
        pages = await both.ask(grant, parameters={"least": 90})
        assert [row for page in pages for row in page.rows] == [
            (f"{n:05}", f"人{n}", n) for n in range(90, 100)
        ]
        assert [(page.number, page.pages, page.cut) for page in pages] == [(0, 1, "")]
        (asked,), (answered,) = (
            await record_of(both.reader, "asked"),
            await record_of(both.provider, "answered"),
        )
        for row, peer in ((asked, PROVIDER), (answered, PROVIDER if alone else READER)):
            assert (row.grant, row.query, row.peer) == (grant.grant, "by-income", peer)
            assert (row.purpose, row.handler) == (grant.purpose, "查询人")
            assert (row.department, row.state, row.rows) == (
                grant.reader_department, "answered", 10,
            )  # fmt: skip
            assert row.took_us > 0
        assert asked.digest == answered.digest
        assert b"90" not in asked.parameters
        assert b"least" not in answered.parameters

        def flows(kind: str) -> Any:
            return select(journal.c.state).where(
                journal.c.kind == kind, journal.c.flow == grant.grant
            )

        for node in {id(both.provider): both.provider, id(both.reader): both.reader}.values():
            for kind in ("query.ask", "query.page"):
                found = await node.app.station.read(
                    lambda conn, kind=kind: list(conn.execute(flows(kind)).scalars())  # type: ignore[misc]
                )
                assert len(found) == (2 if alone else 1), kind
            assert (await node.call("journal.verify"))["size"] > 0


async def test_the_grants_items_rows_and_masks_decide_what_leaves(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        narrow = await both.grant(items=("id", "income"))
        assert (await both.rows(narrow, parameters={"least": 98})) == [("00098", 98), ("00099", 99)]
        filtered = await both.grant(items=("id", "name"), row_filter="income = '7'")
        assert await both.rows(filtered) == [("00007", "人7")]
        masked = await both.grant(masks=(Mask("name", "name"),))
        (first, *_) = await both.rows(masked, parameters={"least": 98})
        assert first[0] == "00098"
        assert "98" not in first[1]
        elsewhere = await both.grant(items=("other",))
        with pytest.raises(errors.QueryScope):
            await both.rows(elsewhere)
        await both.declare(code="no-income", columns=[{"column": "id"}])
        with pytest.raises(errors.QueryScope):
            await both.rows(filtered, "no-income")


async def test_long_answers_come_in_pages_as_they_are_taken(tmp_path: Path) -> None:
    async with pair(tmp_path, rows=2_000) as both:
        await both.declare(max_rows=5_000)
        grant = await both.grant()
        taken = 0
        asked = both.reader.app.queries.reader.ask(question(grant, page_rows=100, window=3))
        async for page in asked:
            assert len(page.rows) == 100
            assert page.pages == 20
            taken += 1
            (waiting,) = both.reader.app.queries.reader.arriving.waiting.values()
            assert len(waiting.got) <= 2 * 3
        assert taken == 20
        (row,) = await record_of(both.reader, "asked")
        assert (row.rows, row.pages, row.state) == (2_000, 20, "answered")


async def test_what_is_cut_says_so(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.declare(max_rows=10)
        grant = await both.grant()
        (page,) = await both.ask(grant)
        assert (len(page.rows), page.cut) == (10, "rows")
        await both.declare(max_rows=1_000, max_bytes=400)
        (page,) = await both.ask(grant)
        assert 0 < len(page.rows) < 100
        assert page.cut == "bytes"
        assert {row.cut for row in await record_of(both.provider, "answered")} == {"rows", "bytes"}


INJECTED = ("0 OR 1=1", "0; DROP TABLE people", "' OR '1'='1", "0)--", "1 UNION SELECT 1")


@pytest.mark.parametrize("value", INJECTED)
async def test_what_is_injected_is_a_value_and_nothing_else(tmp_path: Path, value: str) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        with pytest.raises(errors.QueryParameter):
            await both.rows(grant, parameters={"least": value})
        await both.declare(
            code="by-name",
            sql="SELECT id, name, income FROM people WHERE name = :name",
            parameters=[{"name": "name", "type": "C"}],
        )
        assert await both.rows(grant, "by-name", parameters={"name": value}) == []
        assert len(await both.rows(grant, "by-name", parameters={"name": "人7"})) == 1
        assert len(await both.rows(grant)) == 100


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "least is missing"),
        ({"least": None}, "least is missing"),
        ({"least": "x"}, "least"),
        ({"least": 1.5}, "least"),
        ({"least": True}, "least"),
        ({"least": "１２"}, "least"),
        ({"least": 1, "more": 2}, "more"),
    ],
)
async def test_parameters_of_another_form_are_named(
    tmp_path: Path, parameters: dict[str, Any], said: str
) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        with pytest.raises(errors.QueryParameter) as caught:
            await both.rows(grant, parameters=parameters)
        assert said in str(caught.value)
        assert set(caught.value.facts) == {"detail"}, "and nothing that it does not speak of"
        (row,) = await record_of(both.provider, "answered")
        assert (row.state, row.error) == ("refused", "query.parameter")


async def test_grant_purpose_and_mode_are_looked_at_each_time(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        assert len(await both.rows(grant)) == 100
        for asker in (both.reader.app.queries.reader,):
            with pytest.raises(errors.QueryPurpose):
                [page async for page in asker.ask(question(grant, purpose="转给第三方"))]
        by_feed = await both.grant(mode="系统对接")
        with pytest.raises(errors.QueryMode):
            await both.rows(by_feed)
        over = await both.grant(until_ms=1, from_ms=0)
        with pytest.raises(errors.GrantEnded):
            await both.rows(over)
        with pytest.raises(errors.QueryUnknown):
            await both.rows(grant, "no-such")
        await both.provider.call("query.withdraw", code="by-income")
        with pytest.raises(errors.QueryUnknown):
            await both.rows(grant)


async def test_a_grants_end_stops_at_once_at_the_provider(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        assert len(await both.rows(grant)) == 100
        from ortoo_protocol.station.store.tables import grants

        def end(tx: Any) -> None:
            tx.conn.execute(grants.update().values(ended_ms=tx.now_ms, end_reason="需求已满足"))

        await both.provider.app.station.write(end)
        with pytest.raises(errors.GrantEnded):
            await both.rows(grant)


async def test_rates_hold_and_survive_a_restart_of_counting(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.declare(calls_a_minute=1_000, calls_a_day=3)
        grant, other = await both.grant(), await both.grant()
        for _ in range(3):
            await both.rows(grant)
        with pytest.raises(errors.QueryRate):
            await both.rows(grant)
        await both.rows(other)
        both.provider.app.queries.provider.rates._counts.clear()
        await both.provider.app.queries.notes.flush()
        with pytest.raises(errors.QueryRate):
            await both.rows(grant)


async def test_a_minute_passes(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.declare(calls_a_minute=2, calls_a_day=1_000)
        grant = await both.grant()
        both.kit.offset_ms += MINUTE_MS - both.kit.clock() % MINUTE_MS  # it has just begun
        for _ in range(2):
            await both.rows(grant)
        with pytest.raises(errors.QueryRate) as caught:
            await both.rows(grant)
        assert "2 calls a minute" in str(caught.value)
        both.kit.offset_ms += MINUTE_MS
        assert len(await both.rows(grant)) == 100


def test_a_day_ends_at_midnight_in_beijing(monkeypatch: pytest.MonkeyPatch) -> None:
    midnight_ms = 1_790_006_400_000  # 2026-09-22T00:00+08:00
    day = rates._windows(midnight_ms - 1)[1]
    fresh = rates._Count(0, 0, day, 0)
    monkeypatch.setattr(rates, "_recorded", lambda *_: fresh)
    counting, tx = rates.Rates(), SimpleNamespace(now_ms=midnight_ms - 1)
    declared = SimpleNamespace(code="q", calls_a_minute=9, calls_a_day=1)
    counting.spend(tx, "g", declared)  # type: ignore[arg-type]  # as much as is looked at
    with pytest.raises(errors.QueryRate):
        counting.spend(tx, "g", declared)  # type: ignore[arg-type]  # as above
    tx.now_ms = midnight_ms
    counting.spend(tx, "g", declared)  # type: ignore[arg-type]  # as above


async def test_a_slow_query_is_ended_and_holds_up_no_other(tmp_path: Path) -> None:
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000) "
        "SELECT count(*) AS income FROM n"
    )
    async with pair(tmp_path) as both:
        await both.declare(
            code="slow", sql=slow, parameters=[], columns=[{"column": "income"}], timeout_ms=300
        )
        grant = await both.grant()
        ask = asyncio.create_task(both.rows(grant, "slow", parameters={}))
        assert len(await both.rows(grant)) == 100
        with pytest.raises(errors.QueryTimeout) as caught:
            await ask
        assert "300 ms" in str(caught.value)


async def test_the_provider_finds_in_its_log_what_its_source_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with pair(tmp_path) as both:
        sql = "SELECT no_such_column AS income FROM people"
        await both.declare(code="wrong", sql=sql, parameters=[], columns=[{"column": "income"}])
        with pytest.raises(errors.QuerySource) as caught:
            await both.rows(await both.grant(), "wrong", parameters={})
        assert "no_such_column" not in str(caught.value)
        (said,) = [each for each in caplog.messages if "no_such_column" in each]
        assert READER in said
        assert "query wrong" in said


async def test_a_station_without_a_link_says_that_it_is_its_own() -> None:
    parts: Any = SimpleNamespace(identity=SimpleNamespace(party=READER))
    unlinked: Any = SimpleNamespace(link=None)
    post: Any = None
    waiting = Waiting("a", PROVIDER, "g", "c", post, begun=0.0, timeout_s=0.01)
    with pytest.raises(errors.QueryUnlinked):
        await Asks(parts, unlinked, {}).until(waiting, lambda: False, lambda: None)


async def test_a_provider_that_is_away_is_said_so(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        both.provider.app.station.leave_queue(f"quick.{PROVIDER}")
        with pytest.raises(errors.QuerySilent) as caught:
            await both.rows(grant, timeout_s=0.5)
        assert PROVIDER in str(caught.value)
        (row,) = await record_of(both.reader, "asked")
        assert (row.state, row.error) == ("failed", "query.silent")


async def test_the_same_ask_again_is_answered_again_and_counted_once(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        sent: list[Any] = []
        post = both.reader.app.station.parts.post
        object.__setattr__(
            both.reader.app.station.parts, "post", lambda each: (sent.append(each), post(each))
        )
        await both.rows(grant)
        (asked,) = [each for each in sent if each.routing_key.endswith("query.ask")]
        arrived = asyncio.Event()
        hooks = both.reader.app.station.parts.hooks
        hooks.answers["query.page"] = lambda _opened: arrived.set()  # type: ignore[index]
        post(asked)
        await asyncio.wait_for(arrived.wait(), 10)
        both.provider.app.queries.provider._kept.drop(
            (READER, (await record_of(both.reader, "asked"))[0].ask)
        )
        arrived.clear()
        post(asked)
        await asyncio.wait_for(arrived.wait(), 10)
        rows = await record_of(both.provider, "answered")
        assert len(rows) == 1
        assert rows[0].rows == 100
        (figures,) = (await both.provider.call("query.stats"))["queries"]
        assert (figures["calls"], figures["rows"], figures["errors"]) == (1, 100, 0)


async def test_pages_that_are_lost_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ortoo_node.queries import waiting as waits

    monkeypatch.setattr(waits, "AGAIN_S", 0.2)
    async with pair(tmp_path, rows=1_000) as both:
        grant = await both.grant()
        parts, lost = both.provider.app.station.parts, [0]
        post = parts.post

        def lossy(each: Any) -> None:
            if ".query." in each.routing_key:
                lost[0] += 1
                if lost[0] % 3:
                    return
            post(each)

        object.__setattr__(parts, "post", lossy)
        rows = await both.rows(grant, page_rows=100, window=4)
        assert rows == [(f"{n:05}", f"人{n}", n) for n in range(1_000)]
        assert lost[0] > 10


async def test_a_link_that_is_cut_is_gone_on_with(tmp_path: Path) -> None:
    async with pair(tmp_path, rows=1_000) as both:
        grant = await both.grant()
        asked = both.reader.app.queries.reader.ask(question(grant, page_rows=50, window=2))
        numbers = []
        async for page in asked:
            numbers.append(page.number)
            if page.number in (3, 9):
                both.kit.broker.cut()
        assert numbers == list(range(20))


async def test_a_reader_learns_what_it_may_ask(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.declare(code="others", columns=[{"column": "name"}])
        grant = await both.grant(items=("id", "income"))
        answer = await both.reader.call("query.offered", grant=grant.grant)
        (one,) = answer["queries"]
        assert one["code"] == "by-income"
        assert one["columns"] == ["id", "income"]
        assert one["parameters"][0]["name"] == "least"
        assert "sql" not in str(answer).lower()


async def test_methods_stream_page_by_page(tmp_path: Path) -> None:
    async with pair(tmp_path, rows=250) as both:
        grant = await both.grant()
        answer = await both.reader.call(
            "query.run", grant=grant.grant, query="by-income", purpose=grant.purpose,
            handler="查询人", parameters={"least": "0"}, page_rows=100,
        )  # fmt: skip
        rows = list(answer["rows"])
        while answer["reading"]:
            answer = await both.reader.call("query.next", reading=answer["reading"])
            rows += answer["rows"]
        assert len(rows) == 250
        found = await both.reader.call("query.record", parameters=True)
        assert found["queries"][0]["parameters"] == {"least": "0"}
        with pytest.raises(errors.QueryGone):
            await both.reader.call("query.next", reading="0" * 32)


async def test_a_program_asks_through_the_socket(tmp_path: Path) -> None:
    async with pair(tmp_path, rows=250) as both:
        grant = await both.grant()
        server = ControlServer(tmp_path / "control.sock", both.reader.methods)
        await server.start()
        try:
            given = {"grant": grant.grant, "query": "by-income", "purpose": grant.purpose}
            asked = client.ask(
                tmp_path / "control.sock",
                handler="程序",
                parameters={"least": 0},
                page_rows=100,
                **given,
            )
            rows = [row async for row in asked]
            assert len(rows) == 250
            assert rows[7] == {"id": "00007", "name": "人7", "income": 7}
            given["query"] = "no-such"
            unknown = client.ask(tmp_path / "control.sock", handler="程序", **given)
            with pytest.raises(errors.QueryUnknown):
                await anext(unknown)
        finally:
            await server.close()


async def test_a_mode_that_nobody_knows_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    """As "query" it would have been granted as everything but a query."""
    async with pair(tmp_path, alone=True) as both:
        for mode in ("query", "查询", "在线查询、别的", " "):
            with pytest.raises(errors.CaseField, match="在线查询"):
                await both.provider.call(
                    "request.apply",
                    resource=CODE,
                    department=DEPARTMENTS[PROVIDER][0],
                    mode=mode,
                    **FORM,
                )
        assert (await both.provider.call("request.list"))["cases"] == []


async def test_of_several_grants_one_that_opens_a_feed_is_subscribed_to(tmp_path: Path) -> None:
    async with pair(tmp_path, alone=True) as both:
        await both.provider.call("publish", resource=CODE, source="business", table="people")
        own, granted = DEPARTMENTS[PROVIDER][0], {}
        for mode in ("系统对接", "在线查询"):  # the newest is the one to query
            asked = {"resource": CODE, "department": own, "mode": mode, **FORM}
            case = (await both.provider.call("request.apply", **asked))["case"]
            given = await both.provider.call("request.grant", case=case, items=[], **PEOPLE)
            granted[mode] = given["grant"]
        wanted = {"resource": CODE, "department": own, "sink": "shared", "table": "t"}
        made = await both.provider.call("subscribe", **wanted, purpose=FORM["purpose"])
        assert made["grant"] == granted["系统对接"]


async def test_a_grant_to_query_opens_no_feed(tmp_path: Path) -> None:
    async with pair(tmp_path, alone=True) as both:
        await both.provider.call("publish", resource=CODE, source="business", table="people")
        own = DEPARTMENTS[PROVIDER][0]
        case = await both.provider.call(
            "request.apply", resource=CODE, department=own, mode="在线查询", **FORM
        )
        given = await both.provider.call("request.grant", case=case["case"], items=[], **PEOPLE)
        readers = select(feed_readers.c.grant)
        held = await both.provider.app.station.read(lambda conn: conn.execute(readers).all())
        assert held == []
        answer = await both.provider.call(
            "query.run", grant=given["grant"], query="by-income", purpose=FORM["purpose"],
            handler="查询人", parameters={"least": 99},
        )  # fmt: skip
        assert answer["rows"] == [("00099", "人99", 99)]
        with pytest.raises(errors.QueryMode):
            await both.provider.call(
                "subscribe",
                resource=CODE,
                department=own,
                sink="shared",
                table="t",
                purpose=FORM["purpose"],
            )
        ended = await both.provider.call(
            "grant.end", grant=given["grant"], reason="需求已满足", by="丁"
        )
        assert ended["filing"]

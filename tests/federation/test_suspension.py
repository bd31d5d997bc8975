"""A grant is suspended for misuse, set right, resumed or ended: between leagues."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ortoo_node.use import suspending
from ortoo_protocol.core import errors
from ortoo_protocol.station import clocks, feed_writer
from ortoo_protocol.station.store.tables import feed_in_items
from tests.federation.exchange import CODE, DEPARTMENT, PURPOSE, READER, Exchange, exchange
from tests.node.kit import FORM, PEOPLE
from tests.support.hubs import until_true
from tests.support.stations import until, until_read
from tests.support.trust import DEPARTMENTS

MISUSE: dict[str, Any] = {
    "reason": "超出授权用途使用",
    "evidence": "查询日志 2026-06-01 第 3 行",
    "days": 5,
    "by": "丙",
}


async def suspended(region: Exchange) -> None:
    await region.provider.call("grant.suspend", grant=region.grant, **MISUSE)
    await region.everywhere("suspended")


async def held(region: Exchange) -> dict[str, Any]:
    (one,) = (await region.reader.call("subscription.list"))["subscriptions"]
    return dict(one)


async def test_suspended_rectified_resumed_without_loss_or_doubles(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        before = region.reader.rows("people")
        await suspended(region)
        one = await held(region)
        assert one["state"] == "suspended"
        assert one["error"]["code"] == "grant.suspended"
        assert one["error"]["facts"]["reason"] == MISUSE["reason"]
        assert one["error"]["facts"]["until"] == "2026-06-05"  # five working days from 05-29
        feed = one["feed"]
        await until(lambda: not region.kit.bound(feed, READER))

        region.change("UPDATE people SET income = 77", "DELETE FROM people WHERE id = '00003'")
        await region.publish()
        region.change("INSERT INTO people VALUES ('00099', '新', 9)")
        await region.publish()
        for method, facts in (
            ("subscription.resume", {"subscription": one["subscription"]}),
            ("subscribe", {"resource": CODE, "department": DEPARTMENT, "sink": "shared",
                           "table": "other", "purpose": PURPOSE}),
        ):  # fmt: skip
            with pytest.raises(errors.GrantIsSuspended):
                await region.reader.call(method, **facts)
        assert region.reader.rows("people") == before

        await region.reader.call(
            "grant.rectified", grant=region.grant, report="已停止并删除副本", by="丁"
        )

        async def reported() -> bool:
            shown = await region.provider.call("grant.show", grant=region.grant)
            return bool(shown["suspensions"][0]["state"] == "reported")

        await until_true(reported)
        await region.provider.call("grant.resume", grant=region.grant, reason="整改到位", by="丙")
        await region.everywhere("active")
        await region.equal()
        # From where it stood: items, not another snapshot of the whole.
        count = select(func.count()).select_from(feed_in_items)
        assert await region.reader.app.station.read(lambda conn: conn.execute(count).scalar()) >= 2
        (shown,) = (await region.hub.call["grant.show"](region.grant))["suspensions"]
        assert (shown["state"], shown["report"]) == ("resumed", "已停止并删除副本")
        subject = f"suspension:{shown['suspension']}"
        clocks_of = region.hub.hub.station.read
        assert [each.state for each in await clocks_of(lambda conn: clocks.of(conn, subject))] == [
            "met"
        ]


async def test_what_was_in_flight_waits_and_arrives_once(tmp_path: Path) -> None:
    """Items published before the suspension, and others that came before the hub closed the way."""
    async with exchange(tmp_path, rows=300) as region:
        await region.subscribe()
        await region.equal()
        region.change("UPDATE people SET income = income + 1")
        published = await region.publish()
        await region.provider.call("grant.suspend", grant=region.grant, **MISUSE)
        region.change("UPDATE people SET income = income + 1")
        await region.publish()
        await region.everywhere("suspended")
        await region.provider.call("grant.resume", grant=region.grant, reason="无误", by="丙")
        await region.everywhere("active")
        await region.equal()
        one = await held(region)
        assert one["applied"] > published["seq"]
        assert one["rejects"] == 0


async def test_events_of_the_time_of_suspension_arrive_all_and_once(tmp_path: Path) -> None:
    """Through a view as well: it follows its resource for the day the reader goes on."""
    async with exchange(tmp_path, granted=False) as region:
        code = "3070101/0002"
        events = region.provider.app.publisher.events
        await region.provider.call("catalog.add", entry=_events(code))
        assert await events(code, [("0", "早", 1)]) == (1, [])

        async def known() -> bool:
            return bool((await region.reader.call("catalog.search", text="事件"))["entries"])

        await until_true(known)
        grant = await _granted(region, code, ["id", "name"])
        await region.reader.call(
            "subscribe", resource=code, department=DEPARTMENT, sink="shared", table="events",
            purpose=PURPOSE, grant=grant,
        )  # fmt: skip
        await until_true(lambda: _current(region))
        assert await events(code, [("1", "前", 1)]) == (1, [])
        await until(lambda: len(region.reader.rows("events")) == 1)
        region.grant = grant
        await suspended(region)
        for number in range(2, 6):
            await events(code, [(f"{number}", "中", number)])
            await _keys_move_on(region, code)
        await region.provider.call("grant.resume", grant=grant, reason="整改到位", by="丙")
        await region.everywhere("active")
        await events(code, [("6", "后", 6)])
        await until(lambda: len(region.reader.rows("events")) == 6)
        assert [row[2] for row in region.reader.rows("events")] == list("123456")


async def _keys_move_on(region: Exchange, code: str) -> None:
    """Another department comes to the feed and goes: two epochs more."""
    asked = await region.provider.call(
        "request.apply", resource=code, department=DEPARTMENTS["s150700"][0], **FORM
    )
    given = await region.provider.call(
        "request.grant", case=asked["case"], items=["id", "name"], **PEOPLE
    )
    await region.provider.call("grant.end", grant=given["grant"], reason="不再需要", by="丙")


async def _current(region: Exchange) -> bool:
    return (await held(region))["state"] == "current"


def _events(code: str) -> dict[str, Any]:
    from tests.node.kit import entry

    return entry("s150700", code, 2, name="救助事件", feed="s150700.events")


async def _granted(region: Exchange, code: str, items: list[str]) -> str:
    asked = await region.reader.call("request.apply", resource=code, department=DEPARTMENT, **FORM)

    async def arrived() -> bool:
        found = (await region.provider.call("request.list", state="submitted"))["cases"]
        return any(one["case"] == asked["case"] for one in found)

    await until_true(arrived)
    given = await region.provider.call("request.grant", case=asked["case"], items=items, **PEOPLE)
    await region.state_of(region.reader, given["grant"], "active")
    return str(given["grant"])


async def test_a_reader_that_does_not_obey_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is another one, the way is closed, asks are refused by name."""
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        feed = (await held(region))["feed"]
        monkeypatch.setattr(suspending, "_rest", lambda _tx, _row: None)
        await suspended(region)
        region.change("UPDATE people SET income = 1")
        await region.publish()
        await region.reader.call(
            "subscription.resync", subscription=(await held(region))["subscription"]
        )
        await until_true(lambda: _error(region, "grant.suspended"))
        station = region.provider.app.station
        assert not await station.write(lambda tx: feed_writer.may_read(tx, feed, READER, 99))
        assert {row[2] for row in region.reader.rows("people")} != {1}


async def _error(region: Exchange, code: str) -> bool:
    error = (await held(region))["error"]
    return error is not None and error["code"] == code


async def test_queries_are_refused_with_why_and_until_when(tmp_path: Path) -> None:
    async with exchange(tmp_path, mode="在线查询") as region:
        await region.provider.call(
            "query.declare",
            given={
                "code": "all",
                "name": "查",
                "resource": CODE,
                "source": "business",
                "sql": "SELECT id FROM people",
                "columns": [{"column": "id"}],
            },
        )
        ask = {"grant": region.grant, "query": "all", "purpose": PURPOSE, "handler": "丁"}
        assert (await region.reader.call("query.run", **ask))["rows_in_all"] == 10
        await suspended(region)
        with pytest.raises(errors.GrantIsSuspended) as at_home:
            await region.reader.call("query.run", **ask)
        assert at_home.value.facts["until"] == "2026-06-05"
        await region.provider.call("grant.resume", grant=region.grant, reason="无误", by="丙")
        await region.everywhere("active")
        assert (await region.reader.call("query.run", **ask))["rows_in_all"] == 10


async def test_not_rectified_it_is_ended_but_not_before_its_time(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await suspended(region)
        with pytest.raises(errors.SuspensionEarly):
            await region.provider.call("grant.terminate", grant=region.grant, reason="拒", by="丙")
        await region.reader.call("grant.rectified", grant=region.grant, report="已改", by="丁")
        await until_true(lambda: _state(region.provider, region, "reported"))
        order = {"grant": region.grant, "reason": "未删", "by": "丙"}
        for days in (0, 366, 10**12):  # refused before anybody counts them
            with pytest.raises(errors.CaseField):
                await region.provider.call("grant.reject", **order, days=days)
        await region.provider.call("grant.reject", **order, days=3)
        await until_true(lambda: _state(region.reader, region, "suspended"))
        await region.provider.call(
            "grant.terminate", grant=region.grant, reason="拒不整改", by="丙"
        )
        await region.everywhere("ended")
        for side in (region.provider, region.reader):
            shown = await side.call("grant.show", grant=region.grant)
            assert [one["state"] for one in shown["suspensions"]] == ["terminated"]
        (case,) = (await region.provider.call("request.list"))["cases"]
        assert case["state"] == "ended"


async def _state(side: Any, region: Exchange, state: str) -> bool:
    shown = await side.call("grant.show", grant=region.grant)
    return bool(shown["suspensions"][0]["state"] == state)


async def test_the_authority_suspends_and_lifts_and_nobody_else_does(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        await region.hub.call["grant.suspend"](grant=region.grant, **MISUSE)
        await region.everywhere("suspended")
        with pytest.raises(errors.SuspensionUnknown):
            await region.provider.call("grant.resume", grant=region.grant, reason="?", by="丙")
        region.change("UPDATE people SET income = 5")
        await region.publish()
        await region.reader.call("grant.rectified", grant=region.grant, report="已改", by="丁")

        async def reported() -> bool:
            shown = await region.hub.call["grant.show"](region.grant)
            return bool(shown["suspensions"][0]["state"] == "reported")

        await until_true(reported)
        await region.hub.call["grant.resume"](grant=region.grant, reason="整改到位", by="己")
        await region.everywhere("active")
        await region.equal()


async def test_the_authority_has_it_ended(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.hub.call["grant.suspend"](grant=region.grant, **MISUSE)
        await region.everywhere("suspended")
        order = {"grant": region.grant, "by": "己"}
        with pytest.raises(errors.SuspensionEarly):
            await region.hub.call["grant.terminate"](reason="拒不整改", **order)
        await region.reader.call("grant.rectified", grant=region.grant, report="已改", by="丁")

        async def rejected() -> bool:
            with suppress(errors.SuspensionMove):
                await region.hub.call["grant.reject"](reason="整改不到位", days=2, **order)
                return True
            return False

        await until_true(rejected)
        await region.hub.call["grant.terminate"](reason="整改不到位", **order)
        await region.everywhere("ended")


async def test_two_suspensions_that_cross_end_as_the_authoritys(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        await region.hub.call["grant.suspend"](grant=region.grant, **MISUSE)
        with suppress(errors.SuspensionMove):  # the authority's may be there first
            await region.provider.call("grant.suspend", grant=region.grant, **MISUSE)
        await region.everywhere("suspended")

        async def one_state() -> bool:
            shown = await region.provider.call("grant.show", grant=region.grant)
            states = {one["suspender"]: one["state"] for one in shown["suspensions"]}
            return states.get("h150000") == "suspended" and states.get("s150700", "void") == "void"

        await until_true(one_state)
        await region.hub.call["grant.resume"](grant=region.grant, reason="整改到位", by="己")
        await region.everywhere("active")
        region.change("UPDATE people SET income = 6")
        await region.publish()
        await region.equal()


async def test_a_new_application_does_not_get_round_a_suspension(tmp_path: Path) -> None:
    async with exchange(tmp_path, share_type=1, granted=False) as region:
        await region.subscribe(basis="职责", scenario="核对", handler="甲", approver="乙")
        await region.equal()
        (one,) = (await region.reader.call("grant.list"))["grants"]
        region.grant = one["grant"]
        await suspended(region)
        why = {"basis": "职责", "scenario": "核对", "handler": "甲", "approver": "乙"}
        other = {"resource": CODE, "department": DEPARTMENT, "sink": "shared", "table": "again"}
        await region.reader.call("subscribe", purpose="另一用途", **other, **why)

        async def arrived() -> bool:
            cases = (await region.provider.call("request.list", state="submitted"))["cases"]
            return [case["purpose"] for case in cases] == ["另一用途"]

        await until_true(arrived)
        assert len((await region.provider.call("grant.list"))["grants"]) == 1
        (case,) = (await region.provider.call("request.list", state="submitted"))["cases"]
        with pytest.raises(errors.GrantIsSuspended):
            await region.provider.call("request.grant", case=case["case"], items=[], **PEOPLE)


async def test_a_grant_that_runs_out_while_it_is_suspended(tmp_path: Path) -> None:
    async with exchange(tmp_path, granted=False) as region:
        until_ms = region.kit.clock() + 40_000
        region.grant = await region.granted(until_ms=until_ms)
        await suspended(region)
        region.kit.offset_ms += 60_000
        await region.everywhere("ended")
        for side in (region.provider, region.reader):
            await until_read(side.app.station, lambda conn: _void(conn))


def _void(conn: Any) -> bool:
    from ortoo_protocol.station.store.use_tables import grant_suspensions

    return list(conn.execute(select(grant_suspensions.c.state)).scalars()) == ["void"]

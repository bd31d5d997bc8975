"""校核 between leagues: doubted, answered with evidence, closed by the row itself; the hub sees who
and until when, and no value."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ortoo_node.corrections import doubting
from ortoo_protocol.core import errors
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import LATE
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.corrections.methods import BUSINESS_GOES_ON
from tests.federation.exchange import Exchange, exchange
from tests.federation.test_masked_grant import holds
from tests.support.hubs import until_true

PEOPLE = {"handler": "甲", "approver": "丙"}
DONE = {"outcome": "corrected", "reason": "已更正", **PEOPLE}
SECRET = "与户口簿不符的姓名甲乙丙"


async def raised(region: Exchange, number: str = "00003", **more: Any) -> str:
    given = {
        "grant": region.grant,
        "key": {"id": number},
        "seen": {"name": "人3"},
        "expected": {"name": "人叁"},
        "text": SECRET,
        "found_ms": region.kit.clock(),
        "by": "丁",
        "about": "wrong",
        **more,
    }
    shown = await region.reader.call("correction.raise", **given)
    correction = str(shown["correction"]["correction"])

    async def whole() -> bool:
        found = (await region.provider.call("correction.list"))["corrections"]
        if not any(one["correction"] == correction for one in found):
            return False
        return (await region.provider.call("correction.show", correction=correction))[
            "detail"
        ] is not None

    await until_true(whole)
    return correction


async def everywhere(region: Exchange, correction: str, state: str) -> None:
    for show in (region.reader.call, region.provider.call, _of_hub(region)):

        async def so(show: Any = show) -> bool:
            found = await show("correction.show", correction=correction)
            return bool(found["correction"]["state"] == state)

        await until_true(so)


def _of_hub(region: Exchange) -> Any:
    async def call(method: str, **params: Any) -> Any:
        return await region.hub.call[method](**params)

    return call


async def test_the_corrected_row_closes_the_case(tmp_path: Path) -> None:
    paper = tmp_path / "scan.pdf"
    paper.write_bytes(b"scan of " + SECRET.encode())
    (tmp_path / "region").mkdir()
    async with exchange(tmp_path / "region") as region:
        await region.subscribe()
        await region.equal()
        correction = await raised(region, evidence=str(paper))
        shown = await region.provider.call("correction.show", correction=correction)
        assert shown["detail"]["key"] == ["00003"]
        assert shown["detail"]["fields"] == [{"column": "name", "seen": "人3", "expected": "人叁"}]
        assert (shown["notice"], shown["article"]) == (BUSINESS_GOES_ON, "Measures art. 21")
        assert shown["correction"]["clock"] == "running"
        copy = tmp_path / "copy.pdf"
        await region.provider.call(
            "correction.evidence", correction=correction, side="detail", path=str(copy)
        )
        assert copy.read_bytes() == paper.read_bytes()

        said = {"outcome": "corrected", "reason": "登记有误", **PEOPLE}
        with pytest.raises(errors.CorrectionNotPublished):
            await region.provider.call("correction.answer", correction=correction, **said)
        region.change("UPDATE people SET name = '人叁' WHERE id = '00003'")
        published = await region.publish()
        await region.provider.call(
            "correction.answer", correction=correction, text="底册为证", **said
        )
        await everywhere(region, correction, "closed")
        hub = await region.hub.call["correction.show"](correction)
        assert (hub["correction"]["how"], hub["correction"]["seq"]) == ("applied", published["seq"])
        assert hub["correction"]["clock"] == "met"
        assert hub["notice"] == ""
        assert "detail" not in hub
        answer = (await region.reader.call("correction.show", correction=correction))["answer"]
        assert answer["text"] == "底册为证"
        assert ("00003", "人叁", 3) in region.reader.rows("people")
        folder = region.hub.hub.station.party
    assert not holds(tmp_path / "region" / folder, SECRET)
    assert not holds(tmp_path / "region" / "s150700", SECRET)  # at rest it is sealed, too


async def test_confirmed_or_passed_on_and_accepted(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        first, second = await raised(region), await raised(region, "00004")
        await region.provider.call(
            "correction.answer", correction=first, outcome="right", reason="经核实无误", **PEOPLE
        )
        with pytest.raises(errors.CaseField):
            await region.provider.call(
                "correction.answer",
                correction=second,
                outcome="passed",
                reason="非本部门",
                **PEOPLE,
            )
        await region.provider.call(
            "correction.answer", correction=second, outcome="passed", reason="非本部门数据",
            source="公安局", **PEOPLE,
        )  # fmt: skip
        await everywhere(region, first, "right")
        await everywhere(region, second, "passed")
        await region.reader.call("correction.close", correction=first, by="丁")
        await everywhere(region, first, "closed")
        with pytest.raises(errors.CorrectionMove):
            await region.provider.call(
                "correction.answer", correction=first, outcome="right", reason="再答", **PEOPLE
            )


async def test_a_row_that_was_just_deleted(tmp_path: Path) -> None:
    """The doubt crosses the delete: it is corrected by being gone."""
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        region.change("DELETE FROM people WHERE id = '00003'")
        correction = await raised(region)
        published = await region.publish()
        said = {"outcome": "corrected", "reason": "该对象已注销", **PEOPLE}
        await region.provider.call("correction.answer", correction=correction, **said)
        await everywhere(region, correction, "closed")
        shown = await region.reader.call("correction.show", correction=correction)
        assert shown["correction"]["seq"] == published["seq"]
        await region.equal()
        missing = await raised(region, "00098", about="missing", seen={}, expected={"name": "新"})
        with pytest.raises(errors.CorrectionNotPublished):
            await region.provider.call("correction.answer", correction=missing, **said)


async def test_an_answer_after_escalation_counts_and_stands_as_late(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        correction = await raised(region)
        for station in (region.provider.app.station, region.hub.hub.station):
            await station.write(lambda tx: _strike(tx, correction))
        found = await region.hub.hub.station.read(lambda conn: keeping.overdue(conn, "s150700"))
        assert [row.correction for row in found] == [correction]
        await region.provider.call(
            "correction.answer", correction=correction, outcome="right", reason="无误", **PEOPLE
        )
        await everywhere(region, correction, "right")
        events = (await region.hub.call["correction.show"](correction))["events"]
        assert [event["event"] for event in events] == ["raise", "escalate", "right"]


def _strike(tx: Tx, correction: str) -> None:
    (clock,) = clocks.of(tx.conn, keeping.subject(correction))
    keeping.on_clock(tx, clock, LATE)


async def test_the_grant_ended_while_the_correction_was_open(tmp_path: Path) -> None:
    """The duty to answer stays; the papers still arrive; no row can flow, so it closes by that."""
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        correction = await raised(region)
        await region.provider.call("grant.end", grant=region.grant, reason="目的已达成", by="丙")
        await region.everywhere("ended")
        region.change("UPDATE people SET name = '人叁' WHERE id = '00003'")
        await region.publish()
        await region.provider.call(
            "correction.answer", correction=correction, outcome="corrected", reason="已更正",
            text="请自行更正", **PEOPLE,
        )  # fmt: skip
        await everywhere(region, correction, "closed")
        shown = await region.reader.call("correction.show", correction=correction)
        assert shown["correction"]["how"] == "grant-ended"
        await until_true(lambda: _answered(region, correction, "请自行更正"))


async def _answered(region: Exchange, correction: str, text: str) -> bool:
    answer = (await region.reader.call("correction.show", correction=correction))["answer"]
    return answer is not None and answer["text"] == text


async def test_an_answer_and_a_withdrawal_cross_and_all_stand_in_one_state(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        correction = await raised(region)
        await region.provider.call(
            "correction.answer", correction=correction, outcome="right", reason="无误", **PEOPLE
        )
        with suppress(errors.CorrectionMove):  # the answer may be there already
            await region.reader.call(
                "correction.withdraw", correction=correction, reason="看错", by="丁"
            )

        async def same() -> bool:
            states = {
                (await show("correction.show", correction=correction))["correction"]["state"]
                for show in (region.reader.call, region.provider.call, _of_hub(region))
            }
            return len(states) == 1 and states <= {"right", "withdrawn"}

        await until_true(same)


async def test_doubts_that_are_not_taken(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        with pytest.raises(errors.CaseField):
            await raised(region, found_ms=region.kit.clock() + 86_400_000)
        await region.subscribe()
        await region.equal()
        with pytest.raises(errors.CorrectionKey):
            await raised(region, key={"name": "人3"})
        with pytest.raises(errors.GrantUnknown):
            await region.provider.call(
                "correction.raise", grant=region.grant, key={"id": "1"}, text="x",
                found_ms=region.kit.clock(), by="丁",
            )  # fmt: skip


async def test_reported_after_the_five_days_is_taken_and_marked(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        week_ms = 7 * 86_400_000
        late = await raised(region, found_ms=region.kit.clock() - 2 * week_ms)
        soon = await raised(region, "00004", found_ms=region.kit.clock() - 86_400_000)
        found = {
            one["correction"]: one["late"]
            for one in (await region.hub.call["correction.list"]())["corrections"]
        }
        assert found == {late: True, soon: False}


async def test_nothing_closes_before_the_row_is_in_the_sink(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        (one,) = (await region.reader.call("subscription.list"))["subscriptions"]
        await region.reader.call("subscription.pause", subscription=one["subscription"])
        correction = await raised(region)
        region.change("UPDATE people SET name = '人叁' WHERE id = '00003'")
        await region.publish()
        await region.provider.call(
            "correction.answer",
            correction=correction,
            **DONE,
        )
        await everywhere(region, correction, "corrected")
        station = region.reader.app.station
        assert await station.read(lambda conn: doubting._come(conn, station.party)) == []
        await region.reader.call("subscription.resume", subscription=one["subscription"])
        await everywhere(region, correction, "closed")

"""Use records shown on request; disposal declared, asked for, done with evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core import errors
from ortoo_protocol.station import clocks
from ortoo_protocol.station.use import disposals
from tests.federation.exchange import CODE, Exchange, exchange
from tests.support.hubs import until_true

SAID = {"scenario": "救助核对", "process": "逐户比对", "effect": "少跑一趟", "storage": "本部门库"}


async def test_records_are_shown_to_provider_and_authority_and_to_nobody_else(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        with pytest.raises(errors.CaseField):
            await region.reader.call("use.record", grant=region.grant, by="丁")
        await region.reader.call("use.record", grant=region.grant, by="丁", **SAID)

        async def counted() -> bool:
            days = (await region.reader.call("use.list", grant=region.grant))["days"]
            return [(how, amount) for _day, how, _times, amount in days] == [("rows", 10)]

        await until_true(counted)
        await region.provider.call("use.ask", grant=region.grant, reason="年度检查", by="丙")
        await region.hub.call["use.ask"](grant=region.grant, reason="督查", by="己")
        for show in (region.provider.call, _of_hub(region)):
            await until_true(lambda show=show: _shown(show, region))
        with pytest.raises(errors.GrantUnknown):
            await region.reader.call("use.ask", grant=region.grant, reason="?", by="丁")


async def _shown(show: Any, region: Exchange) -> bool:
    found = (await show("grant.show", grant=region.grant))["records"]
    answers = [each["answer"] for each in found if each["answer"] is not None]
    if not answers:
        return False
    answer = answers[0]
    assert answer["purpose"] == "工作参考"
    assert answer["records"][0][2:] == ["救助核对", "逐户比对", "少跑一趟", "本部门库", "", "丁"]
    assert [day[1:] for day in answer["days"]] == [["rows", 1, 10]]
    return len(answers) == len(found)


def _of_hub(region: Exchange) -> Any:
    async def call(method: str, **params: Any) -> Any:
        return await region.hub.call[method](**params)

    return call


async def test_rows_are_counted_once_over_many_looks(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        region.change("UPDATE people SET income = 5 WHERE id < '00003'")
        await region.publish()
        await region.equal()

        async def thirteen() -> bool:
            days = (await region.reader.call("use.list", grant=region.grant))["days"]
            return sum(amount for _day, _how, _times, amount in days) == 13

        await until_true(thirteen)
        for _ in range(3):
            await region.reader.call("use.list", grant=region.grant)
        assert await thirteen()


async def test_declared_ended_asked_for_and_destroyed_with_evidence(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        with pytest.raises(errors.DisposalUnknown):
            await region.reader.call("use.destroyed", grant=region.grant, by="丁", drop=True)
        assert len(region.reader.rows("people")) == 10
        await region.reader.call("use.dispose", grant=region.grant, why="met", by="丁")
        await region.everywhere("ended")
        await region.provider.call(
            "use.require", grant=region.grant, requirements="删除全部副本", days=5, by="丙"
        )
        await until_true(lambda: _disposal(region, region.reader.call, "asked"))
        done = await region.reader.call("use.destroyed", grant=region.grant, by="丁", drop=True)
        assert done["evidence"] == "shared: people: 10 rows, DROP TABLE"
        assert region.reader.rows("people") == []
        for show in (region.provider.call, _of_hub(region)):
            await until_true(lambda show=show: _disposal(region, show, "done"))
        shown = (await region.provider.call("grant.show", grant=region.grant))["disposal"]
        assert (shown["evidence"], shown["by"]) == (done["evidence"], "丁")
        found = await region.hub.hub.station.read(
            lambda conn: clocks.of(conn, disposals.subject(region.grant))
        )
        assert [clock.state for clock in found] == ["met"]
        with pytest.raises(errors.DisposalMove):
            await region.reader.call("use.dispose", grant=region.grant, why="met", by="丁")
        # What was destroyed is received no longer: the name is free.
        place = await region.reader.app.publisher.onward.check_sink(CODE, "", "shared", "people")
        assert place is not None


async def _disposal(region: Exchange, show: Any, state: str) -> bool:
    found = (await show("grant.show", grant=region.grant))["disposal"]
    return found is not None and found["state"] == state

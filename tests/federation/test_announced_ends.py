"""A service ends or changes: said beforehand, filed, negotiated; then by itself on its day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortoo_protocol.core import errors
from tests.federation.exchange import Exchange, exchange
from tests.support.hubs import until_true

WHY = {"reason": "业务系统下线", "by": "丙"}


async def announce(region: Exchange, after_ms: int = 3_600_000, **more: Any) -> dict[str, Any]:
    at_ms = region.kit.clock() + after_ms
    shown = await region.provider.call(
        "grant.announce", grant=region.grant, at_ms=at_ms, **{**WHY, **more}
    )
    await until_true(lambda: _state(region.reader, region, "announced"))
    return dict(shown["endings"][0])


async def _state(side: Any, region: Exchange, state: str) -> bool:
    found = (await side.call("grant.show", grant=region.grant))["endings"]
    return bool(found) and found[-1]["state"] == state


async def test_announced_filed_and_ended_on_its_day(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await region.subscribe()
        await region.equal()
        told = await announce(region, 2_000)
        seen = (await region.reader.call("grant.show", grant=region.grant))["endings"][0]
        assert (seen["reason"], seen["at_ms"]) == (WHY["reason"], told["at_ms"])
        assert seen["filing"] == told["filing"] != ""
        await region.everywhere("ended")
        await until_true(lambda: _state(region.reader, region, "done"))
        shown = await region.hub.call["grant.show"](region.grant)
        assert shown["grant"]["reason"] == WHY["reason"]


async def test_under_the_decree_nothing_ends_that_was_not_negotiated(tmp_path: Path) -> None:
    async with exchange(tmp_path, profile="SC2025") as region:
        with pytest.raises(errors.EndingNotNegotiated) as refused:
            await region.provider.call("grant.end", grant=region.grant, **WHY)
        assert refused.value.facts["article"] == "Decree 809 art. 27"
        await announce(region)
        await region.reader.call(
            "grant.answer", grant=region.grant, agreed=False, reason="仍需使用", by="丁"
        )
        await until_true(lambda: _state(region.provider, region, "objected"))
        with pytest.raises(errors.EndingNotNegotiated):
            await region.provider.call("grant.end", grant=region.grant, **WHY)
        await region.reader.call("grant.answer", grant=region.grant, agreed=True, by="丁")
        await until_true(lambda: _state(region.provider, region, "agreed"))
        await region.provider.call("grant.end", grant=region.grant, **WHY)
        await region.everywhere("ended")


async def test_taken_back_it_goes_on(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await announce(region)
        with pytest.raises(errors.EndingMove):
            await region.provider.call(
                "grant.announce", grant=region.grant, at_ms=region.kit.clock() + 9_000, **WHY
            )
        await region.provider.call("grant.keep", grant=region.grant, reason="继续运行", by="丙")
        await until_true(lambda: _state(region.reader, region, "kept"))
        with pytest.raises(errors.EndingUnknown):
            await region.reader.call("grant.answer", grant=region.grant, agreed=True, by="丁")
        await region.everywhere("active")


async def test_a_change_is_told_and_the_grant_stays(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await announce(region, 1_000, what="change", reason="更新周期改为每月")
        await until_true(lambda: _state(region.provider, region, "done"))
        await region.everywhere("active")


async def test_what_lies_behind_us_is_not_announced(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        with pytest.raises(errors.CaseField):
            await region.provider.call(
                "grant.announce", grant=region.grant, at_ms=region.kit.clock() - 60_000, **WHY
            )
        with pytest.raises(errors.GrantUnknown):
            await region.reader.call(
                "grant.announce", grant=region.grant, at_ms=region.kit.clock() + 9_000, **WHY
            )

"""The regional catalog: what is taken and passed on as signed, what goes back with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from ortoo_protocol.core.catalog import Federated, Refusal
from ortoo_protocol.core.errors import CatalogUnknown
from ortoo_protocol.core.verify import as_body, verify
from ortoo_protocol.station.store.tables import feed_out_items
from tests.support.hubs import (
    PROVIDER,
    READER,
    RESOURCE,
    THIRD,
    HubKit,
    entry,
    publish_entry,
)
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS


async def test_an_entry_is_passed_on_as_its_provider_signed_it(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        await until(lambda: kit.seen[READER].of_kind("catalog.federated"))
        (item,) = kit.seen[READER].of_kind("catalog.federated")
        passed_on = as_body(item, Federated).body.envelope
        original = await provider.read(
            lambda conn: conn.execute(feed_out_items.select()).first().raw  # type: ignore[union-attr]
        )
        assert passed_on == original
        message = verify(
            passed_on,
            suites=reader.parts.suites,
            plane=kit.region.plane,
            keys=reader.parts.trust.current,
            now_ms=kit.clock(),
        )
        assert (message.header.sender, message.kind.name) == (PROVIDER, "catalog.entry")
        shown = await running.call["catalog.show"](RESOURCE)
        assert (shown["entry"], shown["number"]) == (entry(), 1)
        assert shown["provider_name"] == f"{PROVIDER} 站"


async def test_searching(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        await running.listed(provider, entry())
        await running.listed(provider, entry(code="3150700002", name="乡镇街道 100%"))

        async def found(text: str) -> list[str]:
            entries = (await running.call["catalog.search"](text))["entries"]
            return sorted(each["code"] for each in entries)

        assert await found("低保") == [RESOURCE]
        assert await found("最低生活保障 姓名") == ["3150700001", "3150700002"]
        assert await found("民政局 乡镇") == ["3150700002"]
        assert await found("100%") == ["3150700002"]
        assert await found("%") == await found("_") == []
        assert await found("没有") == []
        with pytest.raises(CatalogUnknown):
            await running.call["catalog.show"]("3999")


async def test_versions_replace_each_other_and_a_stop_shows(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        await running.listed(provider, entry())
        await running.listed(provider, entry(version=2, status="stopped"))
        (listed,) = (await running.call["catalog.search"](""))["entries"]
        assert (listed["version"], listed["status"]) == (2, "stopped")


async def test_what_is_refused_goes_back_with_its_reason(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, other = kit.station(PROVIDER), kit.station(THIRD)
    code, name = DEPARTMENTS[THIRD]
    own = {"provider": THIRD, "department": code, "department_name": name}
    async with kit.hub_running(kit.hub(), provider, other) as running:
        await running.listed(provider, entry())
        attempts = {
            "catalog.owner": entry(**own, feed=f"{THIRD}.allowances"),
            "catalog.basis": entry(**own, feed=f"{THIRD}.a", code="3152900001", basis=""),
            "trust.department": entry(
                **{**own, "department": DEPARTMENTS[PROVIDER][0]},
                feed=f"{THIRD}.b",
                code="3152900002",
            ),
            "catalog.field": entry(code="3152900003"),  # in another's name
        }
        for body in attempts.values():
            await publish_entry(other, body)
        seen = kit.seen[THIRD]
        await until(lambda: len(seen.of_kind("catalog.refused")) == len(attempts))
        letters = [as_body(each, Refusal).body for each in seen.of_kind("catalog.refused")]
        assert {letter.error: letter.code for letter in letters} == {
            error: body.code for error, body in attempts.items()
        }
        assert all(letter.reason for letter in letters)
        listed = (await running.call["catalog.refusals"]())["refusals"]
        assert [each["error"] for each in listed] == [*reversed(attempts)]
        # The refusals held up nothing: the next entry is taken.
        await running.listed(other, entry(**own, feed=f"{THIRD}.c", code="3152900004"))
        # And an older version of what was taken is refused as well.
        await publish_entry(provider, entry())
        await until(lambda: kit.seen[PROVIDER].of_kind("catalog.refused"))

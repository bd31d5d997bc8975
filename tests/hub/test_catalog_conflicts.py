"""Two resources that claim the same data, and the lists of all members, at the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_hub.catalog import conflicts
from ortoo_hub.store.tables import catalog_claims
from ortoo_hub.supervision import findings
from ortoo_protocol.core.catalog import Entry, Refusal
from ortoo_protocol.core.catalog.claims import Conflict
from ortoo_protocol.core.catalog.codes import BUILT_IN
from ortoo_protocol.core.catalog.lists import ListEntry
from ortoo_protocol.core.errors import CatalogConflictUnknown, CatalogResolution, StopReason
from ortoo_protocol.core.verify import as_body
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from tests.support import bodies, hubs
from tests.support.hubs import PROVIDER, READER, THIRD, HubKit, Running, entry, publish_entry
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS


def claiming(party: str, code: str, *names: str, **changes: Any) -> Entry:
    """An entry of `party` that claims these data."""
    department, name = DEPARTMENTS[party]
    first, _ = entry().items
    items = tuple(
        replace(first, name=each, column=f"c{index}", key=index == 0, claims=True)
        for index, each in enumerate(names)
    )
    given: dict[str, Any] = {
        "provider": party,
        "department": department,
        "department_name": name,
        "feed": f"{party}.f{code[-6:].lower()}",
        "code": code,
        "items": items,
        **changes,
    }
    return entry(**given)


def told(kit: HubKit, party: str) -> list[tuple[str, str, tuple[str, ...], str]]:
    letters = [as_body(each, Conflict).body for each in kit.seen[party].of_kind("catalog.conflict")]
    return [(each.resource, each.other, each.items, each.state) for each in letters]


MINE, THEIRS = "3150700009", "3150200009"


async def test_both_compilers_learn_of_it_and_a_person_resolves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Cities do not collide with each other; these stand for the region's station and a city's.
    monkeypatch.setattr(conflicts, "collide", lambda _one, _other: True)
    kit = HubKit(tmp_path)
    one, two = kit.station(PROVIDER), kit.station(THIRD)
    async with kit.hub_running(kit.hub(), one, two) as running:
        await running.listed(one, claiming(PROVIDER, MINE, "公民身份号码", "婚姻状况"))
        await running.listed(two, claiming(THIRD, THEIRS, "婚姻 状况", "学历"))
        await until(lambda: told(kit, PROVIDER) and told(kit, THIRD))
        assert told(kit, PROVIDER) == [(MINE, THEIRS, ("婚姻 状况",), "open")]
        assert told(kit, THIRD) == [(THEIRS, MINE, ("婚姻 状况",), "open")]
        trust = running.hub.station.parts.trust.current
        shown = await running.hub.station.read(
            lambda conn: findings.findings(conn, trust, kit.clock())
        )
        assert "catalog.conflicted" in [each.code for each in shown]
        (listed,) = (await running.call["catalog.conflicts"]())["conflicts"]
        assert {listed["resource"], listed["other"]} == {MINE, THEIRS}

        number, resolve = listed["conflict"], running.call["catalog.resolve"]
        with pytest.raises(CatalogResolution):
            await resolve(number, "307001/000001", "职责", "庚")
        with pytest.raises(StopReason):
            await resolve(number, MINE, " ", "庚")
        with pytest.raises(CatalogConflictUnknown):
            await resolve("0" * 32, MINE, "职责", "庚")
        resolved = await resolve(number, MINE, "民政部门的职责", "庚")
        assert (resolved["state"], resolved["source"]) == ("resolved", MINE)
        with pytest.raises(CatalogConflictUnknown):
            await resolve(number, THEIRS, "职责", "庚")
        await until(lambda: len(told(kit, THIRD)) == 2)
        letter = as_body(kit.seen[THIRD].of_kind("catalog.conflict")[-1], Conflict).body
        assert (letter.state, letter.source, letter.reason, letter.by) == (
            *("resolved", MINE, "民政部门的职责", "庚"),
        )


async def test_what_becomes_of_a_conflict(tmp_path: Path) -> None:
    """Within one station: a second entry of the same place collides as well."""
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)

    async def states(running: Running) -> list[tuple[str, int]]:
        found = (await running.call["catalog.conflicts"]())["conflicts"]
        return sorted((each["state"], len(each["items"])) for each in found)

    async with kit.hub_running(kit.hub(), provider) as running:

        async def publish(version: int, *names: str, **changes: Any) -> None:
            body = claiming(PROVIDER, THEIRS, *names, version=version, **changes)
            await running.listed(provider, body)

        await running.listed(provider, claiming(PROVIDER, MINE, "A", "B", "C"))
        await publish(1, "A")
        assert await states(running) == [("open", 1)]
        await publish(2, "A")  # nothing new is said of what is known
        assert len(told(kit, PROVIDER)) <= 2
        await publish(3, "A", "B")
        assert await states(running) == [("open", 2)]
        await publish(4, "X")  # it gave way
        assert await states(running) == [("lapsed", 2)]
        await publish(5, "B")
        assert await states(running) == [("open", 1)]
        (found,) = (await running.call["catalog.conflicts"]())["conflicts"]
        await running.call["catalog.resolve"](found["conflict"], "", "各管各的", "庚")
        await publish(6, "B")
        assert await states(running) == [("resolved", 1)]
        await publish(7, "B", "C")  # more than was decided
        assert await states(running) == [("open", 2)]
        await publish(8, "B", status="stopped")
        assert await states(running) == [("lapsed", 2)]
        claims = await running.hub.station.read(
            lambda conn: conn.execute(catalog_claims.select()).all()
        )
        assert {row.code for row in claims} == {MINE}


async def test_an_entry_that_claims_what_everybody_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One entry makes only so many letters."""
    monkeypatch.setattr(conflicts, "MOST_TOLD", 3)
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        for number in range(5):
            code = f"31507000{number:02d}"
            await running.listed(provider, claiming(PROVIDER, code, f"A{number}"))
        names = [f"A{number}" for number in range(5)]
        await running.listed(provider, claiming(PROVIDER, MINE, *names))
        assert len((await running.call["catalog.conflicts"]())["conflicts"]) == 3
        await running.listed(provider, claiming(PROVIDER, MINE, *names, version=2))
        assert len((await running.call["catalog.conflicts"]())["conflicts"]) == 5


async def test_relations_of_different_entries_lead_back(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        await running.listed(provider, claiming(PROVIDER, MINE, "A", related=(THEIRS,)))
        await publish_entry(provider, claiming(PROVIDER, THEIRS, "B", related=(MINE,)))
        assert await refused(kit, PROVIDER) == [("catalog.related", THEIRS)]


async def test_what_shows_no_filing_or_ratification(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider):
        await publish_entry(provider, entry(filed=""))
        await publish_entry(provider, entry(ratified_by=" ", code="3150700003"))
        await publish_entry(provider, entry(code="1150700003"))
        assert await refused(kit, PROVIDER, 3) == [
            ("catalog.filing", hubs.RESOURCE),
            ("catalog.ratification", "3150700003"),
            ("catalog.lead", "1150700003"),
        ]


async def test_codes_by_the_regions_table(tmp_path: Path) -> None:
    kit = HubKit(tmp_path, scheme=BUILT_IN)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        await publish_entry(provider, entry())
        assert await refused(kit, PROVIDER) == [("catalog.code", hubs.RESOURCE)]
        await running.listed(provider, entry(code="307001150700/000001"))


async def test_edits_queue_while_the_hub_is_down(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        await running.stop_hub()
        for version in (2, 3):
            await publish_entry(provider, entry(version=version))
        await put(provider, row())
        await running.restart_hub()

        def taken() -> bool:
            return len(kit.seen[READER].of_kind("catalog.federated")) == 4

        await until(taken)
        (listed,) = (await running.call["catalog.search"](""))["entries"]
        assert listed["version"] == 3
        assert len((await running.call["catalog.lists"]("demand"))["rows"]) == 1


async def refused(kit: HubKit, party: str, count: int = 1) -> list[tuple[str, str]]:
    seen = kit.seen[party]
    await until(lambda: len(seen.of_kind("catalog.refused")) == count)
    letters = [as_body(each, Refusal).body for each in seen.of_kind("catalog.refused")]
    return [(letter.error, letter.code) for letter in letters]


# --- lists --------------------------------------------------------------------------------------


def row(party: str = PROVIDER, **changes: Any) -> ListEntry:
    department, name = DEPARTMENTS[party]
    made = replace(bodies.LIST_ROW, provider=party, department=department, department_name=name)
    return replace(made, **changes)


async def put(station: Station, body: ListEntry) -> None:
    def job(tx: Tx) -> None:
        feed_writer.publish(tx, f"{tx.party}.catalog", body)

    await station.write(job)


async def test_lists_are_federated_as_entries_are(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await put(provider, row())
        await until(lambda: kit.seen[READER].of_kind("catalog.federated"))
        (listed,) = (await running.call["catalog.lists"]("demand"))["rows"]
        assert (listed["title"], listed["provider_name"]) == ("不动产登记信息", f"{PROVIDER} 站")
        closed = row(version=2, status="closed", answer="已另行取得")
        await put(provider, closed)
        await until(lambda: len(kit.seen[READER].of_kind("catalog.federated")) == 2)
        assert (await running.call["catalog.lists"]("demand", "open"))["rows"] == []
        assert len((await running.call["catalog.lists"]("demand", "closed"))["rows"]) == 1
        assert (await running.call["catalog.lists"]("negative"))["rows"] == []


async def test_rows_that_are_refused(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, other = kit.station(PROVIDER), kit.station(THIRD)
    async with kit.hub_running(kit.hub(), provider, other):
        await put(provider, row())
        await put(provider, row(basis="", number="XQ-1"))
        await put(provider, row(secrecy_checked_by="", number="XQ-2"))
        await put(provider, row())  # an older version
        assert [code for code, _ in await refused(kit, PROVIDER, 3)] == [
            "catalog.basis",
            "catalog.secrecy",
            "catalog.field",
        ]
        await put(other, row())  # in another's name
        await put(other, row(THIRD, department=DEPARTMENTS[PROVIDER][0]))
        assert [code for code, _ in await refused(kit, THIRD, 2)] == [
            "catalog.field",
            "trust.department",
        ]

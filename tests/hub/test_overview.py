"""The region at a glance, after a real exchange between real stations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ortoo_hub.overview import leagues, standing
from ortoo_protocol.core.catalog.divisions import LEAGUES, league_of
from ortoo_protocol.core.errors import DaemonRequest
from ortoo_protocol.station import traffic
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.clock_tables import clocks
from tests.support.hubs import HubKit, Running, application, entry
from tests.support.stations import until_read
from tests.support.trust import HUB, STATIONS

PROVIDER, READER, _ = STATIONS
FROM, TO = league_of(PROVIDER), league_of(READER)
DAY_MS = 86_400_000


@pytest.fixture
async def region(tmp_path: Path) -> AsyncIterator[Running]:
    """One case granted, one that waits for its answer."""
    kit = HubKit(tmp_path)
    hub = kit.hub()
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(hub, provider, reader) as running:
        await running.listed(provider, entry())
        await running.granted(provider, reader)
        assert await running.sent(reader, PROVIDER, application(2)) == ("accepted", "")
        while await traffic.advance(hub.station.database, HUB):
            pass
        yield running


def by_code(answer: dict[str, Any]) -> dict[str, Any]:
    return {one["league"]: one for one in answer["leagues"]}


async def test_each_league_and_what_it_does(region: Running) -> None:
    answer = await region.call["overview.leagues"]()
    found = by_code(answer)
    assert list(found) == list(LEAGUES)
    assert [one["party"] for one in found[FROM]["stations"]] == [PROVIDER]
    assert found[FROM]["stations"][0]["seen_ms"] > 0
    assert (found[FROM]["entries"], found[TO]["entries"]) == (1, 0)
    assert (found[FROM]["grants_given"], found[TO]["grants_held"]) == (1, 1)
    assert (found[FROM]["cases_to_answer"], found[TO]["cases_asked"]) == (1, 1)
    assert found[TO]["letters_sent"] >= 2
    assert found[FROM]["letters_got"] >= 2
    assert (found[FROM]["health"], found["150100"]["health"]) == ("well", "absent")
    assert found["150100"]["stations"] == []
    assert found["150100"]["letters_sent"] == 0


@pytest.mark.parametrize(
    ("statuses", "seen_h", "behind", "health"),
    [
        ((), 0, 0, "absent"),
        (("active",), 1, 0, "well"),
        (("active",), 25, 3, "silent"),
        (("active",), 1, 3, "behind"),
        (("suspended",), 99, 3, "suspended"),
        (("suspended", "active"), 1, 0, "well"),
    ],
)
def test_a_league_is_as_well_as_its_worst_station(
    statuses: tuple[str, ...], seen_h: int, behind: int, health: str
) -> None:
    now_ms = 400 * DAY_MS
    stations = [
        {"status": status, "seen_ms": now_ms - seen_h * 3_600_000, "catalog_behind": behind}
        for status in statuses
    ]
    assert leagues.health(stations, now_ms) == health


async def test_flows_between_leagues(region: Running) -> None:
    flows = (await region.call["overview.flows"](hours=1))["flows"]
    found = {(one["from"], one["to"]): one for one in flows}
    assert found[TO, FROM]["letters"] == 2  # two applications
    assert found[FROM, TO]["letters"] == 2  # terms and answer
    assert found[FROM, TO]["grants"] == 1
    assert ("", "") not in found


async def test_traffic_over_time_has_every_point(region: Running) -> None:
    hours = (await region.call["overview.traffic"](hours=48))["points"]
    assert len(hours) == 48
    assert hours[-1]["accepted"]["case"] == 3
    assert hours[-1]["accepted"]["grant"] == 1
    assert all(not point["accepted"] for point in hours[:-2])
    days = (await region.call["overview.traffic"](hours=24 * 30, step="day"))["points"]
    assert len(days) in (30, 31)
    assert sum(point["accepted"].get("case", 0) for point in days) == 3
    assert all(point["from_ms"] % DAY_MS == DAY_MS - 8 * 3_600_000 for point in days)


@pytest.mark.parametrize(
    ("hours", "step"), [(0, "hour"), (10**6, "day"), (9_000, "hour"), (1, "x")]
)
async def test_windows_are_bounded(region: Running, hours: int, step: str) -> None:
    with pytest.raises(DaemonRequest):
        await region.call["overview.traffic"](hours=hours, step=step)


async def test_deadlines_near_and_past(region: Running) -> None:
    now_ms = region.hub.station.parts.clock()

    def past(tx: Tx) -> int:
        """The open clocks of the case that waits ended yesterday."""
        mine = (clocks.c.subject == f"case:{2:032x}", clocks.c.closed_ms.is_(None))
        return tx.conn.execute(update(clocks).where(*mine).values(due_ms=now_ms - DAY_MS)).rowcount

    assert await region.hub.station.write(past) >= 1
    found = await region.call["overview.due"]()
    late = [one for one in found["clocks"] if one["late"]]
    assert late[0]["case"]["case"] == f"{2:032x}"
    assert late[0]["case"]["applicant"] == READER
    assert sum(duty["late"] for duty in found["duties"]) == len(late)
    assert sum(duty["open"] for duty in found["duties"]) >= len(late)


async def test_reconciliation_is_remembered(region: Running) -> None:
    feed = f"{HUB}.catalog"
    verdict = await region.call["reconcile"](feed=feed)
    (found,) = (await region.call["overview.reconciled"]())["feeds"]
    assert found["feed"] == feed
    assert found["alike"]
    assert {one["party"] for one in found["answers"]} >= {PROVIDER, READER}
    assert verdict


async def test_keys_and_directory(region: Running) -> None:
    found = await region.call["overview.keys"]()
    now_ms = found["now_ms"]
    parties = {one["party"]: one for one in found["parties"]}
    assert parties[PROVIDER]["encryption_until_ms"] > now_ms
    assert parties[PROVIDER]["signing_until_ms"] > now_ms
    assert found["directory"]["expires_ms"] > now_ms
    later = found["directory"]["expires_ms"] + 400 * DAY_MS
    trust = region.hub.station.parts.trust.current
    gone = {one["party"]: one for one in standing.keys(trust, later)["parties"]}
    assert gone[PROVIDER]["encryption_until_ms"] == 0


async def test_refused_letters_count_as_refused(region: Running) -> None:
    outcome = await region.sent(region.stations[1], PROVIDER, application(3, resource="9/999"))
    assert outcome[0] == "refused"
    hub = region.hub.station
    await until_read(hub, lambda conn: traffic.count(HUB, conn).totals)
    while await traffic.advance(hub.database, HUB):
        pass
    points = (await region.call["overview.traffic"](hours=2))["points"]
    assert sum(point["refused"] for point in points) == 1

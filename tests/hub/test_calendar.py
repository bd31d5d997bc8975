"""The region's calendar: seeded, changed by people, signed; stations take it from nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from ortoo_demo.private_broker import PrivateBroker
from ortoo_hub.calendar import known_years
from ortoo_protocol.core.errors import CalendarInvalid
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.law.workdays import CalendarYear, CalendarYears, NamedDay
from ortoo_protocol.station import clocks, feed_reader, feed_writer
from ortoo_protocol.station.context import Hooks, Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feed_out_items
from tests.support.desk import Desk, Refused
from tests.support.founded import founded, member
from tests.support.hubs import PROVIDER, READER, HubKit, join_region, read_region
from tests.support.stations import Kit, until_read
from tests.support.trust import HUB

DIRECTORY = feed_id(HUB, "directory")


def version(year: int) -> object:
    def read(conn: Connection) -> int:
        return next((one.version for one in clocks.calendar.years(conn) if one.year == year), 0)

    return read


async def of(station: Station, year: int) -> int:
    return await station.read(version(year))  # type: ignore[arg-type]


async def test_a_day_is_set_for_all(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    first, second = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), first, second) as running:
        for station in (first, second):
            await until_read(station, lambda conn: len(clocks.calendar.years(conn)))
            held = await station.read(clocks.calendar.years)
            assert [each.year for each in held] == list(known_years())
        made = await running.call["calendar.set"](
            day="2026-07-15", kind="off", name="那达慕", by="甲"
        )
        assert made == {"year": 2026, "version": 2, "days": made["days"]}
        for station in (first, second):
            await until_read(
                station,
                lambda conn: version(2026)(conn) == 2,  # type: ignore[operator]
            )
        shown = (await running.call["calendar.show"](year=2026))["years"][0]
        assert {"day": "2026-07-15", "working": False, "name": "那达慕"} in shown["days"]
        await running.call["calendar.set"](day="2026-07-15", kind="weekday", by="甲")
        shown = (await running.call["calendar.show"](year=2026))["years"][0]
        assert "2026-07-15" not in [day["day"] for day in shown["days"]]
        for wrong in ({"day": "2026-02-30", "kind": "off"}, {"day": "2026-07-15", "kind": "x"}):
            with pytest.raises(CalendarInvalid):
                await running.call["calendar.set"](by="甲", **wrong)


async def test_a_year_is_imported_and_survives_a_restart(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    station = kit.station(PROVIDER)
    days = [{"day": "2027-01-01", "working": False, "name": "元旦"}]
    async with kit.hub_running(kit.hub(), station) as running:
        made = await running.call["calendar.import"](
            year=2027, source="国办发明电", by="甲", days=days
        )
        assert (made["version"], made["days"]) == (1, 1)
        await until_read(station, version(2027))  # type: ignore[arg-type]
        with pytest.raises(CalendarInvalid):
            await running.call["calendar.import"](year=2027, source="", by="甲", days=days)
        items = await running.hub.station.read(_calendars)
        await running.restart_hub()
        assert await of(running.hub.station, 2027) == 1, "what people did is not seeded over"
        assert await running.hub.station.read(_calendars) == items, "nothing is sent twice"


def _calendars(conn: Connection) -> int:
    """Items of the directory feed that are no timestamps: those come at every start."""
    query = select(feed_out_items.c.raw).where(feed_out_items.c.feed == DIRECTORY)
    return sum(b"calendar.years" in raw for raw in conn.execute(query).scalars())


# --- whom a station believes --------------------------------------------------------------------


def year(number: int, by: str = "甲") -> CalendarYear:
    day = NamedDay("2027-01-01", False, "元旦")
    return CalendarYear(year=2027, version=number, source="国办", by=by, days=(day,))


def say(desk: Desk, feed: str, *years: CalendarYear) -> bytes:
    """What `desk` would put on `feed`, next."""

    def job(tx: Tx) -> None:
        feed_writer.open_feed(tx, feed, sealed=False)
        feed_writer.publish(tx, feed, CalendarYears(years=years))

    desk.do(job)
    return desk.items(feed)[max(desk.items(feed))]


def held(desk: Desk) -> list[tuple[int, str]]:
    return [(one.version, one.by) for one in desk.do(lambda tx: clocks.calendar.years(tx.conn))]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk, Desk]]:
    kit = Kit(tmp_path)
    made = (Desk(kit, HUB), Desk(kit, PROVIDER), Desk(kit, READER))
    made[1].do(join_region)
    yield made
    for desk in made:
        desk.close()


def test_a_station_takes_what_the_hub_signed_and_nothing_older(
    desks: tuple[Desk, Desk, Desk],
) -> None:
    hub, station, _ = desks
    station.take(say(hub, DIRECTORY, year(2)))
    for older in (year(1, "乙"), year(2, "乙")):
        with pytest.raises(Refused) as refused:
            station.take(say(hub, DIRECTORY, older))
        assert refused.value.code == "calendar.old"
    station.take(say(hub, DIRECTORY, year(3)))
    assert held(station) == [(3, "甲")]


def test_what_is_not_as_it_was_signed(desks: tuple[Desk, Desk, Desk]) -> None:
    hub, station, _ = desks
    raw = say(hub, DIRECTORY, year(1))
    for place in (len(raw) - 1, len(raw) // 2):
        changed = bytearray(raw)
        changed[place] ^= 1
        with pytest.raises(Refused):
            station.take(bytes(changed))
    assert held(station) == []
    station.take(raw)
    assert held(station) == [(1, "甲")]


def test_a_station_sets_nobodys_calendar(desks: tuple[Desk, Desk, Desk]) -> None:
    _, station, other = desks
    own = feed_id(READER, "catalog")
    with pytest.raises(Refused):
        station.take(say(other, DIRECTORY, year(1)))
    station.do(lambda tx: feed_reader.join(tx, own, feed_reader.HISTORY))
    with pytest.raises(Refused) as refused:
        station.take(say(other, own, year(1)))
    assert refused.value.code == "envelope.kind", "a kind of the hub alone"
    assert held(station) == []


def test_nothing_is_half_taken(desks: tuple[Desk, Desk, Desk]) -> None:
    hub, station, _ = desks
    wrong = CalendarYear(year=2028, version=1, source="国办", by="甲", days=())
    with pytest.raises(Refused) as refused:
        station.take(say(hub, DIRECTORY, year(1), wrong))
    assert refused.value.code == "calendar.invalid"
    assert held(station) == []


# --- on a real broker ---------------------------------------------------------------------------


async def test_days_reach_a_station_over_amqp(broker: PrivateBroker, tmp_path: Path) -> None:
    """The hub as a process, seeded at its first start; killed, and started again."""
    with founded(tmp_path / "hub", broker) as region:
        await asyncio.to_thread(region.start)
        made = await asyncio.to_thread(region.admit, PROVIDER)
        trust, address = await asyncio.to_thread(region.welcome, PROVIDER, made[PROVIDER])
        station = member(tmp_path, made[PROVIDER], trust, address, broker.ca_file, Hooks())
        task = asyncio.create_task(station.run())
        try:
            await station.write(join_region)
            read_region(station)
            await until_read(station, version(2026), 30)  # type: ignore[arg-type]
            day = {"day": "2026-07-15", "kind": "off", "name": "那达慕", "by": "甲"}
            said = await asyncio.to_thread(lambda: region.call("calendar.set", **day))
            assert said["version"] == 2
            await until_read(station, lambda conn: version(2026)(conn) == 2, 30)  # type: ignore[operator]
            assert not (await station.read(clocks.calendar.current)).is_working(date(2026, 7, 15))
            await asyncio.to_thread(region.kill)
            await asyncio.to_thread(region.start)
            shown = await asyncio.to_thread(lambda: region.call("calendar.show", year=2026))
            assert shown["years"][0]["version"] == 2
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await station.close()

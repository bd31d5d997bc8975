"""Announcements: signed by the hub, taken by stations from nobody else, never edited."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    AnnouncementEnded,
    AnnouncementInvalid,
    AnnouncementUnknown,
    CodecShape,
)
from ortoo_protocol.core.gazette import Announcement, AnnouncementWithdrawn
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.station import feed_reader, feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.gazette import keeping
from ortoo_protocol.station.gazette.methods import AnnouncementMethods
from ortoo_protocol.station.store.gazette_tables import announcements
from tests.support.desk import Desk, Refused
from tests.support.hubs import PROVIDER, READER, HubKit, join_region
from tests.support.stations import Kit, until_read
from tests.support.trust import HUB

DIRECTORY = feed_id(HUB, "directory")
DAY_MS = 86_400_000
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def count(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(announcements)).scalar_one()


async def titles(methods: Any, **asked: Any) -> list[str]:
    return [one["title"] for one in (await methods.listed(**asked))["announcements"]]


async def test_one_reaches_all_and_counts_where_it_is_addressed(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    first, second = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), first, second) as running:
        at_hub, now_ms = running.call, running.hub.station.parts.clock()
        here, there = AnnouncementMethods(first), AnnouncementMethods(second)
        common = {"text": HOSTILE, "by": "赵敏", "until_ms": now_ms + DAY_MS}
        one = (await at_hub["announcement.issue"](title="停机检修", **common))["announcement"]
        await at_hub["announcement.issue"](
            title="仅发一地", leagues=[f"{PROVIDER[1:5]}00"], level="urgent", **common
        )
        await at_hub["announcement.issue"](
            title="下月开始",
            **{**common, "from_ms": now_ms + DAY_MS, "until_ms": now_ms + 2 * DAY_MS},
        )
        for station in (first, second):
            await until_read(station, lambda conn: count(conn) == 3)
        assert await titles(here) == ["仅发一地", "停机检修"], "the urgent first"
        assert await titles(there) == ["停机检修"]
        assert await titles(there, which="all") == ["下月开始", "停机检修"]
        assert len(await titles(there, which="all", others=True)) == 3
        page = await there.listed(which="all", others=True, limit=1, offset=1)
        assert ([one["title"] for one in page["announcements"]], page["total"]) == (["仅发一地"], 3)
        assert (await there.show(one))["announcement"]["text"] == HOSTILE, "as it was written"

        for _ in range(2):  # the second time changes nothing
            read = await here.read(one, "王芳")
        assert [each["person"] for each in read["readers"]] == ["王芳"]
        marked = (await here.listed(person="王芳"))["announcements"]
        assert [each["read"] for each in marked] == [False, True]
        with pytest.raises(AnnouncementUnknown):
            await here.read("f" * 32, "王芳")

        new = await at_hub["announcement.issue"](title="检修改期", replaces=one, **common)
        await at_hub["announcement.withdraw"](
            announcement=new["announcement"], reason="取消检修", by="赵敏"
        )
        await until_read(
            first, lambda conn: _ended(conn, new["announcement"]) == ("withdrawn", "取消检修")
        )
        assert (await here.show(one))["announcement"]["successor"] == new["announcement"]
        assert await titles(here) == ["仅发一地"]
        for ended in (one, new["announcement"]):
            with pytest.raises(AnnouncementEnded):
                await at_hub["announcement.withdraw"](announcement=ended, reason="再次", by="赵敏")
            with pytest.raises(AnnouncementEnded):
                await at_hub["announcement.issue"](title="又改", replaces=ended, **common)
        for unknown in ("f" * 32, "x"):
            with pytest.raises(AnnouncementUnknown):
                await at_hub["announcement.issue"](title="又改", replaces=unknown, **common)
            with pytest.raises(AnnouncementUnknown):
                await at_hub["announcement.withdraw"](announcement=unknown, reason="再", by="赵敏")
        held = await running.hub.station.read(count)
        for wrong in WRONG.values():
            given = {"title": "题", "level": "information", **common}
            given |= {name: value for name, value in wrong.items() if name != "announcement"}
            with pytest.raises((AnnouncementInvalid, CodecShape)):
                await at_hub["announcement.issue"](**given)
        assert await running.hub.station.read(count) == held == 4, "nothing is announced in part"


def _ended(conn: Connection, announcement: str) -> tuple[str, str]:
    row = keeping.find(conn, announcement)
    return ("", "") if row is None else (row.ended, row.reason)


# --- whom a station believes, and what ----------------------------------------------------------

NOW = 1_780_000_000_000
WRONG: dict[str, dict[str, Any]] = {
    "without a title": {"title": " 　"},
    "a title that says nothing": {"title": "……"},
    "a title of two lines": {"title": "一\n二"},
    "a title that hides what follows": {"title": "一\u202e二"},
    "a title too long": {"title": "题" * 101},
    "without a text": {"text": ""},
    "a text too long": {"text": "文" * 4_001},
    "by nobody": {"by": ""},
    "by a name too long": {"by": "名" * 41},
    "ended before it begins": {"from_ms": NOW, "until_ms": NOW - 1},
    "ended as it begins": {"from_ms": NOW, "until_ms": NOW},
    "an end in no calendar": {"from_ms": NOW, "until_ms": 1 << 52},
    "a league that is none": {"leagues": ("150799",)},
    "the county of a league": {"leagues": ("150702",)},
}
ONLY_BY_HAND: dict[str, dict[str, Any]] = {
    "leagues out of order": {"leagues": ("150700", "150100")},
    "a league twice": {"leagues": ("150100", "150100")},
    "in the place of itself": {"replaces": f"{1:032x}"},
}


def one(number: int = 1, **changes: Any) -> Announcement:
    made = Announcement(
        announcement=f"{number:032x}",
        title="停机检修",
        text="周六停机。",
        level="information",
        from_ms=NOW,
        until_ms=NOW + DAY_MS,
        leagues=(),
        by="甲",
    )
    return msgspec.structs.replace(made, **changes)


def say(desk: Desk, feed: str, *bodies: Shape) -> bytes:
    """What `desk` would put on `feed`; the last of it."""

    def job(tx: Tx) -> None:
        feed_writer.open_feed(tx, feed, sealed=False)
        for body in bodies:
            feed_writer.publish(tx, feed, body)

    desk.do(job)
    return desk.items(feed)[max(desk.items(feed))]


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[tuple[Desk, Desk, Desk]]:
    kit = Kit(tmp_path)
    made = (Desk(kit, HUB), Desk(kit, PROVIDER), Desk(kit, READER))
    made[1].do(join_region)
    yield made
    for desk in made:
        desk.close()


def held(desk: Desk) -> list[tuple[str, str]]:
    rows = desk.do(lambda tx: keeping.all_(tx.conn, None, 100))[0]
    return [(row.title, row.ended) for row in rows]


def test_a_station_takes_no_announcement_that_is_not_as_it_must_be(
    desks: tuple[Desk, Desk, Desk],
) -> None:
    hub, station, _ = desks
    for name, changes in {**WRONG, **ONLY_BY_HAND}.items():
        with pytest.raises(Refused) as refused:
            station.take(say(hub, DIRECTORY, one(**changes)))
        assert refused.value.code == "announcement.invalid", name
    with pytest.raises(Refused) as refused:
        station.take(say(hub, DIRECTORY, one(level="loud")))
    assert refused.value.code == "codec.shape"
    assert held(station) == []


def test_what_was_said_is_said_once_and_ends_once(desks: tuple[Desk, Desk, Desk]) -> None:
    hub, station, _ = desks
    first = one()
    station.take(say(hub, DIRECTORY, first))
    _refused(station, say(hub, DIRECTORY, one(text="周日停机。")), "announcement.known")
    station.take(say(hub, DIRECTORY, one(2, title="改期", replaces=first.announcement)))
    _refused(
        station, say(hub, DIRECTORY, one(3, replaces=first.announcement)), "announcement.ended"
    )
    gone = AnnouncementWithdrawn(announcement=f"{2:032x}", reason="取消", by="甲")
    station.take(say(hub, DIRECTORY, gone))
    _refused(station, say(hub, DIRECTORY, gone), "announcement.ended")
    other = msgspec.structs.replace(gone, announcement=f"{9:032x}")
    _refused(station, say(hub, DIRECTORY, other), "announcement.unknown")
    silent = msgspec.structs.replace(gone, announcement=f"{9:032x}", reason=" ")
    _refused(station, say(hub, DIRECTORY, silent), "announcement.invalid")
    station.take(say(hub, DIRECTORY, one(4, title="迟到者", replaces=f"{8:032x}")))
    assert held(station) == [("迟到者", ""), ("改期", "withdrawn"), ("停机检修", "replaced")]


def _refused(station: Desk, raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        station.take(raw)
    assert refused.value.code == code


def test_a_station_announces_nothing(desks: tuple[Desk, Desk, Desk]) -> None:
    _, station, other = desks
    own = feed_id(READER, "catalog")
    with pytest.raises(Refused):
        station.take(say(other, DIRECTORY, one()))
    station.do(lambda tx: feed_reader.join(tx, own, feed_reader.HISTORY))
    gone = AnnouncementWithdrawn(announcement=f"{1:032x}", reason="取消", by="甲")
    for body in (one(), gone):
        _refused(station, say(other, own, body), "envelope.kind")
    assert held(station) == []

"""Bodies of items are erased by age and by size; the chain stays, and readers take a snapshot."""

from __future__ import annotations

from pathlib import Path

from ortoo_protocol.station import retention, table_feed
from ortoo_protocol.station.store.tables import feed_out_items, feed_out_unsent
from tests.support.desk import Desk
from tests.support.stations import Kit

PARTY = "s150700"
FEED = f"{PARTY}.townships"
DAY_MS = 86_400_000


def published(tmp_path: Path, count: int = 5) -> Desk:
    desk = Desk(Kit(tmp_path), PARTY)
    for number in range(count):
        desk.publish(FEED, (f"{number:03}", "乙" * 200))
    desk.do(lambda tx: tx.conn.execute(feed_out_unsent.delete()) and None)
    return desk


def kept(desk: Desk) -> list[int]:
    return sorted(row.seq for row in desk.rows(feed_out_items) if row.raw is not None)


def test_by_age_nothing_young_and_everything_old(tmp_path: Path) -> None:
    desk = published(tmp_path)
    everything = kept(desk)
    assert desk.do(lambda tx: retention.erase_items(tx, FEED, DAY_MS, 1 << 30)) == 0
    assert kept(desk) == everything
    assert desk.do(lambda tx: retention.erase_items(tx, FEED, -DAY_MS, 1 << 30)) == len(everything)
    assert kept(desk) == []
    assert len(desk.rows(feed_out_items)) == len(everything)
    assert all(row.hash for row in desk.rows(feed_out_items))
    schema = desk.do(lambda tx: table_feed.current_schema(tx, FEED))
    assert schema is not None
    desk.close()


def test_by_size_the_oldest_go(tmp_path: Path) -> None:
    desk = published(tmp_path)
    everything = kept(desk)
    newest = desk.rows(feed_out_items)[-1]
    most = len(newest.raw) * 2 + 10
    desk.do(lambda tx: retention.erase_items(tx, FEED, DAY_MS, most))
    assert kept(desk) == everything[-2:]
    desk.close()


def test_what_has_not_been_sent_stays(tmp_path: Path) -> None:
    desk = published(tmp_path)
    desk.publish(FEED, ("900", "new"))
    last = max(row.seq for row in desk.rows(feed_out_items))
    desk.do(lambda tx: retention.erase_items(tx, FEED, -DAY_MS, 1))
    assert kept(desk) == [last]
    desk.close()

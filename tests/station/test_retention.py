"""Bodies of items are erased by age and by size; the chain stays, and readers take a snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ortoo_protocol.station import feed_writer, retention, table_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.store.tables import feed_out_items, feed_out_unsent
from ortoo_protocol.station.store.use_tables import feed_keys_kept
from tests.support import bodies
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


def left(desk: Desk) -> list[tuple[str, int]]:
    return sorted((row.feed, row.seq) for row in desk.rows(feed_out_items) if row.raw is not None)


def kept(desk: Desk) -> list[int]:
    return sorted(seq for _feed, seq in left(desk))


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


def test_the_sweep_goes_by_the_settings_and_keeps_what_is_open(tmp_path: Path) -> None:
    """An open feed is read from its first item: nothing of it goes."""
    desk = published(tmp_path)
    catalog = f"{PARTY}.catalog"

    def open_entry(tx: Tx) -> None:
        feed_writer.open_feed(tx, catalog, sealed=False)
        feed_writer.publish(tx, catalog, bodies.ENTRY)

    desk.do(open_entry)
    desk.do(lambda tx: tx.conn.execute(feed_out_unsent.delete()) and None)
    everything = kept(desk)
    desk.do(retention.sweep)
    assert kept(desk) == everything
    newest = [row for row in desk.rows(feed_out_items) if row.feed == FEED][-1]
    desk.parts = replace(desk.parts, timing=Timing(items_kept_bytes=len(newest.raw)))
    desk.do(retention.sweep)
    assert left(desk) == [(catalog, 1), (FEED, newest.seq)]
    desk.kit.offset_ms += 2 * DAY_MS
    desk.parts = replace(desk.parts, timing=Timing(items_kept_s=86_400.0))
    desk.do(retention.sweep)
    assert left(desk) == [(catalog, 1)]
    desk.close()


def test_a_key_goes_with_the_last_body_that_it_opens(tmp_path: Path) -> None:
    desk = published(tmp_path, 3)
    for number in range(3):
        desk.do(lambda tx: feed_writer.fresh_key(tx, FEED))
        desk.publish(FEED, (f"9{number}", "乙"))
    desk.do(lambda tx: tx.conn.execute(feed_out_unsent.delete()) and None)

    def epochs() -> list[int]:
        return sorted(row.epoch for row in desk.rows(feed_keys_kept))

    assert epochs() == [1, 2, 3, 4]
    assert desk.do(lambda tx: retention.forget_keys(tx, FEED)) == 0
    two = sum(len(row.raw) for row in desk.rows(feed_out_items)[-2:])
    desk.do(lambda tx: retention.erase_items(tx, FEED, DAY_MS, two))
    desk.do(lambda tx: retention.forget_keys(tx, FEED))
    assert epochs() == [3, 4]
    desk.do(lambda tx: retention.erase_items(tx, FEED, -DAY_MS, 1))
    desk.do(lambda tx: retention.forget_keys(tx, FEED))
    assert epochs() == [4], "the next item is sealed with it"
    desk.close()

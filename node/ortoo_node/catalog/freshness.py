"""Freshness at the provider: what its own feeds carried, kept in the index, and said to the region
when it is news (core.catalog.freshness)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_node.catalog.own import own_feed
from ortoo_node.store.tables import carried_stated, catalog, publication_runs
from ortoo_protocol.core.catalog.freshness import MAX_STATED, Carriage, Carried, is_news
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.catalog import index
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import catalog_index, feed_out_items, feeds_out

LOOK_S = 60.0


@dataclass(frozen=True)
class Known:
    """Of one entry of ours: what its feed carried, what the index has, what the region was told
    (None: nothing yet)."""

    now: Carriage
    promise_ms: int
    indexed: tuple[int | None, int]
    stated_ms: int | None

    @property
    def is_indexed(self) -> bool:
        return self.indexed == (self.now.carried_ms, self.now.seq)

    @property
    def is_news(self) -> bool:
        return is_news(self.promise_ms, self.now.carried_ms, self.stated_ms)


def look(conn: Connection, party: str) -> list[Known]:
    """Every entry of `party` that promises something. A run that found no change counts: the feed
    stood as its source did."""
    items, runs, indexed = feed_out_items.c, publication_runs.c, catalog_index.c
    query = (
        select(
            indexed.code, indexed.promise_ms, indexed.carried_ms, indexed.carried_seq,
            feeds_out.c.seq,
            items.created_ms, runs.ended_ms, carried_stated.c.carried_ms.label("stated_ms"),
        )
        .select_from(catalog)
        .join(catalog_index, indexed.code == catalog.c.code)
        .outerjoin(feeds_out, feeds_out.c.feed == catalog.c.feed)
        .outerjoin(
            feed_out_items,
            (items.feed == feeds_out.c.feed)
            & (items.incarnation == feeds_out.c.incarnation)
            & (items.seq == feeds_out.c.seq),
        )
        .outerjoin(publication_runs, runs.resource == catalog.c.code)
        .outerjoin(carried_stated, carried_stated.c.code == catalog.c.code)
        .where(catalog.c.provider == party, indexed.promise_ms > 0)
    )  # fmt: skip
    return [_known(row) for row in conn.execute(query)]


def _known(row: Any) -> Known:
    carried_ms = max(row.created_ms or 0, (row.ended_ms or 0) if row.seq else 0)
    now = Carriage(row.code, row.seq or 0, carried_ms)
    return Known(now, row.promise_ms, (row.carried_ms, row.carried_seq), row.stated_ms)


def keep(tx: Tx, known: Sequence[Known]) -> None:
    """Into the index what it has otherwise, and to the region what is news."""
    index.said(tx, tx.party, [each.now for each in known if not each.is_indexed])
    news = [each.now for each in known if each.is_news]
    for first in range(0, len(news), MAX_STATED):
        several = news[first : first + MAX_STATED]
        columns = ("code", "seq", "carried_ms", "time_ms")
        stated = [(each.code, each.seq, each.carried_ms, tx.now_ms) for each in several]
        upsert(tx.conn, carried_stated, [dict(zip(columns, one, strict=True)) for one in stated])
        body = Carried(time_ms=tx.now_ms, resources=tuple(several))
        feed_writer.publish(tx, own_feed(tx.party), body)


async def once(station: Station) -> None:
    known = await station.read(lambda conn: look(conn, station.party))
    if any(each.is_news or not each.is_indexed for each in known):
        await station.write(lambda tx: keep(tx, known))


async def watch(station: Station) -> None:
    """Look again and again."""
    while True:
        await once(station)
        await asyncio.sleep(LOOK_S)

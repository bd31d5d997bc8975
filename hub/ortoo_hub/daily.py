"""Reconciliation by feed and day (逐日对账): on its own, for every feed, when the day is over.

A day is of 北京时间 and by the time at which the publisher made its items. Where all agree it costs
a question to each party; where they do not, the first difference is sought and kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, select

from ortoo_hub import directory
from ortoo_hub.differences import Difference, Pair, Silent
from ortoo_hub.reconcile import Reconciler, parties_of
from ortoo_hub.store.tables import reconciliations
from ortoo_protocol.core.errors import FeedUnknown
from ortoo_protocol.core.feeds import ProofAnswer
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.core.law.clock import DAY_MIN, day_of, moment_ms
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import grants

ALIKE, DIFFERS, SILENT, NOTHING = mark("alike"), mark("differs"), mark("silent"), mark("no items")
FIRST_LOOK_S, LOOK_S = 60.0, 1_800.0
LINGER_MS = 3_600_000  # what was sent before midnight may still be on its way
BACK_DAYS = 7
MOST_SHOWN = 500
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Daily:
    station: Station
    reconciler: Reconciler

    async def run(self) -> None:
        """A loop: each day that is over, as far back as BACK_DAYS, once for each party that
        answers."""
        await asyncio.sleep(FIRST_LOOK_S)  # stations that were started with the hub join first
        while True:
            silent: set[str] = set()
            for day in self._days(self.station.parts.clock()):
                await self.reconcile_all(day, silent)
            await asyncio.sleep(LOOK_S)

    def _days(self, now_ms: int) -> list[date]:
        over = day_of(now_ms - LINGER_MS)
        return [over - timedelta(days=back) for back in range(BACK_DAYS, 0, -1)]

    async def reconcile_all(self, day: date, silent: set[str]) -> None:
        """Every feed that was not compared for `day` yet, or where somebody was silent. Parties in
        `silent` are not asked, and who does not answer joins them: a station that is off for a
        month holds up each pass once, and not once for each of its feeds and days."""
        feeds = await self.station.read(lambda conn: _feeds(conn, self.station.party))
        done = await self.station.read(lambda conn: _done(conn, day))
        for feed in feeds:
            if feed in done:
                continue
            try:
                await self.reconcile(feed, day, silent)
            except FeedUnknown:
                continue  # nobody reads it any more

    async def reconcile(
        self, feed: str, day: date, silent: set[str] | None = None
    ) -> dict[str, Any]:
        """Compare one feed for one day and keep what was found; `silent`: as above. Raises
        FeedUnknown."""
        silent = set() if silent is None else silent
        parties = await self.station.write(lambda tx: parties_of(tx, feed))
        publisher = feed_owner(feed)
        asked = {publisher: parties[publisher]} if publisher not in silent else {}
        begin_ms = moment_ms(day, 0)
        found = await self.reconciler.probe(
            self.station, feed, asked, from_ms=begin_ms, until_ms=moment_ms(day, DAY_MIN)
        )
        rows = await self._compared(feed, parties, found.get(publisher), silent)
        silent |= {row["party"] for row in rows if row["state"] == SILENT}
        kept = [{"feed": feed, "day": day.isoformat(), **row} for row in rows]
        await self.station.write(lambda tx: _keep(tx, kept))
        for row in kept:
            if row["state"] == DIFFERS:
                _log.warning("feed %(feed)s of %(day)s: %(party)s %(kind)s %(number)s", row)
        return {
            "feed": feed,
            "day": day.isoformat(),
            "agree": all(row["state"] in (ALIKE, NOTHING) for row in rows),
            "parties": rows,
        }

    async def _compared(
        self, feed: str, parties: dict[str, str], own: ProofAnswer | None, silent: set[str]
    ) -> list[dict[str, Any]]:
        publisher = feed_owner(feed)
        readers = {party: role for party, role in parties.items() if party != publisher}
        if own is None:
            return [_row(publisher, SILENT, None, None)]
        if own.last < own.first:
            return [_row(party, NOTHING, own, None) for party in readers]
        asked = {party: role for party, role in readers.items() if party not in silent}
        answers = await self.reconciler.probe(
            self.station, feed, asked, own.incarnation, own.first, own.last
        )
        return [await self._reader(feed, own, party, answers.get(party)) for party in readers]

    async def _reader(
        self, feed: str, own: ProofAnswer, party: str, said: ProofAnswer | None
    ) -> dict[str, Any]:
        """A reader that began with a snapshot holds nothing before it: what it holds counts from
        its first item on."""
        if said is None:
            return _row(party, SILENT, own, None)
        if (said.count, said.root) == (own.count, own.root):
            return _row(party, ALIKE, own, None)
        if said.first > own.last:  # a snapshot of a later day
            return _row(party, ALIKE, own, None)

        async def ask(
            both: tuple[str, ...], incarnation: int, first: int, last: int
        ) -> dict[str, ProofAnswer]:
            wanted = dict.fromkeys(both, "")
            return await self.reconciler.probe(self.station, feed, wanted, incarnation, first, last)

        pair = Pair(feed_owner(feed), party, own.incarnation, ask)
        try:
            found = await pair.first_difference(max(own.first, said.first), own.last)
        except Silent:
            return _row(party, SILENT, own, None)
        return _row(party, DIFFERS if found else ALIKE, own, found)


def _row(
    party: str, state: str, own: ProofAnswer | None, found: Difference | None
) -> dict[str, Any]:
    return {
        "party": party,
        "state": state,
        "kind": found.kind if found else "",
        "number": found.number if found else 0,
        "incarnation": own.incarnation if own else 0,
        "first": own.first if own else 0,
        "last": own.last if own else 0,
    }


def _keep(tx: Tx, rows: Iterable[dict[str, Any]]) -> None:
    upsert(tx.conn, reconciliations, [{**row, "checked_ms": tx.now_ms} for row in rows])


def _feeds(conn: Connection, hub: str) -> list[str]:
    """Those of grants in force, and the hub's own."""
    query = select(grants.c.feed).where(grants.c.ended_ms.is_(None)).distinct()
    granted = conn.execute(query.order_by(grants.c.feed)).scalars().all()
    return [directory.directory_feed(hub), directory.catalog_feed(hub), *granted]


def _done(conn: Connection, day: date) -> set[str]:
    here = reconciliations.c.day == day.isoformat()
    query = select(reconciliations.c.feed, reconciliations.c.state).where(here)
    rows = conn.execute(query).all()
    return {row.feed for row in rows} - {row.feed for row in rows if row.state == SILENT}


def listed(conn: Connection, day: str = "", *, differing: bool = False) -> list[dict[str, Any]]:
    """What was found, the newest days first."""
    query = select(reconciliations)
    if day:
        query = query.where(reconciliations.c.day == day)
    if differing:
        query = query.where(reconciliations.c.state == DIFFERS)
    order = (reconciliations.c.day.desc(), reconciliations.c.feed, reconciliations.c.party)
    return [dict(row._mapping) for row in conn.execute(query.order_by(*order).limit(MOST_SHOWN))]

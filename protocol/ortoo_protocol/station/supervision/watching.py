"""What supervision does by itself: once a day the rules are applied, so that leads are there before
somebody asks; and in January the clock of the last year's report starts. Deciding is for people."""

from __future__ import annotations

import asyncio
from datetime import date

from sqlalchemy import select

from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.core.supervision.half_years import (
    civil_day,
    civil_ms,
    half_year_of,
    period_named,
)
from ortoo_protocol.core.supervision.law import law_of
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import calendar
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.supervision_tables import yearly_reports
from ortoo_protocol.station.supervision import leads
from ortoo_protocol.station.supervision.facts import Counter
from ortoo_protocol.station.supervision.port import Sources

FIRST_S, EVERY_S = 3_600.0, 86_400.0
YEAR_REPORT = "year-report"


async def watch(station: Station, sources: Sources) -> None:
    """An hour after the start, then daily."""
    await asyncio.sleep(FIRST_S)
    while True:
        await station.write(lambda tx: once(tx, sources))
        await asyncio.sleep(EVERY_S)


def once(tx: Tx, sources: Sources) -> list[str]:
    """Look for leads in the half-year that is now, and in the one before: what was asked in its
    last days is late in this one, and is not to fall between the two. Those that are new or were
    joined."""
    start_year_clock(tx)
    counter = Counter(sources, tx.trust, tx.party, tx.now_ms)
    now = period_named(half_year_of(tx.now_ms))
    before = period_named(half_year_of(now.from_ms - 1))
    return [lead for period in (before, now) for lead in leads.look(tx, counter, period)]


def start_year_clock(tx: Tx) -> None:
    """Until the last working day up to 31 January (art. 32), unless the report was made."""
    law, today = law_of(tx.trust.profile), civil_day(tx.now_ms)
    first, last = date(today.year, 1, 1), date(today.year, *law.year_day)
    subject = f"{YEAR_REPORT}:{today.year - 1}"
    if today > last or _made(tx, today.year - 1) or clocks.of(tx.conn, subject):
        return
    days = calendar.current(tx.conn).between(first, last)
    clocks.start(
        tx,
        subject,
        YEAR_REPORT,
        Term(law.year, days),
        party=tx.party,
        department="",
        opened_ms=civil_ms(first),
    )


def _made(tx: Tx, year: int) -> bool:
    """Whether the year was reported after it was over."""
    query = select(yearly_reports.c.time_ms).where(yearly_reports.c.year == year)
    over_ms = civil_ms(date(year + 1, 1, 1))
    return any(time_ms >= over_ms for time_ms in tx.conn.execute(query).scalars())

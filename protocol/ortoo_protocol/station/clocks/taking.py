"""A calendar comes into force: at the hub by its people, at stations by the hub's word alone.

A year that comes, or changes, moves every clock that runs over it (`keeping.recompute`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.errors import CalendarInvalid, CalendarOld, EnvelopeSender
from ortoo_protocol.core.law.workdays import MAX_YEARS, CalendarYear, CalendarYears, check_year
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.clocks import calendar, keeping
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.clock_tables import calendar_years
from ortoo_protocol.station.store.dialect import upsert


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the hub's directory feed. Raises CalendarInvalid, CalendarOld: nothing of it is
    taken then."""
    if opened.header.sender != tx.trust.hub:
        raise EnvelopeSender(sender=opened.header.sender, owner=tx.trust.hub)
    put(tx, as_body(opened, CalendarYears).body.years)


def put(tx: Tx, given: Iterable[CalendarYear]) -> None:
    """Put years into force, at the hub before it sends them. Raises what `take` does."""
    new = list(given)
    if not 1 <= len({each.year for each in new}) == len(new) <= MAX_YEARS:
        raise CalendarInvalid(year="-", detail=f"{len(new)} years, or one twice")
    query = select(calendar_years.c.year, calendar_years.c.version)
    held = {year: version for year, version in tx.conn.execute(query)}
    rows = []
    for each in map(check_year, new):
        if each.version <= held.get(each.year, 0):
            raise CalendarOld(year=each.year, version=each.version, held=held[each.year])
        rows.append(
            {
                "year": each.year,
                "version": each.version,
                "raw": encode(each),
                "taken_ms": tx.now_ms,
            }
        )
    upsert(tx.conn, calendar_years, rows)
    keeping.recompute(tx, calendar.current(tx.conn))

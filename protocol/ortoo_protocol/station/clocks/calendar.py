"""The calendar here: years that the hub signed, each in its newest version."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from ortoo_protocol.core.law.workdays import CalendarYear, WorkingDays
from ortoo_protocol.station.store.clock_tables import calendar_years


def years(conn: Connection, since: int = 0) -> list[CalendarYear]:
    """In force here, in their order; from the year `since` on."""
    query = select(calendar_years.c.raw).order_by(calendar_years.c.year)
    query = query.where(calendar_years.c.year >= since)
    held = msgspec.msgpack.Decoder(CalendarYear)  # checked before it was stored
    return [held.decode(raw) for raw in conn.execute(query).scalars()]


def current(conn: Connection, since: int = 0) -> WorkingDays:
    return WorkingDays(years(conn, since))

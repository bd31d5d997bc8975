"""Traffic (流量): what the journal holds, counted by hour, by who told whom, and by kind.

To count a million rows at each question would take seconds. So a loop counts what was added since
the last time, a bounded number of rows a step, beside the writer; the sums are kept with the number
of the row they go up to, in one transaction, so that nothing is counted twice or left out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, delete, select

from ortoo_protocol.core.ids import is_feed
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.messages import KINDS
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.store.dialect import upsert_adding
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import journal
from ortoo_protocol.station.store.traffic_tables import (
    traffic_hours,
    traffic_mark,
    traffic_totals,
)

HOUR_MS = 3_600_000
EVERY_S = 10.0
ROWS_A_STEP = 10_000
KEPT_HOURS = 400 * 24
OTHER = "other"  # a kind that this version does not know, or none
_SENT, _LOCAL = Direction.SENT.value, Direction.LOCAL.value
_REFUSED = State.REFUSED.value
_KNOWN = frozenset(kind.name for kind in KINDS)


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """The beginning of core.envelope.Header; what follows is passed over."""

    id: bytes
    kind: str
    sender: str
    destination: str


_head = msgspec.msgpack.Decoder(_Head)


@dataclass
class Counted:
    """Rows `first` up to below `end`. Keys are the primary keys of the tables."""

    first: int
    end: int
    hours: Counter[tuple[int, str, str, str, int, int]] = field(default_factory=Counter)
    totals: Counter[tuple[str, int, int]] = field(default_factory=Counter)


def mark(conn: Connection) -> int:
    return conn.execute(select(traffic_mark.c.seq)).scalar() or 0


def count(party: str, conn: Connection) -> Counted:
    """The next rows, at most ROWS_A_STEP."""
    first = mark(conn)
    counted = Counted(first, first)
    # Plain tuples: rows of SQLAlchemy would take ten times as long.
    for seq, time_ms, direction, state, named, sender, header in _NEXT.rows(
        conn, first, ROWS_A_STEP
    ):
        # Acts of people here are local rows of kinds of their own, which nobody else can write.
        known = named in _KNOWN or direction == _LOCAL
        kind = named if known else OTHER
        to = _recipient(party, direction, state, header)
        counted.hours[time_ms // HOUR_MS, sender, to, kind.partition(".")[0], direction, state] += 1
        counted.totals[kind, direction, state] += 1
        counted.end = seq + 1
    return counted


_NEXT = Prepared(
    select(
        journal.c.seq,
        journal.c.time_ms,
        journal.c.direction,
        journal.c.state,
        journal.c.kind,
        journal.c.sender,
        journal.c.header,
    )
    .where(journal.c.seq >= bindparam("first"))
    .order_by(journal.c.seq)
    .limit(bindparam("most")),
    ("first", "most"),
)


def _recipient(party: str, direction: int, state: int, header: bytes) -> str:
    """What is refused may name anybody: it came here."""
    if not header or state == _REFUSED:
        return party
    destination = _head.decode(header).destination
    if not is_feed(destination):
        return destination
    return "" if direction == _SENT else party


def keep(counted: Counted, tx: Tx) -> bool:
    """False: somebody counted these rows meanwhile."""
    if mark(tx.conn) != counted.first:
        return False
    _add(tx.conn, traffic_hours, counted.hours)
    _add(tx.conn, traffic_totals, counted.totals)
    tx.conn.execute(delete(traffic_mark))
    tx.conn.execute(traffic_mark.insert().values(one=1, seq=counted.end))
    oldest = tx.now_ms // HOUR_MS - KEPT_HOURS
    tx.conn.execute(delete(traffic_hours).where(traffic_hours.c.hour < oldest))
    return True


def _add(conn: Connection, into: Table, counted: Counter[Any]) -> None:
    names = [column.name for column in into.primary_key]
    rows = [{**dict(zip(names, key, strict=True)), "rows": n} for key, n in counted.items()]
    upsert_adding(conn, into, rows, "rows")


async def advance(database: Database, party: str) -> int:
    """One step; how many rows it counted."""
    counted = await database.read_long(partial(count, party))
    if counted.end > counted.first:
        await database.write(partial(keep, counted))
    return counted.end - counted.first


async def run(database: Database, party: str) -> None:
    """Count until cancelled."""
    while True:
        if await advance(database, party) < ROWS_A_STEP:
            await asyncio.sleep(EVERY_S)

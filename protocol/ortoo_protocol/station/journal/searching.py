"""Pages of the journal, the newest first, by the number of the last row that was shown.

One index leads (a flow's, a kind's, the refused rows'); what else is asked for is looked at row by
row, and a page looks at `MOST_LOOKED` rows at most: it then says how far it came, and whoever asked
goes on from there. So a page costs the same in a journal of any length.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, literal_column, select

from ortoo_protocol.core.envelope import Header
from ortoo_protocol.core.errors import CodecError, EnvelopeError
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.verify import decode_header
from ortoo_protocol.station.store.tables import journal

MOST_LOOKED = 5_000
MOST_FLOWS = 500
PORTION = 500
MAX_PAGE = 500
_COLUMNS = (
    journal.c.seq, journal.c.time_ms, journal.c.direction, journal.c.state, journal.c.flow,
    journal.c.envelope_id, journal.c.kind, journal.c.sender, journal.c.header, journal.c.error,
)  # fmt: skip


@dataclass(frozen=True)
class Sought:
    """Empty fields ask for nothing. `flows` None: of any feed, case or grant. `party` sent it or is
    whom it went to. Times: from `since_ms` up to, not including, `until_ms`, as the row's number
    goes: a clock that was set back leaves rows at their place in the order."""

    kind: str = ""
    party: str = ""
    flows: Collection[str] | None = None
    since_ms: int = 0
    until_ms: int = 0
    refused: bool = False
    before: int = 0
    count: int = 50


@dataclass
class Found:
    """`next_before`: where the next page begins, 0 where this is the last. `looked`: rows that were
    looked at; `whole`: the page is full or nothing is left, else it stopped at `MOST_LOOKED`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    next_before: int = 0
    looked: int = 0
    whole: bool = True


def search(conn: Connection, sought: Sought, size: int) -> Found:
    """`size`: rows of the journal. O(page + log n) where an index leads to all that is asked."""
    above = min(sought.before, size) if sought.before else size
    if sought.until_ms:
        above = min(above, number_at(conn, sought.until_ms, size))
    below = number_at(conn, sought.since_ms, size) if sought.since_ms else 0
    count = max(1, min(sought.count, MAX_PAGE))
    found = Found()
    for row in islice(_candidates(conn, sought, above, below), MOST_LOOKED):
        if len(found.rows) == count:
            found.next_before = found.rows[-1]["seq"]
            return found
        found.looked += 1
        last = row.seq
        if fits(row, sought):
            found.rows.append(view(row))
    if found.looked == MOST_LOOKED and last > below:
        found.next_before, found.whole = last, False
    return found


def fits(row: Row[Any], sought: Sought) -> bool:
    """What the index that led here did not decide."""
    if sought.kind and row.kind != sought.kind:
        return False
    if sought.refused and not row.error:
        return False
    if not sought.party or sought.party == row.sender:
        return True
    named = sought.party.encode(errors="replace")  # a look at the bytes spares most decodings
    return named in row.header and sought.party == addressee(row)


def number_at(conn: Connection, time_ms: int, size: int) -> int:
    """The first row that is not older than `time_ms`, by halving: numbers have no gaps."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        query = select(journal.c.time_ms).where(journal.c.seq == middle)
        if conn.execute(query).scalar_one() < time_ms:
            low = middle + 1
        else:
            high = middle
    return low


def _candidates(conn: Connection, sought: Sought, above: int, below: int) -> Iterator[Row[Any]]:
    """Rows below number `above`, from `below` on, the newest first."""
    if sought.flows is None:
        return _stream(conn, lambda query: _led(query, sought), above, below)
    streams = (
        _stream(conn, _of_flow(flow), above, below) for flow in list(sought.flows)[:MOST_FLOWS]
    )
    return heapq.merge(*streams, key=lambda row: -row.seq)


def _of_flow(flow: str) -> Callable[[Select[Any]], Select[Any]]:
    return lambda query: query.where(journal.c.flow == flow)


def _led(query: Select[Any], sought: Sought) -> Select[Any]:
    """By one index: SQLite would otherwise choose by figures that it does not have."""
    if sought.refused:  # as the index has it: a parameter would hide that it serves
        return query.where(literal_column("error <> ''"))
    return query.where(journal.c.kind == sought.kind) if sought.kind else query


def _stream(
    conn: Connection, led: Callable[[Select[Any]], Select[Any]], above: int, below: int
) -> Iterator[Row[Any]]:
    while above > below:
        query = led(select(*_COLUMNS).where(journal.c.seq < above, journal.c.seq >= below))
        rows = conn.execute(query.order_by(journal.c.seq.desc()).limit(PORTION)).all()
        yield from rows
        if len(rows) < PORTION:
            return
        above = rows[-1].seq


# --- as people see a row ------------------------------------------------------------------------


def view(row: Row[Any]) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "time_ms": row.time_ms,
        "direction": Direction(row.direction).name.lower(),
        "kind": row.kind,
        "sender": row.sender,
        "addressee": addressee(row),
        "flow": row.flow,
        "envelope": bytes(row.envelope_id).hex(),
        "state": State(row.state).name.lower(),
        "error": row.error,
    }


def addressee(row: Row[Any]) -> str:
    """The party or feed that its header names; "" where there is none."""
    header = header_of(row)
    return "" if header is None else header.destination


def header_of(row: Row[Any]) -> Header | None:
    if not row.header:
        return None
    try:
        return decode_header(bytes(row.header))
    except (CodecError, EnvelopeError):
        return None

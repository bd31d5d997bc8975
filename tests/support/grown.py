"""Stores as after years: a catalog, a journal, and what goes with them, written straight in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert

from ortoo_hub.store import tables as at_hub
from ortoo_node import catalog as at_node
from ortoo_node.store import case_tables
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station import traffic
from ortoo_protocol.station.accounts import acts
from ortoo_protocol.station.catalog import index
from ortoo_protocol.station.catalog.stored import pack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.clock_tables import clock_events, clocks
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.store.gazette_tables import announcements
from ortoo_protocol.station.store.notice_tables import notice_deliveries
from ortoo_protocol.station.store.supervision_tables import leads
from ortoo_protocol.station.store.tables import grants, inbox, outbox
from tests.support import bodies
from tests.support.made_catalog import entries

A_JOB = 2_000
DAY_MS = 86_400_000
PARTIES = ("s150700", "s150200", "s150100", "s152900")
HEADER_BYTES, SIGNATURE_BYTES = 200, 64
_KINDS = ("table.rows", "table.rows", "catalog.entry")


def filled(table: Table, **values: Any) -> dict[str, Any]:
    """A row of `table` in which every column has something."""
    empty = {str: "", int: 0, bytes: b"", bool: False}
    needed = (
        each
        for each in table.columns
        if not each.nullable and each.server_default is None and each.name not in values
    )
    made = {each.name: empty[each.type.python_type] for each in needed if each.name != "number"}
    return {**made, **values}


async def grow(station: Station, *, catalog: int, journal: int, others: int, hub: bool) -> None:
    """So many entries and rows of the journal; `others`: of cases, grants, clocks and the like."""
    made = list(entries(catalog))
    for part in _parts(made):
        await station.write(lambda tx, part=part: _entries(tx, part, hub=hub))  # type: ignore[misc]
    for first in range(0, journal, A_JOB):
        size = min(A_JOB, journal - first)
        await station.write(lambda tx, first=first, size=size: _journal(tx, first, size))  # type: ignore[misc]
    for part in _parts(range(others)):
        await station.write(lambda tx, part=part: _others(tx, part, made, hub=hub))  # type: ignore[misc]
    while await traffic.advance(station.database, station.party):
        pass


def _parts(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(found), A_JOB):
        yield found[first : first + A_JOB]


def _entries(tx: Tx, part: Sequence[Entry], *, hub: bool) -> None:
    for each in part:
        if not hub:
            at_node.store(tx, each, 1, tx.now_ms)
            continue
        row = {
            "code": each.code,
            "version": each.version,
            "provider": each.provider,
            "status": each.status,
            "entry": pack(each),
            "number": 1,
            "accepted_ms": tx.now_ms,
        }
        tx.conn.execute(insert(at_hub.catalog).values(filled(at_hub.catalog, **row)))
        index.changed(tx, index.Change(None, each, tx.now_ms))


def _journal(tx: Tx, first: int, size: int) -> None:
    rand = tx.parts.rand
    rows = []
    for n in range(first, first + size):
        sender, kind, feed = PARTIES[n % 4], _KINDS[n % 3], f"{PARTIES[n % 4]}.f{n % 97}"
        header = encode([rand(16), kind, sender, feed, rand(HEADER_BYTES)])
        direction = Direction.RECEIVED if n % 2 else Direction.SENT
        row = (direction, State.ACCEPTED, feed, rand(16), kind, sender, header)
        rows.append(journal_rows.Pending(*row, rand(SIGNATURE_BYTES), rand(32), ""))
    journal_rows.append(tx.conn, tx.suite, rows, tx.now_ms - DAY_MS)


def _others(tx: Tx, part: Sequence[int], made: Sequence[Entry], *, hub: bool) -> None:
    """A tenth of what was once open is open still."""
    conn, now_ms = tx.conn, tx.now_ms
    terms = bodies.body_of(GrantTerms)
    assert isinstance(terms, GrantTerms)
    for n in part:
        open_, entry = n % 10 == 0, made[n % len(made)]
        one, other = PARTIES[n % 4], PARTIES[(n + 1) % 4]
        mine = tx.party if not hub and n % 2 else one
        number = f"{n + 1_000:032x}"
        ago_ms = now_ms - (n + 1) * 60_000
        named = msgspec.structs.replace(
            terms, grant=number, case=number, resource=entry.code, provider=mine, reader=other
        )
        ended = None if open_ else ago_ms + 1
        _one(conn, grants, grant=number, hash=tx.suite.hash(number.encode()), terms=encode(named),
             feed=f"{one}.f{n % 50}", provider=mine, reader=other, resource=entry.code,
             from_ms=ago_ms, ended_ms=ended, filing="" if open_ else number)  # fmt: skip
        if hub and not open_:
            _one(conn, at_hub.filings, filing=number, grant=number, provider=mine)
        kind = "running" if open_ else "met"
        _one(conn, clocks, clock=number, subject=f"case:{number}", duty="answer", party=mine,
             department=entry.department, pauses="[]", opened_ms=ago_ms, state=kind,
             due_ms=now_ms + (n - 500) * 60_000, closed_ms=ended, day="2026-12-01")  # fmt: skip
        _one(conn, clock_events, clock=number, time_ms=ago_ms, event="start", detail="")
        _one(conn, corrections, correction=number, grant=number, resource=entry.code,
             provider=mine, reader=other, about="accuracy", opened_ms=ago_ms,
             state="raised" if open_ else "closed", closed_ms=ended)  # fmt: skip
        _one(conn, leads, lead=number, rule="late-answer", violation=1, party=mine,
             state="open" if open_ else "dismissed", found_ms=ago_ms)  # fmt: skip
        _one(conn, notice_deliveries, notice=number, channel="mail", state="sent",
             created_ms=ago_ms)  # fmt: skip
        _one(conn, outbox, id=number.encode()[:16], recipient=other, kind="case.step",
             state="accepted", created_ms=ago_ms)  # fmt: skip
        _one(conn, inbox, sender=other, id=number.encode(), kind="case.step", status="accepted",
             received_ms=ago_ms)  # fmt: skip
        _case(conn, number, mine, other, entry, ago_ms, open_=open_, hub=hub)
        acts.note(tx, "case.answer", f"case {number}", account="wang", person="王芳")
        if n % 100 == 0:
            _one(conn, announcements, announcement=number, title=f"第{n}号", text="周六停机。",
                 level="information", issued_ms=ago_ms, from_ms=ago_ms,
                 until_ms=now_ms + (DAY_MS if open_ else -1), leagues=" ")  # fmt: skip


def _case(
    conn: Connection, number: str, mine: str, other: str, entry: Entry, ago_ms: int, *,
    open_: bool, hub: bool,
) -> None:  # fmt: skip
    application = msgspec.structs.replace(
        bodies.APPLICATION, case=number, resource=entry.code, department=entry.department
    )
    row = {
        "case": number,
        "resource": entry.code,
        "applicant": other,
        "department": entry.department,
        "provider": mine,
        "state": "submitted" if open_ else "granted",
        "opened_ms": ago_ms,
        "changed_ms": ago_ms,
        "application": encode(application),
    }
    if hub:
        _one(conn, at_hub.cases, **row, resource_name=entry.name, purpose="工作参考")
        event = {"case": number, "event": "submit", "party": other, "time_ms": ago_ms}
        _one(conn, at_hub.case_events, **event)
    else:
        _one(conn, case_tables.cases, **row, role="provider", notarised=True)
        event = {"case": number, "event": "submit", "party": other, "time_ms": ago_ms}
        _one(conn, case_tables.case_events, **event)


def _one(conn: Connection, table: Table, **values: Any) -> None:
    conn.execute(insert(table), [filled(table, **values)])

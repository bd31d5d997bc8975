"""What needs somebody: deadlines that are near or past, feeds that differ, keys that end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from ortoo_hub.store.tables import cases, proofs
from ortoo_protocol.core.errors import TrustError
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.clocks.clock import PAUSED, of_row
from ortoo_protocol.station.clocks.methods import view
from ortoo_protocol.station.figures.engine import NEAR_MS
from ortoo_protocol.station.store.clock_tables import clocks

MOST = 200


def due(conn: Connection, now_ms: int) -> dict[str, Any]:
    """Open deadlines of cases and all else that has a clock: counts by duty, and the MOST that end
    first or ended long ago, each with its case where it has one."""
    going = (clocks.c.closed_ms.is_(None), clocks.c.state != PAUSED)
    late, near = clocks.c.due_ms <= now_ms, clocks.c.due_ms <= now_ms + NEAR_MS
    counted = (
        select(
            clocks.c.duty,
            func.count().label("open"),
            func.count().filter(near & ~late).label("near"),
            func.count().filter(late).label("late"),
        )
        .where(*going)
        .group_by(clocks.c.duty)
        .order_by(clocks.c.duty)
    )
    first = select(clocks).where(*going, near).order_by(clocks.c.due_ms, clocks.c.clock)
    found = [of_row(row) for row in conn.execute(first.limit(MOST)).all()]
    known = _cases(conn, [clock.subject for clock in found])
    return {
        "duties": [dict(row._mapping) for row in conn.execute(counted)],
        "clocks": [
            {
                **view(clock),
                "late": clock.due_ms is not None and clock.due_ms <= now_ms,
                "case": known.get(clock.subject),
            }
            for clock in found
        ],
    }


def _cases(conn: Connection, subjects: list[str]) -> dict[str, dict[str, Any]]:
    names = ("case", "resource", "resource_name", "applicant", "provider", "state")
    prefix = "case:"  # station/cases/judging.py
    by_subject = {
        subject: subject.removeprefix(prefix) for subject in subjects if subject.startswith(prefix)
    }
    query = select(*(cases.c[name] for name in names))
    found = {
        row.case: dict(row._mapping)
        for row in conn.execute(query.where(cases.c.case.in_(set(by_subject.values()))))
    }
    return {subject: found[case] for subject, case in by_subject.items() if case in found}


def reconciled(conn: Connection) -> list[dict[str, Any]]:
    """The newest comparison of each feed, by what its parties signed; the MOST newest. `alike`:
    all who answered about the same range hold the same items."""
    newest = (
        select(proofs.c.feed, func.max(proofs.c.time_ms).label("time_ms"))
        .group_by(proofs.c.feed)
        .order_by(func.max(proofs.c.time_ms).desc())
        .limit(MOST)
    )
    return [_reconciled(conn, row.feed, row.time_ms) for row in conn.execute(newest).all()]


def _reconciled(conn: Connection, feed: str, time_ms: int) -> dict[str, Any]:
    ask = select(proofs.c.ask).where(proofs.c.feed == feed, proofs.c.time_ms == time_ms).limit(1)
    answers = select(proofs).where(proofs.c.ask == ask.scalar_subquery()).order_by(proofs.c.party)
    rows = [row._mapping for row in conn.execute(answers)]  # a row's own `count` is a method
    names = ("party", "incarnation", "first", "last", "count")
    ranges: dict[tuple[int, int, int], set[tuple[int, bytes]]] = {}
    for row in rows:
        stretch = (row["incarnation"], row["first"], row["last"])
        ranges.setdefault(stretch, set()).add((row["count"], row["root"]))
    return {
        "feed": feed,
        "time_ms": time_ms,
        "alike": all(len(held) == 1 for held in ranges.values()),
        "answers": [
            {**{name: row[name] for name in names}, "root": row["root"].hex()} for row in rows
        ],
    }


def keys(trust: Trust, now_ms: int) -> dict[str, Any]:
    """Until when the directory and each party's keys are good; 0: it has none that is valid."""
    body = trust.directory_body
    return {
        "directory": {
            "version": trust.directory_version,
            "expires_ms": body.expires_ms if body else 0,
            "root_expires_ms": trust.root.expires_ms,
            "timestamp_ms": trust.timestamp_ms,
        },
        "parties": [
            {
                "party": entry.party,
                "name": entry.name,
                "status": entry.status,
                "signing_until_ms": _signing(trust, entry.party, now_ms),
                "encryption_until_ms": max(
                    (
                        key.until_ms
                        for key in trust.wrap_keys(entry.party)
                        if key.from_ms <= now_ms < key.until_ms
                    ),
                    default=0,
                ),
            }
            for entry in trust.parties
        ],
    }


def _signing(trust: Trust, party: str, now_ms: int) -> int:
    try:
        return trust.current_signing_key(party, now_ms).until_ms
    except TrustError:
        return 0

"""Changes of law or of duties, recorded: from then on the catalog has some working days to follow.

Under NM2018 15 (art. 9), under SC2025 10 and once 5 more with the authority's consent (Decree 809
art. 17). A change ends when each entry that it names was published anew, or is closed by a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ortoo_node.catalog import mirror
from ortoo_node.store.tables import catalog_change_codes, catalog_changes
from ortoo_protocol.core.errors import (
    CatalogChangeUnknown,
    CatalogExtension,
    CatalogField,
    CatalogOwner,
    CatalogReason,
)
from ortoo_protocol.core.law.clock import Calendar, Deadline, day_of
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx

DUTY = "catalog-update"
OPEN, DONE, CLOSED = "open", "done", "closed"
MAX_CODES = 1_000
SOON_DAYS = 3


@dataclass(frozen=True)
class Change:
    change: str
    department: str
    what: str
    basis: str
    since_ms: int
    recorded_ms: int
    by: str
    days: int
    state: str
    reason: str
    codes: tuple[tuple[str, int], ...]  # with when each was published anew, 0: not yet

    def deadline(self, calendar: Calendar) -> Deadline:
        return calendar.after(day_of(self.since_ms), self.days)


def record(
    tx: Tx, department: str, what: str, basis: str, since_ms: int, codes: Sequence[str], by: str
) -> Change:
    """Start the clock: on `since_ms` law or duties changed, and `codes` have to follow.

    Raises CatalogReason, CatalogField, CatalogUnknown, CatalogOwner, TrustDepartment.
    """
    if not what.strip() or not by.strip():
        raise CatalogReason(step="change")
    if not 0 < since_ms <= tx.now_ms:
        raise CatalogField(field="since", detail="it has not come yet")
    if len(codes) > MAX_CODES:
        raise CatalogField(field="codes", detail=f"{len(codes)} > {MAX_CODES}")
    tx.trust.check_department(tx.party, department)
    change = tx.new_id().hex()
    rows = []
    for code in dict.fromkeys(codes):
        entry = mirror.entry(tx.conn, code)
        if entry.provider != tx.party:
            raise CatalogOwner(resource=code)
        rows.append({"change": change, "code": code, "version": entry.version, "done_ms": 0})
    values = {
        "change": change,
        "department": department,
        "what": what,
        "basis": basis,
        "since_ms": since_ms,
        "recorded_ms": tx.now_ms,
        "by": by,
        "days": profile_named(tx.trust.profile).update.days,
        "state": OPEN,
        "reason": "",
        "closed_ms": 0,
    }
    tx.conn.execute(insert(catalog_changes).values(values))
    if rows:
        tx.conn.execute(insert(catalog_change_codes), rows)
    _start(tx, change, department, since_ms)
    return find(tx.conn, change)


def adopt(tx: Tx) -> None:
    """Clocks for open changes that an earlier version recorded."""
    for each in listed(tx.conn):
        if not clocks.of(tx.conn, subject_of(each.change)):
            _start(tx, each.change, each.department, each.since_ms)


def subject_of(change: str) -> str:
    return f"change:{change}"


def _start(tx: Tx, change: str, department: str, since_ms: int) -> None:
    rule = profile_named(tx.trust.profile).update
    clocks.start(
        tx,
        subject_of(change),
        DUTY,
        Term(rule.article, rule.days, rule.extension_days),
        party=tx.party,
        department=department,
        opened_ms=since_ms,
    )


def extend(tx: Tx, change: str, reason: str, by: str) -> Change:
    """The authority's consent to a longer time, once. Raises CatalogExtension, CatalogReason."""
    found = _open(tx.conn, change)
    update_ = profile_named(tx.trust.profile).update
    if not reason.strip() or not by.strip():
        raise CatalogReason(step="extend")
    if not update_.extension_days:
        raise CatalogExtension(detail="the rules in force have no extension")
    if found.days > update_.days:
        raise CatalogExtension(detail="it was extended already")
    days = update_.days + update_.extension_days
    clocks.extend(tx, subject_of(change), DUTY, update_.extension_days)
    _set(tx, change, days=days, reason=f"{by}: {reason}")
    return find(tx.conn, change)


def close(tx: Tx, change: str, reason: str, by: str) -> Change:
    """No entry has to follow (any more). Raises CatalogChangeUnknown, CatalogReason."""
    _open(tx.conn, change)
    if not reason.strip() or not by.strip():
        raise CatalogReason(step="close")
    _set(tx, change, state=CLOSED, reason=f"{by}: {reason}", closed_ms=tx.now_ms)
    clocks.cancel(tx, subject_of(change), DUTY, tx.now_ms)
    return find(tx.conn, change)


def recorded_ms(conn: Connection, code: str) -> int:
    """When the change that `code` has to follow now was recorded; none: 0."""
    query = (
        select(catalog_changes.c.recorded_ms)
        .join(catalog_change_codes, catalog_change_codes.c.change == catalog_changes.c.change)
        .where(catalog_change_codes.c.code == code, catalog_changes.c.state == OPEN)
        .order_by(catalog_changes.c.recorded_ms.desc())
    )
    return conn.execute(query).scalar() or 0


def followed(tx: Tx, code: str, version: int) -> None:
    """A newer version of `code` was published: what waited for it may be done."""
    codes = catalog_change_codes.c
    waiting = (codes.code == code, codes.done_ms == 0, codes.version < version)
    changes = list(tx.conn.execute(select(codes.change).where(*waiting)).scalars())
    if not changes:
        return
    tx.conn.execute(update(catalog_change_codes).where(*waiting).values(done_ms=tx.now_ms))
    for change in changes:
        left = select(codes.code).where(codes.change == change, codes.done_ms == 0)
        found = find(tx.conn, change)
        if found.state == OPEN and tx.conn.execute(left).first() is None:
            _set(tx, change, state=DONE, closed_ms=tx.now_ms)
            clocks.stop(tx, subject_of(change), DUTY, tx.now_ms)


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, change: str) -> Change:
    """Raises CatalogChangeUnknown."""
    query = select(catalog_changes).where(catalog_changes.c.change == change)
    row = conn.execute(query).first()
    if row is None:
        raise CatalogChangeUnknown(change=change)
    return _change(conn, row)


def listed(conn: Connection, *, open_only: bool = True, limit: int = 500) -> list[Change]:
    """The longest open first."""
    query = select(catalog_changes).order_by(catalog_changes.c.since_ms).limit(limit)
    if open_only:
        query = query.where(catalog_changes.c.state == OPEN)
    return [_change(conn, row) for row in conn.execute(query).all()]


def overdue(conn: Connection, today: date, calendar: Calendar) -> list[Change]:
    """Open ones whose last day is over, or comes within `SOON_DAYS`."""
    return [
        each for each in listed(conn) if (each.deadline(calendar).day - today).days <= SOON_DAYS
    ]


def _open(conn: Connection, change: str) -> Change:
    found = find(conn, change)
    if found.state != OPEN:
        raise CatalogChangeUnknown(change=change)
    return found


def _change(conn: Connection, row: Row[Any]) -> Change:
    codes = catalog_change_codes.c
    query = select(codes.code, codes.done_ms).where(codes.change == row.change)
    named = tuple((code, done_ms) for code, done_ms in conn.execute(query.order_by(codes.code)))
    names = [name for name in Change.__dataclass_fields__ if name != "codes"]
    return Change(**{name: getattr(row, name) for name in names}, codes=named)


def _set(tx: Tx, change: str, **values: Any) -> None:
    of = catalog_changes.c.change == change
    tx.conn.execute(update(catalog_changes).where(of).values(**values))

"""Contacts of departments: set, confirmed on a cycle, handed over, reported to the hub.

A clock of its own (`contact-confirm`) runs from each confirmation, here and at the hub: contacts
that nobody confirms become stale by themselves. A person is replaced by a hand-over and in no other
way, so that what was open then is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select

from ortoo_protocol.core.catalog.names import is_among
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.errors import (
    ContactMissing,
    ContactOld,
    ContactPerson,
    ContactStale,
    ContactUnknown,
    OrtooError,
)
from ortoo_protocol.core.law.contacts import (
    MAX_MATTERS,
    A,
    B,
    ContactReport,
    Handover,
    Person,
    check_report,
)
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.clock_tables import clocks as clock_rows
from ortoo_protocol.station.store.contact_tables import contact_handovers, contacts
from ortoo_protocol.station.store.dialect import upsert

DUTY = "contact-confirm"
MOST_FINDINGS = 50


@dataclass(frozen=True)
class Contact:
    """The contacts of one department of `party`, as they were reported."""

    party: str
    report: ContactReport
    received_ms: int

    @property
    def persons(self) -> tuple[tuple[str, Person], ...]:
        """With their role: A, then B if there is one."""
        report = self.report
        return ((A, report.a),) if report.b is None else ((A, report.a), (B, report.b))


def put(tx: Tx, department: str, unit: str, a: Person, b: Person | None, by: str) -> Contact:
    """Set the contacts of an own department, or other addresses of the same persons. Raises
    ContactInvalid, ContactPerson (another person comes by a hand-over), TrustDepartment."""
    held = _held(tx.conn, tx.party, department)
    if held is not None:
        b = held.report.b if b is None else b
        for role, before, after in ((A, held.report.a, a), (B, held.report.b, b)):
            if before is not None and after is not None and before.name != after.name:
                raise ContactPerson(role=role.upper(), before=before.name, after=after.name)
    return _report(tx, held, department, unit=unit, a=a, b=b, by=by)


def confirm(tx: Tx, department: str, by: str) -> Contact:
    """Somebody looked: they are right. Raises ContactUnknown."""
    held = find(tx.conn, tx.party, department)
    report = held.report
    return _report(tx, held, department, unit=report.unit, a=report.a, b=report.b, by=by)


def hand_over(
    tx: Tx, department: str, role: str, after: Person, by: str, reason: str = ""
) -> Contact:
    """Another person takes the place of A or B, with what is open. Raises ContactUnknown,
    ContactInvalid, ContactPerson (the same person; there is no B yet)."""
    held = find(tx.conn, tx.party, department)
    before = dict(held.persons).get(role)
    if before is None or is_among(after.name, (before.name,)):
        raise ContactPerson(
            role=role.upper(), before="-" if before is None else before.name, after=after.name
        )
    due = clocks.due(tx.conn, party=tx.party, department=department, limit=MAX_MATTERS)
    handover = Handover(
        role,
        before.name,
        after.name,
        tx.now_ms,
        by,
        reason,
        tuple(dict.fromkeys(each.subject for each in due if each.duty != DUTY)),
    )
    report = held.report
    persons = {"a": after, "b": report.b} if role == A else {"a": report.a, "b": after}
    return _report(tx, held, department, unit=report.unit, by=by, handover=handover, **persons)


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """A member's report, at the hub. Raises ContactInvalid, ContactOld, TrustDepartment."""
    sender, report = opened.header.sender, as_body(opened, ContactReport).body
    tx.trust.check_department(sender, report.department)
    _keep(tx, sender, check_report(report))


def _report(
    tx: Tx,
    held: Contact | None,
    department: str,
    *,
    unit: str,
    a: Person | None,
    b: Person | None,
    by: str,
    handover: Handover | None = None,
) -> Contact:
    reports = tx.party != tx.trust.hub  # who announces no departments, and tells nobody
    if reports:
        tx.trust.check_department(tx.party, department)
    report = ContactReport(
        department=department,
        number=1 if held is None else held.report.number + 1,
        unit=unit,
        a=a or Person("", "", "", ""),
        b=b,
        confirmed_ms=tx.now_ms,
        by=by,
        handover=handover,
    )
    _keep(tx, tx.party, check_report(report))
    if reports:
        send(tx, tx.trust.hub, report)
    return find(tx.conn, tx.party, department)


def _keep(tx: Tx, party: str, report: ContactReport) -> None:
    held = _held(tx.conn, party, report.department)
    if held is not None and report.number <= held.report.number:
        raise ContactOld(
            department=report.department, number=report.number, held=held.report.number
        )
    of = {"party": party, "department": report.department}
    row = {"number": report.number, "report": encode(report), "received_ms": tx.now_ms}
    upsert(tx.conn, contacts, [{**of, **row, "confirmed_ms": report.confirmed_ms}])
    if report.handover is not None:
        kept = {"time_ms": report.handover.time_ms, "handover": encode(report.handover)}
        tx.conn.execute(insert(contact_handovers).values({**of, **kept}))
    subject = subject_of(party, report.department)
    clocks.stop(tx, subject, DUTY, tx.now_ms)
    clocks.start(
        tx,
        subject,
        DUTY,
        profile_named(tx.trust.profile).sharing.contacts,
        party=party,
        department=report.department,
        opened_ms=tx.now_ms,
    )


# --- reading ------------------------------------------------------------------------------------


def subject_of(party: str, department: str) -> str:
    return f"contact:{party}:{department}"


def find(conn: Connection, party: str, department: str) -> Contact:
    """Raises ContactUnknown."""
    found = _held(conn, party, department)
    if found is None:
        raise ContactUnknown(department=department)
    return found


def listed(conn: Connection, party: str | None = None) -> list[Contact]:
    query = select(contacts).order_by(contacts.c.party, contacts.c.department)
    if party is not None:
        query = query.where(contacts.c.party == party)
    return [_contact(row) for row in conn.execute(query).all()]


def handovers(conn: Connection, party: str, department: str) -> list[Handover]:
    """The latest first."""
    rows = contact_handovers
    query = select(rows.c.handover).where(rows.c.party == party, rows.c.department == department)
    raws = conn.execute(query.order_by(rows.c.number.desc())).scalars()
    return [msgspec.msgpack.decode(raw, type=Handover) for raw in raws]


def findings(conn: Connection, trust: Trust, parties: Sequence[str]) -> list[OrtooError]:
    """Departments of these parties whose contacts are missing, or were not confirmed in time: as
    errors that are not raised, for status, doctor and supervision."""
    known = {(each.party, each.report.department): each for each in listed(conn)}
    late = (clock_rows.c.duty == DUTY, clock_rows.c.closed_ms.is_(None))
    query = select(clock_rows.c.party, clock_rows.c.department, clock_rows.c.day)
    stale = conn.execute(query.where(*late, clock_rows.c.state == clocks.LATE)).all()
    found: list[OrtooError] = [
        ContactMissing(party=party, department=department)
        for party in parties
        for department in sorted(trust.departments(party))
        if (party, department) not in known
    ]
    found += [
        ContactStale(party=row.party, department=row.department, day=row.day)
        for row in stale
        if row.party in parties
    ]
    return found[:MOST_FINDINGS]


def _held(conn: Connection, party: str, department: str) -> Contact | None:
    query = select(contacts).where(contacts.c.party == party, contacts.c.department == department)
    row = conn.execute(query).first()
    return None if row is None else _contact(row)


def _contact(row: Row[Any]) -> Contact:
    report = msgspec.msgpack.decode(row.report, type=ContactReport)
    return Contact(row.party, report, row.received_ms)

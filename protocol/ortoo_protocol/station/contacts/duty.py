"""Who has the duty now: A, and B while A is away (A/B 角)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from ortoo_protocol.core.errors import ContactAbsence, ContactUnknown
from ortoo_protocol.core.law.contacts import A, B, Person
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.station.contacts import keeping
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.contact_tables import absences

PAST_MS = 366 * 86_400_000


def away(
    tx: Tx, department: str, person: str, from_ms: int, until_ms: int, by: str, reason: str = ""
) -> None:
    """`person` is away from `from_ms` until before `until_ms`. Raises ContactUnknown,
    ContactAbsence."""
    contact = keeping.find(tx.conn, tx.party, department)
    if person not in [each.name for _, each in contact.persons]:
        raise ContactUnknown(department=f"{department} {person}")
    if not by.strip() or not max(from_ms, tx.now_ms) < until_ms < END_OF_TIME_MS:
        raise ContactAbsence(person=person, detail="by whom, and an end that is to come")
    tx.conn.execute(delete(absences).where(absences.c.until_ms < tx.now_ms - PAST_MS))
    row = {
        "department": department,
        "person": person,
        "from_ms": from_ms,
        "until_ms": until_ms,
        "by": by,
        "reason": reason[:1_000],
    }
    tx.conn.execute(insert(absences).values(row))


def back(tx: Tx, department: str, person: str) -> None:
    """Here again, before the time. Raises ContactAbsence: nobody said that they were away."""
    mine = (absences.c.department == department, absences.c.person == person)
    ended = update(absences).where(
        *mine, absences.c.from_ms <= tx.now_ms, absences.c.until_ms > tx.now_ms
    )
    ahead = delete(absences).where(*mine, absences.c.from_ms > tx.now_ms)
    changed = tx.conn.execute(ended.values(until_ms=tx.now_ms)).rowcount
    if not changed + tx.conn.execute(ahead).rowcount:
        raise ContactAbsence(person=person, detail="nobody said so")


def absent(conn: Connection, department: str, now_ms: int) -> list[Row[Any]]:
    """Who is away now, or will be."""
    query = select(absences).where(
        absences.c.department == department, absences.c.until_ms > now_ms
    )
    return list(conn.execute(query.order_by(absences.c.from_ms)).all())


def on_duty(conn: Connection, party: str, department: str, now_ms: int) -> tuple[Person, ...]:
    """A; while A is away B; A all the same when B is away too or there is none. Nobody where
    the department has no contacts."""
    try:
        persons = dict(keeping.find(conn, party, department).persons)
    except ContactUnknown:
        return ()
    gone = {row.person for row in absent(conn, department, now_ms) if row.from_ms <= now_ms}
    first, second = persons[A], persons.get(B)
    if first.name in gone and second is not None and second.name not in gone:
        return (second,)
    return (first,)


def departments_of(conn: Connection, party: str, person: str, now_ms: int) -> tuple[str, ...]:
    """The departments for which `person` has the duty now."""
    return tuple(
        each.report.department
        for each in keeping.listed(conn, party)
        if person in [one.name for one in on_duty(conn, party, each.report.department, now_ms)]
    )

"""The daily digest: what is open for each person who has a duty, at a set local hour, once a day.

A row says that the digest of a day was made for a person, with nothing to do as well. So it comes
once, however often the station starts, and later the same day if the station was off at that hour.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from ortoo_protocol.core.law.clock import local_time
from ortoo_protocol.core.law.contacts import Person
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks, todo
from ortoo_protocol.station.contacts import duty, keeping
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.notify.telling import tell
from ortoo_protocol.station.store.notice_tables import digests

Owed = dict[Person, list[str]]


def owed(conn: Connection, *, party: str, trust: Trust, now_ms: int, hour: int) -> Owed:
    """Who has had none today, with their departments; nobody before the hour and on days off."""
    now = local_time(now_ms, profile_named(trust.profile).offset_min)
    if now.hour < hour or not clocks.calendar.current(conn).is_working(now.date()):
        return {}
    query = select(digests.c.department, digests.c.person).where(
        digests.c.day == now.date().isoformat()
    )
    made = {tuple(row) for row in conn.execute(query)}
    found: Owed = {}
    for contact in keeping.listed(conn, party):
        department = contact.report.department
        for person in duty.on_duty(conn, party, department, now_ms):
            if (department, person.name) not in made:
                found.setdefault(person, []).append(department)
    return found


def make(tx: Tx, hour: int, authority: str = "") -> None:
    """Tell each what is open in the departments for which they have the duty now."""
    today = local_time(tx.now_ms, profile_named(tx.trust.profile).offset_min).date().isoformat()
    tx.conn.execute(delete(digests).where(digests.c.day < today))
    found = owed(tx.conn, party=tx.party, trust=tx.trust, now_ms=tx.now_ms, hour=hour)
    for person, departments in found.items():
        of = [{"day": today, "department": one, "person": person.name} for one in departments]
        tx.conn.execute(insert(digests), of)
        listed = [
            clock
            for one in departments
            for clock in todo.of_duty(tx.conn, tx.party, one, authority)
        ]
        if not listed:
            continue
        lines = [
            {
                "day": "" if clock.day is None else clock.day.isoformat(),
                "duty": clock.duty,
                "subject": clock.subject,
            }
            for clock in sorted(listed, key=todo.urgency)
        ]
        late = sum(each.due_ms is not None and each.due_ms <= tx.now_ms for each in listed)
        values = {"day": today, "count": len(listed), "late": late, "lines": lines[:100]}
        tell(tx, "digest", values, department=departments[0], person=person.name)

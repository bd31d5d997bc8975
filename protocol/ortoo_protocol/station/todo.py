"""To do (待办): open clocks of the departments for which a person has the duty now.

B sees what is A's while A is away, and A sees it again afterwards; nothing is copied.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ortoo_protocol.core.errors import ContactUnknown
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.contacts import duty, keeping


def of_person(conn: Connection, party: str, person: str, now_ms: int) -> list[Clock]:
    """The most urgent first. Raises ContactUnknown: this person is nobody's A or B here."""
    everybody = {one.name for each in keeping.listed(conn, party) for _, one in each.persons}
    if person not in everybody:
        raise ContactUnknown(department=person)
    found = [
        clock
        for department in duty.departments_of(conn, party, person, now_ms)
        for clock in clocks.due(conn, party=party, department=department)
    ]
    return sorted(found, key=lambda each: (each.due_ms or 1 << 62, each.opened_ms))


def of_department(conn: Connection, party: str, department: str) -> list[Clock]:
    return clocks.due(conn, party=party, department=department or None)

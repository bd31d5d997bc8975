"""To do (待办): open clocks of the departments for which a person has the duty now.

B sees what is A's while A is away, and A sees it again afterwards; nothing is copied. Duties
without a department are those of the authority of this level.
"""

from __future__ import annotations

from sqlalchemy import Connection

from ortoo_protocol.core.errors import ContactUnknown
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.contacts import duty, keeping


def of_person(
    conn: Connection, party: str, person: str, now_ms: int, authority: str = ""
) -> list[Clock]:
    """The most urgent first. `authority`: the department that is it. Raises ContactUnknown: this
    person is nobody's A or B here."""
    everybody = {one.name for each in keeping.listed(conn, party) for _, one in each.persons}
    if person not in everybody:
        raise ContactUnknown(department=person)
    found = [
        clock
        for department in duty.departments_of(conn, party, person, now_ms)
        for clock in of_duty(conn, party, department, authority)
    ]
    return sorted(found, key=urgency)


def of_duty(conn: Connection, party: str, department: str, authority: str) -> list[Clock]:
    """What whoever has the duty in `department` has to do."""
    found = clocks.due(conn, party=party, department=department)
    if department == authority:
        found += clocks.due(conn, party=party, department="")
    return found


def urgency(clock: Clock) -> tuple[int, int]:
    return clock.due_ms or 1 << 62, clock.opened_ms


def of_department(conn: Connection, party: str, department: str) -> list[Clock]:
    return clocks.due(conn, party=party, department=department or None)

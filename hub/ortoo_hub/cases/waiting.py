"""What waits for the region's authority: disputes, and extensions that providers ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_hub.cases import store
from ortoo_hub.store.tables import case_events, cases
from ortoo_protocol.core.cases import Event, State
from ortoo_protocol.core.cases.log import asked_extension

_DISPUTES = (State.COORDINATING.value, State.REFERRED.value)
_ANSWERABLE = (State.SUBMITTED.value, State.COMPLETED.value, State.ACCEPTED.value)


def waiting(conn: Connection) -> list[tuple[Row[Any], str]]:
    """Cases and what each waits for, the oldest first."""
    asked = select(case_events.c.case).where(case_events.c.event == Event.ASK_EXTENSION.value)
    query = select(cases).where(
        cases.c.state.in_(_DISPUTES) | (cases.c.state.in_(_ANSWERABLE) & cases.c.case.in_(asked))
    )
    found = []
    for row in conn.execute(query.order_by(cases.c.opened_ms)).all():
        if row.state in _DISPUTES:
            found.append((row, "coordination"))
        elif asked_extension(store.log_of(conn, row.case)):
            found.append((row, "extension"))
    return found

"""What stands behind a grant: the application, its purpose and basis, and the people of both
sides."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ortoo_node.cases import store
from ortoo_node.catalog.mirror import resource_name
from ortoo_node.methods.grants import grant_of
from ortoo_node.tracing.said import entry_of
from ortoo_protocol.core.cases import Answer, Application
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import CaseUnknown, GrantUnknown
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.journal.searching import Sought, search

ENTRIES = 50


def behind(conn: Connection, grant: str, now_ms: int) -> dict[str, Any]:
    """Raises GrantUnknown."""
    row = grants_held.find(conn, grant)
    if row is None:
        raise GrantUnknown(grant=grant)
    shown = grant_of(row, resource_name(conn, row.resource), now_ms)
    return {"grant": shown, **_case(conn, shown["case"])}


def _case(conn: Connection, case: str) -> dict[str, Any]:
    """None where the case is kept elsewhere: an older release, another station."""
    try:
        row = store.find(conn, case)
    except CaseUnknown:
        return {"application": None, "answer": None, "steps": []}
    asked = decode(row.application, Application)
    answer = decode(row.answer, Answer) if row.answer else None
    return {
        "application": {
            "case": case,
            "applicant": row.applicant,
            "department": row.department,
            "department_name": asked.department_name,
            "purpose": asked.purpose,
            "basis": asked.basis,
            "scenario": asked.scenario,
            "handler": asked.handler,
            "approver": asked.approver,
            "contact": asked.contact,
        },
        "answer": None
        if answer is None
        else {"outcome": answer.outcome, "handler": answer.handler, "approver": answer.approver},
        "steps": [
            {"time_ms": e.time_ms, "event": e.event, "party": e.party, "side": e.side, "by": e.by}
            for e in store.history(conn, case)
        ],
    }


def entries_of(conn: Connection, grant: str, case: str, size: int) -> list[dict[str, Any]]:
    """The newest of the journal about the grant and its case."""
    found = search(conn, Sought(flows=[grant, case], count=ENTRIES), size)
    return [entry_of(each) for each in found.rows]

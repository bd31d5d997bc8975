"""Telling people: a row in the queue, in the transaction that has something to tell.

Nothing is sent here, and nothing can fail: who is reached how is found when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import insert

from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.notice_tables import notices


def tell(
    tx: Tx,
    template: str,
    values: Mapping[str, Any],
    *,
    department: str = "",
    person: str = "",
    authority: bool = False,
) -> None:
    """Tell whoever has the duty in an own `department`, or `person` of it; with `authority` the
    people of the authority of this level. `template`: one of templates.TEMPLATES."""
    row = {
        "department": department,
        "person": person,
        "authority": authority,
        "template": template,
        "values": msgspec.json.encode(values).decode(),
        "created_ms": tx.now_ms,
    }
    tx.conn.execute(insert(notices).values(row))
    tx.after_commit(tx.parts.signals.notices.set)


def on_clock(tx: Tx, clock: Clock, stage: str) -> None:
    """Every clock that strikes (Hooks.clock): the department that has the duty, and once it is late
    the authority, which has the duties without a department. Other parties' duties are the
    business of the authority alone."""
    if clock.day is None:
        return
    to: Any = {"department": clock.department} if clock.department else {"authority": True}
    values = {
        "duty": clock.duty,
        "subject": clock.subject,
        "day": clock.day.isoformat(),
        "article": clock.article,
        "party": clock.party,
        "department": clock.department,
    }
    if clock.party == tx.party and stage == clocks.WARN:
        today = day_of(tx.now_ms, profile_named(tx.trust.profile).offset_min)
        left = clocks.calendar.current(tx.conn).between(today, clock.day)
        tell(tx, "clock.warn", {**values, "left": left}, **to)
    elif clock.party == tx.party and stage == clocks.MOVED:
        tell(tx, "clock.moved", values, **to)
    elif stage == clocks.LATE and clock.party == tx.party:
        tell(tx, "clock.late", values, **to)
        if clock.department:
            tell(tx, "clock.escalated", values, authority=True)
    elif stage == clocks.LATE and tx.party == tx.trust.hub:
        tell(tx, "clock.escalated", values, authority=True)

"""Whether this station and the hub hold the same state of each case, and where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from ortoo_node.cases import store
from ortoo_node.store.case_tables import case_events, case_records, cases
from ortoo_protocol.core.cases import CaseStanding, Compared, Standings, State
from ortoo_protocol.core.cases.log import REFUSED, WAITING
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import EnvelopeSender
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send

MOST = 1_000  # cases of one letter, those that changed last
UNKNOWN = "unknown"  # to the hub
# The date ends a grant at each side by itself.
_BY_DATE = {State.EXPIRED.value: (State.GRANTED.value, State.OFFERED.value)}


def ask(tx: Tx) -> int:
    """Send the hub what is held here; returns of how many cases."""
    query = select(cases.c.case, cases.c.state).where(
        cases.c.role != store.BOTH, cases.c.state != State.DRAFT.value
    )
    rows = tx.conn.execute(query.order_by(cases.c.changed_ms.desc()).limit(MOST)).all()
    if rows:
        body = Standings(cases=tuple(CaseStanding(case=row.case, state=row.state) for row in rows))
        send(tx, tx.trust.hub, body)
    return len(rows)


def on_compared(tx: Tx, opened: Opened[Shape]) -> None:
    """The hub's states of what it was asked."""
    body, sender = as_body(opened, Compared).body, opened.header.sender
    if sender != tx.trust.hub:
        raise EnvelopeSender(sender=sender, owner=tx.trust.hub)
    for each in body.cases:
        tx.conn.execute(
            cases.update()
            .where(cases.c.case == each.case)
            .values(noted_state=each.state or UNKNOWN, compared_ms=tx.now_ms)
        )


def answered(conn: Connection, since_ms: int) -> bool:
    """Whether the hub's word came since."""
    query = select(cases.c.case).where(cases.c.compared_ms >= since_ms)
    return conn.execute(query.limit(1)).first() is not None


def differing(conn: Connection) -> Sequence[Row[Any]]:
    """Cases of which the hub last said another state, while nothing of them is on its way."""
    on_way = (
        select(case_events.c.number)
        .where(case_events.c.case == cases.c.case, case_events.c.status == WAITING)
        .exists()
    )
    unseen = (
        select(case_records.c.number)
        .where(case_records.c.case == cases.c.case, case_records.c.taken.is_(False))
        .exists()
    )
    unnumbered = (
        select(case_events.c.number)
        .where(
            case_events.c.case == cases.c.case,
            case_events.c.noted == 0,
            case_events.c.side.in_(("applicant", "provider", "authority")),
            case_events.c.status != REFUSED,
            case_events.c.time_ms > cases.c.compared_ms,
        )
        .exists()
    )
    query = select(cases).where(
        cases.c.role != store.BOTH,
        cases.c.state != State.REJECTED.value,
        cases.c.noted_state.not_in(("", cases.c.state)),
        ~or_(on_way, unseen, unnumbered),
    )
    rows = conn.execute(query.order_by(cases.c.case)).all()
    return [row for row in rows if row.noted_state not in _BY_DATE.get(row.state, ())]

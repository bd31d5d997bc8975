"""Whether members hold the state of each case that the notary recorded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from ortoo_hub.cases import store
from ortoo_hub.store.tables import case_standings, cases
from ortoo_protocol.core.cases import CaseStanding, Compared, Standings, check_state
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import upsert


def on_standings(tx: Tx, opened: Opened[Shape]) -> None:
    """A member says what it holds; it is answered with what is recorded. Of cases that are none
    of its it learns nothing."""
    body, sender = as_body(opened, Standings).body, opened.header.sender
    answers, kept = [], []
    for each in body.cases:
        check_state(each.state)
        row = store.find(tx.conn, each.case)
        own = row is not None and sender in (row.applicant, row.provider)
        answers.append(CaseStanding(case=each.case, state=row.state if row and own else ""))
        if own:
            kept.append(
                {"case": each.case, "party": sender, "state": each.state, "time_ms": tx.now_ms}
            )
    upsert(tx.conn, case_standings, kept)
    send(tx, sender, Compared(cases=tuple(answers)))


def differing() -> Select[Any]:
    """Cases of which a member said another state than is recorded, and nothing has moved since."""
    said = case_standings.c
    query = (
        select(cases.c.case, cases.c.state, said.party, said.state.label("said"), said.time_ms)
        .join(case_standings, said.case == cases.c.case)
        .where(said.state != cases.c.state, said.time_ms >= cases.c.changed_ms)
    )
    return query.order_by(cases.c.case, said.party)

"""An event of a case: one of our own people's is judged and waits for the notary; one that came
through the notary counts, for there it was judged. Inside one station the station's own
transaction is the order, and its event counts at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from ortoo_node.cases import noting, store
from ortoo_protocol.core.cases import Answer, Event, Side, State
from ortoo_protocol.core.cases.log import COUNTED, WAITING
from ortoo_protocol.station.cases import clocking
from ortoo_protocol.station.cases.judging import judge
from ortoo_protocol.station.context import Tx


def check(tx: Tx, row: Row[Any], event: Event, side: Side, answer: Answer | None = None) -> State:
    """The state after `event`. Raises what `judge` does; nothing is written."""
    log = store.log_of(store.events_of(tx.conn, row.case))
    return judge(tx, store.subject_of(tx, row), log, State(row.state), event, side, answer=answer)


def take(
    tx: Tx,
    row: Row[Any],
    event: Event,
    side: Side,
    *,
    by: str,
    reason: str = "",
    letter: bytes | None = None,
    body: bytes | None = None,
) -> State:
    """Keep an event of this station's people, which `check` has let pass."""
    own = row.role == store.BOTH
    store.add_event(
        tx,
        row.case,
        event,
        side,
        tx.party,
        by=by,
        reason=reason,
        status=COUNTED if own or letter is None else WAITING,
        letter=letter,
        body=body,
    )
    if own:
        clocking.happened(tx, store.subject_of(tx, row), event, tx.now_ms)
    return store.refold(tx, row.case)


def arrived(
    tx: Tx,
    row: Row[Any],
    event: Event,
    party: str,
    *,
    by: str,
    reason: str = "",
    letter: bytes | None = None,
    body: bytes | None = None,
) -> State:
    """Keep an event that the notary passed on."""
    side = store.side_of(row, party, tx.trust.hub)
    store.add_event(
        tx, row.case, event, side, party, by=by, reason=reason, letter=letter, body=body
    )
    noting.catch_up(tx, row.case)
    return store.refold(tx, row.case)

"""Announced ends and changes of services, as every side keeps them (core.use.ending)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ortoo_protocol.core.errors import EndingMove, EndingUnknown
from ortoo_protocol.core.use.ending import (
    OPEN,
    Event,
    GrantEnding,
    GrantEndingAnswer,
    GrantKept,
    State,
    move,
)
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.use_tables import grant_endings
from ortoo_protocol.station.use import history

_T = grant_endings.c


def announced(tx: Tx, body: GrantEnding, provider: str, letter: bytes = b"") -> None:
    """Raises EndingMove: another one is open."""
    known = current(tx.conn, body.grant)
    if known is not None:
        raise EndingMove(state=known.state, event=Event.ANNOUNCE.value)
    row = {
        "ending": body.ending,
        "grant": body.grant,
        "what": body.what,
        "reason": body.reason,
        "filing": body.filing,
        "at_ms": body.at_ms,
        "by": body.by,
        "state": move(State.NONE, Event.ANNOUNCE).value,
        "answer": "",
        "letter": letter,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(grant_endings).values(row))
    history.note(tx, body.grant, Event.ANNOUNCE.value, provider, body.by, body.reason)


def answered(tx: Tx, body: GrantEndingAnswer, reader: str) -> Row[Any]:
    """Raises EndingUnknown, EndingMove."""
    row = open_one(tx.conn, body.grant, body.ending)
    event = Event.AGREE if body.agreed else Event.OBJECT
    _set(tx, row, event, answer=body.reason)
    history.note(tx, body.grant, event.value, reader, body.by, body.reason)
    return row


def kept(tx: Tx, body: GrantKept, provider: str) -> Row[Any]:
    """Raises EndingUnknown, EndingMove."""
    row = open_one(tx.conn, body.grant, body.ending)
    _set(tx, row, Event.KEEP)
    history.note(tx, body.grant, Event.KEEP.value, provider, body.by, body.reason)
    return row


def carried_out(tx: Tx, row: Row[Any]) -> None:
    _set(tx, row, Event.CARRY_OUT)
    history.note(tx, row.grant, Event.CARRY_OUT.value, "", row.by, row.reason)


def void(tx: Tx, row: Row[Any]) -> None:
    _set(tx, row, Event.DROP)
    history.note(tx, row.grant, Event.DROP.value, tx.trust.hub, "", "")


def ended(tx: Tx, grant: str) -> None:
    """The grant is over: what was announced has come, or came to nothing."""
    row = current(tx.conn, grant)
    if row is not None:
        _set(tx, row, Event.CARRY_OUT if row.at_ms <= tx.now_ms else Event.DROP)


def find(conn: Connection, ending: str) -> Row[Any] | None:
    return conn.execute(select(grant_endings).where(_T.ending == ending)).first()


def current(conn: Connection, grant: str) -> Row[Any] | None:
    query = select(grant_endings).where(_T.grant == grant, _T.state.in_(OPEN))
    return conn.execute(query).first()


def open_one(conn: Connection, grant: str, ending: str = "") -> Row[Any]:
    """Raises EndingUnknown."""
    row = current(conn, grant)
    if row is None or ending not in ("", row.ending):
        raise EndingUnknown(grant=grant)
    return row


def due(conn: Connection, now_ms: int) -> Sequence[Row[Any]]:
    query = select(grant_endings).where(_T.state.in_(OPEN), _T.at_ms <= now_ms)
    return conn.execute(query).all()


def of_letter(conn: Connection, letter: bytes) -> Row[Any] | None:
    return conn.execute(select(grant_endings).where(_T.letter == letter)).first()


def listed(conn: Connection, grant: str) -> Sequence[Row[Any]]:
    query = select(grant_endings).where(_T.grant == grant)
    return conn.execute(query.order_by(_T.changed_ms)).all()


def _set(tx: Tx, row: Row[Any], event: Event, **values: Any) -> None:
    state = move(State(row.state), event)
    here = update(grant_endings).where(_T.ending == row.ending)
    tx.conn.execute(here.values(state=state.value, changed_ms=tx.now_ms, **values))

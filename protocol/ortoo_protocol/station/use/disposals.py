"""Disposal and asked records in the store, at reader, provider and hub."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select, update

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import DisposalUnknown
from ortoo_protocol.core.law.profiles import Term, profile_named
from ortoo_protocol.core.use.records import (
    DisposalAsked,
    DisposalDeclared,
    DisposalDone,
    Event,
    State,
    UseAsk,
    UseRecords,
    move,
)
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.disposal_tables import disposals, use_asks
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import history

DUTY = "disposal"


def subject(grant: str) -> str:
    return f"disposal:{grant}"


def declared(tx: Tx, body: DisposalDeclared, reader: str) -> None:
    """Raises DisposalMove: it was destroyed already."""
    _move(tx, body.grant, body.disposal, Event.DECLARE, why=body.why, by=body.by)
    history.note(tx, body.grant, Event.DECLARE.value, reader, body.by, body.detail or body.why)


def asked(tx: Tx, body: DisposalAsked, provider: str) -> None:
    """Raises DisposalMove."""
    facts = {"requirements": body.requirements, "days": body.days, "by": body.by}
    _move(tx, body.grant, body.disposal, Event.ASK, **facts)
    row = tx.conn.execute(select(grants).where(grants.c.grant == body.grant)).one()
    rules = profile_named(tx.trust.profile).sharing
    clocks.cancel(tx, subject(body.grant), DUTY, tx.now_ms)
    clocks.start(
        tx,
        subject(body.grant),
        DUTY,
        Term(rules.disposal.article, body.days),
        party=row.reader,
        department=row.reader_department,
        opened_ms=tx.now_ms,
    )
    history.note(tx, body.grant, Event.ASK.value, provider, body.by, body.requirements)


def done(tx: Tx, body: DisposalDone, reader: str) -> None:
    """Raises DisposalUnknown, DisposalMove."""
    if find(tx.conn, body.grant) is None:
        raise DisposalUnknown(grant=body.grant)
    facts = {"what": body.what, "how": body.how, "evidence": body.evidence, "by": body.by}
    _move(tx, body.grant, body.disposal, Event.DESTROY, done_ms=body.done_ms, **facts)
    clocks.stop(tx, subject(body.grant), DUTY, body.done_ms)
    history.note(tx, body.grant, Event.DESTROY.value, reader, body.by, body.what)


def _move(tx: Tx, grant: str, disposal: str, event: Event, **facts: Any) -> None:
    known = find(tx.conn, grant)
    state = move(State.NONE if known is None else State(known.state), event)
    row: dict[str, Any] = {
        "why": "", "requirements": "", "days": 0, "what": "", "how": "", "evidence": "",
        "by": "", "done_ms": None,
    }  # fmt: skip
    if known is not None:
        row |= {name: getattr(known, name) for name in row}
        disposal = known.disposal
    row |= {"grant": grant, "disposal": disposal, "state": state.value, "changed_ms": tx.now_ms}
    upsert(tx.conn, disposals, [row | facts])


def find(conn: Connection, grant: str) -> Row[Any] | None:
    return conn.execute(select(disposals).where(disposals.c.grant == grant)).first()


# --- records that were asked for ----------------------------------------------------------------


def ask(tx: Tx, body: UseAsk, asker: str) -> None:
    row = {
        "ask": body.ask,
        "grant": body.grant,
        "asker": asker,
        "reason": body.reason,
        "by": body.by,
        "asked_ms": tx.now_ms,
        "answer": b"",
        "answered_ms": None,
    }
    upsert(tx.conn, use_asks, [row])
    history.note(tx, body.grant, "records-asked", asker, body.by, body.reason)


def answered(tx: Tx, body: UseRecords) -> None:
    here = update(use_asks).where(use_asks.c.ask == body.ask, use_asks.c.grant == body.grant)
    tx.conn.execute(here.values(answer=encode(body), answered_ms=tx.now_ms))


def asks(conn: Connection, grant: str) -> list[Row[Any]]:
    query = select(use_asks).where(use_asks.c.grant == grant)
    return list(conn.execute(query.order_by(use_asks.c.asked_ms.desc())))

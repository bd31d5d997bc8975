"""Acts in the store: written with a local row of the journal, in the transaction of what was done.

Nobody changes or removes one unseen: the journal's row has its hash, and the journal's checkpoints
commit to that row (core/accounts/acts.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, or_, select

from ortoo_protocol.core.accounts.acts import (
    DONE,
    FLOW,
    KIND,
    MAX_TEXT,
    SALT_BYTES,
    Act,
    act_hash,
)
from ortoo_protocol.core.errors import AccountAct
from ortoo_protocol.core.journal import State
from ortoo_protocol.core.keys import Suite
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.account_tables import acts
from ortoo_protocol.station.store.tables import journal

MAX_PAGE = 500
_ROW = (journal.c.envelope_id == acts.c.act) & (journal.c.flow == FLOW)


@dataclass(frozen=True)
class Wanted:
    """Which acts; what is empty leaves them all. What follows `subject` after a space is a detail.
    `before`: the number of the last one of the page before."""

    account: str = ""
    action: str = ""
    subject: str = ""
    correlation: str = ""
    refused: bool = False
    from_ms: int = 0
    until_ms: int = 0
    before: int = 0
    count: int = 100


def note(
    tx: Tx,
    action: str,
    subject: str = "",
    outcome: str = DONE,
    *,
    account: str = "",
    person: str = "",
    address: str = "",
    correlation: str = "",
) -> None:
    """Record an act in this transaction. Texts that are too long are cut."""
    act = Act(
        act=tx.new_id(),
        time_ms=tx.now_ms,
        account=account[:64],
        person=person[:64],
        action=action[:64],
        subject=subject[:MAX_TEXT],
        outcome=outcome[:64],
        address=address[:64],
        correlation=correlation[:64],
        salt=tx.parts.rand(SALT_BYTES),
    )
    tx.conn.execute(insert(acts).values(msgspec.structs.asdict(act)))
    done = act.outcome == DONE
    tx.journal_local(
        act.act,
        KIND,
        act_hash(tx.suite, act),
        State.ACCEPTED if done else State.REFUSED,
        flow=FLOW,
        error="" if done else act.outcome,
    )


def listed(conn: Connection, wanted: Wanted) -> list[dict[str, Any]]:
    """A page, the latest first; each with the number of its row in the journal."""
    count = max(1, min(wanted.count, MAX_PAGE))
    query = _filtered(wanted).order_by(acts.c.number.desc()).limit(count)
    return [_view(row) for row in conn.execute(query)]


def _filtered(wanted: Wanted) -> Select[Any]:
    query = select(acts, journal.c.seq).outerjoin(journal, _ROW)
    for column in (acts.c.account, acts.c.action, acts.c.correlation):
        if value := getattr(wanted, column.name):
            query = query.where(column == value)
    if named := wanted.subject:
        more = acts.c.subject.startswith(f"{named} ", autoescape=True)
        query = query.where(or_(acts.c.subject == named, more))
    if wanted.refused:
        query = query.where(acts.c.outcome != DONE)
    if wanted.from_ms:
        query = query.where(acts.c.time_ms >= wanted.from_ms)
    if wanted.until_ms:
        query = query.where(acts.c.time_ms < wanted.until_ms)
    return query.where(acts.c.number < wanted.before) if wanted.before else query


def _view(row: Row[Any]) -> dict[str, Any]:
    values = row._asdict()
    del values["salt"]
    return {**values, "act": row.act.hex()}


def verify(conn: Connection, suite: Suite) -> int:
    """Hold every act against its row of the journal; how many there are. Raises AccountAct for one
    that was changed, added or removed. The rows themselves are the journal's to verify."""
    count = 0
    for row in _rows(conn, _kept()):
        values = row._asdict()
        number, body_hash = values.pop("number"), values.pop("body_hash")
        if body_hash is None or act_hash(suite, Act(**values)) != body_hash:
            raise AccountAct(detail=f"{number}")
        count += 1
    lost = (
        select(journal.c.seq)
        .outerjoin(acts, acts.c.act == journal.c.envelope_id)
        .where(journal.c.flow == FLOW, acts.c.act.is_(None))
    )
    if (seq := conn.execute(lost.limit(1)).scalar()) is not None:
        raise AccountAct(detail=f"- {seq}")
    return count


def _kept() -> Select[Any]:
    return select(acts, journal.c.body_hash).outerjoin(journal, _ROW).order_by(acts.c.number)


def _rows(conn: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    yield from conn.execution_options(yield_per=1000).execute(query)

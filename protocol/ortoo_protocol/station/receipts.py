"""Receipts (回执): one signature over a batch; written with what they answer, sent soon after."""

from __future__ import annotations

from sqlalchemy import delete, select

from ortoo_protocol.core import messages
from ortoo_protocol.core.messages import Route
from ortoo_protocol.core.notices import ReceiptEntry, Receipts
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import receipts_due

MAX_ENTRIES = 200
_OWE = Prepared(receipts_due.insert(), ("peer", "kind", "id", "hash", "status", "error", "time_ms"))


def owe(tx: Tx, message: Message, status: str, error: str = "", time_ms: int | None = None) -> None:
    """Note a receipt to the sender of `message`; it goes back by the way the letter came.
    `time_ms`: when that was decided, if not now (the hub's is the legal instant)."""
    hub = tx.trust.hub
    sender = message.header.sender
    direct = message.kind.route in (Route.DIRECT, Route.BULK, Route.QUICK) and hub not in (
        sender,
        tx.party,
    )
    kind = "receipt.direct" if direct else "receipt.hub"
    decided_ms = tx.now_ms if time_ms is None else time_ms
    _OWE.one(tx.conn, sender, kind, message.header.id, message.hash, status, error, decided_ms)
    tx.after_commit(tx.parts.signals.receipts.set)


def send_due(tx: Tx, *, remote: bool) -> int:
    """Send what is owed, one letter for each peer and way; returns how many entries went.
    Without `remote` (no link) only what this station owes itself.

    A receipt that is lost is asked for by the letter coming again.
    """
    query = select(receipts_due).order_by(receipts_due.c.number).limit(MAX_ENTRIES)
    if not remote:
        query = query.where(receipts_due.c.peer == tx.party)
    due = tx.conn.execute(query).all()
    ways: dict[tuple[str, str], list[ReceiptEntry]] = {}
    for row in due:
        entry = ReceiptEntry(row.id, row.hash, row.status, row.error, row.time_ms)
        ways.setdefault((row.peer, row.kind), []).append(entry)
    for (peer, kind), entries in ways.items():
        send(tx, peer, Receipts(entries=tuple(entries)), kind=messages.kind_named(kind))
    if due:
        numbers = [row.number for row in due]
        tx.conn.execute(delete(receipts_due).where(receipts_due.c.number.in_(numbers)))
    return len(due)

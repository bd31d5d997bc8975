"""Sending letters. Durable ones wait in the outbox for the recipient's signed receipt; the others
(answers, asks) are posted after the commit and made again when asked for again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from ortoo_protocol.core import messages
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import (
    Protection,
    Recipient,
    ToAll,
    ToParties,
)
from ortoo_protocol.core.ids import is_code
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.core.messages import Class, Kind, Route
from ortoo_protocol.core.notices import ReceiptEntry
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station.context import LOCAL, Pen, Post, SettledLetter, Tx
from ortoo_protocol.station.fresh import HANDED_MS, Due
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import outbox, outbox_envelopes

REPLAYABLE_LIFE_MS = 600_000
_HOUR_MS = 3_600_000
_PUT = Prepared(
    outbox.insert().returning(outbox.c.number),
    (
        "id", "recipient", "kind", "exchange", "routing_key", "hash", "created_ms", "expires_ms",
        "next_ms", "attempts", "confirms", "state", "error",
    ),
)  # fmt: skip
_PUT_ENVELOPE = Prepared(outbox_envelopes.insert(), ("number", "raw"))


def send(
    tx: Tx,
    recipient: str,
    body: Shape,
    *,
    rows: Sequence[bytes] = (),
    case: str | None = None,
    causation: bytes | None = None,
    kind: Kind | None = None,
    flow: str | None = None,
) -> bytes:
    """Send `body` to `recipient` and return the letter's id. Of replayable letters those with rows
    and those of a `flow` are journalled.

    Raises TrustUnknownParty, TrustAnnouncement (no encryption key known), TrustExpired,
    TrustClock. Nothing leaves before the transaction is committed.
    """
    kind = kind or messages.kind_of(body)
    message, ready = letter(
        tx, recipient, body, rows=rows, case=case, causation=causation, kind=kind
    )
    tx.parts.watch.sent(message.header.id)
    if kind.durable:
        _into_outbox(tx, message, recipient, ready.exchange, ready.routing_key)
        tx.journal(message, Direction.SENT, State.ACCEPTED, flow=case or "")
    else:
        post(tx, ready)
        if kind.rows or flow is not None:
            tx.journal(message, Direction.SENT, State.QUERIED, flow=flow or case or "")
    return message.header.id


def letter(
    pen: Pen,
    recipient: str,
    body: Shape,
    *,
    kind: Kind,
    rows: Sequence[bytes] = (),
    case: str | None = None,
    causation: bytes | None = None,
) -> tuple[Message, Post]:
    """Make a letter: as the journal wants to see it, and as the broker does. Nothing is sent.

    Raises what `send` does.
    """
    if kind.name != "trust.ask":  # with an expired directory a newer one can still be asked for
        pen.trust.check_live(pen.now_ms)
    life = messages.LETTER_LIFE_MS if kind.durable else REPLAYABLE_LIFE_MS
    message = pen.make(
        kind,
        recipient,
        [encode(body), *rows],
        _protection(pen, kind, recipient),
        expires_ms=pen.now_ms + life,
        case=case,
        causation=causation,
    )
    exchange, routing_key = LOCAL, recipient
    if recipient != pen.party:
        exchange, routing_key = messages.address(kind, pen.party, recipient, pen.trust.hub)
    return message, Post(exchange, routing_key, message.envelope.raw)


def post(tx: Tx, message: Post) -> None:
    """Hand a message to the broker after the commit; it may be lost."""
    tx.after_commit(lambda: tx.parts.post(message))


def _protection(pen: Pen, kind: Kind, recipient: str) -> Protection:
    if kind.cls is Class.OPEN:
        return ToAll()
    to = [_encryption_key(pen, recipient)]
    hub = pen.trust.hub
    if kind.cls is Class.NOTARISED and hub not in (recipient, pen.party) and recipient != pen.party:
        to.append(_encryption_key(pen, hub))
    return pen.parts.content_keys.key_for(ToParties(tuple(to)), pen)


def _encryption_key(pen: Pen, party: str) -> Recipient:
    return pen.trust.recipient(party, pen.now_ms)


def _into_outbox(
    tx: Tx,
    message: Message,
    recipient: str,
    exchange: str,
    routing_key: str,
    state: str = "waiting",
) -> None:
    header, raw = message.header, message.envelope.raw
    handed = tx.parts.fresh.takes()
    due_ms = tx.now_ms + HANDED_MS if handed else tx.now_ms
    ((number,),) = _PUT.rows(
        tx.conn, header.id, recipient, header.kind, exchange, routing_key, message.hash,
        tx.now_ms, header.expires_ms, due_ms, 0, 0, state, "",
    )  # fmt: skip
    _PUT_ENVELOPE.one(tx.conn, number, raw)
    if handed:
        tx.hand_over(Due(number, exchange, routing_key, state, header.expires_ms, 0, 0, raw))
    else:
        tx.after_commit(tx.parts.signals.outbox.set)


def pass_on(tx: Tx, message: Message, recipient: str) -> None:
    """The hub passes the very bytes of a letter on. It waits here for the broker's confirm only:
    the sender's own outbox waits for the recipient's receipt."""
    exchange = "bulk" if message.kind.route is Route.BULK else "letters"
    routing_key = f"{tx.party}.{recipient}.{message.kind.name}"
    if not message.kind.durable:
        post(tx, Post(exchange, routing_key, message.envelope.raw))
        return
    query = select(outbox.c.number).where(
        outbox.c.id == message.header.id,
        outbox.c.hash == message.hash,
        outbox.c.state == "passing",
    )
    if tx.conn.execute(query).first():
        return
    _into_outbox(tx, message, recipient, exchange, routing_key, "passing")


def envelope_of(conn: Connection, letter: bytes) -> bytes | None:
    """The envelope of a letter of the outbox, until it is forgotten."""
    query = (
        select(outbox_envelopes.c.raw)
        .join(outbox, outbox.c.number == outbox_envelopes.c.number)
        .where(outbox.c.id == letter)
    )
    return conn.execute(query).scalar()


# --- what comes back ----------------------------------------------------------------------------


class _Waiting(NamedTuple):
    number: int
    id: bytes
    kind: str
    recipient: str
    state: str
    notarised_ms: int | None


_FIND = Prepared(
    select(*(outbox.c[name] for name in _Waiting._fields)).where(
        outbox.c.id == bindparam("i"), outbox.c.hash == bindparam("h")
    ),
    ("i", "h"),
)
_THIS = outbox.c.number == bindparam("n")
_NOTARISED = Prepared(update(outbox).where(_THIS).values(notarised_ms=bindparam("t")), ("t", "n"))
_SETTLED = Prepared(
    update(outbox)
    .where(_THIS)
    .values(state=bindparam("s"), error=bindparam("e"), settled_ms=bindparam("t")),
    ("s", "e", "t", "n"),
)


def settle(tx: Tx, sender: str, entry: ReceiptEntry) -> None:
    """Take one entry of a receipt from `sender`.

    It counts only for the letter with this id and these bytes, and only from its recipient; the
    hub alone says "notarised" (the legal instant) and may refuse in the recipient's stead.
    """
    by_hub = sender == tx.trust.hub
    letter = next(
        (_Waiting(*row) for row in _FIND.rows(tx.conn, entry.id, entry.envelope_hash)), None
    )
    if letter is None or letter.state != "waiting":
        return
    if sender != letter.recipient and not (by_hub and entry.status in ("notarised", "refused")):
        return
    if entry.time_ms >= END_OF_TIME_MS:
        return  # a legal instant that no clock can run from
    error = entry.error if is_code(entry.error) else ""  # people see it as it stands
    if entry.status == "notarised":
        if letter.notarised_ms is not None:
            return
        _NOTARISED.one(tx.conn, entry.time_ms, letter.number)
    elif entry.status in ("accepted", "refused"):  # "early" is for the clock watch alone
        _SETTLED.one(tx.conn, entry.status, error, tx.now_ms, letter.number)
    else:
        return
    tx.parts.hooks.settled(
        tx,
        SettledLetter(
            letter.id, letter.kind, letter.recipient, entry.status, error, entry.time_ms, by_hub
        ),
    )


def next_attempt_ms(now_ms: int, *, attempts: int, confirms: int, first_ms: int) -> int:
    """When to publish again. While the broker has not confirmed: soon, doubling to a minute. Once
    it has, the letter lies in a queue and the recipient is away: after 1 h, doubling to 24 h."""
    if attempts:
        return now_ms + min(first_ms << min(attempts - 1, 10), 60_000)
    return now_ms + min(_HOUR_MS << min(confirms - 1, 5), 24 * _HOUR_MS)

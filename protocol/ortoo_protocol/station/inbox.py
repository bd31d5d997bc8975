"""Accepting what arrives: bytes from the broker, those that came together in one job of the writer,
each in a savepoint of its own, then the broker's ack.

Accept = verify, store, journal, advance, owe a receipt: all in one transaction. Whatever is wrong
with a message is decided here, in one place; nothing that arrives can raise past `accept`.

- no verified sender: quarantine, journal by hash, no receipt (there is nobody to tell);
- a key, directory, grant or case that is on its way: held, and tried again when it comes;
- dated in our future: held until then, and its sender told, for one of the two clocks is wrong;
- what our own clock or an expired directory speaks against: held until that has passed;
- refused by its kind's handler: journal, receipt with the code, and the same answer for repeats;
- the same letter again: the same receipt again; the same id with other bytes: refused.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import NamedTuple

from sqlalchemy import bindparam, select

from ortoo_protocol.core.envelope import Header, Wrap, split
from ortoo_protocol.core.errors import (
    CaseUnknown,
    EnvelopeExpired,
    EnvelopeFuture,
    EnvelopeIdReuse,
    EnvelopeKeyRetired,
    EnvelopeKind,
    EnvelopeUnknownKey,
    GrantUnknown,
    OrtooError,
    StoreError,
)
from ortoo_protocol.core.feeds import Head
from ortoo_protocol.core.ids import is_feed
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.messages import Class, Route
from ortoo_protocol.core.notices import Receipts, TrustUpdate
from ortoo_protocol.core.verify import (
    FUTURE_MS,
    Message,
    as_body,
    check_addressee,
    open_content,
    read_header,
    verify,
)
from ortoo_protocol.station import (
    feed_reader,
    grants_held,
    held,
    quarantine,
    receipts,
    sending,
    trusting,
)
from ortoo_protocol.station.context import Parts, Start, Tx
from ortoo_protocol.station.correlation import about
from ortoo_protocol.station.store.failures import store_failure
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import inbox

MAX_UNWRAPPED = 1_000
_log = logging.getLogger(__name__)


def accept(tx: Tx, raw: bytes, via: str = "") -> None:
    """Take one message as it came from the broker (or from ourselves). `via`: the party that
    brought it to the broker, where that is known."""
    start = tx.start()
    try:
        _accept(tx, raw, via, start)
    except Exception as error:
        if isinstance(store_failure(error), StoreError):
            raise  # the store failed, not the message: it stays with the broker
        # The one place that quarantines what nobody foresaw: a fault of ours must not let one
        # message stop those behind it.
        with about(**_ids(tx, raw)):
            _log.exception("a message could not be accepted")
        start.back()
        failure = error if isinstance(error, OrtooError) else OrtooError()
        quarantine.keep(tx, raw, failure)
        tx.journal_unreadable(raw, failure.code)
    start.release()


def _ids(tx: Tx, raw: bytes) -> dict[str, str]:
    """For the log, of a message that nothing needs to be right about."""
    try:
        header = read_header(split(raw, suites=tx.parts.suites, plane=tx.plane))
    except OrtooError:
        return {}
    return {"message": header.id.hex(), "flow": header.case or "", "kind": header.kind}


def retry_held(tx: Tx) -> None:
    """Accept again what was held and can be judged now."""
    trusting.retry_held(tx)
    for raw in held.take_ready(tx):
        accept(tx, raw)


def _accept(tx: Tx, raw: bytes, via: str, start: Start) -> None:
    """Until it is dispatched nothing of a message is written: whatever fails then goes back to
    `start`, its one savepoint."""
    try:
        message = _verified(tx, raw)
        _check_way(tx, message, via)
        header = message.header
        if message.kind.route is not Route.FEED and not header.kind.startswith("trust."):
            trusting.check_same_directory(tx, message)
        _learn_times(tx, message)
        if header.expires_ms and header.expires_ms < tx.now_ms:
            raise EnvelopeExpired
    except EnvelopeUnknownKey:
        held.hold(tx, raw, held.TRUST)
        return
    except OrtooError as error:
        quarantine.keep(tx, raw, error)
        tx.journal_unreadable(raw, error.code)
        return
    if header.created_ms > tx.now_ms + FUTURE_MS:
        _hold_early(tx, message)
        return
    if header.directory_version > tx.trust.directory_version:
        tx.parts.trust.named = max(tx.parts.trust.named, header.directory_version)
        tx.after_commit(tx.parts.signals.gaps.set)
    start = start.here()  # what was just noted stays, whatever becomes of the message
    try:
        if not header.kind.startswith("trust."):  # a newer directory ends this by itself
            tx.trust.check_live(tx.now_ms)
        _dispatch(tx, message, start)
    except OrtooError as error:
        start.back()
        if not trusting.not_now(tx, error):
            raise
        if _comes_once(message):
            held.hold(tx, raw, held.STANDING)


def _verified(tx: Tx, raw: bytes) -> Message:
    """Verified in all but its times: it may be expired, or from our future."""
    check = partial(verify, raw, suites=tx.parts.suites, plane=tx.plane, keys=tx.trust)
    try:
        message = check(now_ms=tx.now_ms)
    except (EnvelopeExpired, EnvelopeFuture):
        envelope = split(raw, suites=tx.parts.suites, plane=tx.plane)
        message = check(now_ms=read_header(envelope).created_ms)
    check_addressee(message, tx.party)
    return message


def _check_way(tx: Tx, message: Message, via: str) -> None:
    """What the hub is to record comes from the hub: peers reach this inbox by themselves, under
    keys that may say anything behind their own name."""
    hub = tx.trust.hub
    if via and message.kind.route is Route.HUB and hub not in (via, tx.party):
        raise EnvelopeKind(kind=message.kind.name, detail=f"{via} brought it past the hub")


def _learn_times(tx: Tx, message: Message) -> None:
    """Also from what has expired: to a clock that is ahead, everything looks old."""
    watch, header = tx.parts.watch, message.header
    watch.heard(header.sender, header.created_ms)
    answered = [] if header.causation is None else [header.causation]
    if message.kind.shape is Receipts:
        body = as_body(open_content(message, lambda _header: None), Receipts).body
        answered += [entry.id for entry in body.entries]
    for letter in answered:
        watch.answered(header.sender, letter, header.created_ms)


def _hold_early(tx: Tx, message: Message) -> None:
    """Neither refused nor taken: who of the two has the wrong clock is found elsewhere."""
    raw, waits_for = message.envelope.raw, held.until(message.header.created_ms - FUTURE_MS)
    if _comes_once(message) and not held.is_held(tx, raw, waits_for):
        held.hold(tx, raw, waits_for)
    if message.kind.route is not Route.FEED and message.kind.shape is not Receipts:
        receipts.owe(tx, message, "early")


def _check_key(tx: Tx, message: Message) -> None:
    """A key that is retired or compromised signs no new letter, whatever date stands in it: the
    thief writes that. Documents of trust are judged by the signatures in them, whoever brings them.
    Raises EnvelopeKeyRetired."""
    if not message.kind.name.startswith("trust.") and trusting.key_is_over(tx, message):
        raise EnvelopeKeyRetired(sender=message.header.sender)


def _comes_once(message: Message) -> bool:
    """All else is asked for, or said, again by itself."""
    return message.kind.durable or message.kind.item


def _dispatch(tx: Tx, message: Message, start: Start) -> None:
    if message.kind.item:
        feed_reader.accept_item(tx, message)
    elif message.kind.durable:
        _accept_durable(tx, message, start)
    else:
        _accept_replayable(tx, message, start)


def _accept_durable(tx: Tx, message: Message, start: Start) -> None:
    known = _known(tx, message)
    if known is not None:
        _repeat(tx, message, known)
        return
    sender = message.header.sender
    if sender != tx.party and not tx.parts.inflow.takes(sender, tx.now_ms):
        return  # no journal row, no receipt: its sender keeps it and sends it again
    try:
        _check_key(tx, message)
    except EnvelopeKeyRetired as error:
        _refuse(tx, message, error)
        return
    passing = message.header.destination != tx.party
    try:
        if passing:
            _relay(tx, message)
        else:
            _handle(tx, message)
    except StoreError:
        raise
    except (GrantUnknown, CaseUnknown) as error:
        start.back()
        waits_for = _on_its_way(tx, message, error)
        if waits_for is None:
            _refuse(tx, message, error)
        elif not held.is_held(tx, message.envelope.raw, waits_for):
            held.hold(tx, message.envelope.raw, waits_for)
    except OrtooError as error:
        start.back()
        if trusting.not_now(tx, error):
            raise
        _refuse(tx, message, error)
    else:
        status = "notarised" if passing else "accepted"
        _remember(tx, message, status, "")
        _journal(tx, message, State.ACCEPTED, "")
        receipts.owe(tx, message, status)


def _on_its_way(tx: Tx, message: Message, error: GrantUnknown | CaseUnknown) -> str | None:
    """What the letter must wait for; None where nothing will come. Letters may overtake one
    another: the notary passed on what this case began with before it passed on this."""
    if isinstance(error, CaseUnknown):
        passed = message.kind.route is Route.HUB and tx.trust.hub != tx.party
        return held.of_case(str(error.facts.get("case"))) if passed else None
    grant = str(error.facts.get("grant"))
    if message.kind.name not in _OF_GRANTS or grants_held.find(tx.conn, grant) is not None:
        return None
    return held.of_grant(grant)


_OF_GRANTS = frozenset(
    ("feed.key", "grant.ended", "grant.suspended", "grant.resumed", "grant.ending", "grant.kept")
)


def _accept_replayable(tx: Tx, message: Message, start: Start) -> None:
    """No outbox, no receipt: a repeated ask is answered again, an answer changes nothing twice."""
    try:
        _check_key(tx, message)
        if message.header.destination != tx.party and not is_feed(message.header.destination):
            sending.pass_on(tx, message, message.header.destination)
        else:
            _handle(tx, message)
    except OrtooError as error:
        start.back()
        if trusting.not_now(tx, error):
            raise
        quarantine.keep(tx, message.envelope.raw, error, message.header.sender)
        _journal(tx, message, State.REFUSED, error.code)


def _handle(tx: Tx, message: Message) -> None:
    """The engine's own kinds first, then the application's handlers."""
    opened = open_content(message, lambda header: content_key(tx.parts, header))
    body = opened.body
    if isinstance(body, Receipts):
        for entry in body.entries:
            sending.settle(tx, message.header.sender, entry)
    elif isinstance(body, Head):
        feed_reader.accept_head(tx, message, body)
    elif isinstance(body, TrustUpdate):
        trusting.take(tx, body.documents)
    else:
        handler = tx.parts.hooks.handlers.get(message.kind.name)
        if handler is None:
            raise EnvelopeKind(kind=message.kind.name, detail="nothing here handles it")
        handler(tx, opened)


def _relay(tx: Tx, message: Message) -> None:
    """The hub: open what it may (notarised), let the application record it, pass the bytes on."""
    relay = tx.parts.hooks.relay
    if relay is None or message.kind.route is not Route.HUB:
        raise EnvelopeKind(kind=message.kind.name, detail="not a letter to pass on")
    if message.kind.cls is Class.SEALED:
        _carry(tx, message)
    else:
        relay(tx, open_content(message, lambda header: content_key(tx.parts, header)))
    sending.pass_on(tx, message, message.header.destination)


def _carry(tx: Tx, message: Message) -> None:
    """What the hub cannot open passes as it is."""
    carry = tx.parts.hooks.carry
    if carry is None:
        raise EnvelopeKind(kind=message.kind.name, detail="not a letter to pass on")
    carry(tx, message)


def content_key(parts: Parts, header: Header) -> bytes | None:
    """The key of a letter, unwrapped with whichever of our encryption keys it names."""
    for wrap in header.wraps:
        seed = parts.identity.wrap_seeds.get(wrap.key_id)
        if seed is not None:
            return _unwrapped(parts, seed, wrap)
    return None


def _unwrapped(parts: Parts, seed: bytes, wrap: Wrap) -> bytes:
    """A sender uses one wrapped key for some letters (content_keys.py): unwrapped once."""
    known, name = parts.unwrapped, wrap.key_id + wrap.wrapped
    key = known.get(name)
    if key is None:
        key = parts.identity.suite.unwrap(seed, wrap.wrapped)
        if len(known) >= MAX_UNWRAPPED:
            known.clear()
        known[name] = key
    return key


# --- seen before --------------------------------------------------------------------------------


class _Known(NamedTuple):
    hash: bytes
    status: str
    error: str
    received_ms: int


_KNOWN = Prepared(
    select(*(inbox.c[name] for name in _Known._fields)).where(
        inbox.c.sender == bindparam("s"), inbox.c.id == bindparam("i")
    ),
    ("s", "i"),
)
_REMEMBER = Prepared(
    inbox.insert(),
    ("sender", "id", "hash", "kind", "status", "error", "received_ms", "expires_ms"),
)


def _known(tx: Tx, message: Message) -> _Known | None:
    header = message.header
    for row in _KNOWN.rows(tx.conn, header.sender, header.id):
        return _Known(*row)
    return None


def _repeat(tx: Tx, message: Message, known: _Known) -> None:
    if known.hash != message.hash:
        error = EnvelopeIdReuse()
        quarantine.keep(tx, message.envelope.raw, error, message.header.sender)
        _journal(tx, message, State.REFUSED, error.code)
        receipts.owe(tx, message, "refused", error.code)
        return
    receipts.owe(tx, message, known.status, known.error, known.received_ms)
    if known.status == "notarised":
        sending.pass_on(tx, message, message.header.destination)


def _remember(tx: Tx, message: Message, status: str, error: str) -> None:
    header = message.header
    _REMEMBER.one(
        tx.conn, header.sender, header.id, message.hash, header.kind, status, error, tx.now_ms,
        header.expires_ms,
    )  # fmt: skip


def _refuse(tx: Tx, message: Message, error: OrtooError) -> None:
    quarantine.keep(tx, message.envelope.raw, error, message.header.sender)
    _remember(tx, message, "refused", error.code)
    _journal(tx, message, State.REFUSED, error.code)
    receipts.owe(tx, message, "refused", error.code)


def _journal(tx: Tx, message: Message, state: State, error: str) -> None:
    flow = message.header.case or ""
    tx.journal(message, Direction.RECEIVED, state, flow=flow, error=error)

"""Grants in the store: those this party gave or was given; at the hub, all that cross it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.commitment import show
from ortoo_protocol.core.errors import GrantScope, GrantUnknown
from ortoo_protocol.core.grants import GrantEnded, GrantTerms, grant_hash
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import endings, suspensions


def keep(tx: Tx, terms: GrantTerms, raw: bytes) -> bytes:
    """Store the terms as they were signed; returns the grant's hash. Keys that came before their
    grant are tried again. Raises GrantScope when other terms are held under this number."""
    named = grant_hash(tx.suite, tx.plane, raw)
    values = {
        "grant": terms.grant,
        "hash": named,
        "terms": raw,
        "feed": terms.feed,
        "provider": terms.provider,
        "reader": terms.reader,
        "reader_department": terms.reader_department,
        "resource": terms.resource,
        "from_ms": terms.from_ms,
        "until_ms": terms.until_ms,
        "ended_ms": None,
        "end_reason": "",
        "filing": "",
        "offered": bool(terms.conditions.strip()),
        "suspension": "",
    }
    insert_new(tx.conn, grants, [values])
    if row(tx, terms.grant).hash != named:
        raise GrantScope(detail=f"number {terms.grant} is of another grant")
    for name in (named.hex(), terms.grant):
        held.mark_ready(tx, held.of_grant(name))
    tx.after_commit(tx.parts.signals.grants.set)
    return named


def came_by(tx: Tx, grant: str, letter: Opened[GrantTerms]) -> None:
    """Keep what opens the terms against the commitment that their provider signed: evidence of the
    grant for whoever was not there."""
    if not letter.secret:
        return
    suite, parts = letter.message.envelope.suite, (letter.body_bytes, *letter.rows)
    salt = show(suite, tx.plane, letter.secret, parts, 0).salt
    values = {"letter": letter.header.id, "salt": salt}
    tx.conn.execute(
        update(grants).where(grants.c.grant == grant, grants.c.letter.is_(None)).values(values)
    )


def went_by(tx: Tx, grant: str, letter: bytes) -> None:
    """The letter in which this party gave the grant."""
    tx.conn.execute(update(grants).where(grants.c.grant == grant).values(letter=letter))


def end(tx: Tx, ended: GrantEnded) -> None:
    tx.conn.execute(
        update(grants)
        .where(grants.c.grant == ended.grant, grants.c.ended_ms.is_(None))
        .values(ended_ms=ended.ended_ms, end_reason=ended.reason, filing=ended.filing)
    )
    until_ms = row(tx, ended.grant).until_ms
    early = not until_ms or ended.ended_ms < until_ms
    suspensions.ended(tx, ended.grant, terminated=early)
    endings.ended(tx, ended.grant)
    tx.after_commit(tx.parts.signals.grants.set)


def void(tx: Tx, grant: str, reason: str) -> None:
    """It was offered and never opened."""
    tx.conn.execute(
        update(grants)
        .where(grants.c.grant == grant, grants.c.ended_ms.is_(None), grants.c.offered.is_(True))
        .values(ended_ms=tx.now_ms, end_reason=reason)
    )
    tx.after_commit(tx.parts.signals.grants.set)


def agree(tx: Tx, grant: str) -> None:
    """The reader's people accepted the conditions: from now on it counts."""
    tx.conn.execute(update(grants).where(grants.c.grant == grant).values(offered=False))
    held.mark_ready(tx, held.of_grant(row(tx, grant).hash.hex()))
    tx.after_commit(tx.parts.signals.grants.set)


def find(conn: Connection, grant: str) -> Row[Any] | None:
    return conn.execute(select(grants).where(grants.c.grant == grant)).first()


def row(tx: Tx, grant: str) -> Row[Any]:
    found = find(tx.conn, grant)
    if found is None:
        raise GrantUnknown(grant=grant)
    return found


def terms_of(found: Row[Any]) -> GrantTerms:
    return decode(found.terms, GrantTerms)


def live(now_ms: int) -> Any:
    """The condition of a grant in force at `now_ms`."""
    return (
        grants.c.ended_ms.is_(None)
        & grants.c.offered.is_(False)
        & (grants.c.from_ms <= now_ms)
        & ((grants.c.until_ms == 0) | (grants.c.until_ms > now_ms))
    )


def in_use(now_ms: int) -> Any:
    """As `live`, and not suspended: what may be read, asked and fetched by."""
    return live(now_ms) & (grants.c.suspension == "")


STATES = ("active", "offered", "suspended", "ended")


def state_of(found: Row[Any], now_ms: int) -> str:
    """One of STATES, as people see it."""
    if found.ended_ms is not None or 0 < found.until_ms <= now_ms:
        return "ended"
    if found.offered:
        return "offered"
    return "suspended" if found.suspension else "active"


def listed(now_ms: int, state: str = "", provider: str = "", reader: str = "") -> Select[Any]:
    """The newest first. `state`: one of STATES, or `live` for all that are in force, suspended
    ones too."""
    query = select(grants).order_by(grants.c.from_ms.desc(), grants.c.grant)
    if state:
        query = query.where(_in_state(state, now_ms))
    if provider:
        query = query.where(grants.c.provider == provider)
    return query.where(grants.c.reader == reader) if reader else query


def _in_state(state: str, now_ms: int) -> Any:
    over = grants.c.ended_ms.is_not(None) | (
        (grants.c.until_ms > 0) & (grants.c.until_ms <= now_ms)
    )
    if state == "live":
        return live(now_ms)
    if state == "ended":
        return over
    offered = grants.c.offered.is_(True)
    if state == "offered":
        return ~over & offered
    resting = grants.c.suspension != ""
    return ~over & ~offered & (resting if state == "suspended" else ~resting)


def allows(tx: Tx, named: bytes, feed: str) -> bool:
    """Whether a live grant to this party has this hash and names this feed."""
    query = select(grants.c.grant).where(
        grants.c.hash == named,
        grants.c.feed == feed,
        grants.c.reader == tx.party,
        live(tx.now_ms),
    )
    return tx.conn.execute(query).first() is not None


def live_on(tx: Tx, feed: str) -> Sequence[Row[Any]]:
    return tx.conn.execute(select(grants).where(grants.c.feed == feed, live(tx.now_ms))).all()

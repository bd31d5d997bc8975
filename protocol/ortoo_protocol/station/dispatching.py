"""Dispatches (函件): sent as durable letters, kept for the recipient's department until read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.dispatch import PART_BYTES, Dispatch
from ortoo_protocol.core.errors import CodecShape, GrantEnded, GrantUnknown
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send as send_letter
from ortoo_protocol.station.store.dialect import insert_new_of
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import dispatches, grants

_COLUMNS = (
    "sender", "dispatch", "part", "parts", "grant", "subject", "media_type",
    "content", "received_ms",
)  # fmt: skip
_KEEP = {
    name: Prepared(insert_new_of(dispatches, name), _COLUMNS) for name in ("sqlite", "postgresql")
}
_SIDES = Prepared(
    select(grants.c.provider, grants.c.reader, grants.c.ended_ms, grants.c.end_reason).where(
        grants.c.grant == bindparam("g")
    ),
    ("g",),
)


def send(
    tx: Tx,
    grant: str,
    content: bytes,
    *,
    subject: str = "",
    media_type: str = "application/octet-stream",
) -> tuple[str, Sequence[bytes]]:
    """Send `content` to the other side of `grant`; returns the dispatch's id and its letters'.

    Raises GrantUnknown, GrantEnded, CodecShape, and what sending.send does.
    """
    peer = _peer(tx, grant, tx.party)
    dispatch = tx.new_id().hex()
    pieces = [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)] or [b""]
    letters = []
    for part, piece in enumerate(pieces):
        body = Dispatch(
            dispatch=dispatch,
            grant=grant,
            subject=subject,
            media_type=media_type,
            part=part,
            parts=len(pieces),
        )
        letters.append(send_letter(tx, peer, body, rows=[piece]))
    return dispatch, letters


def receive(tx: Tx, opened: Opened[Shape]) -> None:
    """Keep a part. Raises GrantUnknown and GrantEnded when no grant joins sender and recipient,
    CodecShape when another letter brought this part."""
    letter = as_body(opened, Dispatch)
    body, sender = letter.body, letter.header.sender
    _peer(tx, body.grant, sender)
    content = letter.rows[0] if letter.rows else b""
    kept = _KEEP[tx.conn.dialect.name].one(
        tx.conn, sender, body.dispatch, body.part, body.parts, body.grant, body.subject,
        body.media_type, content, tx.now_ms,
    )  # fmt: skip
    if not kept:
        raise CodecShape(expected="Dispatch", detail=f"part {body.part} came in another letter")


def _peer(tx: Tx, grant: str, party: str) -> str:
    """The other side of `grant`, which has to join `party` and, when that is not us, ourselves."""
    for provider, reader, ended_ms, reason in _SIDES.rows(tx.conn, grant):
        if not {party, tx.party} <= {provider, reader}:
            break
        if ended_ms is not None:
            raise GrantEnded(grant=grant, reason=reason)
        return str(reader if party == provider else provider)
    raise GrantUnknown(grant=grant)


def listed(conn: Connection) -> list[dict[str, Any]]:
    """What has come, newest first; `here` of `parts` are there."""
    size = func.sum(func.length(dispatches.c.content))
    named = [
        dispatches.c[name]
        for name in ("sender", "dispatch", "parts", "grant", "subject", "media_type")
    ]
    query = (
        select(
            *named,
            func.count().label("here"),
            size.label("bytes"),
            func.max(dispatches.c.received_ms).label("received_ms"),
        )
        .group_by(*named)
        .order_by(func.max(dispatches.c.received_ms).desc())
    )
    return [dict(row._mapping) for row in conn.execute(query)]


def content(tx: Tx, dispatch: str) -> bytes | None:
    """The whole content once all parts are there. Its number is its sender's: should two senders
    use one, they are told apart by nobody, and neither is whole."""
    query = (
        select(dispatches.c.sender, dispatches.c.parts, dispatches.c.content)
        .where(dispatches.c.dispatch == dispatch)
        .order_by(dispatches.c.part)
    )
    found = tx.conn.execute(query).all()
    if not found or len({row.sender for row in found}) != 1 or len(found) != found[0].parts:
        return None
    return b"".join(row.content for row in found)


def forget(tx: Tx, dispatch: str) -> None:
    tx.conn.execute(dispatches.delete().where(dispatches.c.dispatch == dispatch))

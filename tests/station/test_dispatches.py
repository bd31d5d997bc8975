"""Dispatches: whole or not there, once, and only between the two sides of a live grant."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.dispatch import Dispatch
from ortoo_protocol.core.errors import GrantEnded, GrantUnknown
from ortoo_protocol.station import dispatching, grants_held, inbox, sending
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants, outbox_envelopes, quarantine, receipts_due
from tests.support.desk import Desk
from tests.support.stations import Kit, terms

A, B, C = "s150700", "s150200", "s152900"
GRANT = terms(A, B, f"{A}.t")


def desks(tmp_path: Path, *parties: str) -> list[Desk]:
    kit = Kit(tmp_path)
    opened = [Desk(kit, party) for party in parties]
    for desk in opened:
        desk.do(lambda tx: grants_held.keep(tx, GRANT, encode(GRANT)))
    return opened


def carry(sender: Desk, receiver: Desk, via: str, again: int = 1) -> None:
    for row in sender.rows(outbox_envelopes):
        for _ in range(again):
            receiver.do(lambda tx, raw=row.raw: inbox.accept(tx, raw, via))


def test_a_large_one_arrives_in_parts_once_and_is_forgotten_when_read(tmp_path: Path) -> None:
    here, there = desks(tmp_path, B, A)
    content = bytes(range(256)) * 5_000
    dispatch, letters = here.do(lambda tx: dispatching.send(tx, GRANT.grant, content, subject="函"))
    assert len(letters) == 3
    carry(here, there, B, again=2)
    (one,) = there.do(lambda tx: dispatching.listed(tx.conn))
    assert (one["here"], one["parts"], one["bytes"]) == (3, 3, len(content))
    assert (one["sender"], one["subject"]) == (B, "函")
    assert there.do(lambda tx: dispatching.content(tx, dispatch)) == content
    there.do(lambda tx: dispatching.forget(tx, dispatch))
    assert there.do(lambda tx: dispatching.listed(tx.conn)) == []
    here.close()
    there.close()


def test_a_part_that_lacks(tmp_path: Path) -> None:
    here, there = desks(tmp_path, B, A)
    dispatch, _ = here.do(lambda tx: dispatching.send(tx, GRANT.grant, bytes(600_000)))
    first = here.rows(outbox_envelopes)[0].raw
    there.do(lambda tx: inbox.accept(tx, first, B))
    assert there.do(lambda tx: dispatching.content(tx, dispatch)) is None
    here.close()
    there.close()


def test_a_part_in_two_letters_is_refused_by_name(tmp_path: Path) -> None:
    here, there = desks(tmp_path, B, A)
    number = b"n" * 16
    for text in (b"first", b"second"):

        def send(tx: Tx, text: bytes = text) -> None:
            body = Dispatch(
                dispatch=number.hex(), grant=GRANT.grant, subject="", media_type="text/plain",
                part=0, parts=1,
            )  # fmt: skip
            sending.send(tx, A, body, rows=[text])

        here.do(send)
    carry(here, there, B)
    assert there.do(lambda tx: dispatching.content(tx, number.hex())) == b"first"
    assert [row.error for row in there.rows(quarantine)] == ["codec.shape"]
    assert [row.status for row in there.rows(receipts_due)] == ["accepted", "refused"]
    here.close()
    there.close()


def test_only_the_two_sides_of_a_live_grant(tmp_path: Path) -> None:
    here, there, third = desks(tmp_path, B, A, C)
    with pytest.raises(GrantUnknown):
        third.do(lambda tx: dispatching.send(tx, GRANT.grant, b"x"))
    with pytest.raises(GrantUnknown):
        here.do(lambda tx: dispatching.send(tx, "f" * 32, b"x"))
    forged = third.do(lambda tx: _forge(tx))
    there.do(lambda tx: inbox.accept(tx, forged, C))
    assert there.do(lambda tx: dispatching.listed(tx.conn)) == []
    assert [row.error for row in there.rows(quarantine)] == ["grant.unknown"]

    here.do(lambda tx: dispatching.send(tx, GRANT.grant, b"late"))
    for desk in (here, there):
        desk.do(lambda tx: tx.conn.execute(grants.update().values(ended_ms=1)) and None)
    carry(here, there, B)
    assert there.do(lambda tx: dispatching.listed(tx.conn)) == []
    with pytest.raises(GrantEnded):
        here.do(lambda tx: dispatching.send(tx, GRANT.grant, b"x"))
    for desk in (here, there, third):
        desk.close()


def _forge(tx) -> bytes:  # type: ignore[no-untyped-def]
    """A third station says that the grant joins it with the provider."""
    mine = terms(A, C, f"{A}.t")
    tx.conn.execute(grants.update().values(reader=C))
    dispatching.send(tx, mine.grant, b"forged")
    return bytes(tx.conn.execute(select(outbox_envelopes.c.raw)).scalar_one())

"""Checkpoints of the journal: signed here, checked and cosigned by the hub. Nothing waits for them.

A checkpoint is made only when there are new leaves, and is itself no leaf.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, insert, select, update

from ortoo_protocol.core import journal
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import EnvelopeKind
from ortoo_protocol.core.journal import Checkpoint, Note, OpenedCheckpoint, check_extension
from ortoo_protocol.core.notices import Checkpoint as CheckpointLetter
from ortoo_protocol.core.notices import Cosigned
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import checkpoints

MAX_PROOF = 128


def own_origin(tx: Tx) -> str:
    return journal.journal_origin(tx.plane, tx.party)


def last(tx: Tx, origin: str, *, cosigned: bool = False) -> Row[Any] | None:
    query = select(checkpoints).where(checkpoints.c.origin == origin)
    if cosigned:
        query = query.where(checkpoints.c.cosigned)
    return tx.conn.execute(query.order_by(checkpoints.c.size.desc()).limit(1)).first()


def make(tx: Tx) -> bool:
    """Sign the present tree unless that was done, and send it to the hub; whether it was new."""
    frontier = journal_rows.frontier(tx.conn, tx.suite)
    origin = own_origin(tx)
    before = last(tx, origin)
    if frontier.size == 0 or (before is not None and before.size == frontier.size):
        return False
    tx.check_clock()
    signer = journal.note_signer(tx.suite, origin, tx.parts.identity.signer)
    note = Note(Checkpoint(origin, frontier.size, frontier.root())).signed(signer)
    store(tx, origin, frontier.size, note, cosigned=False)
    if tx.party != tx.trust.hub:
        base = last(tx, origin, cosigned=True)
        since = 0 if base is None else base.size
        proof = journal_rows.consistency_proof(tx.conn, tx.suite, since, frontier.size)
        letter = CheckpointLetter(note=note.to_bytes().decode(), since=since, proof=tuple(proof))
        send(tx, tx.trust.hub, letter)
    return True


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """The hub: check that the sender's journal only grew, persist, then cosign. (A station that
    gets the hub's: witnessing.py.)

    A proof from another size than the one persisted here is answered with what is persisted.
    Raises JournalError: a journal that was rewritten is refused by name.
    """
    if tx.party != tx.trust.hub:
        raise EnvelopeKind(kind=opened.message.kind.name, detail="the hub keeps checkpoints")
    letter, sender = as_body(opened, CheckpointLetter).body, opened.header.sender
    origin = journal.journal_origin(tx.plane, sender)
    found = open_sent(tx, letter.note, sender, origin)
    before = last(tx, origin)
    if before is not None:
        old = Note.parse(before.note).checkpoint
        if letter.since != old.size and found.checkpoint.size >= old.size:
            send(tx, sender, Cosigned(note=before.note.decode()), causation=opened.header.id)
            return
        check_extension(tx.suite.hash, old, found.checkpoint, letter.proof[:MAX_PROOF])
        if old.size == found.checkpoint.size:
            send(tx, sender, Cosigned(note=before.note.decode()), causation=opened.header.id)
            return
    hub_signer = journal.note_signer(tx.suite, own_origin(tx), tx.parts.identity.signer)
    note = found.note.signed(hub_signer)
    store(tx, origin, found.checkpoint.size, note, cosigned=True)
    send(tx, sender, Cosigned(note=note.to_bytes().decode()), causation=opened.header.id)


def cosigned(tx: Tx, opened: Opened[Shape]) -> None:
    """A station keeps the hub's cosignature with its checkpoint."""
    letter = as_body(opened, Cosigned).body
    hub, origin = tx.trust.hub, own_origin(tx)
    key = journal.note_key(
        tx.suite,
        journal.journal_origin(tx.plane, hub),
        tx.trust.current_signing_key(hub, tx.now_ms).public,
    )
    own = journal.note_key(tx.suite, origin, tx.parts.identity.signer.public)
    found = journal.open_checkpoint(letter.note.encode(), origin, [own], [key])
    if found.cosigners:
        tx.conn.execute(
            update(checkpoints)
            .where(checkpoints.c.origin == origin, checkpoints.c.size == found.checkpoint.size)
            .values(note=letter.note.encode(), cosigned=True)
        )


def signed_by(note: bytes, name: str) -> Note:
    """With the signature of `name` alone."""
    found = Note.parse(note)
    own = [each for each in found.signatures if each.name == name]
    return Note(found.checkpoint).joined(own)


def open_sent(tx: Tx, note: str, sender: str, origin: str) -> OpenedCheckpoint:
    """With the journal's own signature alone: what else stands there nobody has judged."""
    public = tx.trust.current_signing_key(sender, tx.now_ms).public
    key = journal.note_key(tx.suite, origin, public)
    found = journal.open_checkpoint(note.encode(), origin, [key])
    own = [
        each for each in found.note.signatures if (each.name, each.key_id) == (key.name, key.key_id)
    ]
    return replace(found, note=Note(found.checkpoint).joined(own))


def store(tx: Tx, origin: str, size: int, note: Note, *, cosigned: bool) -> None:
    values = {
        "origin": origin,
        "size": size,
        "note": note.to_bytes(),
        "cosigned": cosigned,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(checkpoints).values(values))

"""Stations cosign the hub's checkpoints: so the hub cannot show one journal here and another there.

A station asks from time to time, names what it cosigned last, and gets the newest checkpoint with
the proof from there on. It checks, persists, and only then cosigns. Nothing waits for it.
"""

from __future__ import annotations

from sqlalchemy import update

from ortoo_protocol.core import journal
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.journal import Note, check_extension
from ortoo_protocol.core.notices import Checkpoint, Cosigned, WitnessAsk
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import checkpoints
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import checkpoints as kept


def ask(tx: Tx) -> None:
    """At a station: for the hub's newest."""
    if tx.party == tx.trust.hub or not tx.trust.directory_version:
        return
    before = checkpoints.last(tx, journal.journal_origin(tx.plane, tx.trust.hub))
    send(tx, tx.trust.hub, WitnessAsk(since=0 if before is None else before.size))


def answer(tx: Tx, opened: Opened[Shape]) -> None:
    """At the hub: its newest checkpoint, with its own signature alone, and the proof."""
    wanted, origin = as_body(opened, WitnessAsk).body, checkpoints.own_origin(tx)
    row = checkpoints.last(tx, origin)
    if row is None or row.size < wanted.since:  # of a size that this journal never had: not proven
        return
    note = checkpoints.signed_by(row.note, origin)
    proof = journal_rows.consistency_proof(tx.conn, tx.suite, wanted.since, row.size)
    letter = Checkpoint(note=note.to_bytes().decode(), since=wanted.since, proof=tuple(proof))
    send(tx, opened.header.sender, letter, causation=opened.header.id)


def cosign(tx: Tx, opened: Opened[Shape]) -> None:
    """At a station. Raises JournalError: a journal of the hub that does not go on from what was
    cosigned before is refused by name, and nothing of it is kept."""
    letter, hub = as_body(opened, Checkpoint).body, opened.header.sender
    origin = journal.journal_origin(tx.plane, hub)
    found = checkpoints.open_sent(tx, letter.note, hub, origin)
    before, size = checkpoints.last(tx, origin), found.checkpoint.size
    if before is not None:
        old = Note.parse(before.note).checkpoint
        if letter.since != old.size and size >= old.size:
            return  # an answer to an ask before the last: the next ask names where this stands
        check_extension(tx.suite.hash, old, found.checkpoint, letter.proof[: checkpoints.MAX_PROOF])
    own = checkpoints.own_origin(tx)
    signer = journal.note_signer(tx.suite, own, tx.parts.identity.signer)
    note = found.note.signed(signer)
    if before is None or before.size < size:
        checkpoints.store(tx, origin, size, note, cosigned=True)
    send(tx, hub, Cosigned(note=note.to_bytes().decode()), causation=opened.header.id)


def witnessed(tx: Tx, opened: Opened[Shape]) -> None:
    """At the hub: a station's cosignature joins the others under its checkpoint."""
    letter, sender = as_body(opened, Cosigned).body, opened.header.sender
    origin, name = checkpoints.own_origin(tx), journal.journal_origin(tx.plane, sender)
    own = journal.note_key(tx.suite, origin, tx.parts.identity.signer.public)
    public = tx.trust.current_signing_key(sender, tx.now_ms).public
    key = journal.note_key(tx.suite, name, public)
    found = journal.open_checkpoint(letter.note.encode(), origin, [own], [key])
    here = (kept.c.origin == origin) & (kept.c.size == found.checkpoint.size)
    row = tx.conn.execute(kept.select().where(here)).first()
    if row is None or not found.cosigners:
        return
    note = Note.parse(row.note)
    if note.checkpoint != found.checkpoint or len(note.signatures) >= journal.MAX_SIGNATURES:
        return
    theirs = [each for each in found.note.signatures if each.name == name]
    values = {"note": note.joined(theirs).to_bytes(), "cosigned": True}
    tx.conn.execute(update(kept).where(here).values(values))

"""Stations cosign the hub's journal, and refuse one that was rewritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, select

from ortoo_protocol.core.journal import Checkpoint, Note, journal_origin, note_signer
from ortoo_protocol.core.notices import Checkpoint as CheckpointLetter
from ortoo_protocol.core.notices import WitnessAsk
from ortoo_protocol.station import checkpoints
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import checkpoints as kept
from ortoo_protocol.station.store.tables import quarantine
from tests.support.hubs import PROVIDER, READER, HubKit, entry
from tests.support.stations import QUICK, until_read
from tests.support.trust import HUB

EAGER = replace(QUICK, witness_s=0.2)


def signers(conn: Connection, origin: str) -> set[str]:
    rows = conn.execute(select(kept.c.note).where(kept.c.origin == origin, kept.c.cosigned))
    return {each.name for row in rows for each in Note.parse(row.note).signatures}


async def test_stations_cosign_what_goes_on_from_what_they_cosigned(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    for station in (provider, reader):
        object.__setattr__(station.parts, "timing", EAGER)
    hub = journal_origin(kit.region.plane, HUB)
    names = {journal_origin(kit.region.plane, party) for party in (PROVIDER, READER)}
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        await until_read(running.hub.station, lambda conn: names <= signers(conn, hub))
        # A station keeps what it cosigned, and its own name stands under it.
        held = await provider.read(lambda conn: newest(conn, hub))
        assert journal_origin(kit.region.plane, PROVIDER) in signers_of(held.note)

        # The hub rewrites its journal: other roots of more rows, and one of fewer.
        for size, since in ((held.size + 9, held.size), (max(1, held.size - 1), held.size)):
            await running.hub.station.write(lambda tx, a=size, b=since: other(tx, a, b))
            await until_read(
                provider,
                lambda conn: conn.execute(
                    select(quarantine).where(quarantine.c.error.like("journal.%"))
                ).first(),
            )
            after = await provider.read(lambda conn: newest(conn, hub))
            root = Note.parse(after.note).checkpoint.root
            assert root != b"x" * 32
            await provider.write(lambda tx: tx.conn.execute(quarantine.delete()) and None)
        # A size that it never had is no proof that it goes on.
        await provider.write(lambda tx: send(tx, HUB, WitnessAsk(since=1 << 40)))


def newest(conn: Connection, origin: str) -> Any:
    query = select(kept).where(kept.c.origin == origin).order_by(kept.c.size.desc())
    return conn.execute(query.limit(1)).first()


def signers_of(note: bytes) -> set[str]:
    return {each.name for each in Note.parse(note).signatures}


def other(tx: Tx, size: int, since: int) -> None:
    """Signed by the hub, and of no tree that it ever had."""
    origin = checkpoints.own_origin(tx)
    signer = note_signer(tx.suite, origin, tx.parts.identity.signer)
    note = Note(Checkpoint(origin, size, b"x" * 32)).signed(signer)
    letter = CheckpointLetter(note=note.to_bytes().decode(), since=since, proof=())
    send(tx, PROVIDER, letter)

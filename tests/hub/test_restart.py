"""What the hub keeps over its end, and the journals it will not let be rewritten."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from ortoo_hub.supervision import findings
from ortoo_protocol.core import journal
from ortoo_protocol.core.journal import Checkpoint, Note
from ortoo_protocol.core.notices import Checkpoint as CheckpointLetter
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import checkpoints
from tests.support.hubs import (
    FEED,
    PROVIDER,
    READER,
    RESOURCE,
    THIRD,
    HubKit,
    Running,
    application,
    entry,
    quarantine_codes,
    say,
    until_true,
)
from tests.support.stations import until
from tests.support.trust import HUB


async def told(running: Running) -> list[object]:
    call = running.call
    return [
        (await call["case.list"]())["cases"],
        (await call["grant.list"]())["grants"],
        await call["catalog.show"](RESOURCE),
        (await call["directory.show"]())["pending"],
        running.hub.station.parts.trust.current.directory_hash,
    ]


async def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        await running.granted(provider, reader)
        await running.call["member.suspend"](THIRD, "欠缺整改")
        await until(lambda: kit.bound(FEED, READER))
        before, broker = await told(running), kit.broker.read()
        await running.stop_hub()
        # Somebody applies meanwhile: the letter waits at the broker.
        letter = await say(reader, PROVIDER, application(2))
        await running.restart_hub()
        assert await told(running) == before
        await until(lambda: kit.seen[READER].outcome(letter) == ("accepted", ""))
        assert running.hub.router.standing.changes == 0
        after = kit.broker.read()
        assert (after.bindings, after.users) == (broker.bindings, broker.users)


async def cosigned_size(running: Running, origin: str) -> int:
    query = select(func.max(checkpoints.c.size)).where(
        checkpoints.c.origin == origin, checkpoints.c.cosigned
    )
    size: int | None = await running.hub.station.read(lambda conn: conn.execute(query).scalar())
    return size or 0


async def test_a_journal_that_was_rewritten_is_not_cosigned(tmp_path: Path) -> None:
    """Rollback: fewer rows than were cosigned. Fork: as many, with another root. Neither replaces
    what the hub holds, and both show."""
    kit = HubKit(tmp_path)
    provider = kit.station(PROVIDER)
    async with kit.hub_running(kit.hub(), provider) as running:
        origin = journal.journal_origin(kit.region.plane, PROVIDER)
        await running.listed(provider, entry())

        async def cosigned() -> bool:
            return await cosigned_size(running, origin) >= 2

        await until_true(cosigned)
        size = await cosigned_size(running, origin)

        def forge(tx: Tx) -> None:
            signer = journal.note_signer(tx.suite, origin, tx.parts.identity.signer)
            for claimed in (size, size - 1):
                note = Note(Checkpoint(origin, claimed, bytes(32))).signed(signer)
                text = note.to_bytes().decode()
                send(tx, HUB, CheckpointLetter(note=text, since=size, proof=()))

        await provider.write(forge)

        async def refused() -> bool:
            codes = await running.hub.station.read(quarantine_codes)
            return {"journal.fork", "journal.rollback"} <= set(codes)

        await until_true(refused)
        assert await cosigned_size(running, origin) >= size
        station = running.hub.station
        trust, now_ms = station.parts.trust.current, station.parts.clock()
        found = await station.read(lambda conn: findings.findings(conn, trust, now_ms))
        assert {error.facts["refused"] for error in found} == {"journal.fork", "journal.rollback"}
        assert {error.facts["party"] for error in found} == {PROVIDER}

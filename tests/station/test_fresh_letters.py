"""Letters that a commit hands to the pump: read from no store, in their order, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station import fresh, outbox_pump
from ortoo_protocol.station.context import Hooks, Post, Tx
from ortoo_protocol.station.pumps import Wire
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import outbox
from tests.support.letters import refusal
from tests.support.stations import Kit, until, until_read
from tests.support.trust import HUB

PARTY = "s150700"


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the letters whose envelopes were read from the store to be sent."""
    numbers: list[int] = []
    read = outbox_pump._ENVELOPE

    class Counting(Prepared):
        def rows(self, conn: object, *values: int) -> list[tuple[object, ...]]:  # type: ignore[override]  # only what the pump calls
            numbers.extend(values)
            return read.rows(conn, *values)  # type: ignore[arg-type]  # as the pump gives it

    monkeypatch.setattr(outbox_pump, "_ENVELOPE", Counting(read._statement, ("n",)))
    return numbers


async def settled(station: Station, count: int) -> None:
    query = select(func.count()).where(outbox.c.state == "accepted")
    await until_read(station, lambda conn: conn.execute(query).scalar() == count)
    await until(lambda: not station.parts.fresh.hand)


def some(count: int) -> Callable[[Tx], list[bytes]]:
    return lambda tx: [send(tx, PARTY, refusal()) for _ in range(count)]


async def test_letters_leave_without_a_look_into_the_store(
    tmp_path: Path, looked_up: list[int]
) -> None:
    kit = Kit(tmp_path)
    hub, reader = kit.open(HUB), kit.open(PARTY, Hooks(handlers={"catalog.refused": _take([])}))
    async with kit.running(hub, reader):
        await until(lambda: hub.parts.fresh.taking)
        await hub.write(some(20))
        await settled(hub, 20)
        assert looked_up == []


async def test_a_letter_is_not_handed_over_before_older_ones_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looked_up: list[int]
) -> None:
    """More than may wait in memory: the rest is found in the store, and all come in their order."""
    came: list[bytes] = []
    kit = Kit(tmp_path)
    hub, reader = kit.open(HUB), kit.open(PARTY, Hooks(handlers={"catalog.refused": _take(came)}))
    async with kit.running(hub, reader):
        await until(lambda: hub.parts.fresh.taking)
        monkeypatch.setattr(fresh, "MOST_BYTES", 0)
        letters = await hub.write(some(5))
        monkeypatch.setattr(fresh, "MOST_BYTES", 1 << 20)
        letters += await hub.write(some(5))
        await settled(hub, 10)
        assert came == letters
        assert len(looked_up) >= 5
        await until(lambda: hub.parts.fresh.taking)  # nothing is due any more


async def test_a_letter_in_hand_leaves_once_though_all_are_made_due(
    tmp_path: Path, looked_up: list[int]
) -> None:
    kit = Kit(tmp_path)
    station = kit.open(HUB, online=False)
    station.parts.fresh.taking = True
    await station.write(some(1))
    (number,) = station.parts.fresh.hand
    await station.write(outbox_pump.make_all_due)
    pump = outbox_pump.OutboxPump(station.database, station.parts, station.local, station.wire)
    due, _ = await station.write(lambda tx: pump._note_and_look([], tx, remote=True))
    assert due == []
    station.parts.fresh.forget([number])
    due, _ = await station.write(lambda tx: pump._note_and_look([], tx, remote=True))
    assert [each.number for each in due] == [number] == looked_up
    await station.close()


async def test_what_was_handed_over_without_a_link_goes_with_the_next_one(tmp_path: Path) -> None:
    """The link went between the commit and the pump."""
    came: list[bytes] = []
    kit = Kit(tmp_path)
    hub, reader = kit.open(HUB), kit.open(PARTY, Hooks(handlers={"catalog.refused": _take(came)}))
    hub.parts.fresh.taking = True
    letters = await hub.write(some(3))
    assert len(hub.parts.fresh.hand) == 3
    async with kit.running(hub, reader):
        await settled(hub, 3)
        assert sorted(came) == sorted(letters)


async def test_what_became_of_letters_is_noted_though_others_were_noted_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two turns on their way while the pump takes what is done, and both end at once."""
    on_its_way: list[Post] = []
    answered = asyncio.Event()

    async def publish(_link: object, post: Post, *_: object, **__: object) -> Outcome:
        on_its_way.append(post)
        await answered.wait()
        return Outcome.CONFIRMED

    monkeypatch.setattr(outbox_pump, "publish", publish)
    kit = Kit(tmp_path)
    station = kit.open(HUB, online=False)
    fresh_ones, signals = station.parts.fresh, station.parts.signals
    wire = Wire(await kit.bus(HUB).connect())
    pump = outbox_pump.OutboxPump(station.database, station.parts, station.local, wire)
    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(pump.run()), group.create_task(pump.run_fresh())]
        await until(lambda: fresh_ones.taking)
        await station.write(some(1))
        await until(lambda: len(on_its_way) == 1)
        taken = pump.done
        signals.outbox.set()
        await until(lambda: pump.done is not taken)
        await station.write(some(1))
        await until(lambda: len(on_its_way) == 2)
        answered.set()
        confirms = select(outbox.c.confirms)
        await until_read(
            station, lambda conn: conn.execute(confirms).scalars().all() == [1, 1], within_s=5
        )
        await until(lambda: not fresh_ones.hand)
        for loop in loops:
            loop.cancel()
    assert len(on_its_way) == 2
    await station.close()


def _take(came: list[bytes]) -> Callable[[Tx, Opened[Shape]], None]:
    return lambda _tx, opened: came.append(opened.header.id)

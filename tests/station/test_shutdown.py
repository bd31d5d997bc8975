"""A station that is told to end ends, whatever happens at that very moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from ortoo_protocol.station.context import Signal, wait
from tests.support.stations import Kit

HANGS_S = 60  # a bound for what would never end, not for how fast a busy machine is


@pytest.mark.parametrize("turns", range(4))
async def test_cancelled_as_the_signal_comes(turns: int) -> None:
    """`turns` of the loop lie between signal and cancellation."""
    signal = Signal()
    task = asyncio.create_task(wait(signal.ticket(), 60))
    await asyncio.sleep(0)
    signal.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    ended = task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert ended or task.cancelled()


@pytest.mark.parametrize("turns", range(4))
async def test_cancelled_as_the_link_breaks(turns: int, tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    station = kit.open("s150700")
    task = asyncio.create_task(station.run())
    async with asyncio.timeout(HANGS_S):
        await station.wire.online.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    kit.broker.cut()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=HANGS_S)
    assert ended
    assert task.cancelled()
    await station.close()

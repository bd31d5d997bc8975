"""No page takes long: `make bench NAME=pages` in short, by CPU of the process, which hangs less on
what else the machine does. The slowest are printed."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import pytest

from ortoo_hub.console import making as hub
from ortoo_node.console import making as node
from tests.console.hub_kit import hub_front
from tests.console.kit import front
from tests.console.page_times import AT_HUB, AT_STATION, Times, times, told
from tests.node.kit import open_node, running
from tests.support.grown import grow
from tests.support.hubs import HubKit
from tests.support.stations import Kit

MOST_CPU_MS = 100.0  # they take 10 to 60
# A processor at a third of its pace slows all alike: then a page is held to the usual one.
MOST_OF_USUAL = 10.0
COUNT = 3
SIZE = {"catalog": 300, "journal": 1_000, "others": 500}


@pytest.fixture(autouse=True)
def heap_of_its_own() -> Iterator[None]:
    """What hundreds of tests before left in the process is not looked through while a page is
    measured: a collection of all of it takes longer than the page."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def judged(found: Sequence[Times], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{len(found)} pages; {told(found)}")  # a figure for whoever reads CI
    took = {each.path: median(each.cpu_ms) for each in found}
    most_ms = max(MOST_CPU_MS, MOST_OF_USUAL * median(took.values()))
    slow = {path: round(cpu_ms, 1) for path, cpu_ms in took.items() if cpu_ms > most_ms}
    assert not slow, f"more than {most_ms:.0f} ms of CPU"


async def test_pages_of_a_station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kit = Kit(tmp_path)
    at = open_node(kit, "s150700")
    async with running(kit, at):
        await grow(at.app.station, **SIZE, hub=False)
        async with front(at) as console:
            judged(await times(console, node.MENU, AT_STATION, COUNT), capsys)


async def test_pages_of_a_hub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    region = HubKit(tmp_path)
    made = region.hub()
    async with region.hub_running(made) as alive:
        await grow(made.station, **SIZE, hub=True)
        async with hub_front(alive) as house:
            judged(await times(house, hub.MENU, AT_HUB, COUNT), capsys)


async def test_the_second_segment_of_an_answer_does_not_wait(tmp_path: Path) -> None:
    """asyncio turns Nagle's algorithm off for sockets that are named TCP alone: with it
    each page took 40 ms more."""
    kit = Kit(tmp_path)
    at = open_node(kit, "s150700", online=False)
    async with running(kit, at), front(at) as console:
        own = console.listener._socket
        assert own is not None
        assert own.proto == socket.IPPROTO_TCP

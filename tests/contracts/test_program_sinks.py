"""Webhook and pull keep the contract of sinks, as a department's program sees what comes to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ortoo_node.interfaces import Pull, Webhook
from ortoo_node.sinks.door import Door
from ortoo_node.sinks.program import open_pull, open_webhook
from ortoo_node.sinks.program.fetching import give
from ortoo_protocol.core.errors import SinkError, SinkWebhookFailed, SinkWebhookRefused
from ortoo_protocol.core.feeds import Changes
from ortoo_protocol.station.ports import Sink
from ortoo_protocol.station.settings import write_secret
from tests.contracts.sink_contract import (
    FEED,
    FIRST,
    SECOND,
    THIRD,
    TOWNS,
    Row,
    SinkContract,
    SinkOf,
    at,
    towns,
    was_killed,
    work,
)
from tests.support.desk import Desk
from tests.support.door import DeskDoor
from tests.support.programs import SECRET_TEXT, Answer, Seen, Tables, WebhookProgram
from tests.support.stations import Kit

PARTY = "s150700"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[DeskDoor]:
    desk = Desk(Kit(tmp_path), PARTY)
    yield DeskDoor(desk)
    desk.close()


class Fetching(Tables):
    """Fetches all there is before it looks."""

    door: DeskDoor

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        self.fetch(table)
        return super().rows(table, *columns)

    def fetch(self, subscription: str, most: int = 3) -> None:
        after = None
        while True:
            given = self.door.write(
                partial(give, subscription=subscription, after=after, most=most)
            )
            after = given.upto
            if not given.pages:
                return
            for _, body in given.pages:
                self.take(body)

    def tables(self) -> set[str]:
        return set()


class TestPullSink(SinkContract):
    @pytest.fixture
    def keeper(self, door: DeskDoor) -> Tables:
        tables = Fetching(anew=True, on_drop=door.forget)
        tables.door = door
        return tables

    @pytest.fixture
    def sink_of(self, door: DeskDoor) -> SinkOf:
        return lambda table: open_pull(Pull(name="fetched", page_kb=4), table, door, table)

    def test_killed_at_any_write(self, tmp_path: Path) -> None:
        """After SIGKILL at each transaction in turn nothing is lost and nothing comes twice."""
        killed_anywhere(tmp_path, lambda door: open_pull(Pull(name="p"), "towns", door, "towns"))


class TestWebhookSink(SinkContract):
    @pytest.fixture
    def program(self, door: DeskDoor) -> Iterator[WebhookProgram]:
        with WebhookProgram(Tables(anew=True, on_drop=door.forget)) as program:
            yield program

    @pytest.fixture
    def keeper(self, program: WebhookProgram) -> Tables:
        return program.tables

    @pytest.fixture
    def sink_of(self, door: DeskDoor, program: WebhookProgram, tmp_path: Path) -> Iterator[SinkOf]:
        opened: list[Sink] = []

        def open_(table: str) -> Sink:
            opened.append(open_webhook(webhook(tmp_path, program.url), table, door, table))
            return opened[-1]

        yield open_
        for sink in opened:
            sink.close()

    def test_killed_at_any_post(self, tmp_path: Path) -> None:
        """After SIGKILL before and after each post in turn: nothing lost, ids and bytes stable."""
        twice = 0
        for posts in range(1, 20):
            desk_folder = tmp_path / str(posts)
            desk_folder.mkdir()
            with WebhookProgram() as program:
                killed = self._killed_at(desk_folder, program, posts)
                self._work(desk_folder, program)
                assert towns(program.tables) == THIRD
                assert all(f"{FEED}:1:" in name for name in program.tables.order)
                twice += program.tables.twice
            if not killed:
                break
        assert not killed
        assert twice > 0

    @pytest.mark.parametrize(
        ("status", "error"), [(503, SinkWebhookFailed), (422, SinkWebhookRefused)]
    )
    @pytest.mark.parametrize("whole", [False, True])
    def test_refused_in_the_middle(
        self,
        door: DeskDoor,
        tmp_path: Path,
        status: int,
        error: type[SinkError],
        whole: bool,
    ) -> None:
        """What the program has taken it does not get again, over a restart too; the cursor moves
        with the last page."""
        rows: list[Row] = [(f"{n:03}", "x" * 20, n) for n in range(600)]
        now_s = 0.0
        with WebhookProgram() as program:

            def sink_of() -> Sink:
                made = open_webhook(webhook(tmp_path, program.url), "towns", door, "towns")
                made._poster._monotonic = lambda: now_s
                made.read_cursor(FEED)
                return made

            def write() -> None:
                if whole:
                    sink.replace(TOWNS, rows, at(1))
                else:
                    sink.apply(TOWNS, Changes(rows), at(1))

            sink = sink_of()
            for taken in (2, 4):
                program.answers = [Answer()] * 2 + [Answer(status)]
                with pytest.raises(error, match=str(status)):
                    write()
                assert len(program.tables.order) == taken
                assert sink.read_cursor(FEED) is None
                with pytest.raises(error):  # too early: nothing is sent
                    write()
                now_s += 1000
                if taken == 2:
                    sink.close()
                    sink = sink_of()
            write()
            assert towns(program.tables) == rows
            assert (program.tables.twice, len(program.seen)) == (0, len(program.tables.order) + 2)
            assert sink.read_cursor(FEED) == at(1)
            sink.close()

    def _killed_at(self, folder: Path, program: WebhookProgram, posts: int) -> bool:
        def kill(seen: Seen) -> None:
            # Its program takes the post, and the station never learns of it.
            if len(program.seen) == posts:
                os.kill(int(seen.headers["x-pid"]), signal.SIGKILL)

        program.before = kill
        killed = was_killed(lambda: self._work(folder, program, pid_header=True))
        program.before = lambda _seen: None
        return killed

    def _work(self, folder: Path, program: WebhookProgram, *, pid_header: bool = False) -> None:
        desk = Desk(Kit(folder), PARTY)
        try:
            sink = open_webhook(webhook(folder, program.url), "towns", DeskDoor(desk), "towns")
            if pid_header:
                sink._poster._opened().headers["x-pid"] = str(os.getpid())
            work(sink)
            assert sink.read_cursor(FEED) == at(3)
            sink.close()
        finally:
            desk.close()


def webhook(folder: Path, url: str) -> Webhook:
    file = folder / "secret"
    if not file.exists():
        write_secret(file, SECRET_TEXT)
    return Webhook(name="program", url=url, secret_file=file, page_kb=4)


def killed_anywhere(tmp_path: Path, open_: Callable[[Door], Sink]) -> None:
    states = {0: [], 1: FIRST, 2: SECOND, 3: THIRD}
    for writes in range(1, 40):
        folder = tmp_path / str(writes)
        folder.mkdir()

        def job(folder: Path = folder, writes: int = writes) -> None:
            door = DeskDoor(Desk(Kit(folder), PARTY))
            _kill_at(door, writes)
            work(open_(door))

        killed = was_killed(job)
        desk = Desk(Kit(folder), PARTY)
        program = Fetching()
        program.door = DeskDoor(desk)
        sink = open_(program.door)
        cursor = sink.read_cursor(FEED)
        assert towns(program) == states[cursor.seq if cursor else 0]
        work(sink)
        assert towns(program) == THIRD
        assert program.twice == 0
        desk.close()
        if not killed:
            return
    raise AssertionError("it was killed every time")


def _kill_at(door: DeskDoor, writes: int) -> None:
    """In a process of its own: end it before or after the transaction of that number."""
    left, do = writes, door.desk.do

    def counted(job):  # type: ignore[no-untyped-def]
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = do(job)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    door.desk.do = counted  # type: ignore[method-assign]

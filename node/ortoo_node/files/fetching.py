"""The reader's side of file transfers: which run, and what becomes of them.

The store says what is wanted; a task is at work on each of the oldest. Of one provider few run at
once, so that a silent one holds up nobody else's files.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_node.files import orders, transfers
from ortoo_node.files.fetch import Fetch
from ortoo_node.files.incoming import remove_part
from ortoo_node.files.receiving import Receiver
from ortoo_node.files.transfers import Wanted
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import FileError, FileUnfit, GrantError, OrtooError
from ortoo_protocol.core.files import FileMade, FileManifest, FileRefusal
from ortoo_protocol.core.ids import feed_owner, is_code
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.context import Signal, Tx, wait
from ortoo_protocol.station.station import Station

MOST_RUNNING = 8
MOST_OF_ONE_PROVIDER = 2
LOOK_S = 1.0
REST_S = 30.0
_log = logging.getLogger(__name__)


@dataclass
class Fetcher:
    station: Station
    executor: Executor
    changed: Signal = field(default_factory=Signal)
    ended: Signal = field(default_factory=Signal)
    receiver: Receiver = field(init=False)
    _running: dict[str, tuple[Fetch, asyncio.Task[None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.station.parts, self.executor)

    # --- for people and sinks ---

    async def begin(self, wanted: Wanted) -> str:
        """The transfer of what is wanted, new or under way."""
        transfer = await self.station.write(partial(transfers.begin, wanted=wanted))
        self.changed.set()
        return transfer

    async def until_ended(self, transfer: str) -> Row[Any]:
        """What became of it, when nobody is at work on it any more. Raises FileTransferUnknown."""
        while True:
            ticket = self.ended.ticket()
            at_work = transfer in self._running
            row = await self.station.read(partial(transfers.find, transfer=transfer))
            if row.state not in transfers.ALIVE and not at_work:
                return row
            await ticket.wait()

    async def cancel(self, transfer: str) -> None:
        """Raises FileTransferUnknown."""
        await self.station.write(partial(transfers.cancel, transfer=transfer))
        await self._stop(transfer)

    def done_chunks(self, row: Row[Any]) -> int:
        """As it is now; the store follows."""
        fetch, _ = self._running.get(row.transfer, (None, None))
        incoming = None if fetch is None else fetch.incoming
        return int(row.done if incoming is None else max(row.done, incoming.done))

    def bytes_a_s(self, row: Row[Any]) -> int:
        """How fast it comes, over the last seconds."""
        fetch, _ = self._running.get(row.transfer, (None, None))
        if fetch is None:
            return 0
        return int(row.chunk_bytes * fetch.pace.chunks_a_s(asyncio.get_running_loop().time()))

    # --- in the writer ---

    def on_manifest(self, tx: Tx, opened: Opened[Shape]) -> None:
        letter = as_body(opened, FileManifest)
        _check_owner(letter.header.sender, letter.body.feed, letter.body.name)
        if transfers.take_manifest(tx, letter):
            tx.after_commit(self.changed.set)

    def on_refusal(self, tx: Tx, opened: Opened[Shape]) -> None:
        letter = as_body(opened, FileRefusal)
        body = letter.body
        _check_owner(letter.header.sender, body.feed, body.name)
        if not is_code(body.error):  # people see it as it stands
            raise FileUnfit(file=body.name, detail="its refusal is no code")
        if transfers.refused(tx, body.feed, body.name, body.file, body.error):
            tx.after_commit(self._tell)

    def on_made(self, tx: Tx, opened: Opened[Shape]) -> None:
        """A table that was ordered is there: it is fetched like any other file."""
        letter = as_body(opened, FileMade)
        if orders.came(tx, letter.header.sender, letter.body):
            tx.after_commit(self.changed.set)

    # --- its loop ---

    async def run(self) -> None:
        try:
            while True:
                ticket = self.changed.ticket()
                for transfer in [one for one, (_, task) in self._running.items() if task.done()]:
                    await self._settle(transfer)
                await self._look()
                await wait(ticket, LOOK_S if self._running else REST_S)
        finally:
            tasks = [task for _, task in self._running.values()]
            self._running.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        """Take up what is alive in the store, leave what is not, tell the others to look."""
        rows = await self.station.read(_to_run)
        wanted = {row.transfer: row for row in rows}
        for transfer in [known for known in self._running if known not in wanted]:
            await self._stop(transfer)
        for transfer, row in wanted.items():
            if transfer in self._running:
                self._running[transfer][0].woke.set()
            else:
                self._start(row)

    def _start(self, row: Row[Any]) -> None:
        fetch = Fetch(self.station, self.executor, self.receiver, row.transfer, row.grant, row.feed)
        task = asyncio.create_task(fetch.run(), name=f"file {row.transfer}")
        task.add_done_callback(lambda _task: self.changed.set())
        self._running[row.transfer] = fetch, task

    async def _settle(self, transfer: str) -> None:
        """Raises what a task did not foresee, or cannot live with (the store)."""
        _, task = self._running[transfer]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, FileError | GrantError):
            _log.warning("%s", error)
            await self._give_up(transfer, error)
        elif error is not None:
            raise error
        self._running.pop(transfer, None)
        self._tell()

    async def _give_up(self, transfer: str, error: OrtooError) -> None:
        if isinstance(error, FileError):
            await self.station.write(partial(transfers.failed, transfer=transfer, error=error))
        else:
            await self.station.write(partial(transfers.refuse, transfer=transfer, code=error.code))
        await self._clear(transfer)

    async def _stop(self, transfer: str) -> None:
        """It ended in the store, by its provider or by people here, or gives way. A file that had
        its name before that is done."""
        fetch, task = self._running.get(transfer, (None, None))
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if fetch is not None and fetch.incoming is not None and fetch.incoming.placed:
            await self.station.write(partial(transfers.placed, transfer=transfer))
        else:
            await self._clear(transfer)
        self._running.pop(transfer, None)
        self._tell()

    async def _clear(self, transfer: str) -> None:
        """Nothing is left of what will not be whole."""
        row = await self.station.read(partial(transfers.find, transfer=transfer))
        if row.state not in (*transfers.ALIVE, transfers.DONE):
            remove = partial(remove_part, transfers.plan_of(row))
            await asyncio.get_running_loop().run_in_executor(self.executor, remove)

    def _tell(self) -> None:
        """Whoever waits for files: other transfers, sinks."""
        self.changed.set()
        self.ended.set()


def _to_run(conn: Connection) -> list[Row[Any]]:
    chosen: list[Row[Any]] = []
    of_one: Counter[str] = Counter()
    for row in transfers.alive(conn):
        provider = feed_owner(row.feed)
        if of_one[provider] < MOST_OF_ONE_PROVIDER and len(chosen) < MOST_RUNNING:
            of_one[provider] += 1
            chosen.append(row)
    return chosen


def _check_owner(sender: str, feed: str, name: str) -> None:
    if feed_owner(feed) != sender:
        raise FileUnfit(file=name, detail=f"{sender} does not publish {feed}")

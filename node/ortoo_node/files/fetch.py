"""One file being fetched, from its manifest to its name.

The next chunks are asked for while earlier ones are on their way, `WINDOW` at most; what does not
come for a while is asked for again from where the file is. Every `FLUSH_CHUNKS` chunks the file is
flushed and the store notes how far it is: a killed process, or machine, goes on from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from ortoo_node.files import transfers
from ortoo_node.files.incoming import WINDOW, Incoming, Plan
from ortoo_node.files.pace import Pace
from ortoo_node.files.receiving import Receiver, Source
from ortoo_protocol.core.errors import (
    FileDiskFull,
    FileError,
    OrtooError,
    StoreError,
)
from ortoo_protocol.core.files import FileAsk
from ortoo_protocol.core.ids import feed_owner
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Signal, Tx, wait
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station

T = TypeVar("T")
ASK_CHUNKS = 8
FLUSH_CHUNKS = 32
SILENCE_S = 3.0
SILENCE_CAP_S = 15.0
ROOM_S = 5.0
_log = logging.getLogger(__name__)


@dataclass
class Fetch:
    """`woke` is set whenever something may have changed: chunks, the manifest, the link. `stuck`:
    why the last chunk could not be written."""

    station: Station
    executor: Executor
    receiver: Receiver
    transfer: str
    grant: str
    feed: str
    woke: Signal = field(default_factory=Signal)
    incoming: Incoming | None = None
    stuck: FileError | None = None
    pace: Pace = field(default_factory=Pace)

    async def run(self) -> None:
        """Returns when the file has its name, or is not wanted any more. Raises FileError,
        GrantEnded: it never will."""
        found = await self._manifest()
        if found is None:
            return
        plan, done = found
        incoming = self.incoming = Incoming(plan)
        source: Source = feed_owner(self.feed), bytes.fromhex(plan.sha256)
        try:
            await self._patiently(partial(incoming.open, done))
            self.receiver.add(source, self, incoming)
            flushing = asyncio.create_task(self._flush(incoming))
            try:
                await self._chunks(incoming)
            finally:
                flushing.cancel()
                with suppress(asyncio.CancelledError):
                    await flushing
            await self._patiently(incoming.finish)
            await self.station.write(partial(transfers.finished, transfer=self.transfer))
        finally:
            self.receiver.remove(source, self)
            incoming.close()

    def came(self, error: FileError | None) -> None:
        """Chunks were written, or could not be. In the event loop."""
        self.stuck = error or self.stuck
        if self.incoming is not None:
            self.pace.saw(asyncio.get_running_loop().time(), self.incoming.done)
        self.woke.set()

    # --- what is asked for ---

    async def _manifest(self) -> tuple[Plan, int] | None:
        """None: it ended before it was begun."""
        silence_s, ask_at_s, link = SILENCE_S, 0.0, self.station.linked_ms
        while True:
            ticket = self.woke.ticket()
            row = await self.station.read(partial(transfers.find, transfer=self.transfer))
            if row.state not in transfers.ALIVE:
                return None
            if row.manifest is not None:
                return transfers.plan_of(row), row.done
            if link != self.station.linked_ms:
                link, silence_s, ask_at_s = self.station.linked_ms, SILENCE_S, 0.0
            now_s = asyncio.get_running_loop().time()
            if now_s >= ask_at_s:
                await self._ask(0, 0)
                ask_at_s = now_s + silence_s
                silence_s = min(silence_s * 2, SILENCE_CAP_S)
            await wait(ticket, max(0.01, ask_at_s - now_s))

    async def _chunks(self, incoming: Incoming) -> None:
        """Until all are written. Silence counts from the last chunk: `woke` is set for other
        reasons too."""
        chunks, asked, seen = incoming.plan.chunks, incoming.done, incoming.done
        silence_s, link, now_s = SILENCE_S, self.station.linked_ms, asyncio.get_running_loop().time
        last_s = now_s()
        while incoming.done < chunks:
            ticket = self.woke.ticket()
            if incoming.done > seen:
                seen, last_s, silence_s = incoming.done, now_s(), SILENCE_S
            elif now_s() - last_s >= silence_s:
                asked, last_s = incoming.done, now_s()
                silence_s = min(silence_s * 2, SILENCE_CAP_S)
            if self.stuck is not None:
                await self._wait_for_room(self.stuck)
                self.stuck, asked = None, incoming.done
            if self.station.linked_ms != link:
                link, silence_s, asked = self.station.linked_ms, SILENCE_S, incoming.done
                last_s = now_s()
            while asked < chunks and asked - incoming.done <= WINDOW - ASK_CHUNKS:
                count = min(ASK_CHUNKS, chunks - asked)
                await self._ask(asked, count)
                asked += count
            await wait(ticket, max(0.01, last_s + silence_s - now_s()))

    async def _ask(self, first: int, count: int) -> None:
        """Raises GrantEnded; StoreError."""
        await self.station.write(partial(_ask, self.transfer, first, count))

    # --- the disk ---

    async def _patiently(self, call: Callable[[], None]) -> None:
        """A full disk is waited for."""
        while True:
            try:
                return await self._in_thread(call)
            except FileDiskFull as error:
                await self._wait_for_room(error)

    async def _wait_for_room(self, error: FileError) -> None:
        """Raises what waiting does not mend."""
        if not isinstance(error, FileDiskFull):
            raise error
        _log.warning("%s", error)
        await self._note(error.code)
        await asyncio.sleep(ROOM_S)

    async def _flush(self, incoming: Incoming) -> None:
        noted = incoming.done
        while True:
            ticket = self.woke.ticket()
            if incoming.done - noted < FLUSH_CHUNKS:
                await ticket.wait()
                continue
            try:
                noted = await self._in_thread(incoming.flush)
                job = partial(transfers.came, transfer=self.transfer, done=noted)
                await self.station.write(job)
            except FileError as error:
                self.came(error)
            except StoreError as error:
                _log.error("%s", error)  # the file goes on; it is noted with the next ones

    async def _note(self, code: str) -> None:
        await self.station.write(partial(transfers.note, transfer=self.transfer, error=code))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


def _ask(transfer: str, first: int, count: int, tx: Tx) -> None:
    """No grant, no asking; that the provider cannot be written to now is only noted."""
    row = transfers.find(tx.conn, transfer)
    transfers.check_granted(tx, row.grant)
    body = FileAsk(
        grant=row.grant,
        purpose=grants_held.terms_of(grants_held.row(tx, row.grant)).purpose,
        feed=row.feed,
        name=row.name,
        file=bytes.fromhex(row.sha256),
        first=first,
        count=count,
    )
    try:
        # The first ask of a transfer stands in both journals (art. 24).
        send(tx, feed_owner(row.feed), body, flow=None if count else row.grant)
    except OrtooError as error:
        transfers.note(tx, transfer, error=error.code)

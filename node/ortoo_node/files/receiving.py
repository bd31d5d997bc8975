"""The short way of chunks: from the broker into the file, past the writer, the store, the journal.

A chunk is verified and opened step by step as any letter (core/verify.py); what fails there, or
is not what its manifest promised, goes the ordinary way after all and is refused and set aside
there, by its name. That nothing is remembered of a chunk is safe: it may come twice and fills the
same place with the same bytes, and one that nobody here waits for is nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Protocol

from ortoo_node.files.incoming import Incoming
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import EnvelopeKind, FileError, FileUnfit, OrtooError
from ortoo_protocol.core.files import FileChunk
from ortoo_protocol.core.verify import Opened, as_body, check_addressee, open_content, verify
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.inbox import content_key

Source = tuple[str, bytes]  # who serves it, and its SHA-256


class Waiting(Protocol):
    """Who waits for a file."""

    def came(self, error: FileError | None) -> None:
        """Chunks were written, or could not be. In the event loop."""


Waiters = tuple[tuple[Waiting, Incoming], ...]


@dataclass
class Moved:
    """What a batch did: whose files grew or could not be written, which messages are refused."""

    grown: list[Waiting] = field(default_factory=list)
    stuck: list[tuple[Waiting, FileError]] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)


@dataclass
class Receiver:
    """The table of who waits for what is replaced as a whole: threads read it as it was."""

    parts: Parts
    executor: Executor
    _waiting: Mapping[Source, Waiters] = field(default_factory=dict)

    def add(self, source: Source, waiting: Waiting, incoming: Incoming) -> None:
        waiters = (*self._waiting.get(source, ()), (waiting, incoming))
        self._waiting = {**self._waiting, source: waiters}

    def remove(self, source: Source, waiting: Waiting) -> None:
        left = tuple(pair for pair in self._waiting.get(source, ()) if pair[0] is not waiting)
        rest = {known: pairs for known, pairs in self._waiting.items() if known != source}
        self._waiting = {**rest, source: left} if left else rest

    async def take(self, raws: Sequence[bytes]) -> Collection[int]:
        """As `context.Swift`."""
        loop = asyncio.get_running_loop()
        moved = await loop.run_in_executor(self.executor, self._take, raws)
        for waiting in moved.grown:
            waiting.came(None)
        for waiting, error in moved.stuck:
            waiting.came(error)
        return moved.refused

    def _take(self, raws: Sequence[bytes]) -> Moved:
        """In a thread."""
        moved, waiting = Moved(), self._waiting
        for place, raw in enumerate(raws):
            try:
                opened = _open(self.parts, raw)
                for waiter, incoming in _wanting(opened, waiting):
                    _put(waiter, incoming, opened, moved)
            except OrtooError:
                moved.refused.add(place)
        return moved

    def on_chunk(self, _tx: Tx, opened: Opened[Shape]) -> None:
        """A chunk that came the ordinary way: refused by name, or late and of no use."""
        _wanting(as_body(opened, FileChunk), self._waiting)


def _open(parts: Parts, raw: bytes) -> Opened[FileChunk]:
    trust, now_ms = parts.trust.current, parts.clock()
    trust.check_live(now_ms)
    message = verify(
        raw, suites=parts.suites, plane=parts.identity.plane, keys=trust, now_ms=now_ms
    )
    check_addressee(message, parts.identity.party)
    if message.kind.shape is not FileChunk:  # the routing key said so, and no one signs that
        raise EnvelopeKind(kind=message.kind.name, detail="not a chunk of a file")
    return as_body(open_content(message, lambda header: content_key(parts, header)), FileChunk)


def _wanting(opened: Opened[FileChunk], waiting: Mapping[Source, Waiters]) -> Waiters:
    """Those who wait for this chunk, of this sender. Raises FileUnfit: it is none of that file."""
    body = opened.body
    wanting = waiting.get((opened.header.sender, body.file), ())
    for _, incoming in wanting:
        data = opened.rows[0] if len(opened.rows) == 1 else b""
        if not incoming.fits(body.index, data):
            raise FileUnfit(file=incoming.plan.name, detail=f"chunk {body.index}")
    return wanting


def _put(waiter: Waiting, incoming: Incoming, opened: Opened[FileChunk], moved: Moved) -> None:
    try:
        if incoming.put(opened.body.index, opened.rows[0]) and waiter not in moved.grown:
            moved.grown.append(waiter)
    except FileError as error:
        moved.stuck.append((waiter, error))

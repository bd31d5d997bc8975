"""Events of a resource: taken from any number of callers, durable when their call returns.

Calls that come while a commit is under way share the next one, and pass the gate together. The
sealing into items is the engine's (station/event_feed.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ortoo_node import views
from ortoo_node.publishing.gate import Chunk, Gate, Reject
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.feeds import EVENT_COLUMNS, TableSchema
from ortoo_protocol.core.row_codec import upsert_part
from ortoo_protocol.station import event_feed
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station

LOOK_AGAIN_MS = 1_000  # how long an entry and its rules are taken as they were
MOST_A_COMMIT = 5_000
_PLACE = len(EVENT_COLUMNS) - 1


@dataclass(frozen=True)
class Door:
    """What events of a resource have to pass, as it was looked up at `since_ms`."""

    entry: Entry
    schema: TableSchema
    gate: Gate
    since_ms: int


Also = Callable[[int, Sequence[Reject], Tx], None]


@dataclass(frozen=True)
class _Call:
    """`also` is done in the transaction of its rows, with what is answered."""

    rows: Sequence[Sequence[object]]
    answer: asyncio.Future[tuple[int, Sequence[Reject]]]
    also: Also | None


@dataclass
class Events:
    """`look`: how the door of a resource is found. Raises whatever that raises."""

    station: Station
    look: Callable[[str], Awaitable[Door]]
    _doors: dict[str, Door] = field(default_factory=dict)
    _waiting: dict[str, list[_Call]] = field(default_factory=dict)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def append(
        self, resource: str, rows: Sequence[Sequence[object]], also: Also | None = None
    ) -> tuple[int, Sequence[Reject]]:
        """How many of `rows` (in the order of the entry's items) are durable now, and why others
        are not; their numbers count from 1."""
        answer: asyncio.Future[tuple[int, Sequence[Reject]]] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting.setdefault(resource, []).append(_Call(rows, answer, also))
        if resource not in self._busy:
            self._busy[resource] = asyncio.create_task(self._work(resource))
        return await answer

    async def _work(self, resource: str) -> None:
        """Until nobody waits. What goes wrong is told to those it went wrong for."""
        try:
            while waiting := self._waiting.pop(resource, None):
                calls = _first(waiting)
                if rest := waiting[len(calls) :]:
                    self._waiting[resource] = rest
                try:
                    await self._commit(resource, calls)
                except BaseException as error:
                    for call in calls:
                        if not call.answer.done():
                            call.answer.set_exception(error)
                    if not isinstance(error, Exception):
                        raise
        finally:
            del self._busy[resource]

    async def _commit(self, resource: str, calls: Sequence[_Call]) -> None:
        door = await self._door(resource)
        given: list[Sequence[object]] = []
        owners: list[int] = []
        for number, call in enumerate(calls):
            for row in call.rows:
                given.append((0, len(given), *row))
                owners.append(number)
        chunk = door.gate.take(given, 1)
        answers = _answers(calls, owners, chunk)
        await self.station.write(partial(_append, door, chunk, calls, answers))
        for call, answer in zip(calls, answers, strict=True):
            if not call.answer.done():
                call.answer.set_result(answer)

    async def _door(self, resource: str) -> Door:
        door, now_ms = self._doors.get(resource), self.station.parts.clock()
        if door is None or not 0 <= now_ms - door.since_ms < LOOK_AGAIN_MS:
            door = self._doors[resource] = await self.look(resource)
        return door


def _first(calls: Sequence[_Call]) -> Sequence[_Call]:
    """As many calls as a commit should hold, at least one."""
    rows, taken = 0, 0
    for call in calls:
        rows += len(call.rows)
        if taken and rows > MOST_A_COMMIT:
            break
        taken += 1
    return calls[:taken]


def _firsts(calls: Sequence[_Call]) -> list[int]:
    """The number before the first row of each call."""
    found, at = [], 0
    for call in calls:
        found.append(at)
        at += len(call.rows)
    return found


def _answers(
    calls: Sequence[_Call], owners: Sequence[int], chunk: Chunk
) -> list[tuple[int, Sequence[Reject]]]:
    taken = [0] * len(calls)
    refused: list[list[Reject]] = [[] for _ in calls]
    firsts = _firsts(calls)
    for row in chunk.rows:
        place = row[_PLACE]
        if isinstance(place, int):
            taken[owners[place]] += 1
    for reject in chunk.rejects:
        owner = owners[reject.number - 1]
        own = reject.number - firsts[owner]
        refused[owner].append(Reject(own, None, reject.column, reject.code, reject.detail))
    return list(zip(taken, refused, strict=True))


def _append(
    door: Door,
    chunk: Chunk,
    calls: Sequence[_Call],
    answers: Sequence[tuple[int, Sequence[Reject]]],
    tx: Tx,
) -> None:
    """To the resource's feed and to its views."""
    own = len(EVENT_COLUMNS)
    parts = [upsert_part(row[own:]) for row in chunk.rows]
    event_feed.append(tx, door.entry.feed, parts)
    for view in views.of_resource(tx.conn, door.entry.code):
        views.follow_events(tx, view, door.schema, chunk.rows)
    for call, (taken, rejects) in zip(calls, answers, strict=True):
        if call.also is not None:
            call.also(taken, rejects, tx)

"""The short road of calls (route quick): what somebody waits for, and nobody keeps for him.

A call may be lost anywhere: who asks says so again until he is answered or his time is over. So
the broker writes nothing down, confirms nothing and is owed no acknowledgement. What is plainly in
order is verified and opened in the event loop. An answer goes at once to whoever waits for it; what
asks goes to its kind's handler in the next transaction, together with what came beside it. All else
goes through `inbox.accept`, which alone says what is wrong with a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from ortoo_protocol.bus.port import Delivery
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import OrtooError, StoreError
from ortoo_protocol.core.messages import Route
from ortoo_protocol.core.verify import Opened, check_addressee, open_content, verify
from ortoo_protocol.station import inbox
from ortoo_protocol.station.context import Parts, Signal, Tx
from ortoo_protocol.station.database import Database
from ortoo_protocol.station.store.failures import store_failure

# Begun and not yet on disk: transactions, and bytes in them. After that, what comes waits.
MOST_OPEN = 32
MOST_OPEN_BYTES = 16 << 20
# What is longer is no ordinary call, and would hold up the event loop.
MOST_PLAIN_BYTES = 128 << 10
_log = logging.getLogger(__name__)


class _Came(NamedTuple):
    """`opened` None: not plainly in order. `via`: who brought it to the broker."""

    opened: Opened[Shape] | None
    raw: bytes
    via: str


@dataclass
class Calls:
    """For the event loop."""

    database: Database
    parts: Parts
    _begun: int = 0
    _begun_bytes: int = 0
    _ended: Signal = field(default_factory=Signal)

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Returns when these are answered, or on their way into a transaction."""
        rest = [came for came in map(self._open, deliveries) if not self._answered(came)]
        if not rest:
            return
        size_bytes = sum(len(came.raw) for came in rest)
        while self._begun and not self._has_room(size_bytes):
            await self._ended.ticket().wait()
        self._begun += 1
        self._begun_bytes += size_bytes
        job = self.database.start(partial(_handle, rest))
        job.add_done_callback(partial(self._done, size_bytes))

    def _has_room(self, size_bytes: int) -> bool:
        return self._begun < MOST_OPEN and self._begun_bytes + size_bytes <= MOST_OPEN_BYTES

    def _open(self, delivery: Delivery) -> _Came:
        via = delivery.routing_key.partition(".")[0]
        return _Came(_plainly(self.parts, delivery.body), delivery.body, via)

    def _answered(self, came: _Came) -> bool:
        """Whether it was an answer, and taken."""
        opened = came.opened
        take = None if opened is None else self.parts.hooks.answers.get(opened.header.kind)
        if opened is None or take is None:
            return False
        try:
            take(opened)
        except OrtooError:
            return False
        return True

    def _done(self, size_bytes: int, job: asyncio.Future[None]) -> None:
        self._begun -= 1
        self._begun_bytes -= size_bytes
        self._ended.set()
        if not job.cancelled() and (error := job.exception()) is not None:
            # A store that cannot keep them (StoreError) is no reason to stop: they are asked again.
            _log.error("calls were lost: %s", error)


def _plainly(parts: Parts, raw: bytes) -> Opened[Shape] | None:
    """None: something about it is not as it should be, or not yet."""
    if len(raw) > MOST_PLAIN_BYTES:
        return None
    now_ms, trust = parts.clock(), parts.trust.current
    try:
        message = verify(
            raw, suites=parts.suites, plane=parts.identity.plane, keys=trust, now_ms=now_ms
        )
        header = message.header
        check_addressee(message, parts.identity.party)
        if message.kind.route is not Route.QUICK:  # the routing key said so, and no one signs that
            return None
        if header.directory_version > trust.directory_version:
            return None
        trust.check_live(now_ms)
        opened = open_content(message, lambda header: inbox.content_key(parts, header))
    except OrtooError:
        return None
    parts.watch.heard(header.sender, header.created_ms)
    if header.causation is not None:
        parts.watch.answered(header.sender, header.causation, header.created_ms)
    return opened


def _handle(came: Sequence[_Came], tx: Tx) -> None:
    for opened, raw, via in came:
        if opened is None or not _handled(tx, opened):
            inbox.accept(tx, raw, via)


def _handled(tx: Tx, opened: Opened[Shape]) -> bool:
    handler = tx.parts.hooks.handlers.get(opened.header.kind)
    if handler is None:
        return False
    try:
        with tx.attempt():
            handler(tx, opened)
    except Exception as error:  # whatever it is: `inbox.accept` meets it again, and names it
        if isinstance(store_failure(error), StoreError):
            raise
        return False
    return True

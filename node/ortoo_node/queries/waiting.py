"""Asks that wait for their answer: sent, sent again while nothing comes, given up in time.

Until the first page is there the same bytes are sent again (the provider counts them once); at once
on a link that is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ortoo_node.queries.question import TIMEOUT_S, WINDOW
from ortoo_protocol.core import messages
from ortoo_protocol.core.errors import OrtooError, QuerySilent, QueryUnlinked
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import QueryAsk, QueryDescribe, QueryPage, QuerySignature
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station.context import Parts, Pen, Post, Signal, wait
from ortoo_protocol.station.pumps import Wire
from ortoo_protocol.station.sending import letter

AGAIN_S, AGAIN_CAP_S, LOOK_S = 2.0, 10.0, 0.25


@dataclass
class Waiting:
    """One ask that waits. The writer's thread looks at `provider` alone; the rest is the event
    loop's."""

    ask: str
    provider: str
    grant: str
    case: str
    raw: Post
    begun: float
    timeout_s: float = TIMEOUT_S
    window: int = WINDOW
    first: QueryPage | None = None
    got: dict[int, tuple[QueryPage, tuple[bytes, ...]]] = field(default_factory=dict)
    described: tuple[QuerySignature, ...] | None = None
    error: OrtooError | None = None
    some: Signal = field(default_factory=Signal)

    def fail(self, error: OrtooError) -> None:
        self.error = error
        self.some.set()


@dataclass(frozen=True)
class Asks:
    """Those of this station, by the ask's id; `waiting` is also where answers are brought."""

    parts: Parts
    wire: Wire
    waiting: dict[str, Waiting]

    def send(
        self, pen: Pen, body: QueryAsk | QueryDescribe, terms: GrantTerms
    ) -> tuple[Waiting, Message]:
        """Send it, and wait for what comes; until `forget`."""
        kind, provider = messages.kind_of(body), terms.provider
        message, ready = letter(pen, provider, body, kind=kind, case=terms.case)
        waiting = Waiting(body.ask, provider, terms.grant, terms.case, ready, time.monotonic())
        self.waiting[body.ask] = waiting
        self.parts.watch.sent(message.header.id)
        self.parts.post(ready)
        return waiting, message

    def forget(self, waiting: Waiting) -> None:
        self.waiting.pop(waiting.ask, None)

    def repeat(self, waiting: Waiting) -> None:
        """The very same bytes."""
        self.parts.post(waiting.raw)

    async def until(
        self, waiting: Waiting, there: Callable[[], bool], again: Callable[[], None]
    ) -> None:
        """Until `there`; meanwhile `again`, now and then. Raises QuerySilent, QueryUnlinked, and
        what `waiting` failed with."""
        times = Again(self.wire)
        end = time.monotonic() + waiting.timeout_s
        while not there():
            ticket = waiting.some.ticket()
            if waiting.error is not None:
                raise waiting.error
            if time.monotonic() > end:
                if self.wire.link is None and waiting.provider != self.parts.identity.party:
                    raise QueryUnlinked()
                raise QuerySilent(provider=waiting.provider, timeout_s=waiting.timeout_s)
            if times.due():
                again()
            await wait(ticket, LOOK_S)


class Again:
    """When to send once more: after a while, doubling; at once on a link that is new."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._link = wire, wire.link
        self._after_s = AGAIN_S
        self._at = time.monotonic() + AGAIN_S

    def due(self) -> bool:
        link, now = self._wire.link, time.monotonic()
        if link is not None and link is not self._link:
            self._link = link
            return True
        if now < self._at:
            return False
        self._after_s = min(self._after_s * 2, AGAIN_CAP_S)
        self._at = now + self._after_s
        return True

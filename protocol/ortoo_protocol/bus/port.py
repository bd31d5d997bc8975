"""The port to the broker: what a station or hub may ask of it, and nothing else.

The broker is a fast road and may lose anything. What must arrive waits in the sender's outbox until
the recipient's signed receipt; a confirm here says only that the broker has it. Nobody declares or
binds through this port: the hub programs the broker through its own.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

MOST_WAITING_BYTES = 32 << 20


class Outcome(enum.Enum):
    """What became of one publish."""

    CONFIRMED = "confirmed"
    UNROUTABLE = "unroutable"
    """Mandatory and bound to no queue, or its exchange is not there: the broker kept nothing."""
    REFUSED = "refused"
    """A queue is full. On a fan-out, others may have taken it all the same."""
    UNKNOWN = "unknown"
    """No answer in time, link lost, or alarm: it may still be delivered. Publish the same again."""


@dataclass(frozen=True)
class Delivery:
    """One message handed to this party; `tag` has a meaning only to its consumer."""

    queue: str
    routing_key: str
    body: bytes = field(repr=False)
    redelivered: bool
    tag: int


class Consumer(Protocol):
    """One queue being read. For one task; when it raises BusLost it is of no further use."""

    async def receive(self, limit: int) -> list[Delivery]:
        """Wait for at least one message and return those at hand, at most `limit`.

        Raises BusLost: the link broke, or the broker ended the consumer (its queue was deleted).
        What was handed out and not settled comes again.
        """
        ...

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker to forget these; only after the station's commit.

        Settling one twice does nothing. Raises BusLost: they come again.
        """
        ...

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give these back to the queue, perhaps not to their old places. Raises BusLost."""
        ...

    async def close(self) -> None:
        """Stop reading; what is unsettled goes back to the queue."""
        ...


class Link(Protocol):
    """One live attachment. Publishing, consuming, bulk and calls do not wait for each other."""

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, *, mandatory: bool, timeout_s: float
    ) -> Outcome:
        """Publish one durable message and wait for the broker's answer.

        Many may be awaited at once: confirms pipeline. Raises BusForbidden: the user may not
        write this routing key or exchange; publishing again does not help.
        """
        ...

    def cast(self, exchange: str, routing_key: str, body: bytes) -> None:
        """Send one message at once and never hear of it again: it may be lost, on the way or by
        a broker that restarts, and what is forbidden is lost too. For what is made anew when
        nobody answers.
        """
        ...

    async def consume(self, queue: str, *, prefetch: int, settled: bool = False) -> Consumer:
        """Read `queue`, with at most `prefetch` messages unsettled.

        `settled`: the broker forgets each as it hands it out; of what waits here for `receive`,
        more than MOST_WAITING_BYTES are dropped. For queues whose messages may be lost.

        Raises BusForbidden, BusMissing (no such queue yet), BusLost.
        """
        ...

    def blocked(self) -> bool:
        """Whether the broker stopped publishers (disk or memory alarm).

        Pause the outbox pump and keep the link: reconnecting does not help. The broker says so
        only to who publishes, so the first publish of an alarm ends UNKNOWN.
        """
        ...

    async def wait_lost(self) -> None:
        """Return when any of its connections is gone, or it was closed."""
        ...

    async def close(self) -> None: ...


class Bus(Protocol):
    async def connect(self) -> Link:
        """Raises BusUnreachable, BusTlsRefused, BusLoginRefused."""
        ...

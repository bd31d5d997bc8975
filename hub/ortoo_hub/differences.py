"""The first difference (首个差异) between a publisher and a reader of a feed, by halving.

Both prove ever shorter ranges, log n of them; each asks for a hash and no item. What is left is one
number, and who has an item there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ortoo_protocol.core.feeds import ProofAnswer
from ortoo_protocol.i18n import mark

SENT_NOT_RECEIVED = mark("sent-not-received")
RECEIVED_NOT_SENT = mark("received-not-sent")
DIFFERING = mark("differing")

# (parties, incarnation, first, last) to what each signed; who is silent is left out.
Ask = Callable[[tuple[str, ...], int, int, int], Awaitable[Mapping[str, ProofAnswer]]]


@dataclass(frozen=True)
class Difference:
    """`number`: the first item in which they differ."""

    kind: str
    number: int


class Silent(Exception):
    """A party stopped answering; the search is begun anew another time."""


@dataclass(frozen=True)
class Pair:
    """`ask` puts the question to both."""

    publisher: str
    reader: str
    incarnation: int
    ask: Ask

    async def first_difference(self, first: int, last: int) -> Difference | None:
        """Within these numbers, both included; None: they hold the same. Raises Silent."""
        if last < first or _same(*await self._both(first, last)):
            return None
        low, high = first, last
        while low < high:
            middle = (low + high) // 2
            if _same(*await self._both(low, middle)):
                low = middle + 1
            else:
                high = middle
        sent, received = await self._both(low, low)
        if not received.count:
            return Difference(SENT_NOT_RECEIVED, low)
        return Difference(DIFFERING if sent.count else RECEIVED_NOT_SENT, low)

    async def _both(self, first: int, last: int) -> tuple[ProofAnswer, ProofAnswer]:
        parties = (self.publisher, self.reader)
        found = await self.ask(parties, self.incarnation, first, last)
        if found.keys() != set(parties):
            raise Silent()
        return found[self.publisher], found[self.reader]


def _same(one: ProofAnswer, other: ProofAnswer) -> bool:
    return (one.count, one.root) == (other.count, other.root)

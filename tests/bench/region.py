"""The region of a bench: that of the tests, as wide as the bench needs it."""

from __future__ import annotations

from msgspec.structs import replace

from ortoo_protocol.core.announcement import Announcement, WrapKeyEntry
from ortoo_protocol.core.directory import DAY_MS
from ortoo_protocol.core.grants import GrantTerms
from tests.support.stations import terms
from tests.support.trust import DEPARTMENTS, HUB, Region


class WideRegion(Region):
    """Any number of stations; those the tests do not know announce no department."""

    def __init__(self, parties: tuple[str, ...]) -> None:
        super().__init__(parties=(HUB, *parties))

    def announcement(self, party: str, number: int = 1, epoch: int = 1) -> Announcement:
        if party in DEPARTMENTS:
            return super().announcement(party, number, epoch)
        key = WrapKeyEntry(
            suite=self.suite.number,
            public=self.suite.wrap_public(self.wrap_seed(party, epoch)),
            from_ms=self.now_ms,
            until_ms=self.now_ms + 60 * DAY_MS,
        )
        return Announcement(
            party=party,
            number=number,
            time_ms=self.now_ms,
            wrap_keys=(key,),
            departments=(),
            contact="",
        )


def readers(count: int) -> tuple[str, ...]:
    """Ids of `count` stations beside the pair of the benches."""
    return tuple(f"s15{number:04d}" for number in range(1, count + 1))


def agreed(
    provider: str, reader: str, feed: str, number: int, resource: str = "3/001"
) -> GrantTerms:
    """A grant of the whole feed; readers that announce no department borrow a name."""
    known = reader if reader in DEPARTMENTS else "s150200"
    given = terms(provider, known, feed, number)
    return replace(given, reader=reader, resource=resource)

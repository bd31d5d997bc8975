"""The region of a bench: that of the tests, as wide as the bench needs it."""

from __future__ import annotations

from ortoo_protocol.core.announcement import Announcement, DepartmentEntry, WrapKeyEntry
from ortoo_protocol.core.directory import DAY_MS
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
        code, name = DEPARTMENTS["s150200"]
        return Announcement(
            party=party,
            number=number,
            time_ms=self.now_ms,
            wrap_keys=(key,),
            departments=(DepartmentEntry(code=code, name=name),),
            contact="",
        )


def readers(count: int) -> tuple[str, ...]:
    """Ids of `count` stations beside the pair of the benches."""
    return tuple(f"s15{number:04d}" for number in range(1, count + 1))

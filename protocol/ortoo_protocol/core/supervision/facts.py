"""Facts (情况): one table of what is counted, and shares of it. A fact that cannot be told at a
place is left out there, never zero."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Facts = Mapping[str, int]


@dataclass(frozen=True, order=True)
class Subject:
    """Who is supervised: a department (credit code) of a station; a league, with none."""

    party: str
    department: str = ""

    def __str__(self) -> str:
        return f"{self.party}/{self.department}" if self.department else self.party


@dataclass(frozen=True)
class Period:
    """From `from_ms` up to and without `until_ms`."""

    from_ms: int
    until_ms: int

    def has(self, time_ms: int) -> bool:
        return self.from_ms <= time_ms < self.until_ms


class Unit(enum.Enum):
    COUNT = "count"
    PERMILLE = "permille"
    MS = "ms"
    BYTES = "bytes"


@dataclass(frozen=True)
class Fact:
    """`period`: counted over the period; else as things stand when asked."""

    name: str
    group: str
    unit: Unit = Unit.COUNT
    period: bool = False


CATALOG, ANSWERING, ASKING = "catalog", "answering", "asking"
SUPPLY, QUALITY, DUTIES = "supply", "quality", "duties"
GROUPS = (CATALOG, ANSWERING, ASKING, SUPPLY, QUALITY, DUTIES)

_P = Unit.PERMILLE

FACTS: tuple[Fact, ...] = (
    Fact("entries", CATALOG),
    Fact("items", CATALOG),
    Fact("shareable", CATALOG),
    Fact("unconditional", CATALOG),
    Fact("conditional", CATALOG),
    Fact("not_shared", CATALOG),
    Fact("supplied", CATALOG),
    Fact("coverage_permille", CATALOG, _P),
    Fact("promised", CATALOG),
    Fact("fresh", CATALOG),
    Fact("stale", CATALOG),
    Fact("never", CATALOG),
    Fact("fresh_permille", CATALOG, _P),
    Fact("changes_due", CATALOG, period=True),
    Fact("changes_late", CATALOG, period=True),
    Fact("asked", ANSWERING, period=True),
    Fact("granted", ANSWERING, period=True),
    Fact("refused", ANSWERING, period=True),
    Fact("withdrawn", ANSWERING, period=True),
    Fact("waiting", ANSWERING, period=True),
    Fact("decided", ANSWERING, period=True),
    Fact("answers_late", ANSWERING, period=True),
    Fact("answers_in_time", ANSWERING, period=True),
    Fact("answers_due", ANSWERING, period=True),
    Fact("answer_median_ms", ANSWERING, Unit.MS, period=True),
    Fact("answer_p90_ms", ANSWERING, Unit.MS, period=True),
    Fact("late_permille", ANSWERING, _P, period=True),
    Fact("granted_permille", ANSWERING, _P, period=True),
    Fact("applied", ASKING, period=True),
    Fact("applied_granted", ASKING, period=True),
    Fact("applied_refused", ASKING, period=True),
    Fact("grants_given", SUPPLY),
    Fact("grants_held", SUPPLY),
    Fact("feeds_supplied", SUPPLY),
    Fact("feeds_read", SUPPLY),
    Fact("rows_published", SUPPLY),
    Fact("rows_applied", SUPPLY),
    Fact("queries_answered", SUPPLY, period=True),
    Fact("queries_asked", SUPPLY, period=True),
    Fact("query_rows", SUPPLY, period=True),
    Fact("files_fetched", SUPPLY, period=True),
    Fact("file_bytes", SUPPLY, Unit.BYTES, period=True),
    Fact("unfiled_ends", SUPPLY, period=True),
    Fact("suspensions", SUPPLY, period=True),
    Fact("corrections_received", QUALITY, period=True),
    Fact("corrections_open", QUALITY, period=True),
    Fact("corrections_late", QUALITY, period=True),
    Fact("corrections_due", QUALITY, period=True),
    Fact("corrections_in_time", QUALITY, period=True),
    Fact("tasks", QUALITY, period=True),
    Fact("tasks_settled", QUALITY, period=True),
    Fact("tasks_late", QUALITY, period=True),
    Fact("contacts", DUTIES),
    Fact("contacts_current", DUTIES),
    Fact("submissions_due", DUTIES, period=True),
    Fact("submissions_in_time", DUTIES, period=True),
    Fact("notices", DUTIES, period=True),
    Fact("notices_due", DUTIES, period=True),
    Fact("notices_mended", DUTIES, period=True),
    Fact("leads_confirmed", DUTIES, period=True),
)  # fmt: skip
BY_NAME: Mapping[str, Fact] = MappingProxyType({each.name: each for each in FACTS})

# Shares, once both figures are known and there is something to share.
SHARES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "coverage_permille": ("supplied", "shareable"),
        "fresh_permille": ("fresh", "promised"),
        "late_permille": ("answers_late", "answers_due"),
        "granted_permille": ("granted", "decided"),
    }
)


def permille(part: int, whole: int) -> int:
    """Rounded half up, so that two programs say the same."""
    return (2_000 * part + whole) // (2 * whole)


def with_shares(facts: Facts) -> dict[str, int]:
    """`facts` and the shares that can be told, in the order of FACTS. Unknown names are a mistake
    of the caller: KeyError."""
    found = dict(facts)
    for name, (part, whole) in SHARES.items():
        if found.get(whole) and part in found:
            found[name] = permille(found[part], found[whole])
    return {name: found[name] for name in sorted(found, key=_PLACE.__getitem__)}


_PLACE = {each.name: place for place, each in enumerate(FACTS)}


def summed(several: list[Facts]) -> dict[str, int]:
    """The whole of several subjects: counts are added, shares made anew; times cannot be."""
    whole: dict[str, int] = {}
    for facts in several:
        for name, value in facts.items():
            if BY_NAME[name].unit in (Unit.COUNT, Unit.BYTES):
                whole[name] = whole.get(name, 0) + value
    return with_shares(whole)

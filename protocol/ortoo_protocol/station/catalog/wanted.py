"""What a search of the catalog asks for, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from ortoo_protocol.core.catalog.elements import mode_named
from ortoo_protocol.core.catalog.freshness import STATES
from ortoo_protocol.core.errors import CatalogQuery
from ortoo_protocol.core.search.document import label
from ortoo_protocol.core.search.words import Term

MAX_PAGE = 500
MAX_OFFSET = 1_000_000
# Where words are looked for, the nearest first; each holds the one before.
NAME, ITEMS, ALL = "name", "items", "all"
FIELDS_OF = {
    NAME: ("name",),
    ITEMS: ("name", "items"),
    ALL: ("name", "items", "about", "initials"),
}


@dataclass(frozen=True)
class Filter:
    """What an entry must be; empty: anything. `league`: four digits; `department`: code or name;
    `theme`: 类 and 项, the first three of a code; `share`: 1, 2, 3 as text; `freshness`: one of
    core.catalog.freshness.STATES."""

    provider: str = ""
    league: str = ""
    department: str = ""
    kind: str = ""
    theme: str = ""
    share: str = ""
    mode: str = ""
    cycle: str = ""
    status: str = ""
    grade: str = ""
    freshness: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Filter:
        """Raises CatalogQuery for a filter that is not known, or not text."""
        known = {each.name for each in fields(cls)}
        for name, value in given.items():
            if name not in known or not isinstance(value, str):
                raise CatalogQuery(detail=f"{name}={value!r}"[:80])
        made = cls(**{name: str(value) for name, value in given.items()})
        if made.freshness and made.freshness not in STATES:
            raise CatalogQuery(detail=f"freshness={made.freshness!r}"[:80])
        return made

    def labels(self) -> tuple[str, ...]:
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        del given["freshness"]
        given["mode"] = mode_named(self.mode)
        if not self.department.isascii():
            given["department_name"] = given.pop("department")
        return tuple(label(name, value) for name, value in given.items() if value)


@dataclass(frozen=True)
class Page:
    limit: int = 50
    offset: int = 0

    def __post_init__(self) -> None:
        if not (1 <= self.limit <= MAX_PAGE and 0 <= self.offset <= MAX_OFFSET):
            raise CatalogQuery(detail=f"limit={self.limit} offset={self.offset}")


ANYTHING, FIRST = Filter(), Page()


@dataclass(frozen=True)
class Wanted:
    """Entries with all `labels`, in which all `terms` stand `within` some fields, and do not stand
    `beyond` others. `stopped`: only those, or none of them; None: whichever."""

    terms: tuple[Term, ...]
    labels: tuple[str, ...]
    within: str = ALL
    beyond: str = ""
    stopped: bool | None = None


@dataclass(frozen=True)
class Found:
    """Codes of one page in order, how many there are in all, and of those how many of each value of
    each facet (empty unless asked for): exactly where `counted` is `total`, else estimated from so
    many of them."""

    codes: tuple[str, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    counted: int = 0

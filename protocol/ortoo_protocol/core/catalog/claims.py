"""数源 claims: which resource is the one source of a datum (一数一源, art. 4), and who says so too.

Two resources collide over an item of the same name when both claim it and the division of one lies
in that of the other: each city is the source of its own residents' data, and only a claim of the
region's stands against all of theirs. The hub keeps a collision as a conflict, tells both
compilers, and a person resolves it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

from ortoo_protocol.core.catalog import divisions
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.entry import MAX_ITEMS, MAX_NAME_CHARACTERS, Entry
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CatalogField
from ortoo_protocol.core.ids import HexId, PartyId

OPEN, RESOLVED, LAPSED = "open", "resolved", "lapsed"
STATES = frozenset((OPEN, RESOLVED, LAPSED))


class Conflict(Shape, frozen=True):
    """The hub to the compiler of `resource`: `other` claims `items` too; or how that ended.

    `source`: whose data they are, as decided; empty: both keep theirs. `lapsed`: one gave way.
    """

    conflict: HexId
    resource: str
    other: str
    other_name: str
    other_provider: PartyId
    items: tuple[str, ...]
    state: str
    source: str
    reason: str
    by: str
    time_ms: Count


def check_conflict(conflict: Conflict) -> Conflict:
    if conflict.state not in STATES:
        raise CatalogField(field="state", detail=repr(conflict.state[:64]))
    if len(conflict.items) > MAX_ITEMS:
        raise CatalogField(field="items", detail=f"{len(conflict.items)} items")
    texts = (conflict.resource, conflict.other, conflict.other_name, conflict.source, conflict.by)
    for text in (*texts, *conflict.items):
        if len(text) > MAX_NAME_CHARACTERS:
            raise CatalogField(field="conflict", detail=f"{len(text)} characters")
    return conflict


def datum(name: str) -> str:
    """The name of an item as it is compared: full-width, case and spaces are no difference."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def claimed(entry: Entry) -> Mapping[str, str]:
    """Data that `entry` claims to be the source of, each with its name as it stands there."""
    if entry.status == STOPPED:
        return {}
    return {datum(item.name): item.name for item in entry.items if item.claims}


def shared(mine: Mapping[str, str], theirs: Collection[str]) -> tuple[str, ...]:
    """The names of data that both claim."""
    return tuple(sorted(name for key, name in mine.items() if key in theirs))


def collide(provider: str, other: str) -> bool:
    """Whether what two parties hold is about the same place."""
    return divisions.overlap(provider[1:], other[1:])

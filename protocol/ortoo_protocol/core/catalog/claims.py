"""数源 claims: which resource is the one source of a datum (一数一源, art. 4), and who says so too.

Two resources collide over an item of the same name when both claim it and the division of one lies
in that of the other: each city is the source of its own residents' data, and only a claim of the
region's stands against all of theirs. The hub keeps a collision as a conflict, tells both
compilers, and a person resolves it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ortoo_protocol.core.catalog import divisions
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.entry import MAX_ITEMS, MAX_NAME_CHARACTERS, Entry
from ortoo_protocol.core.catalog.names import plain
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CatalogField
from ortoo_protocol.core.ids import HexId, PartyId
from ortoo_protocol.core.law.instants import check_times

# By the name that its standard gives (GB 11643, GB 32100, GB/T 2260, GB 16735): what item names
# in catalogs call it.
_STANDARD: Mapping[str, str] = {
    "公民身份号码": "身份证号 身份证号码 居民身份证号 居民身份证号码 公民身份证号 公民身份证号码",
    "统一社会信用代码": "社会信用代码 统一信用代码 统一社会信用码",
    "行政区划代码": "行政区划编码 行政区划码 行政区代码 区划代码",
    "车辆识别代号": "车架号 车架号码 车辆识别代码 车辆识别码 vin vin码",
}
_IDENTIFIERS = {other: name for name, others in _STANDARD.items() for other in others.split()}

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
    """Raises CatalogField, CaseField."""
    check_times(conflict)
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
    """The name of an item as it is compared; what people call an identifier of a national standard
    otherwise is that identifier."""
    found = plain(name)
    return _IDENTIFIERS.get(found, found)


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

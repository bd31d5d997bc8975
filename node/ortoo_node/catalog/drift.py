"""Where a catalog entry and its source differ (漂移), and which items a source would have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ortoo_node.sources.describe import SourceColumn
from ortoo_protocol.core.catalog import Item

MISSING, NEW, TYPE, LENGTH, KEY = "missing", "new", "type", "length", "key"
# Types whose values take each other's place: what matters is whether a reader's column breaks.
_KINDS = ("CM", "INYBF", "D", "T", "L", "G")


@dataclass(frozen=True)
class Drift:
    """`kind`: an item's column is missing in the source; the source has a column that no item has;
    type, length or key are others. `entry`, `source`: what each of them says."""

    kind: str
    column: str
    entry: str
    source: str

    def view(self) -> dict[str, Any]:
        return asdict(self)


def compare(items: Sequence[Item], columns: Sequence[SourceColumn]) -> list[Drift]:
    """What differs, in the order of the items and then of the columns."""
    there = {column.name: column for column in columns}
    found: list[Drift] = []
    for item in items:
        column = there.get(item.column) or there.get(item.name)
        if column is None:
            found.append(Drift(MISSING, item.column, _shown(item.type, item.length), ""))
        else:
            found += _of_column(item, column)
    named = {item.column for item in items} | {item.name for item in items}
    found += [
        Drift(NEW, column.name, "", _shown(column.type, column.length))
        for column in columns
        if column.name not in named
    ]
    return [*found, *_key(items, columns)]


def _of_column(item: Item, column: SourceColumn) -> Iterable[Drift]:
    said, is_ = _shown(item.type, item.length), _shown(column.type, column.length)
    if column.type and _kind(item.type) != _kind(column.type):
        yield Drift(TYPE, item.column, said, is_)
    elif item.type == "C" and 0 < item.length < column.length:
        yield Drift(LENGTH, item.column, said, is_)


def _key(items: Sequence[Item], columns: Sequence[SourceColumn]) -> Iterable[Drift]:
    """Only where the source has one: a view has none."""
    is_ = {column.name for column in columns if column.key}
    said = {item.column for item in items if item.key}
    if is_ and said != is_:
        yield Drift(KEY, "", ", ".join(sorted(said)), ", ".join(sorted(is_)))


def _kind(letter: str) -> str:
    return next((kind for kind in _KINDS if letter in kind), letter)


def _shown(letter: str, length: int) -> str:
    return f"{letter}({length})" if length else letter


def proposed(columns: Sequence[SourceColumn]) -> list[dict[str, Any]]:
    """The items that an entry over these columns would have: as fields of an entry file.

    A comment of the database is the item's name; without any key the first column is one.
    """
    keyed = any(column.key for column in columns)
    names: set[str] = set()
    items: list[dict[str, Any]] = []
    for index, column in enumerate(columns):
        title = column.comment.splitlines()[0][:200] if column.comment else column.name
        name = title if title not in names else column.name
        names.add(name)
        item: dict[str, Any] = {"name": name, "column": column.name, "type": column.type or "C"}
        if column.length:
            item["length"] = column.length
        if column.key or (not keyed and index == 0):
            item["key"] = True
        items.append(item)
    return items

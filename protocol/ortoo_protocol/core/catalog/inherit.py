"""What an item has of its own, and what it has from its resource (信息项继承, art. 13)."""

from __future__ import annotations

from ortoo_protocol.core.catalog.elements import mode_named
from ortoo_protocol.core.catalog.entry import Entry, Item


def modes_of(entry: Entry, item: Item) -> tuple[str, ...]:
    """By their own names (共享方式)."""
    return tuple(dict.fromkeys(mode_named(each) for each in item.modes or entry.modes))


def condition_of(entry: Entry, item: Item) -> str:
    """共享条件; a condition of the resource holds where share types are the same."""
    if item.share_condition:
        return item.share_condition
    return entry.share_condition if item.share_type == entry.share_type else ""


def is_open(entry: Entry, item: Item) -> bool:
    """是否向社会开放."""
    return entry.open_to_society if item.open_to_society is None else item.open_to_society


def open_condition_of(entry: Entry, item: Item) -> str:
    return item.open_condition or (entry.open_condition if is_open(entry, item) else "")

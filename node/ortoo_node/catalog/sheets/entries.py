"""Entries as rows of the template: one a line of cells, by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ortoo_node.catalog.sheets.columns import COLUMNS, Column
from ortoo_node.catalog.sheets.values import Shown

Line = Mapping[Column, Shown]


def rows_of(entry: Mapping[str, Any]) -> Sequence[Line]:
    """One line for each item, the resource's cells in each; one for an entry without items."""
    own = {
        column: shown
        for column in COLUMNS
        if not column.of_item and (shown := _shown(column, entry.get(column.field))) is not None
    }
    items = entry.get("items") or [{}]
    return [{**own, **dict(_item(item))} for item in items]


def _item(item: Mapping[str, Any]) -> Iterator[tuple[Column, Shown]]:
    for column in COLUMNS:
        if column.of_item and (shown := _shown(column, item.get(column.field))) is not None:
            yield column, shown


def _shown(column: Column, value: object) -> Shown:
    """What its cell holds; None for an empty one. Of an item, what is not so is not written."""
    if value is None or value == "" or value in ([], ()):
        return None
    if column.of_item and column.field in _UNSAID and value in (0, False):
        return None
    return column.kind.show(value)


# An empty cell means exactly this: it inherits, or it is not so.
_UNSAID = frozenset(("share_type", "key", "base", "claims", "sensitive"))

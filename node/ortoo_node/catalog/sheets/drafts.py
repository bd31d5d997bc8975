"""One resource as it stands in a file: its fields, and the cells that they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ortoo_node.catalog.sheets.aliases import ITEM, RESOURCE
from ortoo_node.catalog.sheets.columns import Column, column_of
from ortoo_node.catalog.sheets.problems import Problem
from ortoo_protocol.core.errors import OrtooError


@dataclass
class Draft:
    """`fields`: as an entry file has them. `rows`: of each item; 0 where there is no cell.
    `at`: where each column of the file stands; empty for JSON, which has `path`."""

    fields: dict[str, Any] = field(default_factory=dict)
    row: int = 0
    rows: list[int] = field(default_factory=list)
    at: Mapping[Column, int] = field(default_factory=dict)
    path: str = ""

    @property
    def name(self) -> str:
        return str(self.fields.get("name", ""))

    def follows(self, field_: str, item: int | None = None) -> bool:
        """Whether a problem of a field is hidden by another of its cell: what follows from
        a cell that cannot be read is none of its own. A resource's field without a cell is."""
        return item is not None or column_of(RESOURCE, field_) in self.at

    def problem(self, error: OrtooError, field_: str, item: int | None = None) -> Problem:
        """`error` said of a field; at the resource's name where the file has no cell for it."""
        field_ = self._written(field_, item)
        column = column_of(RESOURCE if item is None else ITEM, field_)
        path = self._path(field_, item) if self.path else ""
        heading = column.heading if column is not None else field_
        if not self.at:
            return Problem(error, heading=heading, resource=self.name, path=path)
        row = self.row
        if item is not None and item < len(self.rows):
            row = self.rows[item]
        place = self.at.get(column) if column is not None else None
        if place is None:
            level = RESOURCE if item is None else ITEM
            named = column_of(level, "name")
            place = 0 if named is None else self.at.get(named, 0)
        return Problem(error, row, place, heading, self.name)

    def _written(self, field_: str, item: int | None) -> str:
        """The field whose cell says it: the name of a column is taken from the item's names where
        the file has none."""
        items = self.fields.get("items")
        if field_ != "column" or item is None or not isinstance(items, list) or not self.rows:
            return field_
        named = [name for name in ("name_en", "name") if items[item].get(name)]
        taken = [name for name in named if items[item][name] == items[item].get("column")]
        return taken[0] if taken else field_

    def _path(self, field_: str, item: int | None) -> str:
        inside = f".{field_}" if item is None else f".items[{item}].{field_}"
        return f"{self.path}{inside}" if field_ else self.path

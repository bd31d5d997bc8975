"""What a department's program pushed, as rows of a resource.

A change is ``{"upsert": {column: value, …}}`` with every column, or ``{"delete": {key column:
value, …}}``; an event is ``{column: value, …}``. Of several changes of one key the last decides.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ortoo_node.publishing.gate import Gate, Reject
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.errors import ApiRow, OrtooError, RowsError
from ortoo_protocol.core.feeds import Column, TableSchema

CHANGES_AT_ONCE = 4_096
MOST_TOLD = 1_000


@dataclass(frozen=True)
class Wrong:
    """Why the value at place `row` of the body, from 0, was not taken; None: which is not known."""

    row: int | None
    code: str
    column: str
    detail: str


@dataclass
class Tally:
    """What became of a body. Of the rejects the first `MOST_TOLD` are told."""

    accepted: int = 0
    rejected: int = 0
    told: list[Wrong] = field(default_factory=list)

    def refuse(self, wrongs: Iterable[Wrong]) -> None:
        for wrong in wrongs:
            self.rejected += 1
            if len(self.told) < MOST_TOLD:
                self.told.append(wrong)


@dataclass
class Batch:
    """Changes with no key twice; `places` of upserts and of deletes in the body."""

    upserts: list[Sequence[object]] = field(default_factory=list)
    deletes: list[Sequence[object]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    by_key: dict[str, int] = field(default_factory=dict)
    delete_places: list[int] = field(default_factory=list)
    superseded: int = 0
    wrongs: list[Wrong] = field(default_factory=list)

    def told(self, rejects: Sequence[Reject]) -> list[Wrong]:
        """Rejects of the gate, with their places in the body."""
        return [Wrong(self._place(each), each.code, each.column, each.detail) for each in rejects]

    def _place(self, reject: Reject) -> int | None:
        if 1 <= reject.number <= len(self.places):
            return self.places[reject.number - 1]
        return self.by_key.get(repr(reject.key)) if reject.key is not None else None


class Reader:
    """Reads pushed values for `entry`."""

    def __init__(self, entry: Entry) -> None:
        columns = tuple(Column(item.column, item.type, item.length) for item in entry.items)
        self._names = [column.name for column in columns]
        self._key = [item.column for item in entry.items if item.key]
        self._key_places = [self._names.index(name) for name in self._key]
        self._bytes = {column.name for column in columns if column.type == "G"}
        keyed = tuple(self._key) or (self._names[0],)
        self._gate = Gate(TableSchema(number=1, columns=columns, key=keyed))

    def batches(self, values: Iterable[Any]) -> Iterator[Batch]:
        numbered = enumerate(values)
        while some := list(islice(numbered, CHANGES_AT_ONCE)):
            yield self._batch(some)

    def _batch(self, numbered: Sequence[tuple[int, Any]]) -> Batch:
        batch = Batch()
        last: dict[str, tuple[int, str, Sequence[object]]] = {}
        for place, value in numbered:
            try:
                op, row = self._change(value)
                key = self._key_of(op, row)
            except (ApiRow, RowsError) as error:
                batch.wrongs.append(_wrong(place, error))
                continue
            batch.superseded += last.pop(key, None) is not None
            last[key] = (place, op, row)
        for key, (place, op, row) in last.items():
            batch.by_key[key] = place
            if op == "upsert":
                batch.upserts.append(row)
                batch.places.append(place)
            else:
                batch.deletes.append(row)
                batch.delete_places.append(place)
        return batch

    def events(self, values: Sequence[Any]) -> Batch:
        batch = Batch()
        for place, value in enumerate(values):
            try:
                row = self._row(value, self._names)
            except ApiRow as error:
                batch.wrongs.append(_wrong(place, error))
                continue
            batch.upserts.append(row)
            batch.places.append(place)
        return batch

    def _change(self, value: Any) -> tuple[str, Sequence[object]]:
        if not isinstance(value, dict) or len(value) != 1:
            raise ApiRow(detail='{"upsert": …} / {"delete": …}')
        ((op, row),) = value.items()
        if op not in ("upsert", "delete"):
            raise ApiRow(detail='{"upsert": …} / {"delete": …}')
        return op, self._row(row, self._names if op == "upsert" else self._key)

    def _key_of(self, op: str, row: Sequence[object]) -> str:
        """Canonical where it can be: the gate says what is wrong with an upsert's key."""
        key = row if op == "delete" else [row[place] for place in self._key_places]
        try:
            return repr(self._gate.key(key))
        except RowsError:
            if op == "delete":
                raise
            return repr(tuple(key))

    def _row(self, row: Any, names: Sequence[str]) -> Sequence[object]:
        if not isinstance(row, dict):
            raise ApiRow(detail="{column: value, …}")
        lacking = [name for name in names if name not in row]
        if lacking:
            raise ApiRow(detail=f"without {', '.join(lacking[:5])}")
        if len(row) != len(names):
            unknown = sorted(set(row) - set(names))
            raise ApiRow(detail=f"unknown {', '.join(name[:63] for name in unknown[:5])}")
        return [self._value(name, row) for name in names]

    def _value(self, name: str, row: Mapping[str, Any]) -> object:
        value = row[name]
        if isinstance(value, (dict, list)):
            raise ApiRow(detail=f"{name}: an object or array")
        if name in self._bytes and isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                raise ApiRow(detail=f"{name}: not base64") from None
        return value


def _wrong(place: int, error: OrtooError) -> Wrong:
    return Wrong(place, error.code, str(error.facts.get("column", "")), str(error))

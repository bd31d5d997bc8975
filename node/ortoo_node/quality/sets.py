"""Values of a column by hash, for rules that look beyond one row: bounded memory, any table.

64 bits of Python's own keyed hash stand for a value: two values of a million share one in one
publication of 30 million, and then one row waits until the next. What is beyond `most` values goes
to SQLite's own temporary file, which is gone with the object.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice

from ortoo_protocol.core.codec import Scalar

MOST_IN_MEMORY = 200_000
_FLUSHED_AT_ONCE = 50_000


class Values:
    """For one thread at a time while it is filled, for any once it is."""

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self._most = most
        self._held: dict[int, int] = {}
        self._db: sqlite3.Connection | None = None

    def add(self, value: Scalar, owner: int = 0) -> int:
        """Note `value` for `owner`; who has it: `owner`, unless another had it before."""
        place = _hash(value)
        found = self._held.get(place)
        if found is None and self._db is not None:
            found = self._look(place)
        if found is not None:
            return found
        self._held[place] = owner
        if len(self._held) > self._most:
            self._flush()
        return owner

    def lacks_all(self, values: Sequence[Scalar]) -> bool:
        """Whether no two of `values` are alike, and none of them is here."""
        places = _hashes(values)
        if len(set(places)) != len(places) or not self._held.keys().isdisjoint(places):
            return False
        return self._db is None or not any(self._look(place) is not None for place in places)

    def add_all(self, values: Sequence[Scalar], owners: Iterable[int]) -> None:
        """Note `values`, of which `lacks_all` is true."""
        self._held.update(zip(_hashes(values), owners, strict=True))
        if len(self._held) > self._most:
            self._flush()

    def has_all(self, values: Iterable[Scalar]) -> bool:
        return all(value in self for value in set(values))

    def __contains__(self, value: Scalar) -> bool:
        place = _hash(value)
        if place in self._held:
            return True
        return self._db is not None and self._look(place) is not None

    def _look(self, place: int) -> int | None:
        if self._db is None:
            return None
        row = self._db.execute("SELECT o FROM v WHERE h = ?", (place,)).fetchone()
        return None if row is None else int(row[0])

    def _flush(self) -> None:
        if self._db is None:
            self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("CREATE TABLE v (h INTEGER PRIMARY KEY, o INTEGER)")
        waiting = iter(sorted(self._held.items()))
        while part := list(islice(waiting, _FLUSHED_AT_ONCE)):
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR IGNORE INTO v VALUES (?, ?)", part)
            self._db.execute("COMMIT")
        self._held.clear()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    __del__ = close  # a set that others may still read is closed with its last reader


def _hash(value: Scalar) -> int:
    """Columns hold values of one type, so an integer is its own best hash (hash(-1) is -2)."""
    return value if type(value) is int else hash(value)


def _hashes(values: Sequence[Scalar]) -> list[int]:
    """Of a column, which is of one type."""
    return list(map(hash if values and type(values[0]) is str else _hash, values))


def owner_of(key: tuple[Scalar, ...]) -> int:
    return hash(key)

"""Keys that files delete and no later row brings back: on disk, as there may be many."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from ortoo_protocol.core.codec import Scalar, encode, unpack


class DeletedKeys:
    """For one thread at a time. The file is SQLite's own temporary one, gone with the object."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None

    def add(self, key: Sequence[Scalar]) -> None:
        if self._db is None:
            self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA synchronous = OFF")
            self._db.execute("CREATE TABLE deleted (key BLOB PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("INSERT OR IGNORE INTO deleted VALUES (?)", (encode(list(key)),))

    def remove(self, key: Sequence[Scalar]) -> None:
        if self._db is not None:
            self._db.execute("DELETE FROM deleted WHERE key = ?", (encode(list(key)),))

    @property
    def any(self) -> bool:
        return self._db is not None

    def __iter__(self) -> Iterator[tuple[Scalar, ...]]:
        if self._db is not None:
            for (key,) in self._db.execute("SELECT key FROM deleted"):
                yield tuple(unpack(key))

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

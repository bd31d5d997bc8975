"""Which keys a reading has given: on disk, since a table may have more than memory holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

_AT_ONCE = 500


class SeenKeys:
    """For one thread at a time. The file is SQLite's own temporary one, gone with the object."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.execute("PRAGMA synchronous = OFF")
        for table in ("seen", "refused"):
            self._db.execute(f"CREATE TABLE {table} (key BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, keys: Sequence[bytes]) -> set[int]:
        """Note `keys`, no two alike; the places of those that were there before."""
        try:
            self._insert(keys)
        except sqlite3.IntegrityError:
            known = self._known("seen", keys)
            self._insert([key for key in keys if key not in known])
            return {place for place, key in enumerate(keys) if key in known}
        return set()

    def refuse(self, keys: Sequence[bytes]) -> None:
        """Rows with these keys are in the table and may not leave: what was published of them
        before is not gone."""
        with self._db:
            put = "INSERT OR IGNORE INTO refused VALUES (?)"
            self._db.executemany(put, [(key,) for key in keys])

    def _insert(self, keys: Sequence[bytes]) -> None:
        with self._db:
            self._db.executemany("INSERT INTO seen VALUES (?)", [(key,) for key in keys])

    def lacking(self, keys: Sequence[bytes]) -> list[bytes]:
        """Those of `keys` that the reading has not, in rows that may leave or that may not."""
        found = self._known("seen", keys) | self._known("refused", keys)
        return [key for key in keys if key not in found]

    def _known(self, table: str, keys: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for at in range(0, len(keys), _AT_ONCE):
            part = keys[at : at + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            query = f"SELECT key FROM {table} WHERE key IN ({marks})"  # noqa: S608  # own names
            found.update(key for (key,) in self._db.execute(query, part))
        return found

    def close(self) -> None:
        self._db.close()

"""Messages of pgoutput, PostgreSQL's own plugin for logical decoding: which keys changed.

Protocol version 1 (PostgreSQL documentation, "Logical Replication Message Formats"). Values come as
text; one that was stored out of line and did not change does not come at all. So only keys are
taken, and rows are read from the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ortoo_protocol.core.errors import SourceDecoding

Key = tuple[str, ...]
_KEY_ONLY, _WHOLE, _NEW = b"K", b"O", b"N"


@dataclass
class Transaction:
    """`end`: where the log goes on after its commit, as a number."""

    xid: int
    end: int = 0


@dataclass
class Changes:
    """What is in the log. `emptied`: the table was truncated. `lost`: a row changed whose key the
    log does not tell (its table has no replica identity that holds the key)."""

    keys: dict[Key, None] = field(default_factory=dict)
    transactions: list[Transaction] = field(default_factory=list)
    emptied: bool = False
    lost: bool = False


class _Message:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, length: int) -> bytes:
        part = self._raw[self._at : self._at + length]
        if len(part) != length:
            raise SourceDecoding(detail="a message ends early")
        self._at += length
        return part

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def at_end(self) -> bool:
        return self._at == len(self._raw)

    def text(self) -> str:
        end = self._raw.find(b"\0", self._at)
        if end < 0:
            raise SourceDecoding(detail="a text has no end")
        return _text(self.take(end + 1 - self._at)[:-1])

    def tuple(self) -> list[str | None]:
        """None: NULL, or not sent."""
        values: list[str | None] = []
        for _ in range(self.number(2)):
            kind = self.take(1)
            values.append(_text(self.take(self.number(4))) if kind == b"t" else None)
        return values


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise SourceDecoding(detail="the database's encoding is not UTF-8") from None


def read(messages: Iterable[bytes], key: tuple[str, ...]) -> Changes:
    """The keys (in the order of `key`) that `messages` of one table change.

    Raises SourceDecoding."""
    changes = Changes()
    places: dict[int, list[int]] = {}
    for raw in messages:
        message = _Message(bytes(raw))
        kind = message.take(1)
        if kind == b"B":
            message.take(16)
            changes.transactions.append(Transaction(message.number(4)))
        elif kind == b"C":
            message.take(9)
            changes.transactions[-1].end = message.number(8)
        elif kind == b"R":
            relation, columns = _relation(message)
            if not set(key) <= set(columns):
                raise SourceDecoding(detail=f"key columns are missing: {', '.join(key)}")
            places[relation] = [columns.index(name) for name in key]
        elif kind in (b"I", b"U", b"D"):
            _row(message, places[message.number(4)], changes)
        elif kind == b"T":
            changes.emptied = True
    return changes


def _relation(message: _Message) -> tuple[int, list[str]]:
    relation = message.number(4)
    message.text()  # schema
    message.text()  # table
    message.take(1)
    names = []
    for _ in range(message.number(2)):
        message.take(1)
        names.append(message.text())
        message.take(8)
    return relation, names


def _row(message: _Message, places: list[int], changes: Changes) -> None:
    """Insert: the new row. Update: the old key or row if the key changed or is whole, and the new
    row. Delete: the old key or row."""
    while (kind := message.take(1)) in (_KEY_ONLY, _WHOLE, _NEW):
        values = message.tuple()
        key = [values[place] for place in places]
        if any(value is None for value in key):
            changes.lost = True
        else:
            changes.keys[tuple(str(value) for value in key)] = None
        if kind == _NEW or message.at_end():
            return
    raise SourceDecoding(detail=f"a row begins with {kind!r}")

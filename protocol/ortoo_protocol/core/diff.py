"""What changed in a table since it was published last, and how changes become feed items."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from ortoo_protocol.core.errors import RowsKey, RowsTooLarge, RowsUnread

ITEM_BYTES = 256 << 10  # larger messages delay others on their connection (measured)
ITEM_ROWS = 4_096
_FRAME_BYTES = 4  # the count before all parts and the length before each (frames.py)

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


def difference(
    shadow: Mapping[Key, bytes],
    rows: Iterable[Row],
    key_of: Callable[[Row], Key],
    hash_of: Callable[[Row], bytes],
) -> tuple[Iterator[Row], Iterator[Key]]:
    """(upserts, deletes) that turn the table remembered in `shadow` into `rows`.

    Streaming: rows are read once while upserts are taken, and only keys are held. `shadow` must
    not change until both iterators are exhausted. Upserts come first: deletes taken before all
    rows were read raise RowsUnread, so that a source which breaks off half-way is never mistaken
    for a table that lost its other half. Raises RowsKey when two rows have one key.
    """
    seen: set[Key] = set()
    complete = False

    def upserts() -> Iterator[Row]:
        nonlocal complete
        for row in rows:
            key = key_of(row)
            if key in seen:
                raise RowsKey()
            seen.add(key)
            if shadow.get(key) != hash_of(row):
                yield row
        complete = True

    def deletes() -> Iterator[Key]:
        if not complete:
            raise RowsUnread()
        for key in shadow:
            if key not in seen:
                yield key

    return upserts(), deletes()


def batches(
    changes: Iterable[bytes], most_bytes: int = ITEM_BYTES, most: int = ITEM_ROWS
) -> Iterator[tuple[bytes, ...]]:
    """Row parts, in order, in groups whose framed content has at most `most_bytes` and `most` rows.

    Raises RowsTooLarge for a row that does not fit an item alone, after the groups before it.
    """
    batch: list[bytes] = []
    size_bytes = _FRAME_BYTES
    for change in changes:
        part_bytes = _FRAME_BYTES + len(change)
        if batch and (size_bytes + part_bytes > most_bytes or len(batch) >= most):
            yield tuple(batch)
            batch, size_bytes = [], _FRAME_BYTES
        if size_bytes + part_bytes > most_bytes:
            raise RowsTooLarge(size_bytes=len(change), most_bytes=most_bytes)
        batch.append(change)
        size_bytes += part_bytes
    if batch:
        yield tuple(batch)

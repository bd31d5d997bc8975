"""Row parts in groups that fit an item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ortoo_protocol.core.errors import RowsTooLarge

ITEM_BYTES = 256 << 10  # larger messages delay others on their connection (measured)
ITEM_ROWS = 4_096
_FRAME_BYTES = 4  # the count of parts and the length of each (frames.py)
MOST_PART_BYTES = ITEM_BYTES - 2 * _FRAME_BYTES  # a row that fits an item alone


def batches(
    changes: Iterable[bytes], most_bytes: int = ITEM_BYTES, most: int = ITEM_ROWS
) -> Iterator[tuple[bytes, ...]]:
    """Row parts, in order, in groups whose framed content has at most `most_bytes` and `most` rows.

    Raises RowsTooLarge for a row that does not fit an item alone, after the groups before it.
    """
    if isinstance(changes, Sequence) and 0 < len(changes) <= most:
        framed_bytes = _FRAME_BYTES * (1 + len(changes)) + sum(map(len, changes))
        if framed_bytes <= most_bytes:  # as most often: all of them
            yield tuple(changes)
            return
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

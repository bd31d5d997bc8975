"""Where a folder's feed stands, and what may follow: the rules that all folder sinks share."""

from __future__ import annotations

from ortoo_node.sinks.folder.place import Place
from ortoo_protocol.core.errors import SinkMoved, SinkTaken
from ortoo_protocol.station.ports import Cursor


def check_owner(place: Place, stored: Cursor | None, feed: str) -> None:
    """A folder belongs to one feed. Raises SinkTaken."""
    if stored is not None and stored.feed != feed:
        raise SinkTaken(name=place.name, table=place.table, owner=stored.feed)


def is_there(place: Place, stored: Cursor | None, left: Cursor | None, wanted: Cursor) -> bool:
    """Whether all up to `wanted` is written already. Raises SinkMoved when `stored` is not what was
    `left`, so that somebody else was here, or is no place that `wanted` follows."""
    if stored is not None and (stored == wanted or _before(wanted, stored)):
        return True
    if stored != left or (stored is not None and not _before(stored, wanted)):
        raise SinkMoved(name=place.name, table=place.table, feed=wanted.feed)
    return False


def _before(one: Cursor, other: Cursor) -> bool:
    return (one.incarnation, one.seq) < (other.incarnation, other.seq)

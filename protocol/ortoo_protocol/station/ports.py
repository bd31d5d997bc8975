"""What the engine asks of the places where rows go. Synchronous, may block: called in threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Changes as Changes
from ortoo_protocol.core.feeds import TableSchema


@dataclass(frozen=True)
class Cursor:
    """How far a feed has been applied: the last item whose rows are in the sink."""

    feed: str
    incarnation: int
    seq: int
    hash: bytes


class Sink(Protocol):
    """Where the rows of a feed go. Its cursor lives beside the rows and is the truth.

    Every method raises SinkUnavailable when trying again later may help, another SinkError when a
    person has to act, RowsError when the publisher sent what its schema does not allow. Whatever
    is raised, nothing was half written.
    """

    def read_cursor(self, feed: str) -> Cursor | None:
        """How far `feed` is applied here; None: nothing yet, or the table is gone."""

    def apply(self, schema: TableSchema, changes: Changes, cursor: Cursor) -> None:
        """Rows and cursor in one transaction of the sink's own database.

        `changes` follow the cursor read or written last through this object, in feed order; a
        `cursor` that the sink stands at or beyond already is left alone. Raises SinkMoved when
        somebody else moved the cursor meanwhile: read it again.
        """

    def replace(
        self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]], cursor: Cursor
    ) -> None:
        """A snapshot: the table becomes exactly these rows, and the cursor, in one transaction."""

    def rewind(self, cursor: Cursor) -> None:
        """The cursor alone goes back to `cursor`; rows stay, and what follows is applied anew
        (subscription reread). Nothing else may be at work on this sink."""

    def close(self) -> None: ...


@runtime_checkable
class TakesSeveral(Protocol):
    """A sink whose transaction takes several items as readily as one."""

    def apply_all(self, steps: Sequence[tuple[TableSchema, Changes, Cursor]]) -> None:
        """As `apply` of each of `steps`, at least one, in turn; all of them or, when it raises,
        none."""


@runtime_checkable
class NeedsContents(Protocol):
    """A sink that rows alone do not satisfy: what they speak of is fetched before they are applied,
    so its cursor says that the contents are there too."""

    async def fetch(self, schema: TableSchema, rows: Iterable[tuple[Scalar, ...]]) -> None:
        """In the event loop, as long as it takes; may be called again with the same rows. Raises
        SinkError."""

"""What the publisher asks of a place where rows come from. Synchronous, may block: in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ortoo_protocol.core.errors import OrtooError


def none_gone() -> Iterable[Sequence[object]]:
    return ()


@dataclass
class Reading:
    """One read of a source. Exhaust `rows`, then take `deletes` and `mark`.

    `rows`: values as the driver gives them, in the order of the columns. `whole`: this is the whole
    table, and keys that are absent were deleted. `deletes`: keys that the source says are gone.
    `mark`: where the next reading begins; it is kept in one transaction with the last rows.
    `done`: called once all of that is on the publisher's disk. `where`: in words, where the row of
    that number (from 1) stands, for whoever has to mend it. `in_order`: of several rows with one
    key the last counts (else they are a defect, and the first stays).

    While rows are read `whole` may become False: rows that could not be read have keys too, so
    nobody knows what is absent.
    """

    rows: Iterator[Sequence[object]]
    whole: bool = True
    deletes: Callable[[], Iterable[Sequence[object]]] = none_gone
    mark: Callable[[], str] = str
    done: Callable[[], None] = lambda: None
    where: Callable[[int], str] = lambda _number: ""
    in_order: bool = False


class Unread(tuple[object, ...]):
    """In the place of a row that the source could not read: the gate sets it aside for `error`."""

    error: OrtooError

    def __new__(cls, error: OrtooError) -> Unread:
        made = super().__new__(cls)
        made.error = error
        return made


class Source(Protocol):
    def check(self) -> None:
        """Prove that what is to be read is there. Raises SourceError."""

    def read(self, mark: str) -> Reading:
        """Begin to read; `mark` is what the last reading left, "" the beginning.

        Raises SourceError, and so does the iterator: a source that breaks off half-way is no table
        that lost its other half.
        """

    def close(self) -> None: ...

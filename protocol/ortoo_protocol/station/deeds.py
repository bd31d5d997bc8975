"""What somebody does, and the record of it, in one transaction.

A control method decides for itself when it writes, and knows nothing of who asked. So the record
waits beside the work at hand, and the first transaction that this work writes takes it along: both
are kept or neither. What the work starts and does not wait for carries no record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ortoo_protocol.station.context import Tx

T = TypeVar("T")


@dataclass
class Deed:
    """A record on its way; looked at in the event loop alone. `waits`: no transaction has it;
    `kept`: one has it on disk."""

    note: Callable[[Tx], None]
    waits: bool = True
    kept: bool = False

    def with_(self, job: Callable[[Tx], T]) -> Callable[[Tx], T]:
        def both(tx: Tx) -> T:
            done = job(tx)
            self.note(tx)
            return done

        return both


_current: ContextVar[Deed | None] = ContextVar("ortoo_deed", default=None)


@contextmanager
def doing(note: Callable[[Tx], None]) -> Iterator[Deed]:
    """The first transaction that is written within the block takes `note` along."""
    deed = Deed(note)
    token = _current.set(deed)
    try:
        yield deed
    finally:
        _current.reset(token)
        deed.waits = False


@contextmanager
def carried(job: Callable[[Tx], T]) -> Iterator[Callable[[Tx], T]]:
    """`job` as it is to be written within the block: with the record, if one waits. What was not
    kept waits for the next; of a write that nobody awaited to its end it is not known, and the
    record stays with it."""
    deed = _current.get()
    if deed is None or not deed.waits:
        yield job
        return
    deed.waits = False
    try:
        yield deed.with_(job)
    except Exception:
        deed.waits = True
        raise
    deed.kept = True

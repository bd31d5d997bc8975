"""Answers as they are given: pages made once, kept a while, sent as the reader's window allows.

An answer is of one moment and of bounded size, so it is read whole and no database waits for a
reader. It is kept until it has grown old or others need its room; then it is asked for again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core import messages
from ortoo_protocol.core.batches import ITEM_BYTES, batches
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QuerySource, RowsTooLarge
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.queries import QueryPage
from ortoo_protocol.core.row_codec import upsert_part
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station.context import Pen, Post
from ortoo_protocol.station.sending import letter

DIRECT_BYTES = 32 << 10  # above it a page goes by bulk, where it holds up no letter
KEPT_S = 120.0
KEPT_BYTES = 64 << 20
_DIRECT, _BULK = messages.kind_named("query.page"), messages.kind_named("query.bulk")
Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Asked:
    """Whom an answer is for, and to which letter. `case`: of its grant."""

    asker: str
    ask: str
    grant: str
    case: str
    letter: bytes
    page_rows: int
    window: int

    @property
    def name(self) -> tuple[str, str]:
        return self.asker, self.ask


@dataclass(frozen=True)
class Answer:
    asked: Asked
    columns: tuple[Column, ...]
    pages: Sequence[tuple[bytes, ...]] = field(repr=False)
    rows: int
    cut: str
    size_bytes: int

    def page(self, pen: Pen, number: int) -> tuple[Message, Post]:
        """One page as a letter, made anew each time it is asked for."""
        parts = self.pages[number]
        body = QueryPage(
            ask=self.asked.ask,
            number=number,
            pages=len(self.pages),
            rows=self.rows,
            cut=self.cut,
            columns=self.columns,
        )
        kind = _DIRECT if sum(map(len, parts)) <= DIRECT_BYTES else _BULK
        return letter(
            pen,
            self.asked.asker,
            body,
            kind=kind,
            rows=parts,
            case=self.asked.case,
            causation=self.asked.letter,
        )


def answer(
    asked: Asked, columns: tuple[Column, ...], rows: Iterable[Row], cut: str, most_bytes: int
) -> Answer:
    """Raises QuerySource: a row does not fit a page."""
    parts, size_bytes = [], 0
    for row in rows:
        part = upsert_part(row)
        size_bytes += len(part)
        if size_bytes > most_bytes:
            size_bytes -= len(part)
            cut = "bytes"
            break
        parts.append(part)
    try:
        pages = list(batches(parts, ITEM_BYTES, asked.page_rows)) or [()]
    except RowsTooLarge:
        raise QuerySource(detail="a row is too large for a page") from None
    return Answer(asked, columns, pages, len(parts), cut, size_bytes)


@dataclass
class Kept:
    """For the event loop only."""

    _answers: OrderedDict[tuple[str, str], tuple[float, Answer]] = field(
        default_factory=OrderedDict
    )
    _bytes: int = 0

    def put(self, made: Answer) -> None:
        self.drop(made.asked.name)
        self._answers[made.asked.name] = time.monotonic(), made
        self._bytes += made.size_bytes
        self._sweep()

    def get(self, name: tuple[str, str]) -> Answer | None:
        self._sweep()
        found = self._answers.get(name)
        return None if found is None else found[1]

    def drop(self, name: tuple[str, str]) -> None:
        found = self._answers.pop(name, None)
        if found is not None:
            self._bytes -= found[1].size_bytes

    def _sweep(self) -> None:
        old = time.monotonic() - KEPT_S
        while self._answers:
            name, (since, _) = next(iter(self._answers.items()))
            if since > old and self._bytes <= KEPT_BYTES:
                return
            self.drop(name)

"""What comes back to asks: checked in whatever thread it came, taken in the event loop.

By the short road an answer goes past the writer; by the slow one it comes out of a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ortoo_node.queries.question import refused
from ortoo_node.queries.record import Notes
from ortoo_node.queries.waiting import Waiting
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import QueryAnswer
from ortoo_protocol.core.ids import is_code
from ortoo_protocol.core.journal import Direction
from ortoo_protocol.core.queries import (
    QueryDescribed,
    QueryPage,
    QueryRefusal,
    QuerySignature,
    check_page,
)
from ortoo_protocol.core.verify import Message, Opened, as_body
from ortoo_protocol.station.context import Answered, Handler, Tx


@dataclass
class Arriving:
    """Brings answers to the asks that wait for them, by the ask's id."""

    waiting: dict[str, Waiting] = field(default_factory=dict)
    _notes: Notes | None = None

    def attach(self, notes: Notes) -> None:
        self._notes = notes

    @property
    def notes(self) -> Notes:
        if self._notes is None:
            raise RuntimeError("attach it to a station first")
        return self._notes

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "query.page": self.page,
            "query.bulk": self.page,
            "query.refusal": self.refusal,
            "query.described": self.described,
        }

    def answers(self) -> Mapping[str, Answered]:
        """The same by the short road: in the event loop, and without a transaction."""
        return {
            "query.page": lambda opened: self._page_came(opened)(),
            "query.refusal": lambda opened: self._refusal_came(opened)(),
            "query.described": lambda opened: self._described_came(opened)(),
        }

    # --- what comes back (by the slow road: the writer's thread) ---

    def page(self, tx: Tx, opened: Opened[Shape]) -> None:
        tx.after_commit(self._page_came(opened))

    def refusal(self, tx: Tx, opened: Opened[Shape]) -> None:
        tx.after_commit(self._refusal_came(opened))

    def described(self, tx: Tx, opened: Opened[Shape]) -> None:
        tx.after_commit(self._described_came(opened))

    # --- what comes back (any thread): checked, and what is to be done in the event loop ---

    def _page_came(self, opened: Opened[Shape]) -> Callable[[], None]:
        came = as_body(opened, QueryPage)
        page = check_page(came.body)
        waiting = self._asked(page.ask, came.header.sender)
        return partial(self._take_page, waiting, page, came.rows, came.message)

    def _refusal_came(self, opened: Opened[Shape]) -> Callable[[], None]:
        came = as_body(opened, QueryRefusal)
        body, waiting = came.body, self._asked(came.body.ask, came.header.sender)
        if not is_code(body.error):  # people see it as it stands
            raise QueryAnswer(detail="its error is no code")
        return partial(self._take_refusal, waiting, body)

    def _described_came(self, opened: Opened[Shape]) -> Callable[[], None]:
        came = as_body(opened, QueryDescribed)
        waiting = self._asked(came.body.ask, came.header.sender)
        return partial(self._take_described, waiting, came.body.queries)

    def _asked(self, ask: str, sender: str) -> Waiting | None:
        """None: nobody waits for it any more. Raises QueryAnswer: another station answers."""
        waiting = self.waiting.get(ask)
        if waiting is not None and waiting.provider != sender:
            raise QueryAnswer(detail=f"{waiting.provider} was asked, {sender} answers")
        return waiting

    # --- what comes back (the event loop) ---

    def _take_page(
        self, waiting: Waiting | None, page: QueryPage, rows: tuple[bytes, ...], message: Message
    ) -> None:
        if waiting is None:
            return
        first = waiting.first or page
        same = (page.pages, page.rows, page.cut, page.columns) == (
            first.pages, first.rows, first.cut, first.columns,
        )  # fmt: skip
        if not same:
            waiting.error = QueryAnswer(detail="its pages are of two answers")
        elif page.number not in waiting.got:
            waiting.first = first
            waiting.got[page.number] = page, rows
            self.notes.message(Direction.RECEIVED, waiting.grant, message)
        waiting.some.set()

    def _take_refusal(self, waiting: Waiting | None, body: QueryRefusal) -> None:
        if waiting is not None:
            waiting.fail(refused(body))

    def _take_described(
        self, waiting: Waiting | None, signatures: tuple[QuerySignature, ...]
    ) -> None:
        if waiting is not None:
            waiting.described = signatures
            waiting.some.set()

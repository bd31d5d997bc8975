"""The reader's side: ask under a grant, take the pages in order, ask again for what was lost.

An ask leaves while it is recorded and journalled; its caller is given nothing before that is on
disk. After the first page, lost ones are asked for by number. A window bounds what may be on the
way: a caller that takes its time holds up the provider's pages, nobody else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from ortoo_node.queries import record
from ortoo_node.queries.arriving import Arriving
from ortoo_node.queries.describing import Describing, Signatures
from ortoo_node.queries.granted import Known, held
from ortoo_node.queries.question import Page, Question, ask_of
from ortoo_node.queries.record import ASKED, FAILED, GIVEN, REFUSED, Notes, Outcome
from ortoo_node.queries.waiting import Asks, Waiting
from ortoo_protocol.core import messages
from ortoo_protocol.core.errors import OrtooError, QueryAnswer, QueryGone, QuerySilent
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.queries import QueryAsk, QueryMore, QueryPage, read_rows
from ortoo_protocol.core.verify import Message
from ortoo_protocol.station.context import Answered, Handler, Pen, Tx
from ortoo_protocol.station.sending import letter
from ortoo_protocol.station.station import Station


@dataclass
class Reader:
    """What asks need of a running station is there from `attach` on; answers find their way in
    `arriving`."""

    arriving: Arriving = field(default_factory=Arriving)
    _attached: _Attached | None = None

    def handlers(self) -> Mapping[str, Handler]:
        return self.arriving.handlers()

    def answers(self) -> Mapping[str, Answered]:
        return self.arriving.answers()

    def attach(self, station: Station, notes: Notes) -> None:
        self.arriving.attach(notes)
        asks = Asks(station.parts, station.wire, self.arriving.waiting)
        self._attached = _Attached(station, notes, asks, Describing(asks, Known(station)))

    @property
    def at(self) -> _Attached:
        if self._attached is None:
            raise RuntimeError("attach it to a station first")
        return self._attached

    async def describe(self, grant: str, *, fresh: bool = False) -> Signatures:
        """The queries of a grant, as its provider says them; remembered for a while."""
        return await self.at.describing.describe(grant, fresh=fresh)

    async def ask(self, question: Question) -> AsyncGenerator[Page, None]:
        """The answer, page by page. Raises QueryError, GrantError; QuerySilent when the provider
        does not answer in time."""
        at = self.at
        waiting, recorded = await at.send(question)
        rows = pages = 0
        state, code, cut = FAILED, "", ""
        try:
            async for page in at.pages(waiting):
                await asyncio.shield(recorded)
                rows, pages, cut, state = rows + len(page.rows), pages + 1, page.cut, GIVEN
                yield page
        except (QuerySilent, QueryAnswer) as error:
            state, code = FAILED, error.code
            raise
        except OrtooError as error:
            state, code = REFUSED, error.code
            raise
        finally:
            at.asks.forget(waiting)
            took_us = int((time.monotonic() - waiting.begun) * 1_000_000)
            outcome = Outcome(state, code, rows, pages, cut, took_us)
            at.notes.outcome(ASKED, waiting.provider, waiting.ask, outcome)


@dataclass(frozen=True)
class _Attached:
    """Asking at one running station."""

    station: Station
    notes: Notes
    asks: Asks
    describing: Describing

    async def send(self, question: Question) -> tuple[Waiting, asyncio.Future[None]]:
        """Send an ask, and begin to record it: done when that is on disk. The grant is looked at
        here too: what is refused at home needs no journey."""
        terms = await self.describing.grants.held(question.grant)
        pen = Pen(self.asks.parts)
        ask = ask_of(pen, question, terms)
        waiting, message = self.asks.send(pen, ask, terms)
        waiting.timeout_s, waiting.window = question.timeout_s, question.window
        recorded = self.station.start(partial(_record, ask, message))
        recorded.add_done_callback(partial(_recorded, waiting))
        return waiting, recorded

    async def pages(self, waiting: Waiting) -> AsyncIterator[Page]:
        number, allowed = 0, waiting.window
        while True:
            page, parts = await self._page(waiting, number, allowed)
            try:
                rows = read_rows(page, parts)
            except OrtooError as error:
                raise QueryAnswer(detail=error.code) from None
            number += 1
            if number + waiting.window // 2 >= allowed and allowed < page.pages:
                self._post_more(waiting, allowed, waiting.window)
                allowed += waiting.window
            yield Page(page.number, page.pages, page.columns, rows, page.rows, page.cut)
            if number == page.pages:
                return

    async def _page(
        self, waiting: Waiting, number: int, allowed: int
    ) -> tuple[QueryPage, tuple[bytes, ...]]:
        def there() -> bool:
            if isinstance(waiting.error, QueryGone) and not number and not waiting.got:
                waiting.error = None  # kept no longer, and nothing was given on: from the beginning
                self.asks.repeat(waiting)
            return number in waiting.got

        def again() -> None:
            if waiting.first is None:
                self.asks.repeat(waiting)
            else:
                self._post_more(waiting, number, allowed - number)

        await self.asks.until(waiting, there, again)
        return waiting.got.pop(number)

    def _post_more(self, waiting: Waiting, first: int, window: int) -> None:
        body = QueryMore(ask=waiting.ask, first=first, window=max(1, window))
        pen, kind = Pen(self.asks.parts), messages.kind_of(body)
        _message, ready = letter(pen, waiting.provider, body, kind=kind, case=waiting.case)
        self.asks.parts.post(ready)


def _record(ask: QueryAsk, message: Message, tx: Tx) -> None:
    """Raises GrantEnded: it was ended a moment ago, and what may come is not for the caller."""
    terms = held(tx, ask.grant)
    record.begin(tx, ASKED, terms.provider, ask, terms, Outcome(record.OPEN))
    tx.journal(message, Direction.SENT, State.QUERIED, flow=terms.grant)


def _recorded(waiting: Waiting, recorded: asyncio.Future[None]) -> None:
    """What cannot be recorded is not waited for any longer."""
    error = None if recorded.cancelled() else recorded.exception()
    if isinstance(error, OrtooError):
        waiting.fail(error)

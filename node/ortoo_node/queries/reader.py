"""The reader's side: ask under a grant, take the pages in order, ask again for what was lost.

An ask leaves while it is recorded and journalled; its caller is given nothing before that is on
disk. Until its first page is there the same bytes are sent again (the provider counts them once);
after that, lost pages are asked for by number. A window bounds what may be on the way: a caller
that takes its time holds up the provider's pages, nobody else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ortoo_node.queries import record
from ortoo_node.queries.granted import Known, held
from ortoo_node.queries.record import ASKED, FAILED, GIVEN, REFUSED, Notes, Outcome
from ortoo_protocol.core import messages
from ortoo_protocol.core.codec import Scalar, Shape
from ortoo_protocol.core.errors import (
    CaseField,
    GrantError,
    OrtooError,
    QueryAnswer,
    QueryError,
    QueryGone,
    QueryPurpose,
    QuerySilent,
)
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.ids import is_code
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.queries import (
    SALT_BYTES,
    QueryAsk,
    QueryDescribe,
    QueryDescribed,
    QueryMore,
    QueryPage,
    QueryRefusal,
    QuerySignature,
    check_ask,
    check_page,
    pack_parameters,
    read_rows,
)
from ortoo_protocol.core.verify import Message, Opened, as_body
from ortoo_protocol.station.context import Answered, Handler, Parts, Pen, Post, Signal, Tx, wait
from ortoo_protocol.station.control_client import classes
from ortoo_protocol.station.pumps import Wire
from ortoo_protocol.station.sending import letter
from ortoo_protocol.station.station import Station

AGAIN_S, AGAIN_CAP_S, LOOK_S = 2.0, 10.0, 0.25
TIMEOUT_S = 30.0
WINDOW, PAGE_ROWS = 4, 1_000
DESCRIBED_S = 300.0  # what a provider offers is asked for again after this long
Row = tuple[Scalar, ...]


@dataclass(frozen=True)
class Question:
    grant: str
    query: str
    purpose: str
    handler: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict, repr=False)
    page_rows: int = PAGE_ROWS
    window: int = WINDOW
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True)
class Page:
    """`number` of `pages`, from 0; `rows_in_all` and `cut` are those of the whole answer."""

    number: int
    pages: int
    columns: tuple[Column, ...]
    rows: Sequence[Row] = field(repr=False)
    rows_in_all: int
    cut: str


@dataclass
class _Open:
    """One ask that waits. The writer's thread looks at `provider` alone; the rest is the event
    loop's."""

    ask: str
    provider: str
    grant: str
    case: str
    raw: Post
    begun: float
    timeout_s: float
    window: int
    first: QueryPage | None = None
    got: dict[int, tuple[QueryPage, tuple[bytes, ...]]] = field(default_factory=dict)
    described: tuple[QuerySignature, ...] | None = None
    error: OrtooError | None = None
    some: Signal = field(default_factory=Signal)


@dataclass
class Reader:
    """Handlers run in the writer's thread; all else in the event loop."""

    _open: dict[str, _Open] = field(default_factory=dict)
    _described: dict[str, tuple[float, tuple[QuerySignature, ...]]] = field(default_factory=dict)
    _station: Station | None = None
    _notes: Notes | None = None
    _grants: Known | None = None

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

    def attach(self, station: Station, notes: Notes) -> None:
        self._station, self._notes, self._grants = station, notes, Known(station)

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
        waiting = self._waiting(page.ask, came.header.sender)
        return partial(self._take_page, waiting, page, came.rows, came.message)

    def _refusal_came(self, opened: Opened[Shape]) -> Callable[[], None]:
        came = as_body(opened, QueryRefusal)
        body, waiting = came.body, self._waiting(came.body.ask, came.header.sender)
        if not is_code(body.error):  # people see it as it stands
            raise QueryAnswer(detail="its error is no code")
        return partial(self._take_refusal, waiting, body)

    def _described_came(self, opened: Opened[Shape]) -> Callable[[], None]:
        came = as_body(opened, QueryDescribed)
        waiting = self._waiting(came.body.ask, came.header.sender)
        return partial(self._take_described, waiting, came.body.queries)

    def _waiting(self, ask: str, sender: str) -> _Open | None:
        """None: nobody waits for it any more. Raises QueryAnswer: another station answers."""
        waiting = self._open.get(ask)
        if waiting is not None and waiting.provider != sender:
            raise QueryAnswer(detail=f"{waiting.provider} was asked, {sender} answers")
        return waiting

    # --- what comes back (the event loop) ---

    def _take_page(
        self, waiting: _Open | None, page: QueryPage, rows: tuple[bytes, ...], message: Message
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
            self._notes_of().message(Direction.RECEIVED, waiting.grant, message)
        waiting.some.set()

    def _take_refusal(self, waiting: _Open | None, body: QueryRefusal) -> None:
        if waiting is not None:
            waiting.error = refused(body)
            waiting.some.set()

    def _take_described(
        self, waiting: _Open | None, signatures: tuple[QuerySignature, ...]
    ) -> None:
        if waiting is not None:
            waiting.described = signatures
            waiting.some.set()

    # --- asking ---

    async def ask(self, question: Question) -> AsyncGenerator[Page, None]:
        """The answer, page by page. Raises QueryError, GrantError; QuerySilent when the provider
        does not answer in time."""
        waiting, recorded = await self._send(question)
        rows = pages = 0
        state, code, cut = FAILED, "", ""
        try:
            async for page in self._pages(waiting):
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
            self._open.pop(waiting.ask, None)
            took_us = int((time.monotonic() - waiting.begun) * 1_000_000)
            outcome = Outcome(state, code, rows, pages, cut, took_us)
            self._notes_of().outcome(ASKED, waiting.provider, waiting.ask, outcome)

    async def _send(self, question: Question) -> tuple[_Open, asyncio.Future[None]]:
        """Send an ask, and begin to record it: done when that is on disk. The grant is looked at
        here too: what is refused at home needs no journey."""
        terms = await self._known().held(question.grant)
        pen = Pen(self._parts())
        ask = _ask(pen, question, terms)
        waiting, message = self._make(pen, ask, terms)
        waiting.timeout_s, waiting.window = question.timeout_s, question.window
        recorded = self._station_of().start(partial(_record, ask, message))
        recorded.add_done_callback(partial(_recorded, waiting))
        return waiting, recorded

    def _make(
        self, pen: Pen, body: QueryAsk | QueryDescribe, terms: GrantTerms
    ) -> tuple[_Open, Message]:
        """Send it, and wait for what comes."""
        kind, provider, parts = messages.kind_of(body), terms.provider, self._parts()
        message, ready = letter(pen, provider, body, kind=kind, case=terms.case)
        waiting = _Open(
            body.ask, provider, terms.grant, terms.case, ready, time.monotonic(), TIMEOUT_S, WINDOW
        )
        self._open[body.ask] = waiting
        parts.watch.sent(message.header.id)
        parts.post(ready)
        return waiting, message

    async def _pages(self, waiting: _Open) -> AsyncIterator[Page]:
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
        self, waiting: _Open, number: int, allowed: int
    ) -> tuple[QueryPage, tuple[bytes, ...]]:
        """Wait for one page; ask again now and then, and at once on a new link."""
        again = _Again(self._station_of().wire)
        end = time.monotonic() + waiting.timeout_s
        while number not in waiting.got:
            ticket = waiting.some.ticket()
            if isinstance(waiting.error, QueryGone) and not number and not waiting.got:
                waiting.error = None  # kept no longer, and nothing was given on: from the beginning
                self._parts().post(waiting.raw)
            if waiting.error is not None:
                raise waiting.error
            if number in waiting.got:
                break
            if time.monotonic() > end:
                raise QuerySilent(provider=waiting.provider, timeout_s=waiting.timeout_s)
            if again.due():
                if waiting.first is None:
                    self._parts().post(waiting.raw)
                else:
                    self._post_more(waiting, number, allowed - number)
            await wait(ticket, LOOK_S)
        return waiting.got.pop(number)

    def _post_more(self, waiting: _Open, first: int, window: int) -> None:
        body = QueryMore(ask=waiting.ask, first=first, window=max(1, window))
        kind = messages.kind_of(body)
        _message, ready = letter(
            Pen(self._parts()), waiting.provider, body, kind=kind, case=waiting.case
        )
        self._parts().post(ready)

    # --- what may be asked ---

    async def describe(self, grant: str, *, fresh: bool = False) -> tuple[QuerySignature, ...]:
        """The queries of a grant, as its provider says them; remembered for a while."""
        known = self._described.get(grant)
        if known is not None and not fresh and time.monotonic() - known[0] < DESCRIBED_S:
            return known[1]

        terms, pen = await self._known().held(grant), Pen(self._parts())
        waiting, _ = self._make(pen, QueryDescribe(ask=pen.new_id().hex(), grant=grant), terms)
        try:
            found = await self._described_in_time(waiting)
        finally:
            self._open.pop(waiting.ask, None)
        self._described[grant] = time.monotonic(), found
        return found

    async def _described_in_time(self, waiting: _Open) -> tuple[QuerySignature, ...]:
        again = _Again(self._station_of().wire)
        end = time.monotonic() + waiting.timeout_s
        while waiting.described is None:
            ticket = waiting.some.ticket()
            if waiting.error is not None:
                raise waiting.error
            if time.monotonic() > end:
                raise QuerySilent(provider=waiting.provider, timeout_s=waiting.timeout_s)
            if again.due():
                self._parts().post(waiting.raw)
            await wait(ticket, LOOK_S)
        return waiting.described

    # --- parts ---

    def _station_of(self) -> Station:
        if self._station is None:
            raise RuntimeError("attach it to a station first")
        return self._station

    def _parts(self) -> Parts:
        return self._station_of().parts

    def _known(self) -> Known:
        if self._grants is None:
            raise RuntimeError("attach it to a station first")
        return self._grants

    def _notes_of(self) -> Notes:
        if self._notes is None:
            raise RuntimeError("attach it to a station first")
        return self._notes


def _ask(pen: Pen, question: Question, terms: GrantTerms) -> QueryAsk:
    """Raises CaseField, QueryPurpose, CodecError."""
    if not question.handler.strip():
        raise CaseField(field="handler", detail="who asks?")
    if question.purpose.strip() != terms.purpose.strip():
        raise QueryPurpose(detail=f"granted for {terms.purpose}")
    return check_ask(
        QueryAsk(
            ask=pen.new_id().hex(),
            grant=terms.grant,
            query=question.query,
            purpose=question.purpose,
            handler=question.handler,
            salt=pen.parts.rand(SALT_BYTES),
            parameters=pack_parameters(question.parameters),
            page_rows=question.page_rows,
            window=question.window,
        )
    )


def _record(ask: QueryAsk, message: Message, tx: Tx) -> None:
    """Raises GrantEnded: it was ended a moment ago, and what may come is not for the caller."""
    terms = held(tx, ask.grant)
    record.begin(tx, ASKED, terms.provider, ask, terms, Outcome(record.OPEN))
    tx.journal(message, Direction.SENT, State.QUERIED, flow=terms.grant)


def _recorded(waiting: _Open, recorded: asyncio.Future[None]) -> None:
    """What cannot be recorded is not waited for any longer."""
    error = None if recorded.cancelled() else recorded.exception()
    if isinstance(error, OrtooError):
        waiting.error = error
        waiting.some.set()


class _Again:
    """When to send once more: after a while, doubling; at once on a link that is new."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._link = wire, wire.link
        self._after_s = AGAIN_S
        self._at = time.monotonic() + AGAIN_S

    def due(self) -> bool:
        link, now = self._wire.link, time.monotonic()
        if link is not None and link is not self._link:
            self._link = link
            return True
        if now < self._at:
            return False
        self._after_s = min(self._after_s * 2, AGAIN_CAP_S)
        self._at = now + self._after_s
        return True


def refused(body: QueryRefusal) -> OrtooError:
    """The provider's refusal as the error it is; facts that did not travel say its detail."""
    made = classes().get(body.error)
    if made is None or not issubclass(made, (QueryError, GrantError)):
        return QueryError(detail=f"{body.error} {body.detail}")
    return made(detail=body.detail, reason=body.detail, grant="-", provider="-", timeout_s="-")

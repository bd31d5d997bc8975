"""The provider's side: an ask is judged, recorded, answered; all of it anew for each ask.

Judging and recording are one transaction of the writer. The query runs meanwhile, in threads of its
own; but no answer leaves before the transaction is on disk. What follows an answer (its own journal
row, how many rows it had) is noted a moment later (record.py).

The same ask again is answered again, from what was kept or from the source, and counted once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from ortoo_node.queries import record
from ortoo_node.queries.answers import Answer, Asked, Kept, answer
from ortoo_node.queries.granted import granted
from ortoo_node.queries.offers import Offer, Offers
from ortoo_node.queries.rates import Rates
from ortoo_node.queries.record import ANSWERED, FAILED, GIVEN, REFUSED, Notes, Outcome
from ortoo_protocol.core import messages
from ortoo_protocol.core.codec import Scalar, Shape
from ortoo_protocol.core.errors import (
    GrantError,
    OrtooError,
    QueryBusy,
    QueryError,
    QueryGone,
    QueryPurpose,
    QueryReused,
    QuerySource,
)
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.queries import (
    QueryAsk,
    QueryDescribe,
    QueryDescribed,
    QueryMore,
    QueryRefusal,
    check_ask,
    read_parameters,
)
from ortoo_protocol.core.verify import Message, Opened, as_body
from ortoo_protocol.station.context import Handler, Parts, Pen, Post, Tx
from ortoo_protocol.station.sending import letter, send

MOST_WAITING = 64  # asks of one query under one grant
_REFUSAL = messages.kind_named("query.refusal")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    asked: Asked
    offer: Offer
    bound: Mapping[str, Scalar] = field(repr=False)

    @property
    def room(self) -> tuple[str, str]:
        """Asks of one query under one grant wait together."""
        return self.asked.grant, self.offer.ready.declared.code


@dataclass(frozen=True)
class Done:
    """An answer and its first pages, ready to leave; or what kept it from being made."""

    took_us: int
    answer: Answer | None = None
    letters: tuple[tuple[Message, Post], ...] = field(default=(), repr=False)
    error: OrtooError | None = None


@dataclass
class Provider:
    """Handlers run in the writer's thread; names that begin with `_then` in the event loop."""

    offers: Offers
    rates: Rates = field(default_factory=Rates)
    _kept: Kept = field(default_factory=Kept)
    _running: set[tuple[str, str]] = field(default_factory=set)
    _waiting: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _notes: Notes | None = None

    def handlers(self) -> Mapping[str, Handler]:
        return {"query.ask": self.ask, "query.more": self.more, "query.describe": self.describe}

    def attach(self, notes: Notes) -> None:
        self._notes = notes

    # --- judging ---

    def ask(self, tx: Tx, opened: Opened[Shape]) -> None:
        came = as_body(opened, QueryAsk)
        ask, asker = check_ask(came.body), came.header.sender
        terms = None
        try:
            terms = granted(tx, ask.grant, asker)
            job = self._judge(tx, ask, came, terms)
        except (QueryError, GrantError) as error:
            if terms is not None and record.find(tx, ANSWERED, asker, ask.ask) is None:
                outcome = Outcome(REFUSED, error.code)
                record.begin(tx, ANSWERED, asker, ask, terms, outcome)
            flow = "" if terms is None else terms.grant
            tx.journal(came.message, Direction.RECEIVED, State.REFUSED, flow=flow, error=error.code)
            self._refuse(tx, asker, ask.ask, error)
            return
        tx.journal(came.message, Direction.RECEIVED, State.QUERIED, flow=terms.grant)
        if job is not None:
            self._start(tx, job)

    def _judge(
        self, tx: Tx, ask: QueryAsk, came: Opened[QueryAsk], terms: GrantTerms
    ) -> Job | None:
        """None: it came before, and what was kept is given again."""
        asker = came.header.sender
        if ask.purpose.strip() != terms.purpose.strip():
            raise QueryPurpose(detail="the grant names another one")
        if not ask.handler.strip():
            raise QueryPurpose(detail="nobody is named who handles it")
        offer = self.offers.offer(tx, terms, ask.query)
        bound = offer.ready.bind(read_parameters(ask.parameters))
        asked = Asked(
            asker, ask.ask, terms.grant, terms.case, came.header.id, ask.page_rows, ask.window
        )
        job = Job(asked, offer, bound)
        known = record.find(tx, ANSWERED, asker, ask.ask)
        if known is not None:
            same = (known.grant, known.query, known.digest)
            if same != (ask.grant, ask.query, record.digest(tx, ask)):
                raise QueryReused(detail=ask.ask)
            if known.state == REFUSED:
                raise QueryReused(detail=f"{ask.ask}, which was refused")
            tx.after_commit(partial(self._then_again, tx.parts, job))
            return None
        self._check_room(tx, terms.grant, ask.query)
        self.rates.spend(tx, terms.grant, offer.ready.declared)
        record.begin(tx, ANSWERED, asker, ask, terms, Outcome(record.OPEN))
        return job

    def _check_room(self, tx: Tx, grant: str, code: str) -> None:
        about = [each for each in tx.begins if isinstance(each, _Begin)]
        beside = sum(each.room == (grant, code) for each in about)
        if self._waiting[grant, code] + beside >= MOST_WAITING:
            raise QueryBusy(detail=f"{MOST_WAITING} asks of {code} wait")

    def more(self, tx: Tx, opened: Opened[Shape]) -> None:
        """The next pages, or lost ones: under a grant that still lives."""
        came = as_body(opened, QueryMore)
        more, asker = came.body, came.header.sender
        row = record.find(tx, ANSWERED, asker, more.ask)
        try:
            if row is None:
                raise QueryGone(detail=more.ask)
            granted(tx, row.grant, asker)
        except (QueryError, GrantError) as error:
            self._refuse(tx, asker, more.ask, error)
            return
        tx.after_commit(partial(self._then_more, tx.parts, (asker, more.ask), more))

    def describe(self, tx: Tx, opened: Opened[Shape]) -> None:
        came = as_body(opened, QueryDescribe)
        body, asker = came.body, came.header.sender
        try:
            terms = granted(tx, body.grant, asker)
            signatures = self.offers.signatures(tx, terms)
        except (QueryError, GrantError) as error:
            self._refuse(tx, asker, body.ask, error)
            return
        answered = QueryDescribed(ask=body.ask, queries=signatures)
        send(tx, asker, answered, case=terms.case, causation=came.header.id)

    def _refuse(self, tx: Tx, asker: str, ask: str, error: OrtooError) -> None:
        send(tx, asker, refusal(ask, error))

    # --- running ---

    def _start(self, tx: Tx, job: Job) -> None:
        """The query runs while the disk is waited for; were the commit to fail, what was found is
        thrown away and the ask comes again."""
        begin = _Begin(self, tx.parts, job)
        tx.meanwhile(begin)
        tx.after_commit(begin.then_send)

    def _submit(self, parts: Parts, job: Job) -> Future[Done]:
        room = job.room
        with self._lock:
            self._running.add(job.asked.name)
            self._waiting[room] += 1
        try:
            future = job.offer.ready.threads.submit(_run, parts, job)
        except RuntimeError:  # the node is closing: as one that closing found in the queue
            future = Future()
            future.cancel()
        future.add_done_callback(lambda _: self._ran(room, job.asked.name))
        return future

    def _ran(self, room: tuple[str, str], name: tuple[str, str]) -> None:
        with self._lock:
            self._running.discard(name)
            self._waiting[room] -= 1
            if not self._waiting[room]:
                del self._waiting[room]

    def _then_send(self, parts: Parts, job: Job, future: Future[Done]) -> None:
        if future.done():
            self._then_done(parts, job, future)
            return
        loop = asyncio.get_running_loop()

        def wake(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._then_done, parts, job, future)

        future.add_done_callback(wake)

    def _then_done(self, parts: Parts, job: Job, future: Future[Done]) -> None:
        if future.cancelled():
            return
        done, asked = future.result(), job.asked
        notes = self._notes_of()
        if done.answer is None:
            error = done.error or OrtooError()
            self._post_refusal(parts, asked, error)
            failed = Outcome(FAILED, error.code, took_us=done.took_us)
            notes.outcome(ANSWERED, asked.asker, asked.ask, failed)
            return
        for message, post in done.letters:
            parts.post(post)
            notes.message(Direction.SENT, asked.grant, message)
        made = done.answer
        self._kept.put(made)
        outcome = Outcome(GIVEN, "", made.rows, len(made.pages), made.cut, done.took_us)
        notes.outcome(ANSWERED, asked.asker, asked.ask, outcome)

    def _then_again(self, parts: Parts, job: Job) -> None:
        if job.asked.name in self._running:
            return  # its answer is on its way
        kept = self._kept.get(job.asked.name)
        if kept is None:
            self._then_send(parts, job, self._submit(parts, job))
        else:
            self._give(parts, kept, 0, job.asked.window)

    def _then_more(self, parts: Parts, name: tuple[str, str], more: QueryMore) -> None:
        kept = self._kept.get(name)
        if kept is not None:
            self._give(parts, kept, more.first, more.window)
        elif name not in self._running:
            asked = Asked(name[0], name[1], "", "", b"", 1, 1)
            self._post_refusal(parts, asked, QueryGone(detail=name[1]))

    def _give(self, parts: Parts, kept: Answer, first: int, window: int) -> None:
        pen = Pen(parts)
        for number in range(first, min(first + window, len(kept.pages))):
            message, post = kept.page(pen, number)
            parts.post(post)
            self._notes_of().message(Direction.SENT, kept.asked.grant, message)

    def _post_refusal(self, parts: Parts, asked: Asked, error: OrtooError) -> None:
        body = refusal(asked.ask, error)
        try:
            _message, post = letter(Pen(parts), asked.asker, body, kind=_REFUSAL)
        except OrtooError as unable:
            _log.warning("%s", unable)
        else:
            parts.post(post)

    def _notes_of(self) -> Notes:
        if self._notes is None:
            raise RuntimeError("attach it to a station first")
        return self._notes


@dataclass
class _Begin:
    """A query that begins when its transaction is written, and whose answer leaves after."""

    provider: Provider
    parts: Parts
    job: Job
    _future: Future[Done] | None = None

    @property
    def room(self) -> tuple[str, str]:
        return self.job.room

    def __call__(self) -> None:
        self._future = self.provider._submit(self.parts, self.job)

    def then_send(self) -> None:
        if self._future is not None:
            self.provider._then_send(self.parts, self.job, self._future)


def refusal(ask: str, error: OrtooError) -> QueryRefusal:
    detail = error.facts.get("detail", error.facts.get("reason", ""))
    return QueryRefusal(ask=ask, error=error.code, detail=str(detail)[:500])


def _run(parts: Parts, job: Job) -> Done:
    """In a thread of the query's own."""
    begun = time.perf_counter_ns()

    def took_us() -> int:
        return (time.perf_counter_ns() - begun) // 1_000

    ready, reach = job.offer.ready, job.offer.reach
    try:
        found = ready.runner.run(job.bound, reach.read, ready.limits)
        rows = reach.show(found.rows)
        made = answer(job.asked, reach.shown, rows, found.cut, ready.limits.bytes)
        pen = Pen(parts)
        first = range(min(job.asked.window, len(made.pages)))
        return Done(took_us(), made, tuple(made.page(pen, number) for number in first))
    except OrtooError as error:
        _tell(job, error)
        return Done(took_us(), error=error)
    except Exception:  # a driver's own fault must be answered, or its asker would wait in vain
        _log.exception("the query %s failed", ready.declared.code)
        return Done(took_us(), error=QuerySource(detail="it failed"))


def _tell(job: Job, error: OrtooError) -> None:
    """The one who asked is sent to the provider's people: they find in their log what it was."""
    notes = " ".join(getattr(error, "__notes__", ()))
    code, asker = job.offer.ready.declared.code, job.asked.asker
    _log.warning("query %s, asked by %s: %s %s", code, asker, error, notes)

"""Calls are kept by nobody: what is lost is asked again, what is told is recorded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ortoo_node.queries import provider as providing
from ortoo_node.queries import reader as reading
from ortoo_node.queries import waiting as waits
from ortoo_node.store.tables import queries
from ortoo_protocol.core import errors, topology
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.grants import GrantEnded, GrantTerms
from ortoo_protocol.core.queries import QueryPage
from ortoo_protocol.core.topology import Change, Verb
from ortoo_protocol.station import calls, grants_held
from ortoo_protocol.station.context import Post
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store import writer
from ortoo_protocol.station.store.tables import journal, quarantine
from tests.node.kit import Node
from tests.node.query_kit import PROVIDER, READER, Pair, pair
from tests.support.letters import make_letter
from tests.support.stations import until, until_read

ROWS = [(f"{n:05}", f"人{n}", n) for n in range(97, 100)]
LEAST = {"least": 97}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "AGAIN_S", 0.1)


@dataclass
class Road:
    """What a station sends by the quick road, as the test lets it pass."""

    sent: list[Post] = field(default_factory=list)
    passes: Callable[[Post], bool] = lambda _post: True

    def of(self, kind: str) -> list[Post]:
        return [post for post in self.sent if post.routing_key.endswith(kind)]


def road(node: Node) -> Road:
    parts, made = node.app.station.parts, Road()
    post = parts.post

    def lossy(each: Post) -> None:
        made.sent.append(each)
        if each.exchange != topology.QUICK or made.passes(each):
            post(each)

    object.__setattr__(parts, "post", lossy)
    return made


async def count(station: Station, table: Any, *where: Any) -> int:
    query = select(func.count()).select_from(table).where(*where)
    return int(await station.read(lambda conn: conn.execute(query).scalar_one()))


@asynccontextmanager
async def held_writer(station: Station) -> AsyncIterator[None]:
    """Nothing that is begun in this station's store from now on comes onto its disk."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_tx: Any) -> None:
        begun.set()
        go_on.wait(30)

    held = asyncio.create_task(station.write(hold))
    await until(begun.is_set)
    try:
        yield
    finally:
        go_on.set()
        await held


# --- what is lost ---


@pytest.mark.parametrize("lost", ["query.ask", "query.page"])
async def test_a_call_that_is_lost_is_asked_again_and_counted_once(
    tmp_path: Path, lost: str
) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        asks, pages = road(both.reader), road(both.provider)
        at = {"query.ask": asks, "query.page": pages}[lost]
        at.passes = lambda post: not post.routing_key.endswith(lost) or len(at.of(lost)) > 2
        assert await both.rows(grant, parameters=LEAST) == ROWS
        assert len(at.of(lost)) == 3
        assert len({post.raw for post in asks.of("query.ask")}) == 1, "the same bytes again"
        assert await count(both.provider.app.station, queries) == 1
        assert await count(both.reader.app.station, queries) == 1


async def test_when_all_is_lost_it_ends_in_its_time_and_says_so(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        road(both.provider).passes = lambda _post: False
        async with asyncio.timeout(10):
            with pytest.raises(errors.QuerySilent):
                await both.rows(grant, parameters=LEAST, timeout_s=0.5)


async def test_a_queue_that_is_deleted_is_gone_on_with_once_it_stands_again(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path) as both:
        grant, broker = await both.grant(), both.kit.broker
        for party in (PROVIDER, READER):
            (queue,) = [q for q in broker.read().queues if q.name == topology.quick_queue(party)]
            broker.apply(Change(Verb.REMOVE, queue))
            with pytest.raises(errors.QuerySilent):
                await both.rows(grant, parameters=LEAST, timeout_s=0.3)
            both.kit.program()
            assert await both.rows(grant, parameters=LEAST) == ROWS


async def test_an_emptied_broker_costs_an_ask_again(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        asks = road(both.reader)
        both.kit.broker.empty()
        asking = asyncio.create_task(both.rows(grant, parameters=LEAST))
        await until(lambda: asks.of("query.ask"))
        both.kit.program()
        assert await asking == ROWS
        assert await count(both.provider.app.station, queries) == 1


async def test_calls_of_many_at_once_find_their_own_answers(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        answers = await asyncio.gather(
            *(both.rows(grant, parameters={"least": n}) for n in range(60, 100))
        )
        assert [len(rows) for rows in answers] == list(range(40, 0, -1))


async def test_asks_of_one_transaction_count_against_the_room_of_their_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providing, "MOST_WAITING", 3)
    monkeypatch.setattr(writer, "MOST_S", 60.0)  # or a busy machine makes two transactions of them
    async with pair(tmp_path) as both:
        grant, station = await both.grant(), both.provider.app.station
        came: list[Any] = []
        opens = station.calls._open
        monkeypatch.setattr(
            station.calls, "_open", lambda each: (came.append(each), opens(each))[1]
        )
        async with held_writer(station):
            asking = [asyncio.create_task(both.rows(grant, parameters=LEAST)) for _ in range(8)]
            await until(lambda: len({each.body for each in came}) == 8)
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert [each for each in found if not isinstance(each, errors.QueryBusy)] == [ROWS] * 3


# --- nothing is told before it is recorded ---


async def test_a_caller_is_given_nothing_before_the_ask_is_on_disk(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        await both.rows(grant, parameters=LEAST)
        station, reader = both.reader.app.station, both.reader.app.queries.reader
        async with held_writer(station):
            asking = asyncio.create_task(both.rows(grant, parameters=LEAST))
            await until(lambda: any(waiting.first for waiting in reader.arriving.waiting.values()))
            await asyncio.sleep(0)
            assert not asking.done(), "its answer is here, and its trace is not"
            assert await count(station, queries) == 1
        assert await asking == ROWS
        assert await count(station, queries) == 2


async def test_no_answer_leaves_before_the_provider_has_recorded(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        await both.rows(grant, parameters=LEAST)
        station, pages = both.provider.app.station, road(both.provider)
        with committing(station) as commit:
            asking = asyncio.create_task(both.rows(grant, parameters=LEAST))
            await until(commit.reached.is_set)
            await until(lambda: not both.provider.app.queries.provider._running)
            sent = [each for each in pages.sent if not each.routing_key.endswith(".checkpoint")]
            assert not sent, "the answer is made, and its trace is not on disk"
            assert await count(station, journal, journal.c.kind == "query.ask") == 1
        assert await asking == ROWS
        assert await count(station, journal, journal.c.kind == "query.ask") == 2


@dataclass
class Commit:
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def committing(station: Station) -> Iterator[Commit]:
    """A station that stands still at the end of a transaction with an ask, just before it is
    committed."""
    writer, held = station.database._writer, Commit()
    start = writer._start_batch

    def start_batch(conn: Any) -> Any:
        batch: Any = start(conn)
        before = batch.before_commit

        def before_commit() -> None:
            before()
            if any(row.kind == "query.ask" for row in batch._rows):
                held.reached.set()
                held.go_on.wait(30)

        batch.before_commit = before_commit
        return batch

    writer._start_batch = start_batch
    try:
        yield held
    finally:
        writer._start_batch = start
        held.go_on.set()


async def test_an_ask_that_comes_while_the_node_closes_is_recorded_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its query begins when no more may begin: the transaction it came in stands all the same."""
    async with pair(tmp_path) as both:
        grant, provider = await both.grant(), both.provider.app.queries.provider
        await both.rows(grant, parameters=LEAST)
        start = provider._start

        def closing(tx: Any, job: Any) -> None:
            start(tx, job)
            provider.offers.close()

        monkeypatch.setattr(provider, "_start", closing)
        asks = road(both.reader)
        asks.passes = lambda _post: len(asks.of("query.ask")) == 1
        with pytest.raises(errors.QuerySilent):
            await both.rows(grant, parameters=LEAST, timeout_s=0.5)
        assert await count(both.provider.app.station, queries) == 2
        assert not provider._running
        assert not provider._waiting


async def test_an_ask_that_cannot_be_recorded_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path) as both:
        grant = await both.grant()
        await both.rows(grant, parameters=LEAST)

        def full(*_: object) -> None:
            raise errors.StoreFull(path="store")

        monkeypatch.setattr(reading.record, "begin", full)
        with pytest.raises(errors.StoreFull):
            await both.rows(grant, parameters=LEAST)


async def test_a_grant_that_ended_since_it_was_looked_at_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory of grants may be a moment behind; the transaction is not."""
    async with pair(tmp_path) as both:
        grant = await both.grant()
        await both.rows(grant, parameters=LEAST)
        sent = road(both.reader)
        reading_grants = both.reader.app.queries.reader.at.describing.grants
        was = await reading_grants.held(grant.grant)
        await end(both, grant)
        with pytest.raises(errors.GrantEnded):
            await both.rows(grant, parameters=LEAST)
        assert not sent.of("query.ask"), "what is known to have ended leaves nothing"

        async def behind(_grant: str) -> Any:
            return was

        monkeypatch.setattr(reading_grants, "held", behind)
        with pytest.raises(errors.GrantEnded):
            await both.rows(grant, parameters=LEAST)


async def end(both: Pair, grant: GrantTerms) -> None:
    """At the reader alone: the provider goes on answering."""
    ended = GrantEnded(
        grant=grant.grant, feed=grant.feed, reader=grant.reader, incarnation=1, fence=0,
        reason="停止", filing="0" * 32, ended_ms=1, by="丁",
    )  # fmt: skip
    await both.reader.app.station.write(lambda tx: grants_held.end(tx, ended))


# --- what is not in order goes the long way, and is named ---


async def test_an_ask_is_not_answered_a_second_time_as_another(tmp_path: Path) -> None:
    """Replayed by whoever holds the broker: counted once, and its answer finds nobody waiting."""
    async with pair(tmp_path) as both:
        grant = await both.grant()
        asks = road(both.reader)
        await both.rows(grant, parameters=LEAST)
        pages = road(both.provider)
        for _ in range(3):
            both.reader.app.station.parts.post(asks.of("query.ask")[0])
        await until(lambda: len(pages.of("query.page")) == 3)
        assert await count(both.provider.app.station, queries) == 1
        assert not both.reader.app.queries.reader.arriving.waiting
        assert await both.rows(grant, parameters=LEAST) == ROWS


async def test_what_is_long_goes_the_long_way_and_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_PLAIN_BYTES", 100)
    async with pair(tmp_path) as both:
        grant = await both.grant()
        assert await both.rows(grant, parameters=LEAST) == ROWS
        offered = await both.reader.call("query.offered", grant=grant.grant)
        assert [each["code"] for each in offered["queries"]] == ["by-income"]
        with pytest.raises(errors.QueryUnknown):
            await both.rows(grant, "no-such")


async def test_a_flood_of_calls_waits_in_bounds_and_all_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "MOST_OPEN", 2)
    monkeypatch.setattr(calls, "MOST_OPEN_BYTES", 3_000)
    async with pair(tmp_path) as both:
        grant, station = await both.grant(), both.provider.app.station
        most: list[tuple[int, int]] = []
        start = station.database.start

        def noting(job: Any) -> Any:
            most.append((station.calls._begun, station.calls._begun_bytes))
            return start(job)

        monkeypatch.setattr(station.database, "start", noting)
        asking = [asyncio.create_task(both.rows(grant, parameters=LEAST)) for _ in range(40)]
        assert await asyncio.gather(*asking) == [ROWS] * 40
        assert max(begun for begun, _ in most) <= 2
        # One that was asked again may come behind its answer.
        await until(lambda: station.calls._begun == station.calls._begun_bytes == 0)


@pytest.mark.parametrize("fault", ["signature", "expired", "unread"])
async def test_a_call_that_is_not_in_order_is_set_aside_by_name(tmp_path: Path, fault: str) -> None:
    async with pair(tmp_path) as both:
        grant, kit = await both.grant(), both.kit
        asks = road(both.reader)
        await both.rows(grant, parameters=LEAST)
        ask, *_ = asks.of("query.ask")
        now_ms = kit.clock()
        page = QueryPage(ask="0" * 32, number=0, pages=0, rows=0, cut="", columns=())
        old = {"created_ms": now_ms - 700_000, "expires_ms": now_ms - 100_000}
        raw, code = {
            "signature": (ask.raw[:-40] + bytes(40), "envelope.body-hash"),
            "expired": (
                make_letter(kit, READER, PROVIDER, page, kind="query.page", **old),
                "envelope.expired",
            ),
            "unread": (make_letter(kit, READER, PROVIDER, page, kind="query.page"), "codec.shape"),
        }[fault]
        both.reader.app.station.wire.cast(Post(ask.exchange, ask.routing_key, raw))
        await set_aside(both.provider.app.station, code)
        assert await both.rows(grant, parameters=LEAST) == ROWS


async def set_aside(station: Station, code: str) -> None:
    query = select(quarantine.c.number).where(quarantine.c.error == code)
    await until_read(station, lambda conn: conn.execute(query).first())


async def test_pages_of_nobodys_ask_and_of_another_station_change_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        grant, kit = await both.grant(), both.kit
        pages = road(both.provider)
        pages.passes = lambda post: not post.routing_key.endswith("query.page")
        asking = asyncio.create_task(both.rows(grant, parameters=LEAST))
        await until(lambda: pages.of("query.page"))
        (waiting,) = both.reader.app.queries.reader.arriving.waiting.values()
        column = Column("id", "C", 32)
        forged = QueryPage(ask=waiting.ask, number=0, pages=1, rows=0, cut="", columns=(column,))
        raw = make_letter(kit, "s152900", READER, forged, kind="query.page")
        to = topology.letter_key(
            PROVIDER, READER, "query.page"
        )  # the broker's owner writes any key
        kit.broker.route(topology.QUICK, to, raw, mandatory=False)
        await set_aside(both.reader.app.station, "query.answer")
        assert not waiting.got
        pages.passes = lambda _post: True
        assert await asking == ROWS

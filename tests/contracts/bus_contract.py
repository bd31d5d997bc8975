"""The behaviour of a bus, whichever it is: subclass `BusContract` and give it a `rig`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ortoo_protocol.bus.port import Link, Outcome
from ortoo_protocol.core.errors import (
    BusForbidden,
    BusLoginRefused,
    BusLost,
    BusMissing,
)
from ortoo_protocol.core.topology import (
    BULK,
    FEEDS,
    HUB_INBOX,
    LETTERS,
    QUICK,
    Bounds,
    Change,
    FeedRoute,
    Sessions,
    Verb,
    bulk_queue,
    feed_queue,
    hub_key,
    inbox_queue,
    letter_key,
    plan,
    quick_queue,
)
from ortoo_protocol.core.topology import HUB as HUB_EXCHANGE
from tests.contracts.bus_rig import (
    FEED,
    HUB,
    MEMBERS,
    OTHER_FEED,
    PATIENCE_S,
    A,
    B,
    BusRig,
    C,
    lost,
    member,
    take,
    topology,
    until,
)

TO_B = letter_key(A, B, "feed.key")
NOWHERE = letter_key(A, C, "feed.key")
CALL = letter_key(A, B, "query.ask")

Connect = Callable[[str], Awaitable[Link]]


async def send(link: Link, body: bytes, key: str = TO_B, exchange: str = LETTERS) -> Outcome:
    return await link.publish(exchange, key, body, mandatory=True, timeout_s=PATIENCE_S)


async def send_numbers(link: Link, count: int) -> None:
    """Letters A to B whose bodies are 0, 1, 2 ...: one after the other, so their order is given."""
    for number in range(count):
        assert await send(link, b"%d" % number) is Outcome.CONFIRMED


@pytest.fixture
async def connect(rig: BusRig) -> AsyncIterator[Connect]:
    """Links that are closed with the test."""
    async with contextlib.AsyncExitStack() as links:

        async def attach(party: str) -> Link:
            link = await rig.bus(party).connect()
            links.push_async_callback(link.close)
            return link

        yield attach


class BusContract:
    # --- publishing ---

    async def test_a_letter_arrives_as_it_was_sent(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(inbox_queue(B), prefetch=10)
        body = bytes(range(256))
        assert await send(sender, body) is Outcome.CONFIRMED
        (delivery,) = await take(consumer, 1)
        assert (delivery.queue, delivery.routing_key) == (inbox_queue(B), TO_B)
        assert (delivery.body, delivery.redelivered) == (body, False)
        await consumer.settle([delivery])

    @pytest.mark.parametrize("size_bytes", [0, 1, 262_144, 3_000_000])
    async def test_bulk_of_any_size(self, rig: BusRig, connect: Connect, size_bytes: int) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(bulk_queue(B), prefetch=10)
        body = (b"\xce\x00\xff\xc5" * (size_bytes // 4 + 1))[:size_bytes]
        assert await send(sender, body, exchange=BULK) is Outcome.CONFIRMED
        (delivery,) = await take(consumer, 1)
        assert delivery.body == body

    async def test_many_publishes_at_once_are_all_confirmed(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        outcomes = await asyncio.gather(*(send(sender, b"%d" % n) for n in range(500)))
        assert set(outcomes) == {Outcome.CONFIRMED}
        consumer = await reader.consume(inbox_queue(B), prefetch=100)
        bodies: list[int] = []
        while len(bodies) < 500:
            batch = await consumer.receive(64)
            bodies += [int(delivery.body) for delivery in batch]
            await consumer.settle(batch)
        assert bodies == list(range(500))

    async def test_mandatory_without_a_queue_is_unroutable(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender = await connect(A)
        assert await send(sender, b"", NOWHERE) is Outcome.UNROUTABLE
        outcome = await sender.publish(
            FEEDS, f"{A}.unread", b"", mandatory=False, timeout_s=PATIENCE_S
        )
        assert outcome is Outcome.CONFIRMED

    async def test_identical_publishes_in_flight_keep_their_own_outcome(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender = await connect(A)
        keys = [TO_B, NOWHERE, NOWHERE, TO_B] * 10
        outcomes = await asyncio.gather(*(send(sender, b"the same", key) for key in keys))
        right = {TO_B: Outcome.CONFIRMED, NOWHERE: Outcome.UNROUTABLE}
        assert list(outcomes) == [right[key] for key in keys]

    async def test_a_full_inbox_refuses_until_it_is_read(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology(bounds=Bounds(inbox_messages=5)))
        sender, reader = await connect(A), await connect(B)
        confirmed = 0
        while await send(sender, b"x") is Outcome.CONFIRMED:
            confirmed += 1
            assert confirmed < 50
        assert await send(sender, b"x") is Outcome.REFUSED
        consumer = await reader.consume(inbox_queue(B), prefetch=50)
        await consumer.settle(await take(consumer, confirmed))

        async def accepted() -> bool:
            return await send(sender, b"y") is Outcome.CONFIRMED

        await until(accepted)

    async def test_a_full_feed_queue_drops_its_oldest(self, rig: BusRig, connect: Connect) -> None:
        """An absent reader stalls neither the publisher nor the other readers."""
        await rig.program(topology(bounds=Bounds(feed_bytes=10 * 1024)))
        sender = await connect(A)
        for number in range(40):
            body = b"%04d" % number + bytes(1020)
            assert await send(sender, body, FEED, FEEDS) is Outcome.CONFIRMED
        for party in (B, C):
            reader = await connect(party)
            consumer = await reader.consume(feed_queue(party, FEED), prefetch=100)
            (first,) = await take(consumer, 1)
            start = int(first.body[:4])
            assert 28 <= start < 40
            rest = await take(consumer, 39 - start)
            assert [int(d.body[:4]) for d in rest] == list(range(start + 1, 40))

    # --- consuming ---

    async def test_prefetch_bounds_what_is_handed_out(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 6)
        consumer = await reader.consume(inbox_queue(B), prefetch=3)
        first = await take(consumer, 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await consumer.receive(10)
        await consumer.settle(first)
        assert [d.body for d in await take(consumer, 3)] == [b"3", b"4", b"5"]

    async def test_a_cancelled_receive_takes_nothing(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(inbox_queue(B), prefetch=3)
        waiting = asyncio.create_task(consumer.receive(1))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await send_numbers(sender, 1)
        assert [d.body for d in await take(consumer, 1)] == [b"0"]

    async def test_what_is_released_comes_again(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 4)
        consumer = await reader.consume(inbox_queue(B), prefetch=4)
        taken = await take(consumer, 4)
        await consumer.release([taken[0], taken[1], taken[3]])
        again = await take(consumer, 3)
        assert {d.body for d in again} == {b"0", b"1", b"3"}
        assert all(d.redelivered for d in again)

    async def test_only_the_unsettled_comes_again_after_the_link_broke(
        self, rig: BusRig, connect: Connect
    ) -> None:
        """In order, however often, and settling in any order and twice means the same."""
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 17)
        consumer = await reader.consume(inbox_queue(B), prefetch=12)
        taken = await take(consumer, 12)
        await consumer.settle([taken[n] for n in (4, 0, 1, 7)])
        await consumer.settle([taken[n] for n in (1, 2, 4)])
        # Five more come only once the broker has read that five are settled.
        assert [int(d.body) for d in await take(consumer, 5)] == [12, 13, 14, 15, 16]
        for _ in range(3):
            await rig.cut()
            await lost(reader)
            reader = await connect(B)
            consumer = await reader.consume(inbox_queue(B), prefetch=17)
            again = await take(consumer, 12)
            assert [int(d.body) for d in again] == [3, 5, 6, *range(8, 17)]
            assert all(d.redelivered for d in again)

    async def test_what_is_stored_and_settled_survives_a_restart(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 8)
        consumer = await reader.consume(inbox_queue(B), prefetch=5)
        await consumer.settle((await take(consumer, 5))[:3])
        await take(consumer, 3)
        await rig.restart()
        await asyncio.gather(lost(sender), lost(reader))
        with pytest.raises(BusLost):
            await consumer.receive(1)
        assert await send(sender, b"late") is Outcome.UNKNOWN
        consumer = await (await connect(B)).consume(inbox_queue(B), prefetch=10)
        assert [int(d.body) for d in await take(consumer, 5)] == [3, 4, 5, 6, 7]

    async def test_a_deleted_queue_ends_its_consumer(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        reader = await connect(B)
        consumer = await reader.consume(feed_queue(B, FEED), prefetch=5)
        other = await reader.consume(feed_queue(B, OTHER_FEED), prefetch=5)
        await rig.program(topology(feeds=[FeedRoute(OTHER_FEED, B)]))
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(BusLost):
                await consumer.receive(1)
        with pytest.raises(BusMissing):
            await reader.consume(feed_queue(B, FEED), prefetch=5)
        sender = await connect(A)
        assert await send(sender, b"canary", FEED, FEEDS) is Outcome.UNROUTABLE
        assert await send(sender, b"item", OTHER_FEED, FEEDS) is Outcome.CONFIRMED
        assert [d.body for d in await take(other, 1)] == [b"item"]

    # --- calls ---

    @pytest.mark.parametrize("size_bytes", [0, 1, 1_200, 300_000])
    async def test_a_call_arrives_as_it_was_sent(
        self, rig: BusRig, connect: Connect, size_bytes: int
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(quick_queue(B), prefetch=10, settled=True)
        bodies = [bytes([n]) * size_bytes for n in range(40)]
        for body in bodies:
            sender.cast(QUICK, CALL, body)
        found = await take(consumer, 40)
        assert [delivery.body for delivery in found] == bodies
        assert {delivery.routing_key for delivery in found} == {CALL}

    async def test_a_call_that_was_handed_out_does_not_come_again(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(quick_queue(B), prefetch=1, settled=True)
        for number in range(30):
            sender.cast(QUICK, CALL, b"%d" % number)
        assert len(await take(consumer, 30)) == 30
        await consumer.close()
        consumer = await reader.consume(quick_queue(B), prefetch=1, settled=True)
        sender.cast(QUICK, CALL, b"new")
        assert [d.body for d in await take(consumer, 1)] == [b"new"]

    @pytest.mark.parametrize(
        ("exchange", "key"),
        [
            (QUICK, letter_key(C, B, "query.ask")),
            (QUICK, f"{A}0.{B}.query.ask"),
            ("", quick_queue(B)),
            ("amq.topic", letter_key(A, B, "query.ask")),
            ("no.such", letter_key(A, B, "query.ask")),
        ],
    )
    async def test_a_call_that_is_refused_is_lost_and_the_next_ones_go(
        self, rig: BusRig, connect: Connect, exchange: str, key: str
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(quick_queue(B), prefetch=10, settled=True)
        sender.cast(exchange, key, b"forged")
        found: list[bytes] = []
        async with asyncio.timeout(PATIENCE_S):
            while not found:  # those right behind it may go with the channel that it closed
                sender.cast(QUICK, CALL, b"own")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        found = [delivery.body for delivery in await consumer.receive(1)]
        assert found == [b"own"]
        assert await send(sender, b"a letter") is Outcome.CONFIRMED

    async def test_calls_go_to_whom_a_grant_joins_and_nobody_else(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender, reader, stranger = await connect(A), await connect(B), await connect(C)
        strangers = await stranger.consume(quick_queue(C), prefetch=10, settled=True)
        consumer = await reader.consume(quick_queue(B), prefetch=10, settled=True)
        sender.cast(QUICK, letter_key(A, C, "query.ask"), b"no grant")
        stranger.cast(QUICK, letter_key(C, B, "query.ask"), b"no grant")
        sender.cast(QUICK, letter_key(A, B, "feed.key"), b"no call")
        sender.cast(QUICK, CALL, b"granted")
        assert [d.body for d in await take(consumer, 1)] == [b"granted"]
        for nobodys in (strangers, consumer):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await nobodys.receive(1)

    async def test_a_deleted_queue_of_calls_ends_its_consumer(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        reader = await connect(B)
        consumer = await reader.consume(quick_queue(B), prefetch=5, settled=True)
        (queue,) = [q for q in topology().queues if q.name == quick_queue(B)]
        await rig.admin.apply(Change(Verb.REMOVE, queue))
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(BusLost):
                await consumer.receive(1)
        with pytest.raises(BusMissing):
            await reader.consume(quick_queue(B), prefetch=5, settled=True)

    async def test_a_lost_link_ends_calls(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        consumer = await reader.consume(quick_queue(B), prefetch=5, settled=True)
        await rig.cut()
        await asyncio.gather(lost(sender), lost(reader))
        sender.cast(QUICK, CALL, b"late")
        with pytest.raises(BusLost):
            await consumer.receive(1)

    # --- what the broker does not allow ---

    @pytest.mark.parametrize(
        ("exchange", "key"),
        [
            (LETTERS, letter_key(C, B, "feed.key")),
            (BULK, letter_key(C, B, "feed.key")),
            (QUICK, letter_key(C, B, "query.ask")),
            (FEEDS, f"{C}.townships"),
            (HUB_EXCHANGE, hub_key(C, "checkpoint")),
            (HUB_EXCHANGE, A),
            (LETTERS, f"{A}0.{B}.feed.key"),
            ("", inbox_queue(B)),
            ("amq.topic", TO_B),
        ],
    )
    async def test_foreign_routing_keys_and_exchanges_are_refused(
        self, rig: BusRig, connect: Connect, exchange: str, key: str
    ) -> None:
        """And the link goes on: one refused letter holds nothing behind it."""
        await rig.program(topology())
        sender = await connect(A)
        with pytest.raises(BusForbidden):
            await send(sender, b"forged", key, exchange)
        assert await send(sender, b"own") is Outcome.CONFIRMED

    async def test_a_refusal_is_not_blamed_on_others_in_flight(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender = await connect(A)
        keys = [letter_key(C, B, "feed.key") if n == 5 else TO_B for n in range(20)]
        outcomes = await asyncio.gather(
            *(send(sender, b"", key) for key in keys), return_exceptions=True
        )
        assert isinstance(outcomes.pop(5), BusForbidden)
        assert set(outcomes) <= {Outcome.CONFIRMED, Outcome.UNKNOWN}

    @pytest.mark.parametrize(
        "queue",
        [inbox_queue(C), bulk_queue(C), quick_queue(C), feed_queue(C, FEED), HUB_INBOX],
    )
    async def test_foreign_queues_cannot_be_read(
        self, rig: BusRig, connect: Connect, queue: str
    ) -> None:
        await rig.program(topology())
        reader = await connect(B)
        with pytest.raises(BusForbidden):
            await reader.consume(queue, prefetch=1)
        with pytest.raises(BusForbidden):
            await reader.consume(queue, prefetch=1, settled=True)
        await reader.consume(inbox_queue(B), prefetch=1)

    async def test_nobody_declares_or_binds(self, rig: BusRig) -> None:
        await rig.program(topology())
        for party in (A, HUB):
            with pytest.raises(BusForbidden):
                await rig.declare(party, f"feed.{party}.0000000000000000")
            with pytest.raises(BusForbidden):
                await rig.bind(party, inbox_queue(party), LETTERS, f"{C}.#")

    async def test_the_hub_reads_its_inbox(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, hub = await connect(A), await connect(HUB)
        consumer = await hub.consume(HUB_INBOX, prefetch=5)
        key = hub_key(A, "checkpoint")
        assert await send(sender, b"c", key, HUB_EXCHANGE) is Outcome.CONFIRMED
        assert [d.routing_key for d in await take(consumer, 1)] == [key]
        consumer = await hub.consume(bulk_queue(HUB), prefetch=5)
        key = letter_key(A, HUB, "feed.item")
        assert await send(sender, b"i", key, BULK) is Outcome.CONFIRMED
        assert [d.body for d in await take(consumer, 1)] == [b"i"]

    async def test_a_suspended_member_is_out_within_a_second(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        suspended, other = await connect(B), await connect(A)
        assert await send(suspended, b"", letter_key(B, A, "feed.key")) is Outcome.CONFIRMED
        members = [member(m.party, active=m.party != B) for m in MEMBERS]
        changes = plan(topology(members), await rig.admin.read())
        closing = changes.index(Change(Verb.REMOVE, Sessions(B)))
        async with asyncio.timeout(1):
            for change in changes[: closing + 1]:
                await rig.admin.apply(change)
            await suspended.wait_lost()
        with pytest.raises(BusLoginRefused):
            await connect(B)
        await rig.program(topology(members))
        assert await send(other, b"", hub_key(A, "status"), HUB_EXCHANGE) is Outcome.CONFIRMED
        await rig.program(topology())
        await connect(B)

    async def test_a_wrong_password_is_named(self, rig: BusRig) -> None:
        await rig.program(topology())
        with pytest.raises(BusLoginRefused) as refused:
            await rig.bus(A, "guess").connect()
        assert "guess" not in str(refused.value)

    # --- a broker in trouble ---

    async def test_a_cut_link_is_lost_and_says_so(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        link = await connect(A)
        consumer = await link.consume(inbox_queue(A), prefetch=5)
        receiving = asyncio.create_task(consumer.receive(1))
        await send(link, b"")
        await rig.cut()
        await lost(link)
        with pytest.raises(BusLost):
            async with asyncio.timeout(PATIENCE_S):
                await receiving
        with pytest.raises(BusLost):
            await consumer.settle([])
        with pytest.raises(BusLost):
            await link.consume(inbox_queue(A), prefetch=5)
        assert await send(link, b"late") is Outcome.UNKNOWN
        assert not link.blocked()

    async def test_an_alarm_blocks_publishers_only(self, rig: BusRig, connect: Connect) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 2)
        await rig.alarm(True)
        try:
            assert not sender.blocked()
            stuck = await sender.publish(LETTERS, TO_B, b"2", mandatory=True, timeout_s=1)
            assert stuck is Outcome.UNKNOWN
            assert sender.blocked()
            stuck = await sender.publish(LETTERS, TO_B, b"never", mandatory=True, timeout_s=0.1)
            assert stuck is Outcome.UNKNOWN
            consumer = await reader.consume(inbox_queue(B), prefetch=1)
            for body in (b"0", b"1"):
                (delivery,) = await take(consumer, 1)
                assert delivery.body == body
                await consumer.settle([delivery])
        finally:
            await rig.alarm(False)

        async def unblocked() -> bool:
            return not sender.blocked()

        await until(unblocked)
        assert await send(sender, b"3") is Outcome.CONFIRMED
        # The publish that nobody waited for any more was delivered all the same.
        (late,) = await take(consumer, 1)
        assert late.body == b"2"
        await consumer.settle([late])
        assert [d.body for d in await take(consumer, 1)] == [b"3"]

    async def test_an_emptied_broker_is_rebuilt_by_the_plan(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        link = await connect(A)
        await rig.empty()
        await lost(link)
        with pytest.raises(BusLoginRefused):
            await connect(A)
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 1)
        await take(await reader.consume(inbox_queue(B), prefetch=1), 1)

    async def test_an_exchange_that_is_gone_is_unroutable(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender = await connect(A)
        (letters,) = (e for e in topology().exchanges if e.name == LETTERS)
        await rig.admin.apply(Change(Verb.REMOVE, letters))
        assert await send(sender, b"") is Outcome.UNROUTABLE
        await rig.program(topology())
        assert await send(sender, b"") is Outcome.CONFIRMED

    async def test_closing_gives_back_what_is_unsettled(
        self, rig: BusRig, connect: Connect
    ) -> None:
        await rig.program(topology())
        sender, reader = await connect(A), await connect(B)
        await send_numbers(sender, 3)
        consumer = await reader.consume(inbox_queue(B), prefetch=3)
        await consumer.settle((await take(consumer, 3))[:1])
        await consumer.close()
        with pytest.raises(BusLost):
            await consumer.receive(1)
        consumer = await reader.consume(inbox_queue(B), prefetch=3)
        assert [d.body for d in await take(consumer, 2)] == [b"1", b"2"]
        await reader.close()
        await lost(reader)
        consumer = await (await connect(B)).consume(inbox_queue(B), prefetch=3)
        assert [d.body for d in await take(consumer, 2)] == [b"1", b"2"]

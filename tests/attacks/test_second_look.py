"""Attacks by members with valid keys, by the broker and by the hub that the first round missed.

Each test carries one attack out against a station or a hub in the test process and looks at what
became of it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from ortoo_node import app as node_app
from ortoo_node import cases, catalog, subscribing, views
from ortoo_node.store import NODE
from ortoo_node.store import tables as node_tables
from ortoo_protocol.core import feeds
from ortoo_protocol.core.catalog import Federated
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.core.feeds import FeedRefusal, Head
from ortoo_protocol.core.grants import GrantEnded
from ortoo_protocol.core.ids import Plane, feed_id
from ortoo_protocol.station import feed_reader, feed_writer, grants_held, inbox
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feeds_in, grants, quarantine
from tests.attacks.test_station_attacks import (
    FEED,
    NewDesk,
    desk,
    open_item,
    read_by,
)
from tests.support import hubs
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter
from tests.support.stations import Kit, terms
from tests.support.trust import DEPARTMENTS, HUB

__all__ = ["desk"]  # a fixture

A, B, C = "s150700", "s150200", "s152900"
DIRECTORY, REGION = feed_id(HUB, "directory"), feed_id(HUB, "catalog")


class Node:
    """A station's application without its loops: what arrives is accepted, one by one."""

    def __init__(self, kit: Kit, party: str) -> None:
        self.kit = kit
        self.station: Station = kit.open(party, node_app.hooks(), migrations=(NODE,), online=False)

    async def do(self, job: Callable[[Tx], Any]) -> Any:
        return await self.station.write(job)

    async def take(self, raw: bytes) -> str:
        """Accept; the code with which it was set aside, or nothing."""
        before = await self.codes()
        await self.do(lambda tx: inbox.accept(tx, raw))
        return "".join((await self.codes())[len(before) :])

    async def codes(self) -> list[str]:
        query = select(quarantine.c.error).order_by(quarantine.c.number)
        return list(await self.do(lambda tx: tx.conn.execute(query).scalars().all()))

    async def rows(self, table: Any) -> list[Any]:
        return list(await self.do(lambda tx: tx.conn.execute(select(table)).all()))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Callable[[str], Node]]:
    kit, made = Kit(tmp_path), list[Node]()

    def new(party: str) -> Node:
        made.append(Node(kit, party))
        return made[-1]

    yield new
    for each in made:
        await each.station.close()


# --- a provider speaks of what is another's -----------------------------------------------------


async def granted(reader: Node) -> None:
    """`reader` holds a grant of A, and reads the hub's feeds."""
    terms_ = terms(A, B, FEED)

    def job(tx: Tx) -> None:
        feed_reader.join(tx, DIRECTORY, feed_reader.HISTORY)
        grants_held.keep(tx, terms_, encode(terms_))
        feed_reader.join(tx, FEED, feed_reader.SNAPSHOT)

    await reader.do(job)


def end_of(feed: str, **changes: object) -> GrantEnded:
    made = GrantEnded(
        grant=f"{1:032x}",
        feed=feed,
        reader=B,
        incarnation=1,
        fence=0,
        reason="目的已达成",
        filing="f" * 32,
        ended_ms=1,
        by="丙",
    )
    return replace(made, **changes)


async def test_the_end_of_a_grant_ends_no_other_feed(node: Callable[[str], Node]) -> None:
    """A ends its own grant, and names the hub's directory feed as the one to be left."""
    reader = node(B)
    await granted(reader)
    assert await reader.take(make_letter(reader.kit, A, B, end_of(DIRECTORY))) == "grant.scope"
    states = {row.feed: row.state for row in await reader.rows(feeds_in)}
    assert states == {DIRECTORY: "reading", FEED: "joining"}
    assert await reader.take(make_letter(reader.kit, A, B, end_of(FEED))) == ""
    states = {row.feed: row.state for row in await reader.rows(feeds_in)}
    assert states == {DIRECTORY: "reading", FEED: "ended"}


async def asked(reader: Node) -> str:
    """`reader` has asked A for its resource and waits with a table for it; the case."""

    def job(tx: Tx) -> str:
        catalog._store(tx.conn, hubs.entry(), 1, 1)
        department = DEPARTMENTS[B][0]
        wish = cases.Wish(
            hubs.RESOURCE,
            department,
            (),
            "",
            "工作参考",
            "第八条",
            "核对",
            "系统对接",
            0,
            "丁",
            "戊",
        )
        case = cases.apply(tx, wish)
        subscribing.make(
            tx,
            resource=hubs.RESOURCE,
            department=department,
            sink="shared",
            table="people",
            terms=None,
            case=case,
        )
        return case

    return str(await reader.do(job))


async def test_the_end_of_a_grant_ends_no_other_case(node: Callable[[str], Node]) -> None:
    """C ends its own grant under the number of B's case with A."""
    reader = node(B)
    case = await asked(reader)
    own = terms(C, B, f"{C}.x", 7)

    def job(tx: Tx) -> None:
        grants_held.keep(tx, own, encode(own))
        cases._set(tx, case, state="granted")

    await reader.do(job)
    letter = make_letter(reader.kit, C, B, end_of(own.feed, grant=own.grant), case=case)
    assert await reader.take(letter) == ""
    assert [row.state for row in await reader.rows(node_tables.cases)] == ["granted"]


@pytest.mark.parametrize("known_case", [True, False])
async def test_another_provider_answers_a_case_with_a_grant_of_its_own(
    node: Callable[[str], Node], known_case: bool
) -> None:
    """C has learned the number of B's case with A (it stands in headers, which the broker reads)
    and gives B a feed of its own in A's place; or it names A's resource in a case of its own."""
    reader = node(B)
    case = await asked(reader)
    sham = replace(
        terms(C, B, f"{C}.sham", 7),
        resource=hubs.RESOURCE,
        case=case if known_case else f"{7:032x}",
    )
    assert await reader.take(make_letter(reader.kit, C, B, sham, case=case)) == "grant.scope"
    assert await reader.rows(grants) == []
    true = replace(terms(A, B, FEED, 8), resource=hubs.RESOURCE, case=case)
    assert await reader.take(make_letter(reader.kit, A, B, true, case=case)) == ""
    (subscription,) = await reader.rows(node_tables.subscriptions)
    assert (subscription.feed, subscription.state) == (FEED, "active")


async def test_a_grant_number_used_again(node: Callable[[str], Node]) -> None:
    """What is held under a number stays, and other terms under it are refused by name."""
    reader = node(B)
    case = await asked(reader)
    first = replace(terms(A, B, FEED, 8), resource=hubs.RESOURCE, case=case)
    assert await reader.take(make_letter(reader.kit, A, B, first)) == ""
    other = replace(first, purpose="校核")
    assert await reader.take(make_letter(reader.kit, A, B, other)) == "grant.scope"


# --- the hub and one member: a catalog entry in another's place ---------------------------------


@pytest.mark.parametrize("at", [A, B])
async def test_the_hub_passes_on_an_entry_that_takes_anothers_code(
    node: Callable[[str], Node], at: str
) -> None:
    """At a third station, and at the provider itself."""
    station = node(at)
    await station.do(lambda tx: feed_reader.join(tx, REGION, feed_reader.HISTORY))
    suite, plane = station.kit.region.suite, Plane.EXTRANET

    async def brought(seq: int, previous: bytes, provider: str, **changes: object) -> bytes:
        department, name = DEPARTMENTS[provider]
        given = {
            "provider": provider,
            "department": department,
            "department_name": name,
            "feed": f"{provider}.allowances",
            **changes,
        }
        inner = make_letter(
            station.kit,
            provider,
            f"{provider}.catalog",
            hubs.entry(**given),
            position=Position(1, seq, bytes(suite.hash_bytes)),
        )
        item = make_letter(
            station.kit,
            HUB,
            REGION,
            Federated(envelope=inner, accepted_ms=1),
            position=Position(1, seq, previous),
        )
        await station.take(item)
        return envelope_hash(split(item, suites=station.kit.region.suites, plane=plane))

    last = await brought(1, feeds.genesis(suite, plane, REGION, 1), A)
    last = await brought(2, last, C, version=9)
    (row,) = await station.rows(node_tables.catalog)
    assert (row.provider, row.feed) == (A, FEED_OF_ENTRY)
    # In the name of a department that another party announced.
    code = "3152900009"
    await brought(3, last, C, code=code, department=DEPARTMENTS[A][0])
    assert code not in [row.code for row in await station.rows(node_tables.catalog)]


FEED_OF_ENTRY = hubs.FEED


# --- work without bounds ------------------------------------------------------------------------


def test_a_row_filter_made_to_be_slow() -> None:
    """An application for an unconditional resource is answered by the writer itself."""
    begun = time.perf_counter()
    for text in ("a" + " " * 200_000 + "b", "a = '" + "'" * 200_002, " " * 200_000 + "= '"):
        with pytest.raises(GrantScope):
            views.parse_filter(text, None)
    assert time.perf_counter() - begun < 1.0


def test_a_row_filter_that_is_honest() -> None:
    assert views.parse_filter("  a = 'x'  and\tb='it''s AND so' ", ("a", "b")) == (
        ("a", "x"),
        ("b", "it's AND so"),
    )


# --- a publisher, a third reader, and the feed of others ----------------------------------------


def test_a_third_party_joins_until_other_readers_lose_the_key(desk: NewDesk) -> None:
    """Each grant of an unconditional resource moves the feed's key on; readers step forward 64
    times at most, and the publisher keeps the newest key alone."""
    publisher, (reader,) = read_by(desk, B)
    number = 100

    def join(times: int) -> None:
        nonlocal number
        for _ in range(times):
            number += 1
            given = terms(A, C, FEED, number)

            def job(tx: Tx, given: Any = given) -> None:
                feed_writer.add_reader(tx, FEED, given.grant, b"", C)

            publisher.do(job)

    join(70)
    publisher.publish(FEED, ("002", "乙"))
    join(140)
    publisher.publish(FEED, ("003", "丙"))
    reader.take(*publisher.letters("feed.key", B)[1:])
    for raw in list(publisher.items(FEED).values())[2:]:
        reader.take(raw)
        open_item(reader, raw)


def dispute(desk: NewDesk) -> tuple[Desk, Desk]:
    publisher, (reader,) = read_by(desk, B)
    seq = reader.watermark(FEED)
    head = Head(feed=FEED, incarnation=1, seq=seq, hash=bytes(32), time_ms=1 << 50)
    with pytest.raises(Refused, match=r"feed\.fork"):
        reader.take(make_letter(publisher.kit, A, FEED, head, kind="feed.head"))
    assert reader.feed(FEED).state == "disputed"
    return publisher, reader


def test_a_publisher_undoes_the_dispute_over_its_fork(desk: NewDesk) -> None:
    """It says that it lacks what was asked for, so that the reader begins anew from a snapshot."""
    publisher, reader = dispute(desk)
    gone = FeedRefusal(feed=FEED, error="feed.retention", detail="")
    reader.take(make_letter(publisher.kit, A, B, gone))
    row = reader.feed(FEED)
    assert (row.state, row.error) == ("disputed", "feed.fork")


def test_a_publisher_takes_up_a_feed_that_ended(desk: NewDesk) -> None:
    publisher, (reader,) = read_by(desk, B)
    reader.do(lambda tx: feed_reader.end(tx, FEED, 2, "grant.ended"))
    gone = FeedRefusal(feed=FEED, error="feed.retention", detail="")
    reader.take(make_letter(publisher.kit, A, B, gone))
    assert reader.feed(FEED).state == "ended"


def test_a_refusal_that_is_no_code(desk: NewDesk) -> None:
    """It is shown to people as it stands."""
    publisher, (reader,) = read_by(desk, B)
    said = FeedRefusal(feed=FEED, error="\x1b[2J" + "x" * 100_000, detail="")
    with pytest.raises(Refused):
        reader.take(make_letter(publisher.kit, A, B, said))
    assert reader.feed(FEED).error == ""

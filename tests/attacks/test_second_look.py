"""Attacks by members with valid keys, by the broker and by the hub that the first round missed.

Each test carries one attack out against a station or a hub in the test process and looks at what
became of it.
"""

from __future__ import annotations

import logging
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import select

from ortoo_hub.reconcile import _common, _verdict
from ortoo_node import app as node_app
from ortoo_node import cases, catalog, subscribing
from ortoo_node.cases import store as case_store
from ortoo_node.files.desk import Files
from ortoo_node.sinks.columns import storer
from ortoo_node.store import NODE, case_tables
from ortoo_node.store import tables as node_tables
from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.cli.shell import Shell
from ortoo_protocol.cli.visible import LineFormatter
from ortoo_protocol.core import announcement, feeds, journal
from ortoo_protocol.core.announcement import DepartmentEntry
from ortoo_protocol.core.cases import (
    Record,
    Records,
    Withdrawal,
    check_answer,
    check_application,
    check_withdrawal,
)
from ortoo_protocol.core.catalog import Federated, check_entry
from ortoo_protocol.core.codec import MAX_COUNT, encode
from ortoo_protocol.core.envelope import Position, envelope_hash, split
from ortoo_protocol.core.errors import CatalogUnknown, GrantScope, OrtooError, RowsError
from ortoo_protocol.core.feeds import (
    UPSERT,
    FeedRefusal,
    Head,
    ItemsAsk,
    ProofAnswer,
    RowChange,
    SnapshotAsk,
    SnapshotPart,
    TableSchema,
    row_part,
)
from ortoo_protocol.core.grants import GrantEnded, check_ended, check_terms
from ortoo_protocol.core.ids import Plane, feed_id
from ortoo_protocol.core.journal import Note, NoteSignature
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.core.notices import Announce, TrustAsk, TrustUpdate
from ortoo_protocol.core.notices import Checkpoint as CheckpointLetter
from ortoo_protocol.core.row_filters import parse_filter
from ortoo_protocol.core.rows import checks
from ortoo_protocol.core.verify import as_body, open_content
from ortoo_protocol.i18n import translator
from ortoo_protocol.station import (
    feed_reader,
    feed_writer,
    grants_held,
    inbox,
    quota,
    table_feed,
)
from ortoo_protocol.station.apply_work import Item
from ortoo_protocol.station.context import Hooks, Post, Tx
from ortoo_protocol.station.opening import Opening, open_snapshot
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import checkpoints as checkpoints_table
from ortoo_protocol.station.store.tables import (
    feed_in_snapshots,
    feeds_in,
    grants,
    outbox,
    quarantine,
)
from tests.attacks.test_station_attacks import (
    FEED,
    NewDesk,
    desk,
    hash_of,
    open_item,
    read_by,
    with_keys,
)
from tests.support import hubs
from tests.support.bodies import LIST_ROW
from tests.support.desk import Desk, Refused
from tests.support.letters import make_letter, refusal
from tests.support.stations import COLUMNS, Kit, terms, until
from tests.support.trust import DEPARTMENTS, HUB, seeded

__all__ = ["desk"]  # a fixture

A, B, C = "s150700", "s150200", "s152900"
DIRECTORY, REGION = feed_id(HUB, "directory"), feed_id(HUB, "catalog")


class Node:
    """A station's application without its loops: what arrives is accepted, one by one."""

    def __init__(self, kit: Kit, party: str) -> None:
        self.kit = kit
        self.station: Station = kit.open(
            party, node_app.hooks(Files()), migrations=(NODE,), online=False
        )

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
        catalog.store(tx, hubs.entry(), 1, 1)
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
            purpose="工作参考",
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
        case_store.put(tx, case, state="granted")

    await reader.do(job)
    letter = make_letter(reader.kit, C, B, end_of(own.feed, grant=own.grant), case=case)
    assert await reader.take(letter) == ""
    assert [row.state for row in await reader.rows(case_tables.cases)] == ["granted"]


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


async def test_a_grant_of_something_else_than_was_asked_for(node: Callable[[str], Node]) -> None:
    """A and the hub agree on it: the applicant itself still holds what it asked for."""
    reader = node(B)
    case = await asked(reader)
    true = replace(terms(A, B, FEED, 8), resource=hubs.RESOURCE, case=case)
    for changes in ({"purpose": "商业推广"}, {"mode": "文件下载"}):
        letter = make_letter(reader.kit, A, B, replace(true, **changes), case=case)
        assert await reader.take(letter) == "grant.scope"
    assert await reader.rows(grants) == []
    narrow = replace(true, row_filter="code = '1'", until_ms=reader.kit.clock() + 86_400_000)
    assert await reader.take(make_letter(reader.kit, A, B, narrow, case=case)) == ""


async def test_records_of_moments_that_are_none(node: Callable[[str], Node]) -> None:
    """One of them among good ones: none is kept, so none is half done."""
    reader = node(B)
    case = await asked(reader)
    good = Record(case=case, number=1, event="submit", party=B, state="submitted", time_ms=1)
    for changes in ({"time_ms": MAX_COUNT}, {"time_ms": 0}, {"number": 0}):
        records = Records(records=(good, replace(good, **({"number": 2} | changes))))
        assert await reader.take(make_letter(reader.kit, HUB, B, records)) == "case.field"
    assert await reader.rows(case_tables.case_records) == []


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


@pytest.mark.parametrize("at", [A, B])
async def test_the_hub_passes_on_a_list_row_in_anothers_name(
    node: Callable[[str], Node], at: str
) -> None:
    """Neither of another provider nor of a department that another party announced."""
    station = node(at)
    await station.do(lambda tx: feed_reader.join(tx, REGION, feed_reader.HISTORY))
    suite, plane = station.kit.region.suite, Plane.EXTRANET

    async def brought(seq: int, previous: bytes, signer: str, **changes: object) -> bytes:
        department, name = DEPARTMENTS[A]
        row = replace(LIST_ROW, provider=A, department=department, department_name=name)
        position = Position(1, seq, bytes(suite.hash_bytes))
        inner = make_letter(
            station.kit, signer, f"{signer}.catalog", replace(row, **changes), position=position
        )
        passed_on = Federated(envelope=inner, accepted_ms=1)
        place = Position(1, seq, previous)
        item = make_letter(station.kit, HUB, REGION, passed_on, position=place)
        await station.take(item)
        return envelope_hash(split(item, suites=station.kit.region.suites, plane=plane))

    last = await brought(1, feeds.genesis(suite, plane, REGION, 1), A)
    last = await brought(2, last, C, version=9, title="偷换")
    last = await brought(3, last, C, provider=C, number="XQ-2")
    last = await brought(4, last, A, version=8, title=LONG)
    rows = await station.rows(node_tables.catalog_lists)
    assert [(row.provider, row.number, row.version) for row in rows] == [(A, LIST_ROW.number, 1)]


# --- work without bounds ------------------------------------------------------------------------


def test_a_row_filter_made_to_be_slow() -> None:
    """An application for an unconditional resource is answered by the writer itself."""
    begun = time.perf_counter()
    for text in ("a" + " " * 200_000 + "b", "a = '" + "'" * 200_002, " " * 200_000 + "= '"):
        with pytest.raises(GrantScope):
            parse_filter(text, None)
    assert time.perf_counter() - begun < 1.0


def test_a_row_filter_that_is_honest() -> None:
    assert parse_filter("  a = 'x'  and\tb='it''s AND so' ", ("a", "b")) == (
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
    head = Head(feed=FEED, incarnation=1, seq=seq, hash=bytes(32), time_ms=END_OF_TIME_MS - 1)
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


# --- small questions with large answers ---------------------------------------------------------


def test_a_reader_asks_for_snapshots_without_end(desk: NewDesk) -> None:
    """An ask is a kilobyte, its answer the whole table: what one asker gets in a time is bounded,
    and it is told so."""
    publisher = desk(A)
    chance = seeded("rows")
    publisher.publish(FEED, *((f"{n:03}", chance(45).hex()) for n in range(3)))
    reader = desk(B)
    publisher.grant(reader, FEED)

    def grow(tx: Tx) -> None:
        schema = table_feed.current_schema(tx, FEED)
        assert schema is not None
        rows = [RowChange(UPSERT, (f"{n:05}", chance(45).hex())) for n in range(20_000)]
        table_feed.publish_changes(tx, FEED, schema, rows)

    publisher.do(grow)
    with (
        mock.patch.object(quota, "BURST_BYTES", 8 << 20),
        mock.patch.object(quota, "BYTES_A_S", 0),
    ):
        for _ in range(12):
            publisher.take(make_letter(publisher.kit, B, A, SnapshotAsk(feed=FEED)))
    answered = sum(map(len, publisher.posts("feed.snapshot")))
    assert 2 << 20 < answered < 12 << 20
    assert len(publisher.posts("feed.refusal")) > 5


def test_a_member_asks_for_items_without_end(desk: NewDesk) -> None:
    """The same for items, of which any member may ask those of an open feed."""
    publisher, (_,) = read_by(desk, B)
    for _ in range(20_000 // 100):
        publisher.parts.quota.spend(B, 1 << 20, publisher.kit.clock())
    ask = ItemsAsk(feed=FEED, incarnation=1, first=1, last=2)
    publisher.take(make_letter(publisher.kit, B, A, ask))
    assert not publisher.posts("feed.again")
    assert publisher.posts("feed.refusal")


async def test_one_member_makes_the_answer_about_trust_too_large(tmp_path: Path) -> None:
    """Announcements with as much as a letter holds: together they fit no letter any more."""
    kit = hubs.HubKit(tmp_path)
    hub = kit.hub()
    await hub.prepare("a password for tests")
    region = kit.region
    large = []
    for party in (A, B):
        plain = region.announcement(party, number=2)
        own = plain.departments
        codes = [f"{party[1:]}{n:012}" for n in range(1_000)]
        more = tuple(DepartmentEntry(code=code, name="旗" * 200) for code in codes)
        large.append(replace(plain, departments=own + more))
    with mock.patch.object(announcement, "check_department"):
        raws = [region.sign_announcement(each) for each in large]
        for raw, party in zip(raws, (A, B), strict=True):
            letter = make_letter(kit, party, HUB, Announce(document=raw))
            await hub.station.write(lambda tx, raw=letter: inbox.accept(tx, raw))
        sent: list[Post] = []
        hub.station.parts.post.posts.put = sent.append  # type: ignore[attr-defined]
        ask = make_letter(kit, C, HUB, TrustAsk(version=0))
        await hub.station.write(lambda tx: inbox.accept(tx, ask))
    documents = [raw for post in sent for raw in decode_update(kit, post.raw)]
    assert set(raws) <= set(documents)
    assert documents == list(hub.station.parts.trust.current.documents())
    await hub.station.close()


def decode_update(kit: Kit, raw: bytes) -> tuple[bytes, ...]:
    message = feed_reader.read_stored(raw, kit.region.suites, Plane.EXTRANET)
    return as_body(open_content(message, lambda _: None), TrustUpdate).body.documents


# --- past the notary ----------------------------------------------------------------------------


async def test_a_member_passes_the_notary_by(tmp_path: Path) -> None:
    """Peers whom a grant joins reach each other's inbox without the hub: a letter that the hub is
    to record is not taken that way, whatever routing key it bears."""
    kit = hubs.HubKit(tmp_path)
    hub, provider, reader = kit.hub(), kit.station(A), kit.station(B)
    async with kit.hub_running(hub, provider, reader) as running:
        await running.listed(provider, hubs.entry())
        await running.granted(provider, reader)
        await until(lambda: kit.direct_routes(B, A))
        before = len(kit.seen[A].of_kind("case.application"))
        link = await kit.bus(B).connect()
        letter = make_letter(kit, B, A, hubs.application(9))
        key = f"{B}.{A}.feed.key"
        outcome = await link.publish("letters", key, letter, mandatory=True, timeout_s=5)
        assert outcome is Outcome.CONFIRMED

        async def codes() -> list[str]:
            return await provider.read(hubs.quarantine_codes)

        await hubs.until_true(codes)
        await link.close()
        assert await codes() == ["envelope.kind"]
        assert len(kit.seen[A].of_kind("case.application")) == before


# --- checkpoints --------------------------------------------------------------------------------


def checkpoint_of(maker: Desk, junk: int) -> CheckpointLetter:
    """A checkpoint of one leaf, with lines of keys that nobody knows."""
    suite, plane = maker.parts.suites.get(1), Plane.EXTRANET
    origin = journal.journal_origin(plane, maker.party)
    signer = journal.note_signer(suite, origin, maker.parts.identity.signer)
    note = Note(journal.Checkpoint(origin, 1, bytes(32))).signed(signer)
    more = [NoteSignature(f"junk{n}", bytes(4), bytes(600)) for n in range(junk)]
    return CheckpointLetter(note=note.joined(more).to_bytes().decode(), since=0, proof=())


def test_a_checkpoint_swollen_with_lines_of_unknown_keys(desk: NewDesk) -> None:
    """They compress to nothing on the way; the hub keeps what it judged, and no more."""
    hub, member = desk(HUB), desk(A)
    hub.take(make_letter(hub.kit, A, HUB, checkpoint_of(member, junk=200)))
    (row,) = [row for row in hub.rows(checkpoints_table) if row.origin.endswith(A)]
    assert len(row.note) < 500


def test_a_checkpoint_sent_to_another_member(desk: NewDesk) -> None:
    """The hub alone keeps and cosigns them."""
    station, member = desk(B), desk(A)
    with pytest.raises(Refused, match=r"envelope\.kind"):
        station.take(make_letter(station.kit, A, B, checkpoint_of(member, junk=0)))
    assert station.rows(checkpoints_table) == []


# --- the hub's own letters ----------------------------------------------------------------------


def test_a_letter_that_bears_the_number_of_one_of_the_hubs_own(desk: NewDesk) -> None:
    """What the hub says itself waits for a receipt, whatever passes through it."""
    hub = desk(HUB, Hooks(relay=lambda _tx, _opened: None))
    own = hub.do(lambda tx: send(tx, B, refusal()))
    hub.take(make_letter(hub.kit, A, B, hubs.application(), id=own))
    states = {(row.kind, row.state) for row in hub.rows(outbox)}
    assert states == {("catalog.refused", "waiting"), ("case.application", "passing")}


# --- reconciliation -----------------------------------------------------------------------------


@pytest.mark.parametrize("claim", [(1 << 50, 1 << 50, 1), (1, 0, 5), (1, 9, 3)])
def test_one_reader_makes_the_comparison_empty(claim: tuple[int, int, int]) -> None:
    """An answer about items that the publisher does not have narrows nothing for the others."""
    first, last, count = claim
    true = ProofAnswer(
        ask="0" * 32, feed=FEED, incarnation=1, first=1, last=9, count=9, root=b"r" * 32
    )
    sham = replace(true, first=first, last=last, count=count, root=b"s" * 32)
    assert _common({A: true, B: true, C: sham}, A) == (1, 1, 9)


def test_nothing_in_common_is_no_agreement() -> None:
    empty = ProofAnswer(
        ask="0" * 32, feed=FEED, incarnation=1, first=5, last=4, count=0, root=b"e" * 32
    )
    whole = {A: replace(empty, count=9), B: replace(empty, count=3)}
    verdict = _verdict(FEED, {A: "publisher", B: "reader"}, whole, {A: empty, B: empty}, (1, 5, 4))
    assert not verdict["agree"]


# --- what people see ----------------------------------------------------------------------------

HOSTILE = "名单\x1b[2J\x1b]0;x\x07\x9b31m\u202e\r\n假的一行"


def test_names_bring_no_commands_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(translator("en"))
    shell.facts([("Name", HOSTILE)])
    shell.table(("Name",), [(HOSTILE,)])
    shell.line("{file} holds no entry.", file=HOSTILE)
    shell.complain(CatalogUnknown(resource=HOSTILE))
    shown = "".join(capsys.readouterr())
    assert "名单" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(shown)


def test_errors_bring_no_lines_to_the_log() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "%s", (HOSTILE,), None)
    line = LineFormatter("%(levelname)s %(message)s").format(record)
    assert not {"\n", "\x1b"} & set(line)
    assert "名单" in line


LONG = "长" * 4_001


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (check_application, hubs.application(purpose=LONG)),
        (check_application, hubs.application(row_filter=LONG)),
        (check_answer, hubs.answer(reason=LONG)),
        (check_withdrawal, Withdrawal(case=f"{1:032x}", reason=LONG, handler="甲")),
        (check_terms, hubs.terms(conditions=LONG)),
        (check_ended, hubs.ended(reason=LONG)),
        (check_entry, hubs.entry(office=LONG)),
        (check_entry, hubs.entry(related=(LONG,))),
        (check_entry, hubs.entry(items=(replace(hubs.entry().items[0], remark=LONG),))),
        (check_entry, hubs.entry(items=(replace(hubs.entry().items[0], name="长" * 201),))),
    ],
)
def test_texts_that_swell(check: Callable[[Any], Any], body: Any) -> None:
    """A megabyte of one character is a few bytes on the way. Kept by the hub and by every station
    it makes stores grow and lists too long to be shown."""
    with pytest.raises(OrtooError):
        check(body)


# --- rows ---------------------------------------------------------------------------------------


def test_a_schema_that_no_sink_can_take(desk: NewDesk) -> None:
    """It is set aside as any unusable item, and the one in force stays in force."""
    publisher, (reader,) = read_by(desk, B)
    opening = Opening(reader.parts, FEED, 1, with_keys(reader))
    known = TableSchema(number=1, columns=COLUMNS, key=("code",))
    opening.schemas[1] = known
    bad = TableSchema(number=9, columns=(feeds.Column("\u202e", "?", 0),), key=("\u202e",))

    def key(tx: Tx) -> tuple[int, bytes]:
        row = feed_writer.feed_row(tx, FEED)
        return row.epoch, feed_writer._unseal(tx, row)

    raw = make_letter(
        publisher.kit, A, FEED, bad,
        position=Position(1, 3, bytes(32)), feed_key=publisher.do(key),
    )  # fmt: skip
    with pytest.raises(RowsError):
        opening.step(Item(3, b"", raw))
    assert opening.schema == known


def test_a_snapshot_that_unpacks_to_more_than_memory(desk: NewDesk) -> None:
    """Each part is small on the way and large unpacked: rows are handed on as they are read."""
    publisher, (reader,) = read_by(desk, B)
    schema = TableSchema(number=1, columns=COLUMNS, key=("code",))
    part = row_part(RowChange(UPSERT, ("001", "x" * 40)))
    body = SnapshotPart(
        feed=FEED, snapshot="0" * 32, incarnation=1, seq=2, hash=bytes(32),
        part=0, parts=12, schema=schema,
    )  # fmt: skip
    raw = make_letter(publisher.kit, A, B, body, rows=[part] * 16_000)
    assert len(raw) < 20_000
    cursor = Cursor(FEED, 1, 2, bytes(32))
    tracemalloc.start()
    try:
        step = open_snapshot(reader.parts, lambda: [raw] * 12, cursor)
        assert step.snapshot is not None
        assert sum(1 for _ in step.snapshot) == 12 * 16_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize(
    ("item", "target", "value"),
    [
        ("T", sa.DateTime(), "0001-01-01T00:00:00+14:00"),
        ("T", sa.DateTime(), "9999-12-31T23:59:59-12:00"),
        ("N", sa.Numeric(40, 2), "1" * 30 + ".255"),
    ],
)
def test_a_value_that_ends_the_readers_process(item: str, target: Any, value: str) -> None:
    """It has the form of its type, and the arithmetic on its way into PostgreSQL failed with an
    error that is nobody's: the service ended, and at every start again."""
    column = feeds.Column("value", item, 0)
    schema = TableSchema(number=1, columns=(feeds.Column("id", "C", 9), column), key=("id",))
    with pytest.raises(RowsError):
        storer(column, checks(schema)[1], target, "postgresql")(value)


def test_long_decimals_are_stored_as_they_are() -> None:
    column = feeds.Column("value", "N", 0)
    schema = TableSchema(number=1, columns=(feeds.Column("id", "C", 9), column), key=("id",))
    store = storer(column, checks(schema)[1], sa.Numeric(40, 2), "postgresql")
    for text in ("1" * 30, "1" * 30 + ".25", "1.500", "-0.10"):
        assert str(store(text)) == text


def test_snapshots_that_never_come_whole(desk: NewDesk) -> None:
    publisher, (reader,) = read_by(desk, B)
    reader.do(lambda tx: feed_reader.resync(tx, FEED, "sink.behind"))
    schema = TableSchema(number=1, columns=COLUMNS, key=("code",))
    for number in range(6):
        body = SnapshotPart(
            feed=FEED,
            snapshot=f"{number:032x}",
            incarnation=1,
            seq=2,
            hash=hash_of(publisher, 2),
            part=0,
            parts=1 << 40,
            schema=schema,
        )
        reader.take(make_letter(publisher.kit, A, B, body))
    kept = {row.snapshot for row in reader.rows(feed_in_snapshots) if row.parts > 1}
    assert len(kept) <= 2


async def test_applications_that_multiply_a_table(node: Callable[[str], Node]) -> None:
    """Each scope of its own is a copy of the table that every publication has to follow. Past some
    of them people answer, as they do for a conditional resource."""
    provider = node(A)
    open_items = tuple(replace(item, share_type=1) for item in hubs.entry().items)
    open_entry = hubs.entry(share_type=1, items=open_items)
    await provider.do(lambda tx: catalog.store(tx, open_entry, 1, 1))
    for number in range(1, cases.MAX_OWN_SCOPES + 5):
        asked_for = hubs.application(number, row_filter=f"code = '{number}'")
        assert await provider.take(make_letter(provider.kit, B, A, asked_for)) == ""
    assert len(await provider.rows(node_tables.views)) == cases.MAX_OWN_SCOPES
    whole = hubs.application(99, items=())
    await provider.take(make_letter(provider.kit, B, A, whole))
    states = [row.state for row in await provider.rows(case_tables.cases)]
    assert states.count("submitted") == 4
    assert states.count("granted") == cases.MAX_OWN_SCOPES + 1

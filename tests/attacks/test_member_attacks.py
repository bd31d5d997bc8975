"""What a member, or who took its place, can do to the others; and what the broker can see."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_node import catalog
from ortoo_node.cases import answering
from ortoo_node.store import case_tables
from ortoo_protocol.core import feeds, verify
from ortoo_protocol.core.errors import EnvelopeStanding, FeedQuota
from ortoo_protocol.core.feeds import ItemsAsk
from ortoo_protocol.core.keys import Suite1
from ortoo_protocol.station import quota, trusting
from ortoo_protocol.station.context import Hooks
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import inbox as inbox_table
from ortoo_protocol.station.store.tables import journal
from tests.attacks.test_second_look import Node, node
from tests.support import bodies, forge, hubs
from tests.support.desk import Refused
from tests.support.forge import CITY, OTHER
from tests.support.hostile import (
    FEED,
    A,
    B,
    C,
    NewDesk,
    desk,
    forge_item,
    hash_of,
    reached,
    read_by,
)
from tests.support.letters import make_letter, refusal
from tests.support.mutation import removed, replaced, stands_by
from tests.support.trust import HUB

__all__ = ["desk", "node"]


# --- two directories ------------------------------------------------------------------------------


def test_a_member_was_shown_another_directory(desk: NewDesk) -> None:
    """The hub gives B one directory of version 1 and C another; C's letter gives it away."""

    def attack() -> None:
        reader = desk(B, Hooks(handlers={"catalog.refused": lambda _tx, _opened: None}))
        sender = desk(HUB)
        sender.do(lambda tx: send(tx, B, refusal()))
        (raw,) = sender.letters("catalog.refused", B)
        region, trust = reader.kit.region, reader.parts.trust.current
        other = region.sign_directory(replace(region.directory(), profile="SC2025"))
        shown = region.pinned().with_directory(other, reader.kit.clock())
        assert shown.directory_version == trust.directory_version
        reader.trust(shown)
        try:
            reader.take(raw)
        except Refused:
            assert reader.parts.trust.forked is not None, "health says nothing of it"
            raise

    stands_by(attack, "trust.fork", replaced(trusting, "check_same_directory", lambda *_: None))


# --- restored parties -----------------------------------------------------------------------------


def test_a_restored_publisher_uses_its_numbers_again(desk: NewDesk) -> None:
    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        publisher.close()
        backup = publisher.path.with_name("backup")
        shutil.copy(publisher.path, backup)
        publisher.restart()
        publisher.publish(FEED, ("002", "乙"))
        reader.take(publisher.items(FEED)[3])
        publisher.close()
        for beside in publisher.path.parent.glob("store.sqlite-*"):
            beside.unlink()
        shutil.copy(backup, publisher.path)
        publisher.restart()
        publisher.publish(FEED, ("003", "丙"))
        reader.take(publisher.items(FEED)[3])

    stands_by(attack, "feed.fork", removed(feeds.check_same, "FeedFork"))


def test_a_restored_receiver_is_given_another_item(desk: NewDesk) -> None:
    """It forgot item 3: the publisher gives it another one, and the next, which all get, is of
    another chain."""

    def attack() -> None:
        publisher, (reader,) = read_by(desk, B)
        reader.close()
        backup = reader.path.with_name("backup")
        shutil.copy(reader.path, backup)
        reader.restart()
        publisher.publish(FEED, ("002", "乙"), ("003", "丙"))
        other = forge_item(publisher, 3, hash_of(publisher, 2), "other")
        reader.take(publisher.items(FEED)[3])
        reader.close()
        for beside in reader.path.parent.glob("store.sqlite-*"):
            beside.unlink()
        shutil.copy(backup, reader.path)
        reader.restart()
        reached(reader, 2)
        reader.take(other, publisher.items(FEED)[4])
        reached(reader, 4)

    stands_by(attack, "feed.chain", removed(feeds.judge, "FeedChain"))


# --- a sham station -------------------------------------------------------------------------------


async def applied(provider: Node, number: int) -> str:
    """How an application of B for what is unconditional stands at A."""
    items = tuple(replace(item, share_type=1) for item in hubs.entry().items)
    entry = hubs.entry(share_type=1, items=items)
    await provider.do(lambda tx: catalog.store(tx, entry, 1, 1))
    asked_for = hubs.application(number, items=())
    await provider.take(make_letter(provider.kit, B, A, asked_for))
    rows = await provider.rows(case_tables.cases)
    return str(rows[-1].state) if rows else ""


async def test_a_station_put_in_anothers_place_takes_unconditional_data(
    node: Callable[[str], Node],
) -> None:
    """Registrars give B another key, which B's old one did not sign: people are asked."""
    provider = node(A)
    box = provider.station.parts.trust
    entry = next(each for each in box.current.parties if each.party == B)
    thief = replace(entry.keys[0], public=provider.kit.region.signer("thief").public)
    real = replace(entry.keys[0], from_ms=thief.from_ms)
    directory = provider.kit.region.directory(2, box.current.directory_hash)
    parties = tuple(
        replace(each, keys=(thief, real)) if each.party == B else each for each in directory.parties
    )
    raw = provider.kit.region.sign_directory(replace(directory, parties=parties))
    region, now_ms = provider.kit.region, provider.kit.clock()
    after = box.current.with_directory(raw, now_ms)
    box.current = after.with_timestamp(region.stamp(2, after.directory_hash, now_ms), now_ms)
    assert await applied(provider, 1) == "submitted"
    with replaced(answering, "_follows", lambda *_: True)():
        assert await applied(provider, 2) == "granted"


def test_a_suspended_station_asks() -> None:
    here = forge.world()
    raw = forge.make(here, bodies.ENDED, CITY, OTHER)
    records = {here[CITY].signing_key_id: here[CITY].record(status="suspended")}
    suspended = forge.Keys((1,), records)

    def attack() -> None:
        verify.verify(
            raw, suites=here.suites, plane=here.plane, keys=suspended, now_ms=forge.NOW_MS
        )

    stands_by(attack, EnvelopeStanding, removed(verify._check_sender, "EnvelopeStanding"))


# --- floods ---------------------------------------------------------------------------------------


def test_a_member_floods_the_inbox(desk: NewDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it may send at once is bounded; other members are not held up by it."""
    monkeypatch.setattr(quota, "BURST_LETTERS", 20)
    monkeypatch.setattr(quota, "LETTERS_A_S", 0)

    def attack() -> None:
        reader = desk(B, Hooks(handlers={"catalog.refused": lambda _tx, _opened: None}))
        for _ in range(50):
            reader.take(make_letter(reader.kit, HUB, B, refusal()))
        rows = len(reader.rows(inbox_table))
        assert rows >= 20
        assert len(reader.rows(journal)) <= rows + 1
        if rows < 50:
            raise Refused("inbox.flood")

    stands_by(attack, "inbox.flood", replaced(quota.Inflow, "takes", lambda *_: True))


def test_others_are_heard_during_a_flood(caplog: pytest.LogCaptureFixture) -> None:
    inflow = quota.Inflow()
    while inflow.takes(C, 0):
        pass
    assert inflow.takes(A, 0)
    assert not inflow.takes(C, 0)
    assert [each.args for each in caplog.records] == [(C,)], "said once, and of whom"
    assert inflow.takes(C, 1_000), "what waits at its sender comes later"


def test_a_reader_floods_with_asks_for_recovery(desk: NewDesk) -> None:
    """Each ask is a kilobyte, and its answer megabytes."""

    def attack() -> None:
        publisher, _ = read_by(desk, B)
        publisher.parts.quota.spend(B, 200 << 20, publisher.kit.clock())
        publisher.take(
            make_letter(publisher.kit, B, A, ItemsAsk(feed=FEED, incarnation=1, first=1, last=2))
        )
        if publisher.posts("feed.refusal"):
            raise Refused(FeedQuota.code)

    stands_by(attack, FeedQuota.code, removed(quota.Quota.check, "FeedQuota"))


# --- what the broker sees: a limit ----------------------------------------------------------------

SEEN = [
    "id",
    "kind",
    "sender",
    "destination",
    "wraps",
    "epoch",
    "position",
    "created_ms",
    "expires_ms",
    "case",
    "causation",
    "directory_version",
    "directory_hash",
    "content",
    "flags",
    "key_commitment",
    "plaintext_commitment",
]


def test_the_broker_reads_the_header_and_nothing_else() -> None:
    """Metadata are not hidden; that is a limit. The content is: none of it stands in the message,
    and what stands there beside the header is the size that its bucket has."""
    here = forge.world()
    canary = "金丝雀canary"
    body: Any = replace(bodies.ENDED, reason=canary)

    def attack() -> None:
        raw = forge.make(here, body, CITY, OTHER)
        assert list(here.verify(raw).header.__struct_fields__) == SEEN
        if canary.encode() not in raw:
            raise Refused("sealed")

    in_clear = replaced(
        Suite1, "seal", lambda s, _key, _nonce, _aad, text: text + bytes(s.tag_bytes)
    )
    stands_by(attack, "sealed", in_clear)

"""Names, permissions and plans of the broker, without a broker."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.bus.memory import MemoryBroker
from ortoo_protocol.core.errors import CodecIdentifier
from ortoo_protocol.core.topology import (
    BULK,
    DIRECT_KINDS,
    EXCHANGES,
    FEEDS,
    HUB_INBOX,
    LETTERS,
    QUICK,
    QUICK_LIFE_MS,
    Actual,
    Binding,
    Change,
    DirectRoute,
    Exchange,
    FeedRoute,
    Member,
    Permission,
    Queue,
    Sessions,
    Thing,
    TopicPermission,
    Topology,
    User,
    Verb,
    bulk_queue,
    feed_queue,
    inbox_queue,
    is_ours,
    plan,
    quick_queue,
    rabbit_password_hash,
    subscription_name,
    wanted,
)

HUB, A, B, C = "h150000", "s150700", "s150200", "s152900"
FEED = f"{A}.townships"
PARTIES = (HUB, A, B, C)
FOREIGN = (
    Exchange("audit", "fanout"),
    Queue("audit.tap"),
    Queue("inbox.nobody"),
    Binding(FEEDS, "audit.tap", "#"),
    User("ortoo-admin", "x", ("administrator",)),
    Permission("ortoo-admin", ".*", ".*", ".*"),
    TopicPermission("ortoo-admin", FEEDS, ".*", ".*"),
)


def member(party: str, active: bool = True, password_hash: str = "hash") -> Member:
    return Member(party, password_hash, active)


def things(topology: Topology) -> frozenset[Thing]:
    return (
        topology.exchanges
        | topology.queues
        | topology.bindings
        | topology.users
        | topology.topic_permissions
        | topology.permissions
    )


OWN_QUEUES = (inbox_queue(A), bulk_queue(A), quick_queue(A))
RIGHT = wanted(HUB, [member(p) for p in PARTIES], [DirectRoute(A, B)], [FeedRoute(FEED, B)])


def permission(party: str) -> Permission:
    return next(p for p in RIGHT.permissions if p.user == party)


# --- names --------------------------------------------------------------------------------------


def test_the_password_hash_is_rabbitmqs() -> None:
    """The worked example of rabbitmq.com/docs/passwords."""
    expected = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert rabbit_password_hash("test12", bytes.fromhex("908dc60a")) == expected


def test_reader_and_hub_derive_the_same_queue_name() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", subscription_name(FEED))
    assert subscription_name(FEED) != subscription_name(f"{B}.townships")
    assert feed_queue(B, FEED) == f"feed.{B}.{subscription_name(FEED)}"


@pytest.mark.parametrize(
    ("queue", "ours"),
    [
        (HUB_INBOX, True),
        (inbox_queue(A), True),
        (f"bulk.{HUB}", True),
        (f"quick.{A}", True),
        ("quick.nobody", False),
        (feed_queue(B, FEED), True),
        ("inbox.s150700101001", True),
        ("inbox.nobody", False),
        (f"inbox.{A}.more", False),
        (f"feed.{A}.short", False),
        (f"my.inbox.{A}", False),
        ("hubXinbox", False),
    ],
)
def test_which_queues_are_the_hubs_to_delete(queue: str, ours: bool) -> None:
    assert is_ours(queue) is ours


@pytest.mark.parametrize("party", ["s15070", "s150700|.*", "", "x150700", "s150700.s150200"])
def test_no_id_breaks_out_of_a_pattern(party: str) -> None:
    with pytest.raises(CodecIdentifier):
        wanted(HUB, [member(party)], [], [])
    with pytest.raises(CodecIdentifier):
        wanted(party, [], [], [])
    with pytest.raises(CodecIdentifier):
        wanted(HUB, [member(A)], [], [FeedRoute(f"{party}#", A)])


# --- what should stand --------------------------------------------------------------------------


def test_every_queue_says_what_happens_when_it_is_full() -> None:
    for queue in RIGHT.queues:
        arguments = dict(queue.arguments)
        inbox = "inbox" in queue.name
        assert arguments["x-queue-type"] == ("quorum" if inbox else "classic")
        assert arguments["x-overflow"] == ("reject-publish" if inbox else "drop-head")
        assert "x-max-length-bytes" in arguments
        assert ("x-delivery-limit" in arguments) is inbox
        assert "x-dead-letter-exchange" not in arguments


@pytest.mark.parametrize(
    ("queue", "readers"),
    [
        (inbox_queue(A), {A}),
        (f"bulk.{A}", {A}),
        (f"quick.{A}", {A}),
        (f"quick.{A}101", set()),
        (feed_queue(B, FEED), {B}),
        (HUB_INBOX, {HUB}),
        (f"inbox.{A}101", set()),
        (f"inbox.{A}.x.y", set()),
        ("audit.tap", set()),
    ],
)
def test_who_reads_a_queue(queue: str, readers: set[str]) -> None:
    assert {p.user for p in RIGHT.permissions if re.search(p.read, queue)} == readers


def test_nobody_configures_and_everybody_writes_to_the_exchanges_under_his_name() -> None:
    for party in PARTIES:
        rights = permission(party)
        for name in ("", "anything", inbox_queue(party), *EXCHANGES):
            assert bool(re.search(rights.configure, name)) is (name == "")
        writable = [
            e for e in (*EXCHANGES, "amq.default", "lettersx") if re.search(rights.write, e)
        ]
        assert writable == list(EXCHANGES)
        topics = [t for t in RIGHT.topic_permissions if t.user == party]
        assert {t.exchange for t in topics} == set(EXCHANGES)
        for topic in topics:
            assert re.search(topic.write, f"{party}.x")
            assert not re.search(topic.write, f"{party}101.x")
            assert not re.search(topic.write, f"x.{party}.x")


def test_direct_kinds_alone_pass_between_stations() -> None:
    queues = {LETTERS: inbox_queue(B), BULK: bulk_queue(B), QUICK: quick_queue(B)}
    for exchange, queue in queues.items():
        keys = {b.key for b in RIGHT.bindings if b.queue == queue}
        hubs = set() if exchange == QUICK else {f"{HUB}.{B}.#"}
        assert keys == {*hubs, *(f"{A}.{B}.{kind}" for kind in DIRECT_KINDS[exchange])}
        assert {b.exchange for b in RIGHT.bindings if b.queue == queue} == {exchange}
    assert {b.key for b in RIGHT.bindings if b.queue == inbox_queue(A)} == {f"{HUB}.{A}.#"}
    assert not [b for b in RIGHT.bindings if b.queue == quick_queue(A)]


def test_calls_are_not_kept_for_whoever_is_away() -> None:
    for queue in RIGHT.queues:
        lives = dict(queue.arguments).get("x-message-ttl")
        assert lives == (QUICK_LIFE_MS if queue.name.startswith("quick.") else None)
    assert not [queue for queue in RIGHT.queues if queue.name == quick_queue(HUB)]


def test_a_suspended_member_keeps_user_and_queues_and_loses_the_rest() -> None:
    topology = wanted(
        HUB,
        [member(HUB), member(A, active=False), member(B)],
        [DirectRoute(A, B), DirectRoute(B, A)],
        [FeedRoute(FEED, B), FeedRoute(f"{B}.roads", A)],
    )
    assert A in {user.name for user in topology.users}
    assert A not in {right.user for right in topology.permissions | topology.topic_permissions}
    assert {q.name for q in topology.queues if A in q.name} == set(OWN_QUEUES)
    assert not [b for b in topology.bindings if b.queue in OWN_QUEUES]
    # What it published before stays readable; it can publish no more.
    assert Binding(FEEDS, feed_queue(B, FEED), FEED) in topology.bindings


# --- plans --------------------------------------------------------------------------------------

parties = st.sampled_from((*PARTIES, "s159999", "ortoo-admin"))
patterns = st.sampled_from((".*", "^$", rf"^{A}\.", f"^inbox\\.{A}$"))
exchanges = st.sampled_from((*EXCHANGES, "audit"))
queues = st.sampled_from((*sorted(q.name for q in RIGHT.queues), "audit.tap", inbox_queue(HUB)))
drifted = st.one_of(
    st.builds(Exchange, exchanges, st.sampled_from(("topic", "fanout"))),
    st.builds(Queue, queues),
    st.builds(Binding, exchanges, queues, st.sampled_from(("#", FEED, f"{C}.#"))),
    st.builds(User, parties, st.sampled_from(("hash", "other")), st.sampled_from(((), ("x",)))),
    st.builds(TopicPermission, parties, exchanges, patterns, patterns),
    st.builds(Permission, parties, patterns, patterns, patterns),
)
standing = st.builds(
    lambda kept, drift: [*kept, *FOREIGN, *drift],
    st.lists(st.sampled_from(sorted(things(RIGHT), key=repr)), unique=True),
    st.lists(drifted, max_size=12),
)


@given(standing=standing)
def test_any_broker_is_mended_by_one_plan(standing: list[Thing]) -> None:
    broker = MemoryBroker()
    for thing in standing:
        broker.apply(Change(Verb.PUT, thing))
    foreign = {t for t in things(broker.read()) if t in FOREIGN}
    if Exchange(FEEDS, "fanout") in broker.read().exchanges:
        # Made anew with its right type, which drops every binding on it.
        foreign.discard(Binding(FEEDS, "audit.tap", "#"))
    for change in plan(RIGHT, broker.read()):
        broker.apply(change)
    assert plan(RIGHT, broker.read()) == ()
    assert things(broker.read()) >= things(RIGHT) | foreign


@given(standing=standing)
def test_rights_change_in_an_order_that_never_widens_them(standing: list[Thing]) -> None:
    broker = MemoryBroker()
    for thing in standing:
        broker.apply(Change(Verb.PUT, thing))
    changes = plan(RIGHT, broker.read())
    for position, change in enumerate(changes):
        later, earlier = changes[position + 1 :], changes[:position]
        match change.thing, change.verb:
            case Permission(user=user), Verb.PUT:
                assert not [c for c in later if _is_topic_of(c, user)]
            case Permission(user=user), Verb.REMOVE:
                assert not [c for c in earlier if _is_topic_of(c, user)]
                assert Change(Verb.REMOVE, Sessions(user)) in later


def _is_topic_of(change: Change, user: str) -> bool:
    return isinstance(change.thing, TopicPermission) and change.thing.user == user


def test_revocation_does_not_wait_for_the_rest() -> None:
    actual = Actual(
        exchanges=RIGHT.exchanges,
        queues=RIGHT.queues,
        bindings=RIGHT.bindings,
        users=RIGHT.users,
        topic_permissions=RIGHT.topic_permissions,
        permissions=RIGHT.permissions,
        connected=frozenset({A, B}),
    )
    assert plan(RIGHT, actual) == ()
    suspended = wanted(HUB, [member(p, p != A) for p in PARTIES], [], [FeedRoute(FEED, C)])
    changes = plan(suspended, actual)
    assert changes[0] == Change(Verb.REMOVE, permission(A))
    assert Change(Verb.REMOVE, Sessions(A)) in changes[: 2 + len(EXCHANGES)]
    assert [c.thing for c in changes if isinstance(c.thing, Sessions)] == [Sessions(A)]


def test_who_is_connected_without_a_right_is_disconnected() -> None:
    actual = Actual(connected=frozenset({"s159999", "ortoo-admin"}))
    closed = [c.thing for c in plan(RIGHT, actual) if isinstance(c.thing, Sessions)]
    assert closed == [Sessions("s159999")]


def test_no_repr_shows_a_password_hash() -> None:
    assert "hash" not in repr(User(A, "hash")).replace("password_hash", "")
    assert "secret" not in repr(member(A, password_hash="secret"))

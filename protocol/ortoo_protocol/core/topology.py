"""What the broker of one plane holds, and the steps from what it holds to what it should hold.

`wanted()` turns members and routes into exchanges, queues, bindings, users and permissions;
`plan()` compares that with what a broker answered and lists the changes in a safe order. Both are
pure: the hub reads and applies through its BrokerAdmin port, every 30 s, so that an emptied broker
is rebuilt by itself.

Two facts about RabbitMQ decide the order of changes.
- A topic exchange for which a user has no topic permission accepts *any* routing key from him. So
  a topic permission is set before the permission it narrows, and cleared after it.
- Permissions are cached per channel. A change acts only on new connections, so whoever lost
  something is disconnected after the change.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from ortoo_protocol.core.errors import CodecIdentifier
from ortoo_protocol.core.ids import Plane, check_feed, check_party

HUB = "hub"
LETTERS = "letters"
BULK = "bulk"
FEEDS = "feeds"
QUICK = "quick"
EXCHANGES = (HUB, LETTERS, BULK, FEEDS, QUICK)
HUB_INBOX = "hub.inbox"

# The broker's own name, which it says to whoever connects before anything is read or written.
_BROKER_NAME = re.compile(r"ortoo-(extranet|intranet)-(h[0-9]+)")

# The kinds that travel between stations without passing the hub, by the exchange they go through.
DIRECT_KINDS = {
    LETTERS: ("feed.#", "receipt.direct", "dispatch.#", "file.#"),
    BULK: ("feed.#", "receipt.direct", "dispatch.#", "query.bulk", "file.#"),
    QUICK: ("query.#",),
}

# Who asks says so again until he is answered or gives up: what lay longer is nobody's any more.
QUICK_LIFE_MS = 60_000

# RabbitMQ 4.x drops a message after 20 deliveries unless told otherwise, and a lost link counts
# for the whole prefetch window. Poison is quarantined by the station, never by the broker.
DELIVERY_LIMIT = 1_000_000_000

# --- names and routing keys ---------------------------------------------------------------------


def broker_name(hub: str, plane: Plane) -> str:
    """What the hub calls the broker in its care, so that nobody of the other plane uses it."""
    return f"ortoo-{plane.value}-{hub}"


def plane_of_broker(name: str) -> Plane | None:
    """The plane that a broker of this name serves; None before a hub has named it."""
    found = _BROKER_NAME.fullmatch(name)
    return None if found is None else Plane(found[1])


def inbox_queue(party: str) -> str:
    return f"inbox.{party}"


def bulk_queue(party: str) -> str:
    return f"bulk.{party}"


def quick_queue(party: str) -> str:
    return f"quick.{party}"


def subscription_name(feed: str) -> str:
    """16 hex digits of SHA-256 of the feed id: reader and hub derive the same queue name."""
    return hashlib.sha256(feed.encode()).hexdigest()[:16]


def feed_queue(reader: str, feed: str) -> str:
    return f"feed.{reader}.{subscription_name(feed)}"


def hub_key(sender: str, kind: str) -> str:
    """Routing key on exchange `hub`."""
    return f"{sender}.{kind}"


def letter_key(sender: str, recipient: str, kind: str) -> str:
    """Routing key on `letters`, `bulk` and `quick`; on `feeds` it is the feed id itself."""
    return f"{sender}.{recipient}.{kind}"


def rabbit_password_hash(password: str, salt: bytes) -> str:
    """RabbitMQ's salted SHA-256: base64(salt ‖ SHA-256(salt ‖ password)), `salt` of 4 bytes.

    No clear password goes to the broker. Source: rabbitmq.com/docs/passwords, "computing".
    """
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


# --- what stands on a broker --------------------------------------------------------------------


@dataclass(frozen=True)
class Exchange:
    name: str
    kind: str = "topic"
    durable: bool = True


@dataclass(frozen=True)
class Queue:
    """`arguments` as sorted (name, value) pairs; the broker never lets them be changed."""

    name: str
    arguments: tuple[tuple[str, str | int], ...] = ()
    durable: bool = True


@dataclass(frozen=True)
class Binding:
    exchange: str
    queue: str
    key: str


@dataclass(frozen=True)
class User:
    name: str
    password_hash: str = field(repr=False)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class TopicPermission:
    user: str
    exchange: str
    write: str
    read: str


@dataclass(frozen=True)
class Permission:
    user: str
    configure: str
    write: str
    read: str


@dataclass(frozen=True)
class Sessions:
    """The live connections of one user."""

    user: str


@dataclass(frozen=True)
class Topology:
    exchanges: frozenset[Exchange] = frozenset()
    queues: frozenset[Queue] = frozenset()
    bindings: frozenset[Binding] = frozenset()
    users: frozenset[User] = frozenset()
    topic_permissions: frozenset[TopicPermission] = frozenset()
    permissions: frozenset[Permission] = frozenset()


@dataclass(frozen=True)
class Actual(Topology):
    """What a broker answered; `connected` are the users with a live connection."""

    connected: frozenset[str] = frozenset()


Thing = Exchange | Queue | Binding | User | TopicPermission | Permission | Sessions


class Verb(enum.Enum):
    PUT = "put"
    REMOVE = "remove"


@dataclass(frozen=True)
class Change:
    """One step. Every step may be repeated.

    To REMOVE Sessions is to close the connections. To REMOVE a TopicPermission may remove all of
    that user's: RabbitMQ's API knows no less. So it is planned only for who has no permission.
    """

    verb: Verb
    thing: Thing


# --- what should stand there --------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """A party with a user of its own. Inactive (suspended): may log in nowhere, keeps its queues.

    `password_hash` as of `rabbit_password_hash`.
    """

    party: str
    password_hash: str = field(repr=False)
    active: bool = True


@dataclass(frozen=True)
class DirectRoute:
    """`sender` may write the direct kinds to `recipient` without the hub in their path."""

    sender: str
    recipient: str


@dataclass(frozen=True)
class FeedRoute:
    feed: str
    reader: str


@dataclass(frozen=True)
class Bounds:
    """How much a queue holds before it refuses (inboxes) or drops its oldest (the others)."""

    inbox_messages: int = 100_000
    inbox_bytes: int = 2 << 30
    bulk_bytes: int = 1 << 30
    feed_bytes: int = 256 << 20
    quick_bytes: int = 64 << 20


DEFAULT_BOUNDS = Bounds()


def wanted(
    hub: str,
    members: Collection[Member],
    direct: Collection[DirectRoute],
    feeds: Collection[FeedRoute],
    bounds: Bounds = DEFAULT_BOUNDS,
) -> Topology:
    """The whole broker of a plane. `members` include the hub's own party.

    A route counts while its recipient is an active member, a direct one while its sender is too.

    Raises CodecIdentifier: a party or feed id that could break out of a name, key or pattern.
    """
    for member in members:
        check_party(member.party)
    check_party(hub)
    active = {member.party for member in members if member.active}
    direct = [d for d in direct if {d.sender, d.recipient} <= active]
    feeds = [f for f in feeds if f.reader in active and check_feed(f.feed)]
    topics = frozenset(
        TopicPermission(party, exchange, write=rf"^{party}\.", read="^$")
        for party in active
        for exchange in EXCHANGES
    )
    return Topology(
        exchanges=frozenset(Exchange(name) for name in EXCHANGES),
        queues=frozenset(_queues(hub, members, feeds, bounds)),
        bindings=frozenset(_bindings(hub, active, direct, feeds)),
        users=frozenset(User(member.party, member.password_hash) for member in members),
        topic_permissions=topics,
        permissions=frozenset(_permission(hub, party) for party in active),
    )


def _queues(
    hub: str, members: Collection[Member], feeds: Collection[FeedRoute], bounds: Bounds
) -> Iterator[Queue]:
    yield _inbox(HUB_INBOX, bounds)
    for member in members:
        if member.party != hub:
            yield _inbox(inbox_queue(member.party), bounds)
            yield _dropping(quick_queue(member.party), bounds.quick_bytes, QUICK_LIFE_MS)
        yield _dropping(bulk_queue(member.party), bounds.bulk_bytes)
    for route in feeds:
        yield _dropping(feed_queue(route.reader, route.feed), bounds.feed_bytes)


def _inbox(name: str, bounds: Bounds) -> Queue:
    """Full: publishes are refused and the sender's outbox waits."""
    arguments: dict[str, str | int] = {
        "x-queue-type": "quorum",
        "x-overflow": "reject-publish",
        "x-max-length": bounds.inbox_messages,
        "x-max-length-bytes": bounds.inbox_bytes,
        "x-delivery-limit": DELIVERY_LIMIT,
    }
    return Queue(name, tuple(sorted(arguments.items())))


def _dropping(name: str, max_bytes: int, life_ms: int = 0) -> Queue:
    """Full: the oldest goes, and its publisher refills. One absent reader must not stall others:
    on a fan-out, reject-publish refuses the publisher although every healthy reader was served.
    """
    arguments: dict[str, str | int] = {
        "x-queue-type": "classic",
        "x-overflow": "drop-head",
        "x-max-length-bytes": max_bytes,
        **({"x-message-ttl": life_ms} if life_ms else {}),
    }
    return Queue(name, tuple(sorted(arguments.items())))


def _bindings(
    hub: str, active: set[str], direct: Collection[DirectRoute], feeds: Collection[FeedRoute]
) -> Iterator[Binding]:
    yield Binding(HUB, HUB_INBOX, "#")
    if hub in active:
        # Items that the hub asked a publisher for again; any member may write to the hub.
        yield Binding(BULK, bulk_queue(hub), f"*.{hub}.#")
    for party in active - {hub}:
        yield Binding(LETTERS, inbox_queue(party), f"{hub}.{party}.#")
        yield Binding(BULK, bulk_queue(party), f"{hub}.{party}.#")
    for route in direct:
        if hub in (route.sender, route.recipient):
            continue
        for exchange, kinds in DIRECT_KINDS.items():
            queue = _QUEUES[exchange](route.recipient)
            for kind in kinds:
                yield Binding(exchange, queue, letter_key(route.sender, route.recipient, kind))
    for feed in feeds:
        yield Binding(FEEDS, feed_queue(feed.reader, feed.feed), feed.feed)


_QUEUES = {LETTERS: inbox_queue, BULK: bulk_queue, QUICK: quick_queue}


def _permission(hub: str, party: str) -> Permission:
    own = rf"(inbox|feed|bulk|quick)\.{party}(\.[a-z0-9]+)?"
    read = rf"^(hub\.inbox|{own})$" if party == hub else f"^{own}$"
    return Permission(party, configure="^$", write=f"^({'|'.join(EXCHANGES)})$", read=read)


# --- from what is to what should be -------------------------------------------------------------


def plan(wanted: Topology, actual: Actual) -> tuple[Change, ...]:
    """The steps from `actual` to `wanted`; empty when nothing has to be done.

    First whoever lost a right loses it, then ended routes go, then what is missing is made, and
    permissions come last: a station gets in when its queues stand. A queue of an ended feed route
    is deleted, which unbinds and empties it in the same step. A queue with other arguments is made
    anew: what it held comes again from outboxes and publishers.

    Foreign things stay: users and queues whose names are not a party's, other exchanges.
    """
    return (
        *_revoke(wanted, actual),
        *_dismantle(wanted, actual),
        *_build(wanted, actual),
        *_admit(wanted, actual),
    )


def is_ours(queue: str) -> bool:
    """Whether a queue of this name is the hub's to make and delete."""
    owner = re.fullmatch(r"(?:inbox|bulk|quick)\.([^.]+)|feed\.([^.]+)\.[0-9a-f]{16}", queue)
    return queue == HUB_INBOX or (owner is not None and _is_party(owner[1] or owner[2]))


def _is_party(name: str) -> bool:
    try:
        check_party(name)
    except CodecIdentifier:
        return False
    return True


def _removals(things: Iterable[Thing]) -> list[Change]:
    return [Change(Verb.REMOVE, thing) for thing in sorted(things, key=repr)]


def _puts(things: Iterable[Thing]) -> list[Change]:
    return [Change(Verb.PUT, thing) for thing in sorted(things, key=repr)]


def _revoke(wanted: Topology, actual: Actual) -> Iterator[Change]:
    allowed = {permission.user for permission in wanted.permissions}
    known = {user.name for user in wanted.users}
    lost = [p for p in actual.permissions if p.user not in allowed and _is_party(p.user)]
    topics = [t for t in actual.topic_permissions if t.user not in allowed and _is_party(t.user)]
    users = [u for u in actual.users if u.name not in known and _is_party(u.name)]
    lingering = {name for name in actual.connected - allowed if _is_party(name)}
    yield from _removals(lost)
    yield from _removals(topics)
    yield from _removals(
        Sessions(name) for name in {p.user for p in lost} | {u.name for u in users} | lingering
    )
    yield from _removals(users)


def _dismantle(wanted: Topology, actual: Actual) -> Iterator[Change]:
    exchanges = _replaced(wanted.exchanges, actual.exchanges)
    kept = {queue.name for queue in wanted.queues}
    yield from _removals(
        binding
        for binding in actual.bindings - wanted.bindings
        if binding.exchange and binding.queue in kept
    )
    yield from _removals(queue for queue in actual.queues - wanted.queues if is_ours(queue.name))
    yield from _removals(exchanges)


def _replaced(wanted: Iterable[Exchange], actual: Iterable[Exchange]) -> set[Exchange]:
    """Exchanges of our names that are not as they should be; deleting one drops its bindings."""
    right = {exchange.name: exchange for exchange in wanted}
    return {e for e in actual if e.name in right and right[e.name] != e}


def _build(wanted: Topology, actual: Actual) -> Iterator[Change]:
    yield from _puts(wanted.exchanges - actual.exchanges)
    queues = wanted.queues - actual.queues
    yield from _puts(queues)
    remade = {queue.name for queue in queues}
    remade |= {e.name for e in _replaced(wanted.exchanges, actual.exchanges)}
    standing = {b for b in actual.bindings if not {b.exchange, b.queue} & remade}
    yield from _puts(wanted.bindings - standing)


def _admit(wanted: Topology, actual: Actual) -> Iterator[Change]:
    users = wanted.users - actual.users
    topics = wanted.topic_permissions - actual.topic_permissions
    permissions = wanted.permissions - actual.permissions
    yield from _puts(users)
    yield from _puts(topics)
    yield from _puts(permissions)
    changed = {u.name for u in users} | {t.user for t in topics} | {p.user for p in permissions}
    yield from _removals(Sessions(p.user) for p in actual.permissions if p.user in changed)

"""The far side of the bus in memory: a description of what the engine counts on.

It keeps RabbitMQ's rules that matter, also the awkward ones: permissions are cached per link until
its connections are closed; a publish that timed out in an alarm is delivered once the alarm ends; a
full inbox refuses a fan-out that others took; a deleted queue ends its consumers.

Tests drive it through its attributes and the methods under "operator".
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar, cast

from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core.errors import BusLoginRefused, BusUnreachable
from ortoo_protocol.core.topology import (
    Actual,
    Binding,
    Change,
    Exchange,
    Permission,
    Queue,
    Sessions,
    Thing,
    TopicPermission,
    User,
    Verb,
    rabbit_password_hash,
)

ADDRESS = "memory"

T = TypeVar("T", bound=Thing)


def matches(pattern: str, routing_key: str) -> bool:
    """Topic matching of AMQP: words between dots, `*` one word, `#` none or more."""
    return _match(pattern.split("."), routing_key.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(_match(pattern[1:], words[skip:]) for skip in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and _match(pattern[1:], words[1:])


@dataclass(frozen=True)
class Message:
    routing_key: str
    body: bytes
    number: int
    redelivered: bool = False


class Reader(Protocol):
    """A consumer, as a queue knows it."""

    arrived: asyncio.Event

    def end(self, reason: str) -> None: ...


class Attached(Protocol):
    """A link, as the broker knows it."""

    user: str

    def lose(self, reason: str) -> None: ...


class Line:
    """The messages of one queue; only those not handed out count against its bounds."""

    def __init__(self, queue: Queue) -> None:
        arguments = dict(queue.arguments)
        self._refuses = arguments.get("x-overflow") == "reject-publish"
        self._max_messages = int(arguments.get("x-max-length", 1 << 62))
        self._max_bytes = int(arguments.get("x-max-length-bytes", 1 << 62))
        self._bytes = 0
        self.ready: deque[Message] = deque()
        self.consumers: set[Reader] = set()

    def offer(self, message: Message) -> bool:
        full = len(self.ready) >= self._max_messages or self._bytes >= self._max_bytes
        if full and self._refuses:
            return False
        self.ready.append(message)
        self._bytes += len(message.body)
        while not self._refuses and self.ready and self._over():
            self.take()
        self.wake()
        return True

    def _over(self) -> bool:
        return len(self.ready) > self._max_messages or self._bytes > self._max_bytes

    def take(self) -> Message:
        message = self.ready.popleft()
        self._bytes -= len(message.body)
        return message

    def give_back(self, messages: Sequence[Message]) -> None:
        """Requeued messages go to their old places, marked as redelivered."""
        again = [replace(message, redelivered=True) for message in messages]
        self._bytes += sum(len(message.body) for message in again)
        self.ready = deque(sorted([*again, *self.ready], key=lambda m: m.number))
        self.wake()

    def wake(self) -> None:
        for consumer in self.consumers:
            consumer.arrived.set()


class MemoryBroker:
    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.links: set[Attached] = set()
        self._standing: dict[type, dict[object, Thing]] = {}
        self._up = True
        self._calm = asyncio.Event()
        self._calm.set()
        self._held: list[Callable[[], object]] = []
        self._numbers = 0
        self._routes: dict[tuple[str, str], list[str]] = {}

    # --- operator ---

    def apply(self, change: Change) -> None:
        thing = change.thing
        if isinstance(thing, Sessions):
            self.close_connections(thing.user)
        elif change.verb is Verb.PUT:
            self._put(thing)
        else:
            self._remove(thing)

    def read(self) -> Actual:
        return Actual(
            exchanges=frozenset(self._of(Exchange)),
            queues=frozenset(self._of(Queue)),
            bindings=frozenset(self._of(Binding)),
            users=frozenset(self._of(User)),
            topic_permissions=frozenset(self._of(TopicPermission)),
            permissions=frozenset(self._of(Permission)),
            connected=frozenset(link.user for link in self.links),
        )

    def close_connections(self, user: str) -> int:
        closed = [link for link in self.links if link.user == user]
        for link in closed:
            link.lose("closed by the broker")
        return len(closed)

    def cut(self, user: str | None = None) -> None:
        """Break the links of one user, or of all."""
        for link in [link for link in self.links if user in (None, link.user)]:
            link.lose("connection reset")

    def go_down(self) -> None:
        """Stop; what was stored is there again after `come_up`."""
        self._up = False
        self.cut()

    def come_up(self) -> None:
        self._up = True

    def empty(self) -> None:
        """Lose everything, users and permissions too, as with a lost disk."""
        self.cut()
        self.lines.clear()
        self._standing.clear()
        self._routes.clear()

    def set_alarm(self, raised: bool) -> None:
        if raised:
            self._calm.clear()
            return
        self._calm.set()
        held, self._held = self._held, []
        for deliver in held:
            deliver()

    def depth(self, queue: str) -> int:
        """Messages waiting in `queue`, those handed out not counted."""
        return len(self.lines[queue].ready)

    # --- what stands here ---

    def _put(self, thing: Thing) -> None:
        self._routes.clear()
        self._standing.setdefault(type(thing), {})[_place(thing)] = thing
        if isinstance(thing, Queue):
            self.lines.setdefault(thing.name, Line(thing))

    def _remove(self, thing: Thing) -> None:
        self._routes.clear()
        self._standing.get(type(thing), {}).pop(_place(thing), None)
        if isinstance(thing, Queue):
            line = self.lines.pop(thing.name, None)
            for consumer in list(line.consumers) if line else []:
                consumer.end("consumer ended by broker")
        for orphan in self._orphans(thing):
            self._remove(orphan)

    def _orphans(self, thing: Thing) -> list[Thing]:
        """What goes with `thing`."""
        if isinstance(thing, Queue):
            return [b for b in self._of(Binding) if b.queue == thing.name]
        if isinstance(thing, Exchange):
            return [b for b in self._of(Binding) if b.exchange == thing.name]
        if isinstance(thing, User):
            topics = [t for t in self._of(TopicPermission) if t.user == thing.name]
            return [*topics, *(p for p in self._of(Permission) if p.user == thing.name)]
        return []

    # --- for links ---

    def log_in(self, user: str, password: str) -> None:
        if not self._up:
            raise BusUnreachable(address=ADDRESS, detail="down")
        found = self._one(User, user)
        if found is None or not _password_fits(found, password):
            raise BusLoginRefused(address=ADDRESS, user=user, detail="wrong password")
        if self._one(Permission, user) is None:
            raise BusLoginRefused(address=ADDRESS, user=user, detail="no permission")

    def may_write(self, user: str, exchange: str, routing_key: str) -> bool:
        """Without a topic permission any key passes, as in RabbitMQ."""
        permission = self._one(Permission, user)
        if permission is None or not re.search(permission.write, exchange or "amq.default"):
            return False
        topic = self._one(TopicPermission, (user, exchange))
        return topic is None or bool(re.search(topic.write, routing_key))

    def may_read(self, user: str, queue: str) -> bool:
        permission = self._one(Permission, user)
        return permission is not None and bool(re.search(permission.read, queue))

    def may_configure(self, user: str, name: str) -> bool:
        permission = self._one(Permission, user)
        return permission is not None and bool(re.search(permission.configure, name))

    def route(self, exchange: str, routing_key: str, body: bytes, mandatory: bool) -> Outcome:
        if self._one(Exchange, exchange) is None:
            return Outcome.UNROUTABLE
        queues = self.queues_of(exchange, routing_key)
        if not queues:
            return Outcome.UNROUTABLE if mandatory else Outcome.CONFIRMED
        self._numbers += 1
        message = Message(routing_key, body, self._numbers)
        taken = [self.lines[queue].offer(message) for queue in queues]
        return Outcome.CONFIRMED if all(taken) else Outcome.REFUSED

    def queues_of(self, exchange: str, routing_key: str) -> Sequence[str]:
        """Where what is published like that goes; looked up once for as long as nothing changes."""
        known = self._routes.get((exchange, routing_key))
        if known is None:
            bindings = [b for b in self._of(Binding) if b.exchange == exchange]
            known = sorted({b.queue for b in bindings if matches(b.key, routing_key)})
            self._routes[exchange, routing_key] = known
        return known

    def is_calm(self) -> bool:
        return self._calm.is_set()

    async def calm(self) -> None:
        await self._calm.wait()

    def hold(self, deliver: Callable[[], object]) -> None:
        """Deliver once the alarm ends, whoever still waits for it."""
        self._held.append(deliver)

    def _one(self, kind: type[T], place: object) -> T | None:
        return cast("T | None", self._standing.get(kind, {}).get(place))

    def _of(self, kind: type[T]) -> list[T]:
        return cast("list[T]", list(self._standing.get(kind, {}).values()))


def _place(thing: Thing) -> object:
    """What makes two things the same thing: a put replaces what has the same place."""
    match thing:
        case Exchange() | Queue() | User():
            return thing.name
        case TopicPermission():
            return thing.user, thing.exchange
        case Permission() | Sessions():
            return thing.user
        case Binding():
            return thing


def _password_fits(user: User, password: str) -> bool:
    salt = base64.b64decode(user.password_hash)[:4]
    return hmac.compare_digest(user.password_hash, rabbit_password_hash(password, salt))

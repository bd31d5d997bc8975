"""What the engine's functions are given: who we are, what we trust, and one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import Connection

from ortoo_protocol.core.batches import ITEM_BYTES
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.envelope import (
    CONTENT,
    Draft,
    Position,
    Protection,
    envelope_hash,
    make,
)
from ortoo_protocol.core.errors import TrustFork
from ortoo_protocol.core.evidence import framing_of
from ortoo_protocol.core.ids import Plane, uuid7
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.keys import Random, Signer, Suite, Suites
from ortoo_protocol.core.messages import Kind
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.core.verify import Message, Opened
from ortoo_protocol.station.clockwatch import ClockWatch
from ortoo_protocol.station.content_keys import ContentKeys
from ortoo_protocol.station.fresh import Due, Fresh
from ortoo_protocol.station.quota import Inflow, Quota
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.snapshots_wanted import SnapshotsWanted
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.prepared import Savepoint

if TYPE_CHECKING:
    from ortoo_protocol.station.clocks.clock import Clock


@dataclass(frozen=True)
class Identity:
    """This party's own keys. `suite` is the one it makes envelopes with. `wrap_seeds` grows when an
    encryption key is renewed (own_keys.py)."""

    party: str
    name: str
    plane: Plane
    suite: Suite
    signer: Signer
    signing_key_id: bytes
    wrap_seeds: dict[bytes, bytes] = field(repr=False)  # key id -> private seed
    store_key: bytes = field(repr=False)


@dataclass
class TrustBox:
    """The verified directory in force. Replaced as a whole, by the writer thread alone.

    `named`: the highest directory version that a verified message named; it is asked for once.
    `forked`: two documents under one number were seen since the start; health says so.
    """

    current: Trust
    named: int = 0
    forked: TrustFork | None = None


T = TypeVar("T")
LOCAL = ""  # exchange of a message to this very station: no broker


@dataclass(frozen=True)
class Post:
    """One message for the broker (or, with exchange LOCAL, for ourselves)."""

    exchange: str
    routing_key: str
    raw: bytes = field(repr=False)


class Signal:
    """Wakes whoever waits, any number of them. For the event loop only.

    Take the ticket, look, then wait on the ticket: a `set` between look and wait is not missed.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    def ticket(self) -> asyncio.Event:
        return self._event


async def wait(ticket: asyncio.Event, most_s: float) -> None:
    """Until the signal or for `most_s`. Not asyncio.wait_for: before Python 3.12 it swallows a
    cancellation that comes together with the signal, and the station would never end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await ticket.wait()


class Leaves(Signal):
    """Set when `every` journal rows have been written since the last checkpoint."""

    def __init__(self, every: int) -> None:
        super().__init__()
        self._every = every
        self._written = 0

    def add(self, count: int) -> None:
        self._written += count
        if self._written >= self._every:
            self._written = 0
            self.set()


class Filling(Signal):
    """Events that wait to be sealed: set by the first, and again when an item would be full."""

    def __init__(self, full_bytes: int) -> None:
        super().__init__()
        self._full_bytes = full_bytes
        self._waiting_bytes = 0

    def add(self, size_bytes: int) -> None:
        was, self._waiting_bytes = self._waiting_bytes, self._waiting_bytes + size_bytes
        if was == 0 or was < self._full_bytes <= self._waiting_bytes:
            self.set()

    def sealed(self) -> None:
        self._waiting_bytes = 0

    def is_full(self) -> bool:
        return self._waiting_bytes >= self._full_bytes


@dataclass(frozen=True)
class Signals:
    """Wakes the workers after a commit."""

    outbox: Signal = field(default_factory=Signal)
    receipts: Signal = field(default_factory=Signal)
    feeds: Signal = field(default_factory=Signal)
    events: Filling = field(default_factory=lambda: Filling(ITEM_BYTES))
    apply: Signal = field(default_factory=Signal)
    gaps: Signal = field(default_factory=Signal)
    grants: Signal = field(default_factory=Signal)
    clocks: Signal = field(default_factory=Signal)
    notices: Signal = field(default_factory=Signal)
    leaves: Leaves = field(default_factory=lambda: Leaves(256))


Handler = Callable[["Tx", Opened[Shape]], None]
Settled = Callable[["Tx", "SettledLetter"], None]
Relay = Callable[["Tx", Opened[Shape]], None]
# Messages of one replayable kind of the bulk queue, as they came; returns the places of those that
# it refuses.
Swift = Callable[[Sequence[bytes]], Awaitable[Collection[int]]]
# An answer to a call (calls.py), in the event loop; raises OrtooError when something is wrong.
Answered = Callable[[Opened[Shape]], None]
# A clock, and what it has come to: warn, late, moved (another calendar).
ClockHook = Callable[["Tx", "Clock", str], None]


@dataclass(frozen=True)
class SettledLetter:
    """What became of a durable letter of ours: accepted, refused (with the code), notarised.
    `by_hub`: the notary says so, and not the recipient."""

    id: bytes
    kind: str
    recipient: str
    status: str
    error: str
    time_ms: int
    by_hub: bool = False


@dataclass(frozen=True)
class Hooks:
    """What the application adds: a handler for each kind it understands, and, at the hub, what is
    done with letters between others.

    `swift`: kinds that are too many and too large for the writer's way. Whoever takes them verifies
    them as `inbox` does; what it refuses goes that way after all, where it is judged by name.
    `carry`: at the hub, whether a letter that is sealed to its peer alone may pass.
    `answers`: kinds of route quick that end a call; the same kinds have a handler for answers that
    come by another way.
    `clock`: by duty, who acts when a clock strikes; "" hears of all of them, afterwards.
    """

    handlers: Mapping[str, Handler] = field(default_factory=dict)
    settled: Settled = lambda _tx, _letter: None
    relay: Relay | None = None
    carry: Callable[[Tx, Message], None] | None = None
    swift: Mapping[str, Swift] = field(default_factory=dict)
    answers: Mapping[str, Answered] = field(default_factory=dict)
    clock: Mapping[str, ClockHook] = field(default_factory=dict)


@dataclass(frozen=True)
class Parts:
    """Everything that outlives a transaction."""

    identity: Identity
    suites: Suites
    trust: TrustBox
    clock: Callable[[], int]
    rand: Random
    timing: Timing
    hooks: Hooks
    signals: Signals
    post: Callable[[Post], None]
    watch: ClockWatch
    quota: Quota = field(default_factory=Quota)
    inflow: Inflow = field(default_factory=Inflow)
    content_keys: ContentKeys = field(default_factory=ContentKeys)
    fresh: Fresh = field(default_factory=Fresh)
    snapshots: SnapshotsWanted = field(default_factory=SnapshotsWanted)
    unwrapped: dict[bytes, bytes] = field(default_factory=dict, repr=False)


def make_message(
    parts: Parts,
    kind: Kind,
    destination: str,
    content: Sequence[bytes],
    protection: Protection,
    *,
    now_ms: int,
    expires_ms: int,
    case: str | None = None,
    causation: bytes | None = None,
    position: Position | None = None,
) -> Message:
    """An envelope signed by this party. For whoever has checked the clock; in any thread."""
    identity, trust = parts.identity, parts.trust.current
    draft = Draft(
        id=uuid7(now_ms, parts.rand(10)),
        kind=kind.name,
        sender=identity.party,
        destination=destination,
        created_ms=now_ms,
        expires_ms=expires_ms,
        directory_version=trust.directory_version,
        directory_hash=trust.directory_hash,
        content=CONTENT,
        case=case,
        causation=causation,
        position=position,
        lean=kind.lean,
    )
    envelope, header = make(
        draft,
        content,
        protection,
        suite=identity.suite,
        plane=identity.plane,
        signer=identity.signer,
        signing_key_id=identity.signing_key_id,
        rand=parts.rand,
    )
    return Message(envelope, header, kind, envelope_hash(envelope))


class Pen:
    """Makes envelopes of this party as of one moment; needs no transaction."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.now_ms = parts.clock()
        self._clock_is_right = False

    @property
    def party(self) -> str:
        return self.parts.identity.party

    @property
    def plane(self) -> Plane:
        return self.parts.identity.plane

    @property
    def suite(self) -> Suite:
        return self.parts.identity.suite

    @property
    def trust(self) -> Trust:
        return self.parts.trust.current

    def new_id(self) -> bytes:
        return uuid7(self.now_ms, self.parts.rand(10))

    def check_clock(self) -> None:
        """Before anything is signed. Raises TrustClock: our own clock is off by over an hour."""
        if not self._clock_is_right:
            self.parts.watch.check(self.trust.hub)
            self._clock_is_right = True

    def make(
        self,
        kind: Kind,
        destination: str,
        parts: list[bytes],
        protection: Protection,
        *,
        expires_ms: int,
        case: str | None = None,
        causation: bytes | None = None,
        position: Position | None = None,
    ) -> Message:
        """An envelope signed by this party, dated now. Raises TrustClock."""
        self.check_clock()
        return make_message(
            self.parts,
            kind,
            destination,
            parts,
            protection,
            now_ms=self.now_ms,
            expires_ms=expires_ms,
            case=case,
            causation=causation,
            position=position,
        )


class Mark(NamedTuple):
    """How far a transaction has come, beside the store."""

    rows: int
    calls: int
    gathered: int
    begins: int
    trust: Trust


@dataclass(frozen=True)
class Start:
    """A point in a transaction, for as often as it takes."""

    tx: Tx
    mark: Mark
    savepoint: Savepoint

    def back(self) -> None:
        """All since is as if it had not been: in the store, the journal, the trust, and what was to
        follow the commit."""
        self.savepoint.back()
        self.tx.rollback(self.mark)

    def here(self) -> Start:
        """The same point of the store, of which nothing changed since; the rest as it is now."""
        return Start(self.tx, self.tx.savepoint(), self.savepoint)

    def release(self) -> None:
        self.savepoint.release()


class Tx(Pen):
    """One transaction of the store: everything in it happens or nothing.

    Journal rows are collected and numbered before the commit; calls run in the event loop after it.
    """

    def __init__(self, conn: Connection, parts: Parts) -> None:
        super().__init__(parts)
        self.conn = conn
        self._rows: list[journal_rows.Pending] = []
        self._calls: dict[Callable[[], object], None] = {}  # in order
        self._gathered: list[tuple[Callable[[Connection, list[Any]], None], Any]] = []
        self.begins: list[Callable[[], object]] = []

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """When the block raises, all of it is taken back: in the store, the journal, the trust,
        and what was to follow the commit."""
        start = self.start()
        try:
            yield
        except BaseException:
            start.back()
            raise
        finally:
            start.release()

    def start(self) -> Start:
        """A point to come back to; released before anything around it ends."""
        return Start(self, self.savepoint(), Savepoint(self.conn, "start"))

    def after_commit(self, call: Callable[[], object]) -> None:
        """The same call is made once, however often it is given."""
        self._calls.setdefault(call)

    def hand_over(self, letter: Due) -> None:
        """Give a letter to the pump after the commit."""
        self.after_commit(partial(self.parts.fresh.put, letter))

    def gather(self, work: Callable[[Connection, list[T]], None], each: T) -> None:
        """Before the commit `work` is called once, with `each` of all messages of this transaction:
        for what costs much alone and little together. It must not fail for what they hold: they
        are all accepted by then."""
        self._gathered.append((work, each))

    def meanwhile(self, call: Callable[[], object]) -> None:
        """Begin something that goes on while the disk is waited for: called in the writer's thread
        when all is written and nothing is committed yet. It must not raise, and what it begins is
        void if the commit fails."""
        self.begins.append(call)

    def journal(
        self,
        message: Message,
        direction: Direction,
        state: State,
        *,
        flow: str,
        error: str = "",
    ) -> None:
        """Add a row on `message` to the journal."""
        envelope, header = message.envelope, message.header
        self._rows.append(
            journal_rows.Pending(
                direction,
                state,
                flow,
                header.id,
                header.kind,
                header.sender,
                envelope.header,
                envelope.signature,
                envelope.body_hash,
                error,
                framing_of(envelope),
            )
        )

    def journal_unreadable(self, raw: bytes, error: str) -> None:
        """A row on bytes that bore no verified envelope: their hash and the code, nothing else."""
        self._rows.append(
            journal_rows.Pending(
                Direction.RECEIVED, State.REFUSED, "", b"", "", "", b"", b"",
                self.suite.hash(raw), error,
            )
        )  # fmt: skip

    def journal_local(
        self, act: bytes, kind: str, body_hash: bytes, state: State, *, flow: str, error: str = ""
    ) -> None:
        """A row on what was done here and is no message: its id of 16 bytes and its hash."""
        self._rows.append(
            journal_rows.Pending(
                Direction.LOCAL, state, flow, act, kind, self.party, b"", b"", body_hash, error
            )
        )

    # --- Batch (store/writer.py) ---

    def savepoint(self) -> Mark:
        return Mark(
            len(self._rows), len(self._calls), len(self._gathered), len(self.begins), self.trust
        )

    def rollback(self, mark: Mark) -> None:
        """Trust too: a directory in force that is not in the store would be an older one again
        after a restart."""
        self.parts.trust.current = mark.trust
        del self._rows[mark.rows :]
        while len(self._calls) > mark.calls:
            self._calls.popitem()
        del self._gathered[mark.gathered :], self.begins[mark.begins :]

    def before_commit(self) -> None:
        works: dict[Callable[[Connection, list[Any]], None], list[Any]] = {}
        for work, each in self._gathered:
            works.setdefault(work, []).append(each)
        for work, several in works.items():
            work(self.conn, several)
        journal_rows.append(self.conn, self.suite, self._rows, self.now_ms)
        for begin in self.begins:
            begin()

    def after_commit_run(self) -> None:
        self.parts.signals.leaves.add(len(self._rows))
        for call in self._calls:
            call()

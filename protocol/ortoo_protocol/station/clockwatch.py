"""Whether this machine's clock is right, judged from the times that others sign.

What a signed time proves. A message is made before it arrives, so its maker's clock was at least at
the message's time: a time in our future shows how far we are behind, at least. An old time shows
nothing, for letters may wait for weeks. But an answer is made after what it answers: a receipt
dated before our own letter shows how far we are ahead, at least. (A letter dated in its recipient's
future is held there and answered with a receipt "early", so that its sender learns of it.) For each
party the two bounds enclose its clock less ours. They are kept against the boot clock, which
nobody sets: setting the wall clock moves every bound by the step, and needs no new message.

Whose clock is wrong. One party that disagrees proves nothing about ours: any member could stop any
other by signing false times, and so could one machine with an empty battery. So the parties heard
from vote, each with the bound it has proven; one that answered us, or does not speak from our
future, votes for us (whether we are ahead, only answers tell). Ours is wrong when more of them say
so, in the same direction, than do not; the hub, whose clock gives the legal instants and timestamps
of the directory, decides a tie and suffices alone when nobody else was heard. Without the hub it
takes two. A hub, which hears everybody, goes by the majority alone. Until anybody was heard, the
newest timestamp in the store tells, at the hub too, whether the clock fell back. What we say it is
off by is the least that any of them has proven. A party that is voted down is named, for its people
to set it.

Over 5 minutes warns. Over 1 hour nothing new is signed (Tx.build), since what bears a false time
can neither be verified by others nor be taken back; arrivals wait and are never refused for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ortoo_protocol.core.errors import OrtooError, TrustClock, TrustClockSkew, TrustPeerClock

WARN_MS = 300_000
STOP_MS = 3_600_000
# A delayed message must not hide what a fresh one has shown, nor a cured clock stay accused.
BEST_BOUND_MS = 600_000
STEP_MS = 2_000
MAX_SENT = 1_000


@dataclass(frozen=True)
class _Bounds:
    """A party's clock less our boot clock, in ms: at least `low`, at most `high`."""

    low: int | None = None
    low_at: int = 0
    high: int | None = None


class ClockWatch:
    """For any thread. `boot_ms` must never be set or stepped."""

    def __init__(self, own: str, clock: Callable[[], int], boot_ms: Callable[[], int]) -> None:
        self._own = own
        self._clock = clock
        self._boot_ms = boot_ms
        self._bounds: dict[str, _Bounds] = {}
        self._sent: OrderedDict[bytes, int] = OrderedDict()
        self._seen_offset = self._offset()
        self._lock = threading.Lock()

    # --- what is observed ---

    def heard(self, party: str, time_ms: int) -> None:
        """`party` signed `time_ms` some time before now."""
        if party != self._own:
            self.recall(party, time_ms)

    def recall(self, party: str, time_ms: int) -> None:
        """The same, known from the store: `party` may be ourselves, before this start."""
        with self._lock:
            boot_ms, held = self._boot_ms(), self._bounds.get(party, _Bounds())
            low = time_ms - boot_ms
            if held.low is not None and low < held.low and boot_ms - held.low_at < BEST_BOUND_MS:
                return
            # Its clock was set since the other bound was found.
            high = None if held.high is not None and held.high < low else held.high
            self._bounds[party] = _Bounds(low, boot_ms, high)

    def sent(self, letter: bytes) -> None:
        """The letter of this id is being signed now."""
        with self._lock:
            self._sent[letter] = self._boot_ms()
            if len(self._sent) > MAX_SENT:
                self._sent.popitem(last=False)

    def answered(self, party: str, letter: bytes, time_ms: int) -> None:
        """`party` signed `time_ms` some time after it had got `letter`."""
        with self._lock:
            sent_at = self._sent.get(letter)
            if sent_at is None or party == self._own:
                return
            held, high = self._bounds.get(party, _Bounds()), time_ms - sent_at
            if held.low is not None and held.low > high:
                held = _Bounds()
            self._bounds[party] = replace(held, high=high)

    def stepped_ms(self) -> int:
        """By how much somebody set the wall clock since this was asked last; small steps are 0."""
        offset = self._offset()
        step = offset - self._seen_offset
        self._seen_offset = offset
        return step if abs(step) > STEP_MS else 0

    # --- what follows ---

    def skew_ms(self, hub: str, limit_ms: int = WARN_MS) -> int:
        """How far the others' clocks are from ours, at least; 0 unless it is ours that is wrong by
        more than `limit_ms`. Positive: we are behind."""
        found = self._differences()
        behind = {party: ms for party, ms in found.items() if ms > limit_ms}
        ahead = {party: ms for party, ms in found.items() if ms < -limit_ms}
        if not behind and not ahead:
            return 0
        answered = [party for party, held in list(self._bounds.items()) if held.high is not None]
        for group, voters in ((behind, len(found)), (ahead, len({*answered, *behind}))):
            others = voters - len(group)
            more = len(group) > others or (len(group) == others and hub in group)
            if group and more and (hub in group or len(group) > 1):
                return min(group.values(), key=abs)
        return 0

    def check(self, hub: str) -> None:
        """Raises TrustClock when nothing may be signed."""
        if skew_ms := self.skew_ms(hub, STOP_MS):
            raise TrustClock(skew_s=skew_ms // 1000)

    def stops(self, hub: str) -> bool:
        return self.skew_ms(hub, STOP_MS) != 0

    def warnings(self, hub: str) -> tuple[OrtooError, ...]:
        """What people should see to, as errors that are not raised."""
        if skew_ms := self.skew_ms(hub, STOP_MS):
            return (TrustClock(skew_s=skew_ms // 1000),)
        if skew_ms := self.skew_ms(hub):
            return (TrustClockSkew(skew_s=skew_ms // 1000),)
        return tuple(
            TrustPeerClock(party=party, skew_s=ms // 1000)
            for party, ms in sorted(self._differences().items())
            if abs(ms) > WARN_MS
        )

    def _offset(self) -> int:
        return self._clock() - self._boot_ms()

    def _differences(self) -> dict[str, int]:
        """Each party's clock less ours, as far as it is proven; 0 where nothing contradicts us."""
        offset = self._offset()
        found: dict[str, int] = {}
        for party, bounds in list(self._bounds.items()):
            found[party] = 0
            if bounds.low is not None and bounds.low > offset:
                found[party] = bounds.low - offset
            elif bounds.high is not None and bounds.high < offset:
                found[party] = bounds.high - offset
        return found

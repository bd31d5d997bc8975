"""Lock-out (登录失败处理, GB/T 22239 8.1.4.1 b): failures, the wait after them, the lock.

An attempt is charged as a failure before the password is looked at, and given back when it was
none: attempts at the same time cannot all pass before the first of them has failed. Names are
counted as they were typed, whether there is such an account or not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ortoo_protocol.core.errors import AccountLocked

_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1_000, 60_000, 3_600_000


@dataclass(frozen=True)
class Step:
    """From this many failures on, nobody may try again for `wait_ms`."""

    failures: int
    wait_ms: int


@dataclass(frozen=True)
class Lockout:
    """`steps` in rising order; the last is the lock. Failures are forgotten `forget_ms` after the
    last of them."""

    steps: tuple[Step, ...]
    forget_ms: int

    def wait_ms(self, failures: int) -> int:
        return max((step.wait_ms for step in self.steps if step.failures <= failures), default=0)

    def locks(self, failures: int) -> bool:
        return failures >= self.steps[-1].failures


ACCOUNT = Lockout(
    (Step(3, 5 * _SECOND_MS), Step(4, 30 * _SECOND_MS), Step(5, 30 * _MINUTE_MS)), 24 * _HOUR_MS
)
# A whole office may come from one address; a success of one gives nothing back to the others.
ADDRESS = Lockout(
    (Step(20, 10 * _SECOND_MS), Step(40, _MINUTE_MS), Step(60, 30 * _MINUTE_MS)), 2 * _HOUR_MS
)


@dataclass(frozen=True)
class Attempts:
    """Failures of one name or one address so far."""

    failures: int = 0
    last_ms: int = 0
    until_ms: int = 0


NONE = Attempts()


def locked_until(table: Lockout, held: Attempts, now_ms: int) -> int:
    """When the next attempt is allowed; 0: now. A clock that was wrong and is right again locks
    nobody for longer than the table says."""
    longest_ms = table.steps[-1].wait_ms
    return held.until_ms if 0 < held.until_ms - now_ms <= longest_ms else 0


def charge(table: Lockout, held: Attempts, now_ms: int) -> Attempts:
    """One more failure. Raises AccountLocked while nobody may try."""
    if until_ms := locked_until(table, held, now_ms):
        raise AccountLocked(until_ms=until_ms)
    fresh = NONE if abs(now_ms - held.last_ms) > table.forget_ms else held
    failures = fresh.failures + 1
    return Attempts(failures, now_ms, now_ms + table.wait_ms(failures))


def give_back(table: Lockout, held: Attempts) -> Attempts:
    """The last charge was no failure."""
    if held.failures <= 1:
        return NONE
    failures = held.failures - 1
    return replace(held, failures=failures, until_ms=held.last_ms + table.wait_ms(failures))

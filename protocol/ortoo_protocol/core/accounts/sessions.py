"""How long somebody stays signed in, and who must have a second factor (双因素)."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from ortoo_protocol.core.accounts.roles import ADMINS, Role

TOUCH_MS = 60_000  # the moment of last use is kept to this


@dataclass(frozen=True)
class SessionRules:
    """`idle_ms` without a request, `most_ms` in all."""

    idle_ms: int
    most_ms: int

    def lives(self, begun_ms: int, used_ms: int, now_ms: int) -> bool:
        """A session of the future is none: the clock was set back, and it has no age."""
        return 0 <= now_ms - begun_ms < self.most_ms and now_ms - used_ms < self.idle_ms


class FactorPolicy(enum.StrEnum):
    """For whom a second factor is demanded; anybody may have one."""

    ALL = "all"
    ADMINS = "admins"
    NONE = "none"

    def demands(self, roles: Iterable[Role]) -> bool:
        if self is FactorPolicy.ADMINS:
            return not ADMINS.isdisjoint(roles)
        return self is FactorPolicy.ALL

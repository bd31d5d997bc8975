"""Since when each check of health stands as it does, as long as this process has looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ortoo_protocol.station.health import Check

EVERY_S = 10.0


@dataclass
class Since:
    """`began_ms`: when the first look was; what stood so then may be older."""

    began_ms: int = 0
    _seen: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def note(self, checks: Sequence[Check], now_ms: int) -> list[int]:
        """For each of `checks` when it was first seen so, without a break since."""
        self.began_ms = self.began_ms or now_ms
        names = [(e.check, e.subject, "" if e.error is None else e.error.code) for e in checks]
        self._seen = {name: self._seen.get(name, now_ms) for name in names}
        return [self._seen[name] for name in names]

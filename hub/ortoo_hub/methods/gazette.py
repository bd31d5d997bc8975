"""announcement.issue, announcement.withdraw: what the region makes known to its stations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ortoo_hub import gazette
from ortoo_protocol.core.gazette import Level
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station


@dataclass(frozen=True)
class GazetteMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {"announcement.issue": self.issue, "announcement.withdraw": self.withdraw}

    async def issue(
        self,
        title: str,
        text: str,
        until_ms: int,
        by: str,
        level: Level = "information",
        from_ms: int = 0,
        leagues: Sequence[str] = (),
        replaces: str = "",
    ) -> dict[str, Any]:
        """`from_ms` 0: from now on; `leagues`: codes, none for all; `replaces`: whose place it
        takes."""
        number = await self.station.write(
            lambda tx: gazette.issue(
                tx, title, text, level, from_ms, until_ms, leagues, by, replaces
            )
        )
        return {"announcement": number}

    async def withdraw(self, announcement: str, reason: str, by: str) -> dict[str, Any]:
        await self.station.write(lambda tx: gazette.withdraw(tx, announcement, reason, by))
        return {"announcement": announcement}

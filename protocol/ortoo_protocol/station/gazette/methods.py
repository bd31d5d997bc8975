"""announcement.list, show, read: what both a hub and a station answer about announcements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from ortoo_protocol.core.catalog.divisions import LEAGUES, league_of
from ortoo_protocol.core.errors import AnnouncementInvalid, AnnouncementUnknown
from ortoo_protocol.core.gazette import Standing
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.gazette import keeping
from ortoo_protocol.station.station import Station

PAGE, MOST = 50, 1_000
MAX_PERSON_CHARACTERS = 100
Which = Literal["current", "all"]
_NAMES = (
    "announcement", "issued_ms", "title", "text", "level", "from_ms", "until_ms", "by", "replaces",
    "ended_ms", "ended_by", "reason", "successor",
)  # fmt: skip


@dataclass(frozen=True)
class AnnouncementMethods:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "announcement.list": self.listed,
            "announcement.show": self.show,
            "announcement.read": self.read,
        }

    async def listed(
        self,
        which: Which = "current",
        person: str = "",
        others: bool = False,
        limit: int = PAGE,
        offset: int = 0,
    ) -> dict[str, Any]:
        """`which`: those in force, the most urgent first, or all, the newest first. `others`: also
        those for other leagues; a hub shows them all. `person`: who asks, for `read`."""
        now_ms, party = self.station.parts.clock(), self.station.party
        everybody = others or party == self.station.parts.trust.current.hub
        league = None if everybody else league_of(party)
        most, passed = max(0, min(limit, MOST)), max(0, offset)

        def look(conn: Connection) -> dict[str, Any]:
            if which == "current":
                rows, total = keeping.current(conn, now_ms, league, most, passed)
            else:
                rows, total = keeping.all_(conn, league, most, passed)
            read = keeping.read_by(conn, person, [row.announcement for row in rows])
            shown = [{**view(row, now_ms), "read": row.announcement in read} for row in rows]
            return {"announcements": shown, "total": total}

        return await self.station.read(look)

    async def show(self, announcement: str) -> dict[str, Any]:
        """With who has read it here."""
        now_ms = self.station.parts.clock()

        def look(conn: Connection) -> dict[str, Any]:
            row = keeping.find(conn, announcement)
            if row is None:
                raise AnnouncementUnknown(announcement=announcement[:40])
            readers = keeping.readers(conn, announcement, MOST)
            return {"announcement": view(row, now_ms), "readers": readers}

        return await self.station.read(look)

    async def read(self, announcement: str, by: str) -> dict[str, Any]:
        """Note that `by` has read it."""
        if not 0 < len(by) <= MAX_PERSON_CHARACTERS:
            raise AnnouncementInvalid(field="by", detail="a name of up to 100 characters")
        await self.show(announcement)
        await self.station.write(lambda tx: keeping.note_read(tx, announcement, by))
        return await self.show(announcement)


def view(row: Row[Any], now_ms: int) -> dict[str, Any]:
    """As it crosses the control socket. `league_names`: of those addressed, none for all."""
    codes = row.leagues.split()
    state: Standing = keeping.standing(row, now_ms)
    return {
        **{name: getattr(row, name) for name in _NAMES},
        "leagues": codes,
        "league_names": [LEAGUES.get(code, code) for code in codes],
        "standing": state.value,
    }

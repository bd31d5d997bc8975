"""correction.list, correction.show: the case of a correction, at a station and at the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_protocol.core.corrections import ANSWERS, ENDINGS, MOVES, State
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import clocks, paging
from ortoo_protocol.station.clocks import Clock
from ortoo_protocol.station.clocks.listing import last_of
from ortoo_protocol.station.clocks.methods import view
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.station import Station

# Art. 21, to both sides for as long as the case is open.
BUSINESS_GOES_ON = mark(
    "While this is checked, whoever brings lawful and valid proof is served as usual: nobody may"
    " refuse, delay, or ask people to have the record corrected first."
)
_EVENT = ("time_ms", "event", "party", "by", "reason")


@dataclass
class CorrectionViews:
    station: Station

    def as_mapping(self) -> Mapping[str, Method]:
        return {"correction.list": self.listed, "correction.show": self.show}

    async def listed(
        self,
        all: bool = False,
        overdue: bool = False,
        party: str = "",
        limit: int = paging.MOST,
        offset: int = 0,
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `all`: also those that are closed; `overdue`: those
        whose provider is late; `party`: of one, as provider or reader. `total`: how many there
        are."""
        now_ms = self.station.parts.clock()
        query = keeping.in_order(
            only_open=not all, party=party, overdue_ms=now_ms if overdue else None
        )

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, query, limit, offset)
            by_subject = {keeping.subject(row.correction): row for row in rows}
            last = last_of(conn, list(by_subject))
            shown = [case_of(row, last.get(each), now_ms) for each, row in by_subject.items()]
            return {"corrections": shown, "total": total}

        return await self.station.read(read)

    async def show(self, correction: str) -> dict[str, Any]:
        def read(conn: Connection) -> dict[str, Any]:
            return self.shown(conn, keeping.one(conn, correction))

        return await self.station.read(read)

    def shown(self, conn: Connection, row: Row[Any]) -> dict[str, Any]:
        """With what art. 21 says to both sides while it is open."""
        rules = profile_named(self.station.parts.trust.current.profile).sharing
        found = clocks.of(conn, keeping.subject(row.correction))
        return {
            "correction": case_of(row, found[-1] if found else None, self.station.parts.clock()),
            "notice": "" if row.closed_ms is not None else BUSINESS_GOES_ON,
            "article": rules.business.article,
            "clocks": [view(clock) for clock in found],
            "open": self._open(row),
            "events": [
                {name: getattr(event, name) for name in _EVENT}
                for event in keeping.history(conn, row.correction)
            ],
        }

    def _open(self, row: Row[Any]) -> list[str]:
        """What this party may do next."""
        state, party = State(row.state), self.station.party
        whose = {**dict.fromkeys(ANSWERS, row.provider), **dict.fromkeys(ENDINGS, row.reader)}
        return [
            event.value
            for event, side in whose.items()
            if side == party and (state, event) in MOVES
        ]


def case_of(row: Row[Any], last: Clock | None, now_ms: int) -> dict[str, Any]:
    """`last`: its newest clock. `due_ms`, `clock`: of the provider's days; None, "" where none run.
    `overdue`: they are over and it has not answered."""
    names = (
        "correction", "grant", "resource", "provider", "provider_department", "reader",
        "reader_department", "about", "found_ms", "late", "by", "opened_ms", "state", "outcome",
        "reason", "seq", "source", "answered_ms", "how", "closed_ms",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "due_ms": None if last is None else last.due_ms,
        "clock": "" if last is None else last.state,
        "overdue": last is not None and last.closed_ms is None and (last.due_ms or now_ms) < now_ms,
    }

"""notice.*: written notices, at the authority and at who is supervised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row

from ortoo_protocol.core.supervision.notices import Event, is_late
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.supervision import notices
from ortoo_protocol.station.supervision.methods.desk import MOST, Desk, evidence_view
from ortoo_protocol.station.supervision.notices import Wanted

_ROW = ("notice", "side", "authority", "state", "due_ms", "provisional", "issued_ms", "changed_ms")
_BODY = (
    "number", "violation", "article", "title", "found", "demands", "days", "handler", "approver"
)  # fmt: skip
Act = Literal["acknowledge", "answer", "return", "verify", "escalate", "revoke"]


@dataclass(frozen=True)
class NoticeMethods(Desk):
    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "notice.issue": self.issue,
            "notice.act": self.act,
            "notice.list": self.listed,
            "notice.show": self.show,
        }

    async def issue(
        self,
        subject: str,
        violation: int,
        title: str,
        found: str,
        demands: str,
        days: int,
        handler: str,
        approver: str,
        number: str = "",
        leads: Sequence[str] = (),
    ) -> dict[str, Any]:
        wanted = Wanted(
            subject=self.subject(subject),
            violation=violation,
            number=number,
            title=title,
            found=found,
            demands=demands,
            days=days,
            leads=tuple(leads),
            handler=handler,
            approver=approver,
        )

        def job(tx: Tx) -> dict[str, Any]:
            notice = notices.issue(tx, wanted)
            return self._view(tx.conn, notices.find(tx.conn, notices.AUTHORITY, notice))

        return await self.station.write(job)

    async def act(
        self, notice: str, event: Act, handler: str, text: str = "", approver: str = ""
    ) -> dict[str, Any]:
        """Whose move it is says the table: acknowledge and answer are the subject's."""
        chosen = Event(event)
        own = chosen in (Event.ACKNOWLEDGE, Event.ANSWER)
        take = notices.by_subject if own else notices.by_authority
        side = notices.SUBJECT if own else notices.AUTHORITY

        def job(tx: Tx) -> dict[str, Any]:
            take(tx, notice, chosen, text, handler, approver)
            return self._view(tx.conn, notices.find(tx.conn, side, notice))

        return await self.station.write(job)

    async def listed(
        self, side: str = "", settled: bool = False, limit: int = MOST, offset: int = 0
    ) -> dict[str, Any]:
        """By their last day, from `offset` on; `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, notices.in_order(side, settled), limit, offset)
            return {"notices": [self._view(conn, row) for row in rows], "total": total}

        return await self.station.read(read)

    async def show(self, notice: str, side: str = "") -> dict[str, Any]:
        """Of `side`; without one, as the authority if it was issued here."""

        def read(conn: Connection) -> dict[str, Any]:
            row = _row(conn, side, notice)
            names = ("place", "event", "text", "handler", "approver", "time_ms")
            return {
                "notice": self._view(conn, row),
                "evidence": [evidence_view(each) for each in notices.body_of(row).evidence],
                "moves": [
                    {name: getattr(each, name) for name in names} | {"stands": not each.letter}
                    for each in notices.moves_of(conn, row.side, notice)
                ],
            }

        return await self.station.read(read)

    def _view(self, conn: Connection, row: Row[Any]) -> dict[str, Any]:
        body = notices.body_of(row)
        steps = notices.steps_of(conn, row.side, row.notice)
        return {
            **{name: getattr(row, name) for name in _ROW},
            **{name: getattr(body, name) for name in _BODY},
            **self.about(row.party, row.department),
            "leads": list(body.leads),
            "late": is_late(steps, row.due_ms, self.station.parts.clock()),
            "next": [event.value for event in notices.open_moves(row)],
        }


def _row(conn: Connection, side: str, notice: str) -> Row[Any]:
    if side:
        return notices.find(conn, side, notice)
    here = notices.sides(conn, notice)
    return notices.find(conn, notices.AUTHORITY if notices.AUTHORITY in here else "subject", notice)

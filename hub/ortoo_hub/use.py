"""Use of grants at the hub: the notary's part, and what the region's authority does itself.

The authority suspends what crosses leagues (跨地域): the route is closed at once, the provider is
told to fence, the reader is told why and until when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import EnvelopeDestination, GrantEnded, GrantScope
from ortoo_protocol.core.use.ending import (
    GrantEnding,
    GrantEndingAnswer,
    GrantKept,
    check_answer,
    check_ending,
)
from ortoo_protocol.core.use.filled import check_filled
from ortoo_protocol.core.use.onward import OnwardAnswer, OnwardAsk, OnwardRevoked
from ortoo_protocol.core.use.onward import check_answer as check_onward_answer
from ortoo_protocol.core.use.records import (
    DisposalAsked,
    DisposalDeclared,
    DisposalDone,
    UseAsk,
    UseRecords,
    check_ask,
    check_asked,
    check_declared,
    check_done,
    check_records,
)
from ortoo_protocol.core.use.suspension import (
    OPEN,
    GrantRectified,
    GrantResumed,
    GrantSuspended,
    GrantTermination,
    check_suspended,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.clocks import LATE, Clock
from ortoo_protocol.station.context import ClockHook, Handler, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.store.use_tables import grant_suspensions
from ortoo_protocol.station.use import consents, disposals, endings, history, suspensions

Record = Callable[[Tx, Opened[Shape]], None]
OVERDUE = "overdue"


@dataclass(frozen=True)
class UseNotary:
    """`wake` tells the router, after the commit, that routes have changed."""

    wake: Callable[[], None]

    def records(self) -> Mapping[str, Record]:
        """Letters between two members."""
        return {
            "grant.suspended": self._suspended,
            "grant.rectified": _rectified,
            "grant.resumed": self._resumed,
            "grant.ending": _ending,
            "grant.ending-answer": _ending_answer,
            "grant.kept": _kept,
            "use.ask": _asked_records,
            "use.records": _records,
            "onward.ask": _onward_asked,
            "onward.answer": _onward_answered,
            "onward.revoked": _onward_revoked,
            "disposal.declared": _declared,
            "disposal.asked": _disposal_asked,
            "disposal.done": _destroyed,
        }

    def handlers(self) -> Mapping[str, Handler]:
        """Letters to the hub itself."""
        return {"grant.rectified": _rectified_to_us, "use.records": _records_for_us}

    def _suspended(self, tx: Tx, opened: Opened[Shape]) -> None:
        body = check_suspended(as_body(opened, GrantSuspended).body)
        row = _ways(tx, opened, body.grant, "provider", "reader")
        if (body.feed, body.reader) != (row.feed, row.reader):
            raise GrantScope(detail=f"grant {body.grant} is of another feed or reader")
        suspensions.suspended(tx, body, row.provider)
        tx.after_commit(self.wake)

    def _resumed(self, tx: Tx, opened: Opened[Shape]) -> None:
        body = check_filled(as_body(opened, GrantResumed).body, "reason", "by")
        row = _ways(tx, opened, body.grant, "provider", "reader")
        suspensions.resumed(tx, body, row.provider)
        tx.after_commit(self.wake)

    # --- what the authority does itself ---

    def suspend(
        self, tx: Tx, grant: str, reason: str, evidence: str, days: int, by: str
    ) -> GrantSuspended:
        """Raises GrantUnknown, GrantEnded, CaseField, SuspensionMove."""
        row = _live(tx, grant)
        body = suspensions.said(tx, row, None, days, by, reason=reason, evidence=evidence)
        return self._say_suspended(tx, row, body)

    def reject(self, tx: Tx, grant: str, reason: str, days: int, by: str) -> GrantSuspended:
        """整改不到位. Raises SuspensionUnknown, SuspensionMove, CaseField."""
        row, known = _live(tx, grant), suspensions.open_one(tx.conn, grant)
        body = suspensions.said(tx, row, known, days, by, reason=reason)
        return self._say_suspended(tx, row, body)

    def _say_suspended(self, tx: Tx, row: Row[Any], body: GrantSuspended) -> GrantSuspended:
        suspensions.suspended(tx, body, tx.party)
        _to_both(tx, row, body)
        tx.after_commit(self.wake)
        return body

    def resume(self, tx: Tx, grant: str, reason: str, by: str) -> GrantResumed:
        """Raises SuspensionUnknown: there is none, or it is the provider's; CaseField."""
        row, known = _live(tx, grant), suspensions.open_one(tx.conn, grant)
        body = GrantResumed(
            suspension=known.suspension, grant=grant, reason=reason, resumed_ms=tx.now_ms, by=by
        )
        suspensions.resumed(tx, check_filled(body, "reason", "by"), tx.party)
        _to_both(tx, row, body)
        tx.after_commit(self.wake)
        return body

    def terminate(self, tx: Tx, grant: str, reason: str, by: str) -> GrantTermination:
        """Have the provider end what was not set right. Raises SuspensionUnknown, SuspensionEarly,
        CaseField."""
        row, known = _live(tx, grant), suspensions.open_one(tx.conn, grant)
        suspensions.check_time_is_over(tx, known)
        body = GrantTermination(suspension=known.suspension, grant=grant, reason=reason, by=by)
        check_filled(body, "reason", "by")
        send(tx, row.provider, body, case=grants_held.terms_of(row).case)
        history.note(tx, grant, "terminate", tx.party, by, reason)
        return body


def clocks() -> Mapping[str, ClockHook]:
    return {suspensions.RECTIFY: _on_clock}


def expire(tx: Tx) -> None:
    """Consents to passing on, and suspensions of grants whose term is over."""
    consents.lapse(tx)
    over = select(grants.c.grant).where(
        grants.c.suspension != "", grants.c.until_ms > 0, grants.c.until_ms <= tx.now_ms
    )
    for grant in tx.conn.execute(over).scalars().all():
        suspensions.ended(tx, grant, terminated=False)


def overdue(conn: Any) -> list[Row[Any]]:
    """Suspensions that are open, for supervision; the oldest first."""
    query = select(grant_suspensions).where(grant_suspensions.c.state.in_(OPEN))
    return list(conn.execute(query.order_by(grant_suspensions.c.until_ms)))


# --- letters ------------------------------------------------------------------------------------


def _rectified(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_filled(as_body(opened, GrantRectified).body, "report", "by")
    row = _ways(tx, opened, body.grant, "reader", "provider")
    suspensions.reported(tx, body, row.reader)


def _rectified_to_us(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_filled(as_body(opened, GrantRectified).body, "report", "by")
    row = grants_held.row(tx, body.grant)
    if opened.header.sender != row.reader:
        raise EnvelopeDestination(destination=opened.header.destination)
    suspensions.reported(tx, body, row.reader)


def _ending(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_ending(as_body(opened, GrantEnding).body)
    row = _ways(tx, opened, body.grant, "provider", "reader")
    if row.ended_ms is not None:
        raise GrantEnded(grant=body.grant, reason=row.end_reason)
    endings.announced(tx, body, row.provider)


def _ending_answer(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_answer(as_body(opened, GrantEndingAnswer).body)
    row = _ways(tx, opened, body.grant, "reader", "provider")
    endings.answered(tx, body, row.reader)


def _kept(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_filled(as_body(opened, GrantKept).body, "reason", "by")
    row = _ways(tx, opened, body.grant, "provider", "reader")
    endings.kept(tx, body, row.provider)


def ask_records(tx: Tx, grant: str, reason: str, by: str) -> str:
    """The authority looks at the reader's records (查阅). Raises GrantUnknown, CaseField."""
    row = grants_held.row(tx, grant)
    body = check_ask(UseAsk(ask=tx.new_id().hex(), grant=grant, reason=reason, by=by))
    send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    disposals.ask(tx, body, tx.party)
    return body.ask


def _asked_records(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_ask(as_body(opened, UseAsk).body)
    row = _ways(tx, opened, body.grant, "provider", "reader")
    disposals.ask(tx, body, row.provider)


def _records(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_records(as_body(opened, UseRecords).body)
    _ways(tx, opened, body.grant, "reader", "provider")
    disposals.answered(tx, body)


def _records_for_us(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_records(as_body(opened, UseRecords).body)
    if opened.header.sender != grants_held.row(tx, body.grant).reader:
        raise EnvelopeDestination(destination=opened.header.destination)
    disposals.answered(tx, body)


def _declared(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_declared(as_body(opened, DisposalDeclared).body)
    disposals.declared(tx, body, _ways(tx, opened, body.grant, "reader", "provider").reader)


def _disposal_asked(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_asked(as_body(opened, DisposalAsked).body)
    disposals.asked(tx, body, _ways(tx, opened, body.grant, "provider", "reader").provider)


def _destroyed(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_done(as_body(opened, DisposalDone).body)
    disposals.done(tx, body, _ways(tx, opened, body.grant, "reader", "provider").reader)


def _onward_asked(tx: Tx, opened: Opened[Shape]) -> None:
    body = as_body(opened, OnwardAsk).body
    consents.asked(tx, body, _ways(tx, opened, body.grant, "reader", "provider").reader)


def _onward_answered(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_onward_answer(as_body(opened, OnwardAnswer).body)
    consents.answered(tx, body, _ways(tx, opened, body.grant, "provider", "reader").provider)


def _onward_revoked(tx: Tx, opened: Opened[Shape]) -> None:
    body = check_filled(as_body(opened, OnwardRevoked).body, "reason", "by")
    consents.revoked(tx, body, _ways(tx, opened, body.grant, "provider", "reader").provider)


def _ways(tx: Tx, opened: Opened[Shape], grant: str, sender: str, recipient: str) -> Row[Any]:
    """The letter goes from the one side of the grant to the other."""
    row, header = grants_held.row(tx, grant), opened.header
    if (header.sender, header.destination) != (getattr(row, sender), getattr(row, recipient)):
        raise EnvelopeDestination(destination=header.destination)
    return row


def _live(tx: Tx, grant: str) -> Row[Any]:
    row = grants_held.row(tx, grant)
    if row.ended_ms is not None or 0 < row.until_ms <= tx.now_ms:
        raise GrantEnded(grant=grant, reason=row.end_reason or "-")
    return row


def _to_both(tx: Tx, row: Row[Any], body: Shape) -> None:
    case = grants_held.terms_of(row).case
    for party in dict.fromkeys((row.provider, row.reader)):
        send(tx, party, body, case=case)


def _on_clock(tx: Tx, clock: Clock, stage: str) -> None:
    row = suspensions.find(tx.conn, clock.subject.partition(":")[2])
    if row is not None and stage == LATE:
        history.note(tx, row.grant, OVERDUE, clock.party, "", row.reason)

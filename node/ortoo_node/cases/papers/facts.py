"""What the papers of a case say, gathered from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Row

from ortoo_node import catalog
from ortoo_node.cases import store
from ortoo_protocol.core.cases import Answer, Application, CaseStep, Event, Side
from ortoo_protocol.core.cases.log import REFUSED
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.elements import UNCONDITIONAL
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.law.profiles import Profile, profile_named
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock

SHARE_TYPES = {UNCONDITIONAL: "无条件共享", 2: "有条件共享", 3: "不予共享"}


@dataclass(frozen=True)
class Paper:
    """One case as its papers need it; times as local days. `asked`: the cases of one paper."""

    row: Row[Any]
    application: Application
    answer: Answer | None
    entry: Entry | None
    events: Sequence[Row[Any]]
    clocks: Sequence[Clock]
    trust: Trust
    profile: Profile
    asked: Sequence[tuple[Row[Any], Application, Entry | None]]

    def day(self, time_ms: int) -> str:
        """As documents write it."""
        if not time_ms:
            return "　　年　月　日"
        local = self._local(time_ms)
        return f"{local.year}年{local.month}月{local.day}日"

    def moment(self, time_ms: int) -> str:
        local = self._local(time_ms)
        return f"{self.day(time_ms)} {local.hour:02d}:{local.minute:02d}"

    def _local(self, time_ms: int) -> datetime:
        zone = timezone(timedelta(minutes=self.profile.offset_min))
        return datetime.fromtimestamp(time_ms / 1000, zone)

    def until(self, time_ms: int) -> str:
        """A term of use: its end is the beginning of the day after."""
        return f"至{self.day(time_ms - 1)}止" if time_ms else "长期（至目的实现或授权终止）"

    def party_name(self, party: str) -> str:
        found = [each.name for each in self.trust.parties if each.party == party]
        return found[0] if found else party

    def items(self, columns: Sequence[str], entry: Entry | None) -> str:
        """Items by their Chinese names."""
        if not columns:
            return "全部信息项"
        names = {} if entry is None else {item.column: item.name for item in entry.items}
        return "、".join(names.get(column, column) for column in columns)

    def last(self, *events: Event) -> Row[Any] | None:
        """The newest of these events that counts."""
        wanted = {event.value for event in events}
        found = [e for e in self.events if e.event in wanted and e.status != REFUSED]
        return found[-1] if found else None

    def signatures(self, side: Side) -> list[Row[Any]]:
        """签收 of this side."""
        return [
            each
            for each in self.events
            if each.event == Event.SIGN.value and each.side == side.value and each.status != REFUSED
        ]

    def missing(self) -> Sequence[str]:
        row = self.last(Event.RETURN)
        return () if row is None or row.body is None else decode(row.body, CaseStep).missing

    def instant_ms(self, row: Row[Any] | None) -> int:
        """The legal instant of an event."""
        return 0 if row is None else int(row.legal_ms or row.time_ms)

    def last_day(self, duty: str) -> str:
        found = [clock.day for clock in self.clocks if clock.duty == duty and clock.day]
        return f"{found[-1].year}年{found[-1].month}月{found[-1].day}日" if found else ""


def gather(conn: Connection, trust: Trust, case: str) -> Paper:
    """Raises CaseUnknown."""
    row = store.find(conn, case)
    group = store.listed(conn, store.Sought(group=row.group)) if row.group else [row]
    asked = sorted(group, key=lambda each: (each.opened_ms, each.case))
    return Paper(
        row=row,
        application=decode(row.application, Application),
        answer=decode(row.answer, Answer) if row.answer else None,
        entry=_entry(conn, row.resource),
        events=store.events_of(conn, case),
        clocks=clocks.of(conn, f"case:{case}"),
        trust=trust,
        profile=profile_named(trust.profile),
        asked=[
            (each, decode(each.application, Application), _entry(conn, each.resource))
            for each in asked
        ],
    )


def _entry(conn: Connection, code: str) -> Entry | None:
    return None if catalog.find(conn, code) is None else catalog.entry(conn, code)

"""The queue: from a notice to a delivery for each person and channel, until sent or given up.

Several notices for one person that wait at the same time become one message, so that a station that
was off for a month does not flood anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from ortoo_protocol.core.errors import ContactUnknown, OrtooError
from ortoo_protocol.core.law.contacts import Person
from ortoo_protocol.i18n import Translator
from ortoo_protocol.station.contacts import duty, keeping
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.notify.channel import Channel, Outgoing
from ortoo_protocol.station.notify.settings import NotifyTable
from ortoo_protocol.station.notify.templates import said, shortened
from ortoo_protocol.station.store.notice_tables import notice_deliveries, notices

WAITING, SENT, FAILED, DROPPED = "waiting", "sent", "failed", "dropped"
AT_ONCE = 500
APART = 3  # so many notices at once are still sent one by one
CAP_MS = 3_600_000
DAY_MS = 86_400_000
NOBODY = Person("", "", "", "")


@dataclass(frozen=True)
class Delivery:
    number: int
    channel: str
    attempts: int
    message: Outgoing


def route(tx: Tx, table: NotifyTable, channels: Sequence[Channel]) -> int:
    """Find out for new notices whom they reach and how; returns how many were looked at."""
    query = select(notices).where(notices.c.routed_ms.is_(None)).order_by(notices.c.number)
    rows = tx.conn.execute(query.limit(AT_ONCE)).all()
    groups: dict[tuple[str, Person], list[Row[Any]]] = {}
    for row in rows:
        department = table.authority if row.authority else row.department
        for person in _persons(tx, department, row.person):
            told = groups.setdefault((department, person), [])
            # Who has the duty and is of the authority hears of it once.
            if not row.authority or row.values not in [each.values for each in told]:
                told.append(row)
    for (department, person), told in groups.items():
        numbers = [each.number for each in told]
        for channel in channels:
            address = channel.reach(person.phone, person.mail, person.webhook)
            if address is not None:
                apart = [[each] for each in numbers] if len(numbers) <= APART else [numbers]
                _deliver(tx, table, channel.name, department, person.name, address, apart)
    looked_at = notices.c.number.in_([row.number for row in rows])
    tx.conn.execute(update(notices).where(looked_at).values(routed_ms=tx.now_ms))
    return len(rows)


def is_unrouted(conn: Connection) -> bool:
    query = select(notices.c.number).where(notices.c.routed_ms.is_(None)).limit(1)
    return conn.execute(query).first() is not None


def _persons(tx: Tx, department: str, person: str) -> tuple[Person, ...]:
    """Whoever has the duty, or this person; nobody in particular where nobody is known."""
    if not department:
        return (NOBODY,)
    if person:
        try:
            contact = keeping.find(tx.conn, tx.party, department)
        except ContactUnknown:
            return (NOBODY,)
        return tuple(one for _, one in contact.persons if one.name == person) or (NOBODY,)
    return duty.on_duty(tx.conn, tx.party, department, tx.now_ms) or (NOBODY,)


def _deliver(
    tx: Tx,
    table: NotifyTable,
    channel: str,
    department: str,
    person: str,
    address: str,
    groups: Iterable[list[int]],
) -> None:
    for numbers in groups:
        full = waiting(tx.conn, channel) >= table.waiting
        row = {
            "channel": channel,
            "department": department,
            "person": person,
            "address": address,
            "notices": msgspec.json.encode(numbers).decode(),
            "first": numbers[0],
            "state": DROPPED if full else WAITING,
            "attempts": 0,
            "error": "",
            "created_ms": tx.now_ms,
            "next_ms": tx.now_ms,
            "settled_ms": tx.now_ms if full else None,
        }
        tx.conn.execute(insert(notice_deliveries).values(row))


def waiting(conn: Connection, channel: str) -> int:
    of = (notice_deliveries.c.channel == channel, notice_deliveries.c.state == WAITING)
    query = select(func.count()).select_from(notice_deliveries).where(*of)
    return conn.execute(query).scalar() or 0


# --- sending ------------------------------------------------------------------------------------


def next_due(
    conn: Connection, channel: str, now_ms: int, party: str, say: Translator
) -> Delivery | int | None:
    """The oldest delivery that is due, else how long until one is, in ms; None: none waits."""
    rows = notice_deliveries
    of = (rows.c.channel == channel, rows.c.state == WAITING)
    query = select(rows).where(*of, rows.c.next_ms <= now_ms).order_by(rows.c.number).limit(1)
    row = conn.execute(query).first()
    if row is not None:
        return Delivery(row.number, channel, row.attempts, _message(conn, row, party, say))
    soonest = conn.execute(select(func.min(rows.c.next_ms)).where(*of)).scalar()
    return None if soonest is None else max(1, soonest - now_ms)


def _message(conn: Connection, row: Row[Any], party: str, say: Translator) -> Outgoing:
    numbers: list[int] = msgspec.json.decode(row.notices)
    query = select(notices).where(notices.c.number.in_(numbers)).order_by(notices.c.number)
    found = [(one.template, msgspec.json.decode(one.values)) for one in conn.execute(query).all()]
    texts = [said(say, template, values) for template, values in found]
    title, text = (texts[0].title, texts[0].text) if texts else ("", "")
    if len(texts) > 1:
        several = said(say, "several", {"count": len(texts)})
        lines = shortened(say, [one.text.partition("\n")[0] for one in texts])
        title, text = several.title, "\n".join((several.text, *lines))
    return Outgoing(
        id=f"notice_{party}_{row.number}",
        time_ms=row.created_ms,
        party=party,
        department=row.department,
        person=row.person,
        address=row.address,
        title=title,
        text=text,
        templates=tuple(template for template, _ in found),
    )


def sent(tx: Tx, delivery: Delivery) -> None:
    _set(tx, delivery, state=SENT, error="", settled_ms=tx.now_ms, attempts=delivery.attempts + 1)


def in_vain(tx: Tx, delivery: Delivery, error: OrtooError, table: NotifyTable) -> int:
    """Try again later, at last no more; returns how long until then, in ms."""
    attempts = delivery.attempts + 1
    wait_ms = min(CAP_MS, int(table.retry_first_s * 1000) << min(attempts - 1, 16))
    over = tx.now_ms + wait_ms > delivery.message.time_ms + table.keep_days * DAY_MS
    _set(
        tx,
        delivery,
        attempts=attempts,
        error=str(error.facts.get("detail", error.code))[:200],
        next_ms=tx.now_ms + wait_ms,
        state=FAILED if over else WAITING,
        settled_ms=tx.now_ms if over else None,
    )
    return wait_ms


def _set(tx: Tx, delivery: Delivery, **values: Any) -> None:
    of = notice_deliveries.c.number == delivery.number
    tx.conn.execute(update(notice_deliveries).where(of).values(**values))


def again(tx: Tx) -> int:
    """Try all that failed or was put off once more, now; returns how many."""
    rows = notice_deliveries
    of = rows.c.state.in_((WAITING, FAILED))
    values = {"state": WAITING, "next_ms": tx.now_ms, "created_ms": tx.now_ms, "settled_ms": None}
    count = tx.conn.execute(update(rows).where(of).values(values)).rowcount
    tx.after_commit(tx.parts.signals.notices.set)
    return count


def forget(tx: Tx, keep_days: int) -> None:
    """Drop what was settled long ago, and notices of which nothing waits."""
    before_ms = tx.now_ms - keep_days * DAY_MS
    rows = notice_deliveries
    tx.conn.execute(delete(rows).where(rows.c.settled_ms < before_ms))
    old = notices.c.routed_ms < before_ms
    first = tx.conn.execute(select(func.min(rows.c.first))).scalar()
    if first is not None:
        old &= notices.c.number < first
    tx.conn.execute(delete(notices).where(old))


def in_order(state: str) -> Select[Any]:
    """The newest first; of one state, or all."""
    query = select(notice_deliveries).order_by(notice_deliveries.c.number.desc())
    return query.where(notice_deliveries.c.state == state) if state else query


def troubles(conn: Connection) -> list[tuple[str, int, int, str]]:
    """Of each channel: how many wait after an attempt in vain, how many were given up, the last
    error."""
    rows = notice_deliveries
    bad = ((rows.c.state == WAITING) & (rows.c.attempts > 0)) | rows.c.state.in_((FAILED, DROPPED))
    query = select(rows.c.channel, rows.c.state, func.count(), func.max(rows.c.error))
    found: dict[str, tuple[int, int, str]] = {}
    for channel, state, count, error in conn.execute(
        query.where(bad).group_by(rows.c.channel, rows.c.state)
    ):
        held, lost, last = found.get(channel, (0, 0, ""))
        if state == WAITING:
            found[channel] = (held + count, lost, error or last)
        else:
            found[channel] = (held, lost + count, last or error)
    return [(channel, *each) for channel, each in sorted(found.items())]

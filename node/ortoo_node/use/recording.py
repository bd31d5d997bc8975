"""Use records of grants that this station reads by (使用记录, Decree 809 art. 29).

People enter scenario, process, effect, storage, destruction. The station counts by itself: rows
that went into sinks, queries, downloads, by day. Provider and authority are shown both when they
ask (查阅), at once and without anybody's leave: the law gives them that.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from ortoo_node.queries.record import ASKED
from ortoo_node.store.tables import queries, subscriptions
from ortoo_node.store.use_tables import received_files, use_days, use_noted, use_records
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CaseField, EnvelopeSender, GrantUnknown
from ortoo_protocol.core.law.clock import day_of, moment_ms, years_before
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.messages import DAY_MS
from ortoo_protocol.core.use.filled import check_filled
from ortoo_protocol.core.use.records import (
    DOWNLOADS,
    MOST_DAYS,
    MOST_RECORDS,
    QUERIES,
    ROWS,
    UseAsk,
    UseDay,
    UseRecord,
    UseRecords,
    check_ask,
    check_records,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.tables import feed_applied, grants
from ortoo_protocol.station.use import disposals

_CIVIL_MS = 8 * 3_600_000


def enter(tx: Tx, grant: str, by: str, **said: str) -> str:
    """What people say of the use; returns the record. Raises GrantUnknown, CaseField."""
    row = grants_held.row(tx, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    if not any(text.strip() for text in said.values()) or not by.strip():
        raise CaseField(field="scenario", detail="a record says something, and who says it")
    record = tx.new_id().hex()
    check_filled(_shape(record, grant, by, said))
    values = {"record": record, "grant": grant, "time_ms": tx.now_ms, "by": by, **said}
    tx.conn.execute(insert(use_records).values(values))
    return record


def _shape(record: str, grant: str, by: str, said: dict[str, str]) -> Shape:
    """Texts are bounded as those of letters: they will travel in one."""
    return UseAsk(ask=record, grant=grant, reason=max(said.values(), key=len), by=by)


# --- counted by itself --------------------------------------------------------------------------


def tally(tx: Tx) -> None:
    """Rows that sinks took since this was looked at last, put to today."""
    query = (
        select(
            feed_applied.c.subscription,
            feed_applied.c.rows,
            subscriptions.c.grant,
            use_noted.c.rows.label("noted"),
        )
        .join(subscriptions, subscriptions.c.subscription == feed_applied.c.subscription)
        .outerjoin(use_noted, use_noted.c.subscription == feed_applied.c.subscription)
        .where(subscriptions.c.grant.is_not(None))
    )
    today = day_of(tx.now_ms, profile_named(tx.trust.profile).offset_min).isoformat()
    for row in tx.conn.execute(query).all():
        noted = row.noted or 0
        fresh = row.rows - noted if row.rows >= noted else row.rows  # it began anew
        if fresh:
            _add(tx, row.grant, today, ROWS, 1, fresh)
            upsert(tx.conn, use_noted, [{"subscription": row.subscription, "rows": row.rows}])


def _add(tx: Tx, grant: str, day: str, how: str, times: int, amount: int) -> None:
    here = (use_days.c.grant == grant) & (use_days.c.day == day) & (use_days.c.how == how)
    known = tx.conn.execute(select(use_days).where(here)).first()
    row = {
        "grant": grant,
        "day": day,
        "how": how,
        "times": times + (known.times if known else 0),
        "amount": amount + (known.amount if known else 0),
    }
    upsert(tx.conn, use_days, [row])


def forget(tx: Tx) -> None:
    """Records are kept for the years of the profile, from the end of their grant on."""
    profile = profile_named(tx.trust.profile)
    today = day_of(tx.now_ms, profile.offset_min)
    last = years_before(today, profile.sharing.record_years)
    before_ms = moment_ms(last, 0, profile.offset_min)
    over = select(grants.c.grant).where(grants.c.ended_ms < before_ms)
    tx.conn.execute(
        delete(use_records).where(use_records.c.grant.in_(over), use_records.c.time_ms < before_ms)
    )
    tx.conn.execute(delete(use_days).where(use_days.c.grant.in_(over)))


# --- shown --------------------------------------------------------------------------------------


def records_of(conn: Connection, grant: str) -> list[Row[Any]]:
    query = select(use_records).where(use_records.c.grant == grant)
    return list(conn.execute(query.order_by(use_records.c.time_ms.desc())))


def days_of(conn: Connection, grant: str) -> list[UseDay]:
    """The newest first."""
    found = [
        UseDay(row.day, row.how, row.times, row.amount)
        for row in conn.execute(select(use_days).where(use_days.c.grant == grant))
    ]
    day = ((queries.c.time_ms + _CIVIL_MS) // DAY_MS).label("day")
    asked = (
        select(day, func.count().label("times"), func.sum(queries.c.rows).label("amount"))
        .where(queries.c.grant == grant, queries.c.role == ASKED)
        .group_by(day)
    )
    for row in conn.execute(asked):
        found.append(UseDay(_iso(row.day), QUERIES, row.times, int(row.amount or 0)))
    day = ((received_files.c.time_ms + _CIVIL_MS) // DAY_MS).label("day")
    files = (
        select(day, func.count().label("times")).where(received_files.c.grant == grant)
    ).group_by(day)
    for row in conn.execute(files):
        found.append(UseDay(_iso(row.day), DOWNLOADS, row.times, 0))
    return sorted(found, key=lambda each: (each.day, each.how), reverse=True)


def _iso(day: int) -> str:
    return day_of(day * DAY_MS, 0).isoformat()


def whole(conn: Connection, grant: str, ask: str) -> UseRecords:
    row = grants_held.find(conn, grant)
    records, days = records_of(conn, grant), days_of(conn, grant)
    return UseRecords(
        ask=ask,
        grant=grant,
        purpose="" if row is None else grants_held.terms_of(row).purpose,
        records=tuple(
            UseRecord(
                each.record, each.time_ms, each.scenario, each.process, each.effect,
                each.storage, each.destruction, each.by,
            )
            for each in records[:MOST_RECORDS]
        ),
        days=tuple(days[:MOST_DAYS]),
        cut=len(records) > MOST_RECORDS or len(days) > MOST_DAYS,
    )  # fmt: skip


def ask(tx: Tx, grant: str, reason: str, by: str) -> str:
    """Ask the reader of a grant of ours. Raises GrantUnknown, CaseField."""
    row = grants_held.row(tx, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_ask(UseAsk(ask=tx.new_id().hex(), grant=grant, reason=reason, by=by))
    send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    disposals.ask(tx, body, tx.party)
    return body.ask


def on_ask(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_ask(as_body(opened, UseAsk).body), opened.header.sender
    row = grants_held.row(tx, body.grant)
    if row.reader != tx.party or sender not in (row.provider, tx.trust.hub):
        raise EnvelopeSender(sender=sender, owner=row.provider)
    tally(tx)
    if sender != tx.party:
        disposals.ask(tx, body, sender)
    found = whole(tx.conn, body.grant, body.ask)
    send(tx, sender, found, case=grants_held.terms_of(row).case)


def on_records(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_records(as_body(opened, UseRecords).body), opened.header.sender
    row = grants_held.row(tx, body.grant)
    if sender != row.reader:
        raise EnvelopeSender(sender=sender, owner=row.reader)
    disposals.answered(tx, body)

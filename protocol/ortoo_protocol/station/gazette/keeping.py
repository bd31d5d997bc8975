"""Announcements in the store: found, listed by page, as they stand now, read by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select

from ortoo_protocol.core.gazette import LEVELS, Standing
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new
from ortoo_protocol.station.store.gazette_tables import announcement_reads, announcements


def joined(leagues: Sequence[str]) -> str:
    return f" {' '.join(leagues)} " if leagues else " "


def find(conn: Connection, announcement: str) -> Row[Any] | None:
    query = select(announcements).where(announcements.c.announcement == announcement)
    return conn.execute(query).first()


def current(
    conn: Connection, now_ms: int, league: str | None, limit: int, offset: int = 0
) -> tuple[list[Row[Any]], int]:
    """Those in force for `league` (None: for whom does not matter), the most urgent first, then the
    newest; and how many there are."""
    table = announcements
    rank = {level: -place for place, level in enumerate(LEVELS)}
    found = and_(
        table.c.ended == "",
        table.c.until_ms > now_ms,
        table.c.from_ms <= now_ms,
        _addressed(league),
    )
    order = (case(rank, value=table.c.level), table.c.number.desc())
    query = select(table).where(found).order_by(*order).limit(limit).offset(offset)
    total = conn.execute(select(func.count()).select_from(table).where(found)).scalar_one()
    return list(conn.execute(query)), total


def all_(
    conn: Connection, league: str | None, limit: int, offset: int = 0
) -> tuple[list[Row[Any]], int]:
    """The newest first, with those that ended or have not begun; and how many there are."""
    query = select(announcements).where(_addressed(league))
    query = query.order_by(announcements.c.number.desc()).limit(limit).offset(offset)
    count = select(func.count()).select_from(announcements).where(_addressed(league))
    return list(conn.execute(query)), conn.execute(count).scalar_one()


def _addressed(league: str | None) -> ColumnElement[bool]:
    table = announcements
    if league is None:
        return table.c.number > 0
    named = table.c.leagues.contains(f" {league} ", autoescape=True)
    return or_(table.c.leagues == " ", named)


def standing(row: Row[Any], now_ms: int) -> Standing:
    if row.ended:
        return Standing(row.ended)
    if now_ms < row.from_ms:
        return Standing.COMING
    return Standing.CURRENT if now_ms < row.until_ms else Standing.PAST


def read_by(conn: Connection, person: str, found: Sequence[str]) -> set[str]:
    """Which of `found` this person has read."""
    table = announcement_reads
    query = select(table.c.announcement).where(
        table.c.person == person, table.c.announcement.in_(found)
    )
    return set(conn.execute(query).scalars())


def note_read(tx: Tx, announcement: str, person: str) -> None:
    """The first time counts."""
    row = {"announcement": announcement, "person": person, "read_ms": tx.now_ms}
    insert_new(tx.conn, announcement_reads, [row])


def readers(conn: Connection, announcement: str, limit: int) -> list[dict[str, Any]]:
    table = announcement_reads
    query = select(table).where(table.c.announcement == announcement)
    rows = conn.execute(query.order_by(table.c.read_ms).limit(limit))
    return [{"person": row.person, "read_ms": row.read_ms} for row in rows]

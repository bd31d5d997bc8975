"""Numbers that are given once: of filings, one series a year; of codes, one series a class."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from ortoo_node.store.tables import catalog, catalog_drafts, catalog_numbers
from ortoo_protocol.core.catalog import codes
from ortoo_protocol.core.catalog.codes import Scheme
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert


def filing(tx: Tx) -> str:
    """登记/备案号: division, year, number, such as 150700-2026-000001."""
    year = day_of(tx.now_ms).year
    return f"{tx.party[1:]}-{year}-{following(tx, f'filing/{year}'):06d}"


def following(tx: Tx, series: str) -> int:
    """The next number of a series, from 1."""
    number = _last(tx.conn, series) + 1
    _keep(tx.conn, series, number)
    return number


def code(tx: Tx, scheme: Scheme, given: str) -> str:
    """A code of the class `given` that no entry has, had, or is being drafted with."""
    prefix = codes.class_for(scheme, given, tx.party)
    first, beyond = f"{prefix}/", f"{prefix}0"  # "0" follows "/": all codes of the class
    taken = [f"{prefix}/{_last(tx.conn, f'code/{prefix}')}"]
    whole = len(first) + scheme.sequence_digits  # of one length the last is the highest
    for table in (catalog, catalog_drafts):
        in_class = (table.c.code >= first, table.c.code < beyond)
        query = select(table.c.code).where(*in_class, func.length(table.c.code) == whole)
        taken += tx.conn.execute(query.order_by(table.c.code.desc()).limit(1)).scalars()
    made = codes.allocate(scheme, prefix, taken)
    _keep(tx.conn, f"code/{prefix}", int(made.partition("/")[2]))
    return made


def _last(conn: Connection, series: str) -> int:
    query = select(catalog_numbers.c.last).where(catalog_numbers.c.series == series)
    return conn.execute(query).scalar() or 0


def _keep(conn: Connection, series: str, last: int) -> None:
    upsert(conn, catalog_numbers, [{"series": series, "last": last}])

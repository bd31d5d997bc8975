"""Which files a granted feed has: its rows, kept in a small database of the station itself.

A feed of files is read like any other, through a subscription of its own to this place, so the list
follows the provider and is there when the provider is not.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import select

from ortoo_node import subscribing
from ortoo_node.sinks.table import SinkTable
from ortoo_node.store.tables import subscriptions
from ortoo_protocol.core.files import COLUMNS
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.topology import subscription_name
from ortoo_protocol.station.context import Tx

SINK = ".files"  # no name that settings could give a sink
MOST_LISTED = 10_000


@dataclass(frozen=True)
class Listed:
    name: str
    size_bytes: int
    sha256: str
    modified: str | None
    media_type: str | None


def table_of(feed: str) -> str:
    return f"files_{subscription_name(feed)}"


def open_listing(folder: Path, table: str) -> SinkTable:
    return SinkTable(f"sqlite:///{_file(folder)}", table)


def follow(tx: Tx, terms: GrantTerms) -> None:
    """Keep the list of this grant's feed from now on, if it is not kept yet."""
    query = select(subscriptions.c.subscription).where(
        subscriptions.c.sink == SINK,
        subscriptions.c.table == table_of(terms.feed),
        subscriptions.c.state == subscribing.ACTIVE,
    )
    if tx.conn.execute(query).first() is None:
        subscribing.make(
            tx,
            resource=terms.resource,
            department=terms.reader_department,
            sink=SINK,
            table=table_of(terms.feed),
            purpose=terms.purpose,
            terms=terms,
            case=None,
        )


def files_of(folder: Path, feed: str, *, name: str | None = None) -> list[Listed] | None:
    """The files of `feed`, by name (or the one `name`); None: the list has not come yet."""
    if not _file(folder).exists():
        return None
    columns = ", ".join(f'"{column.name}"' for column in COLUMNS)
    query = f'SELECT {columns} FROM "{table_of(feed)}"'  # noqa: S608  # names of our own making
    facts: tuple[Any, ...] = (MOST_LISTED,)
    if name is not None:
        query, facts = f"{query} WHERE name = ?", (name, MOST_LISTED)
    address = f"file:{quote(str(_file(folder)))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as conn:
        try:
            rows = conn.execute(f"{query} ORDER BY name LIMIT ?", facts).fetchall()
        except sqlite3.OperationalError:
            return None
    return [Listed(*row) for row in rows]


def _file(folder: Path) -> Path:
    return folder / "files.sqlite"

"""The provider's side of tables ordered as files: written once, kept a while, served as any file.

What is written is the shadow of the grant's feed: its items, its rows, its masks, on one view of
the store, so that the file is the table after one item. One is made at a time, in a thread;
whatever a crash leaves is made again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node.files import orders
from ortoo_node.files.contents import hash_file
from ortoo_node.files.forms import write_table
from ortoo_node.files.orders import Made
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    FileDiskFull,
    FileError,
    FileNoTable,
    GrantEnded,
    GrantError,
    QueryMode,
)
from ortoo_protocol.core.feeds import TableSchema, is_events, read_row_part
from ortoo_protocol.core.files import FileOrder, check_order, is_files
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import grants_held, shadow, table_feed
from ortoo_protocol.station.context import Signal, Tx, wait
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import feeds_out, grants

KEPT_MS = 3 * 86_400_000
LOOK_S = 600.0
REST_S = 30.0
_log = logging.getLogger(__name__)


@dataclass
class Maker:
    """`folder` holds what was made; nobody else's."""

    station: Station
    folder: Path
    changed: Signal = field(default_factory=Signal)

    # --- in the writer ---

    def on_order(self, tx: Tx, opened: Opened[Shape]) -> None:
        letter = as_body(opened, FileOrder)
        sender, order = letter.header.sender, letter.body
        try:
            orders.take(tx, sender, check_order(order), letter.header.id)
        except (FileError, GrantError, QueryMode) as error:
            orders.refuse(tx, sender, order.order, error)
        else:
            tx.after_commit(self.changed.set)

    # --- its loop ---

    async def run(self) -> None:
        while True:
            ticket = self.changed.ticket()
            row = await self.station.read(orders.next_open)
            if row is not None:
                await self._make(row, ticket)
                continue
            before_ms = self.station.parts.clock() - KEPT_MS
            kept = await self.station.write(partial(orders.remove_old, before_ms=before_ms))
            await asyncio.to_thread(self._remove_all_but, kept)
            await wait(ticket, LOOK_S)

    async def _make(self, row: Row[Any], ticket: asyncio.Event) -> None:
        try:
            made = await self._written(row)
        except (FileError, GrantError) as error:
            _log.warning("order %s of %s: %s", row.order, row.peer, error)
            await self.station.write(partial(orders.not_made, order=row.order, error=error))
        except OSError as error:  # most likely no room: it stays open
            _log.error("order %s of %s: %s", row.order, row.peer, error.strerror or error)
            code = FileDiskFull.code
            await self.station.write(partial(orders.note, order=row.order, error=code))
            await wait(ticket, REST_S)
        else:
            await self.station.write(partial(orders.made, order=row.order, file=made))

    async def _written(self, row: Row[Any]) -> Made:
        """When the station ends, so does the thread, before the store is closed."""
        stop = threading.Event()
        job = partial(self._write, row, stop)
        work = asyncio.ensure_future(self.station.read_long(job))
        try:
            return await asyncio.shield(work)
        finally:
            stop.set()
            if not work.done():
                await asyncio.wait([work])
                work.exception()

    # --- in a thread ---

    def _write(self, row: Row[Any], stop: threading.Event, conn: Connection) -> Made:
        """Raises GrantEnded, FileNoTable, FileForm, OSError."""
        live = grants_held.in_use(self.station.parts.clock())
        grant = select(grants.c.grant).where(grants.c.grant == row.grant, live)
        if conn.execute(grant).first() is None:
            raise GrantEnded(grant=row.grant, reason="-")
        schema = _table(conn, row.feed)
        query = select(feeds_out.c.incarnation, feeds_out.c.seq).where(feeds_out.c.feed == row.feed)
        at = conn.execute(query).one()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / row.name
        rows = (read_row_part(part, schema).values for part in shadow.rows(conn, row.feed))
        count = write_table(path, row.form, schema, rows, stop)
        return Made(hash_file(path), count, at.incarnation, at.seq)

    def _remove_all_but(self, kept: Collection[str]) -> None:
        if not self.folder.is_dir():
            return
        with os.scandir(self.folder) as found:
            for each in found:
                if each.name not in kept:
                    os.unlink(each.path)


def _table(conn: Connection, feed: str) -> TableSchema:
    """Raises FileNoTable."""
    schema = table_feed.schema_of(conn, feed)
    if schema is None:
        raise FileNoTable(detail=mark("nothing of it is published yet"))
    if is_files(schema):
        raise FileNoTable(detail=mark("it is made of files"))
    if is_events(schema):
        raise FileNoTable(detail=mark("its rows are events"))
    return schema

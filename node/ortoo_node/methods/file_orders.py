"""file.order, file.ordered, file.orders: tables of others as files, made on request (批量下载)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.files import orders, transfers
from ortoo_node.files.orders import ASKED
from ortoo_node.methods.files import check_target, granted, show_transfer
from ortoo_node.store.tables import file_transfers
from ortoo_protocol.core.errors import FileNoTable, FileTaken
from ortoo_protocol.core.files import FileOrder, are_file_items, check_order, ordered_name
from ortoo_protocol.i18n import mark
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx


@dataclass
class FileOrderMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "file.order": self.order,
            "file.ordered": self.ordered,
            "file.orders": self.orders,
        }

    async def order(
        self,
        resource: str,
        form: str,
        to: str,
        purpose: str,
        handler: str,
        grant: str | None = None,
    ) -> dict[str, Any]:
        """Order a table as a file; returns at once, and what becomes of it is `file.ordered`.

        Raises CatalogUnknown, FileNoTable, FileForm, GrantUnknown, UsePurpose, QueryMode,
        CaseField, FileTarget, FileTaken.
        """
        target = check_target(to)
        into = await asyncio.to_thread(target.is_dir)

        def job(tx: Tx) -> tuple[FileOrder, Path]:
            if are_file_items(catalog.entry(tx.conn, resource).items):
                raise FileNoTable(detail=mark("it is made of files"))
            wanted = FileOrder(
                order=tx.new_id().hex(),
                grant=granted(tx, resource, purpose, grant).grant,
                form=form,
                purpose=purpose,
                handler=handler,
            )
            name = ordered_name(check_order(wanted).order, resource, form)
            return wanted, target / name if into else target

        made, place = await self.app.station.write(job)
        if await asyncio.to_thread(place.exists):
            raise FileTaken(path=place)
        number = await self.app.station.write(partial(orders.ask, order=made, target=place))
        return await self.ordered(number)

    async def ordered(self, order: str) -> dict[str, Any]:
        """What became of an order of this station. Raises FileOrderUnknown."""

        def read(conn: Connection) -> tuple[Row[Any], Row[Any] | None]:
            row = orders.find(conn, ASKED, order)
            return row, transfers.find(conn, row.transfer) if row.transfer else None

        row, transfer = await self.app.station.read(read)
        shown = _show(row)
        fetcher = self.app.files.fetcher
        shown["fetched"] = None if transfer is None else show_transfer(fetcher, transfer)
        return shown

    async def orders(self, limit: int = paging.MOST, offset: int = 0) -> dict[str, Any]:
        """The record of downloads: of this station, and of others from it; the newest first, from
        `offset` on. `total`: how many there are."""

        def read(conn: Connection) -> dict[str, Any]:
            rows, total = paging.page(conn, orders.in_order(), limit, offset)
            shown = [_show(row, state) for row, state in _with_transfers(conn, rows)]
            return {"orders": shown, "total": total}

        return await self.app.station.read(read)


def _with_transfers(conn: Connection, rows: Sequence[Row[Any]]) -> list[tuple[Row[Any], str]]:
    """Each order, and how its transfer stands; empty without one."""
    named = [row.transfer for row in rows if row.transfer]
    known = file_transfers.c
    query = select(known.transfer, known.state).where(known.transfer.in_(named))
    states = {transfer: state for transfer, state in conn.execute(query)}
    return [(row, states.get(row.transfer, "")) for row in rows]


def _show(row: Row[Any], transfer_state: str = "") -> dict[str, Any]:
    facts = {"detail": row.detail, "grant": row.grant, "reason": row.detail or "-"}
    facts |= {"file": row.name, "path": ""}
    failed = {"code": row.error, "what": row.error, "cure": "", "facts": facts}
    return {
        "order": row.order,
        "role": row.role,
        "peer": row.peer,
        "resource": row.resource,
        "grant": row.grant,
        "department": row.department,
        "form": row.form,
        "purpose": row.purpose,
        "handler": row.handler,
        "file": row.name,
        "target": row.target,
        "rows": row.rows,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256,
        "seq": row.seq,
        "transfer": row.transfer,
        "state": transfer_state or row.state,
        "error": failed if row.error else None,
        "asked_ms": row.asked_ms,
        "changed_ms": row.changed_ms,
    }

"""query.declare, withdraw, list, offered, run, next, close, stats, record."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from ortoo_node.app import NodeApp
from ortoo_node.queries import declared as declaring
from ortoo_node.queries import offers, record, stats
from ortoo_node.queries.declared import Declaration
from ortoo_node.queries.question import PAGE_ROWS, TIMEOUT_S, WINDOW, Page, Question
from ortoo_protocol.core.errors import QueryBusy, QueryGone
from ortoo_protocol.core.queries import QuerySignature, read_parameters
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx

MOST_OPEN = 256
LEFT_S = 120.0  # an answer whose pages nobody fetches is let go after this long


@dataclass
class _Reading:
    pages: AsyncGenerator[Page, None]
    used: float


@dataclass
class QueryMethods:
    app: NodeApp
    _open: dict[str, _Reading] = field(default_factory=dict)

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "query.declare": self.declare,
            "query.withdraw": self.withdraw,
            "query.list": self.listed,
            "query.offered": self.offered,
            "query.run": self.run,
            "query.next": self.next_page,
            "query.close": self.close,
            "query.stats": self.stats,
            "query.record": self.record,
        }

    # --- the provider's people ---

    async def declare(self, given: dict[str, Any]) -> dict[str, Any]:
        declared = declaring.read(given)
        onward = self.app.publisher.onward
        async with onward.lock:
            await onward.check_query(declared)
            number = await self.app.station.write(
                lambda tx: self.app.queries.offers.declare(tx, declared)
            )
        return {"code": declared.code, "resource": declared.resource, "number": number}

    async def withdraw(self, code: str) -> dict[str, Any]:
        await self.app.station.write(lambda tx: self.app.queries.offers.withdraw(tx, code))
        return {"code": code}

    async def listed(self) -> dict[str, Any]:
        def read(conn: Connection) -> list[dict[str, Any]]:
            return [
                {
                    "code": row.code,
                    "resource": row.resource,
                    "number": row.number,
                    "in_force": row.in_force,
                    "declared_ms": row.declared_ms,
                    "declaration": msgspec.to_builtins(
                        msgspec.msgpack.decode(row.declaration, type=Declaration)
                    ),
                }
                for row in offers.listed(conn)
            ]

        return {"queries": await self.app.station.read(read)}

    # --- the reader's people ---

    async def offered(self, grant: str, fresh: bool = False) -> dict[str, Any]:
        """What may be asked under a grant, as its provider says."""
        found = await self.app.queries.reader.describe(grant, fresh=fresh)
        return {"grant": grant, "queries": [_signature(each) for each in found]}

    async def run(
        self,
        grant: str,
        query: str,
        purpose: str,
        handler: str,
        parameters: dict[str, Any] | None = None,
        page_rows: int = PAGE_ROWS,
        window: int = WINDOW,
        wait_s: float = TIMEOUT_S,
    ) -> dict[str, Any]:
        """Ask; returns the first page, and under which `reading` the next ones are fetched."""
        question = Question(
            grant, query, purpose, handler, parameters or {}, page_rows, window, wait_s
        )
        await self._leave_old()
        pages = self.app.queries.reader.ask(question)
        reading = self.app.station.parts.rand(16).hex()
        self._open[reading] = _Reading(pages, time.monotonic())
        return await self._step(reading)

    async def next_page(self, reading: str) -> dict[str, Any]:
        if reading not in self._open:
            raise QueryGone(detail=reading[:32])
        return await self._step(reading)

    async def close(self, reading: str) -> dict[str, Any]:
        """The rest is not wanted."""
        open_ = self._open.pop(reading, None)
        if open_ is not None:
            await open_.pages.aclose()
        return {"closed": open_ is not None}

    async def _step(self, reading: str) -> dict[str, Any]:
        open_ = self._open[reading]
        try:
            page = await anext(open_.pages)
        except BaseException:
            self._open.pop(reading, None)
            raise
        open_.used = time.monotonic()
        last = page.number + 1 == page.pages
        if last:
            await self.close(reading)
        return {
            "reading": "" if last else reading,
            "page": page.number,
            "pages": page.pages,
            "columns": [
                {"name": each.name, "type": each.type, "length": each.length}
                for each in page.columns
            ],
            "rows": page.rows,
            "rows_in_all": page.rows_in_all,
            "cut": page.cut,
        }

    async def _leave_old(self) -> None:
        old = time.monotonic() - LEFT_S
        for reading in [name for name, each in self._open.items() if each.used < old]:
            await self.close(reading)
        if len(self._open) >= MOST_OPEN:
            raise QueryBusy(detail=f"{MOST_OPEN} answers are being read")

    # --- both ---

    async def stats(self, days: int = 7) -> dict[str, Any]:
        now_ms = self.app.station.parts.clock()
        return {
            "queries": await self.app.station.read(
                lambda conn: stats.by_day(conn, now_ms, max(1, min(days, 400)))
            )
        }

    async def record(
        self, grant: str | None = None, limit: int = 100, parameters: bool = False
    ) -> dict[str, Any]:
        """The record of queries, newest first; with `parameters` what was asked, for auditors."""

        def read(tx: Tx) -> list[dict[str, Any]]:
            found = []
            for row in stats.newest(tx.conn, grant, max(1, min(limit, 1_000))):
                shown = row._asdict()
                del shown["parameters"]
                shown["digest"] = row.digest.hex()
                if parameters:
                    shown["parameters"] = read_parameters(record.parameters(tx, row))
                found.append(shown)
            return found

        return {"queries": await self.app.station.write(read)}


def _signature(one: QuerySignature) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "parameters": [
            {
                "name": each.name,
                "title": each.title,
                "type": each.type,
                "length": each.length,
                "required": each.required,
                "pattern": each.pattern,
                "choices": list(each.choices),
            }
            for each in one.parameters
        ],
        "columns": [column.name for column in one.columns],
        "max_rows": one.max_rows,
        "timeout_ms": one.timeout_ms,
        "calls_a_minute": one.calls_a_minute,
        "calls_a_day": one.calls_a_day,
    }

"""POST /api/v1/resources/{code}/rows and …/events: a department's program publishes.

The answer comes when everything accepted is durable. A body that cannot be read is refused whole; a
row that cannot be taken stops nobody else.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ortoo_node import catalog
from ortoo_node.api import answers
from ortoo_node.api.bodies import Body, receive
from ortoo_node.api.changes import Batch, Reader, Tally
from ortoo_node.api.tokens import app_of, bearer
from ortoo_node.app import NodeApp
from ortoo_node.publishing.gate import Reject
from ortoo_node.tokens import PUSH
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import ApiFeedKind, ApiScope, ApiTooLarge
from ortoo_protocol.core.feeds import TableSchema, is_events
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_schemas

MOST_EVENTS = 10_000
ROWS, EVENTS = "rows", "events"


@dataclass(frozen=True)
class Push:
    """A request whose bearer may publish `entry`."""

    app: NodeApp
    entry: Entry
    token: str
    key: str | None
    body: Body
    request: bytes

    def keep(self, answer: bytes, tx: Tx) -> None:
        if self.key is not None:
            answers.keep(tx, self.token, self.key, self.request, answer)


async def rows(request: Request) -> Response:
    return await _answered(request, ROWS, _rows)


async def events(request: Request) -> Response:
    return await _answered(request, EVENTS, _events)


async def _answered(
    request: Request, kind: str, work: Callable[[Push], Awaitable[bytes]]
) -> Response:
    who = await bearer(request)
    app, code = app_of(request), request.path_params["code"]
    who.need(PUSH, code)
    entry = await app.station.read(partial(_entry, code=code, kind=kind))
    if (entry.provider, entry.department) != (app.station.party, who.department):
        raise ApiScope(wanted=f"{PUSH}:{code}")
    key = request.headers.get("idempotency-key")
    with (
        app.answers.alone(who.token, key),
        closing(await receive(request, request.app.state.most_bytes)) as body,
    ):
        named = hashlib.sha256(b"%b\0%b" % (request.url.path.encode(), body.digest)).digest()
        look = partial(_kept, token=who.token, key=key, named=named, now_ms=app.now_ms())
        answer = await app.station.read(look)
        repeated = answer is not None
        if answer is None:
            answer = await work(Push(app, entry, who.token, key, body, named))
    headers = {"cache-control": "no-store"}
    if repeated:
        headers["idempotency-replayed"] = "true"
    return Response(answer, 200, headers, media_type="application/json")


async def _rows(push: Push) -> bytes:
    await asyncio.to_thread(_read_through, push.body)
    reader, tally = Reader(push.entry), Tally()
    batches = reader.batches(push.body.values())
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        tally.refuse(batch.wrongs)
        _, rejects = await push.app.publisher.push(push.entry.code, batch.upserts, batch.deletes)
        tally.refuse(batch.told(rejects))
        taken = len(batch.upserts) + len(batch.deletes) + batch.superseded
        tally.accepted += taken - len(rejects)
    answer = _text(tally)
    if push.key is not None:
        await push.app.station.write(partial(push.keep, answer))
    return answer


async def _events(push: Push) -> bytes:
    """In one transaction with the answer that is kept: a repeated request adds nothing."""
    values = await asyncio.to_thread(_few, push.body)
    batch = Reader(push.entry).events(values)
    answer = b""

    def also(taken: int, rejects: Sequence[Reject], tx: Tx) -> None:
        nonlocal answer
        answer = _text(_event_tally(batch, taken, rejects))
        push.keep(answer, tx)

    await push.app.publisher.events(push.entry.code, batch.upserts, also)
    return answer


def _event_tally(batch: Batch, taken: int, rejects: Sequence[Reject]) -> Tally:
    tally = Tally(accepted=taken)
    tally.refuse(batch.wrongs)
    tally.refuse(batch.told(rejects))
    return tally


def _text(tally: Tally) -> bytes:
    return msgspec.json.encode(
        {
            "accepted": tally.accepted,
            "rejected": tally.rejected,
            "rejects": [asdict(wrong) for wrong in tally.told],
        }
    )


def _read_through(body: Body) -> None:
    """Before the first row is published: can all of it be read? Raises ApiBody, ApiTooLarge."""
    for _ in body.values():
        pass


def _few(body: Body) -> list[Any]:
    values = list(islice(body.values(), MOST_EVENTS + 1))
    if len(values) > MOST_EVENTS:
        raise ApiTooLarge(detail=f"{MOST_EVENTS} events")
    return values


def _entry(conn: Connection, code: str, kind: str) -> Entry:
    """Raises CatalogUnknown, ApiFeedKind."""
    entry = catalog.entry(conn, code)
    query = select(feed_schemas.c.raw).where(feed_schemas.c.feed == entry.feed)
    raw = conn.execute(query.order_by(feed_schemas.c.number.desc()).limit(1)).scalar()
    if raw is not None:
        found = EVENTS if is_events(decode(raw, TableSchema)) else ROWS
        if found != kind:
            raise ApiFeedKind(resource=code, kind=found)
    return entry


def _kept(conn: Connection, token: str, key: str | None, named: bytes, now_ms: int) -> bytes | None:
    return None if key is None else answers.kept(conn, token, key, named, now_ms)


ROUTES = (
    Route("/api/v1/resources/{code:path}/rows", rows, methods=["POST"]),
    Route("/api/v1/resources/{code:path}/events", events, methods=["POST"]),
)

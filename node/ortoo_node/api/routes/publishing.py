"""POST /api/v1/resources/{code}/rows and …/events: a department's program publishes.

The answer comes when everything accepted is durable. A body that cannot be read is refused whole; a
row that cannot be taken stops nobody else.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node import catalog
from ortoo_node.api import answers
from ortoo_node.api.answers import Answer, Key
from ortoo_node.api.bodies import Body, receive
from ortoo_node.api.changes import Batch, Reader, Tally
from ortoo_node.api.documents import WRITING, problems
from ortoo_node.api.route import TokenRoute, replayed
from ortoo_node.api.shapes.publishing import Pushed
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.app import NodeApp
from ortoo_node.publishing.gate import Reject
from ortoo_node.tokens import PUSH, Bearer
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.errors import ApiFeedKind, ApiTooLarge
from ortoo_protocol.core.feeds import TableSchema, is_events
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_schemas

MOST_EVENTS = 10_000
ROWS, EVENTS = "rows", "events"


router = APIRouter(tags=["publishing"], route_class=TokenRoute)


def _body(example: Any, about: str) -> dict[str, Any]:
    rows = {"type": "array", "items": {"type": "object"}}
    return {
        "requestBody": {
            "required": True,
            "description": about,
            "content": {
                "application/json": {"schema": rows, "example": example},
                "application/x-ndjson": {"schema": {"type": "string"}},
            },
        }
    }


@dataclass(frozen=True)
class Push:
    """A request whose bearer may publish `entry`."""

    app: NodeApp
    entry: Entry
    key: Key | None
    body: Body

    def keep(self, answer: bytes, tx: Tx) -> None:
        if self.key is not None:
            answers.keep(tx, self.key, Answer(200, answer))


@router.post(
    "/resources/{code:path}/rows",
    operation_id="push_rows",
    summary="Publish rows: upserts and deletes",
    response_model=Pushed,
    responses=problems(*WRITING),
    openapi_extra=_body(
        [{"upsert": {"id": "001", "persons": 3}}, {"delete": {"id": "002"}}],
        "An array, or one change a line. The answer comes when all accepted rows are durable.",
    ),
)
async def rows(request: Request, code: str, who: Who, at: At) -> Response:
    return await _answered(request, at, who, code, ROWS)


@router.post(
    "/resources/{code:path}/events",
    operation_id="push_events",
    summary="Append events",
    response_model=Pushed,
    responses=problems(*WRITING),
    openapi_extra=_body(
        [{"id": "001", "what": "moved"}], "Up to 10,000 events, an array or one a line."
    ),
)
async def events(request: Request, code: str, who: Who, at: At) -> Response:
    return await _answered(request, at, who, code, EVENTS)


async def own_entry(request: Request, desk: Desk, who: Bearer, code: str) -> Entry:
    """Of the bearer's department, which its token lets it publish."""
    who.need_any(PUSH)
    found = await desk.app.station.read(lambda conn: catalog.find(conn, code))
    entry = None if found is None else unpack(found.entry)
    mine = (desk.app.station.party, who.department)
    if entry is None or (entry.provider, entry.department) != mine:
        absent(request)
    who.need(PUSH, code)
    return entry


async def _answered(request: Request, desk: Desk, who: Bearer, code: str, kind: str) -> Response:
    app, entry = desk.app, await own_entry(request, desk, who, code)
    await app.station.read(partial(_check_kind, entry=entry, kind=kind))
    given = request.headers.get("idempotency-key")
    with (
        app.answers.alone(who.family, given),
        closing(await receive(request, desk.http.max_body_mb << 20)) as body,
    ):
        key = None
        if given is not None:
            asked = b"%b\0%b" % (request.url.path.encode(), body.digest)
            key = Key(who.family, given, hashlib.sha256(asked).digest())
            parts, now_ms = app.station.parts, app.now_ms()
            look = partial(answers.kept, parts=parts, key=key, now_ms=now_ms)
            answer = await app.station.read(look)
            if answer is not None:
                return replayed(answer)
        push = Push(app, entry, key, body)
        said = await (_rows(push) if kind == ROWS else _events(push))
    return Response(said, 200, media_type="application/json")


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


def _check_kind(conn: Connection, entry: Entry, kind: str) -> None:
    """Raises ApiFeedKind."""
    query = select(feed_schemas.c.raw).where(feed_schemas.c.feed == entry.feed)
    raw = conn.execute(query.order_by(feed_schemas.c.number.desc()).limit(1)).scalar()
    if raw is not None:
        found = EVENTS if is_events(decode(raw, TableSchema)) else ROWS
        if found != kind:
            raise ApiFeedKind(resource=entry.code, kind=found)

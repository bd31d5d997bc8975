"""/subscriptions: made, watched, held; what was applied to a pull is fetched page by page, by a
program that asks (`changes`) or that listens (`stream`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection, Row, select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ortoo_node.api import paging
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.subscriptions import (
    Changes,
    Confirmed,
    CursorGiven,
    SubscriptionGiven,
    SubscriptionMade,
    SubscriptionShown,
    SubscriptionsPage,
)
from ortoo_node.api.streams import events_of
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.app import NodeApp
from ortoo_node.sinks.program import fetching
from ortoo_node.sinks.program.fetching import Given
from ortoo_node.store.tables import subscriptions
from ortoo_node.tokens import PULL, READ, SUBSCRIPTION, WRITE, Bearer
from ortoo_protocol.core.errors import ApiField, ApiPull
from ortoo_protocol.station.context import wait

MOST_PAGES, USUAL_PAGES = 1_000, 100
MOST_WAIT_S = 60
router = APIRouter(prefix="/subscriptions", tags=["subscriptions"], route_class=JsonRoute)


@router.get("", operation_id="list_subscriptions", responses=problems(*READING))
async def listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> SubscriptionsPage:
    """The department's subscriptions, those that changed last first."""
    who.need(SUBSCRIPTION, READ)
    found = (await at.call("subscription.list"))["subscriptions"]
    mine = [each for each in found if each["department"] == who.department and _shown(each)]
    here, following = paging.page(
        mine, lambda each: (each["changed_ms"], each["subscription"]), cursor, limit
    )
    paging.link(request, response, following)
    return SubscriptionsPage(here, following)


@router.post(
    "",
    operation_id="subscribe",
    status_code=201,
    responses=problems(*WRITING),
)
async def subscribe(
    given: SubscriptionGiven, response: Response, who: Who, at: At
) -> SubscriptionMade:
    """Subscribe under a grant, into one of the station's `[[pulls]]`."""
    who.need(SUBSCRIPTION, WRITE)
    if at.app.settings.pull_named(given.sink) is None:
        raise ApiField(field="sink", detail="[[pulls]]")
    made = await at.call(
        "subscribe",
        resource=given.resource,
        department=who.department,
        sink=given.sink,
        table=given.table,
        purpose=given.purpose,
        basis=given.basis,
        scenario=given.scenario,
        handler=given.handler,
        approver=given.approver,
        grant=given.grant or None,
    )
    response.headers["location"] = f"/api/v1/subscriptions/{made['subscription']}"
    return SubscriptionMade(**made)


@router.get(
    "/{subscription}",
    operation_id="show_subscription",
    responses=problems(*READING),
)
async def show(request: Request, subscription: str, who: Who, at: At) -> SubscriptionShown:
    """How far it has come, and what is wrong."""
    who.need(SUBSCRIPTION, READ)
    await _own(request, at, who, subscription)
    return await _as_shown(at, subscription)


async def _moved(
    request: Request, at: Desk, who: Bearer, subscription: str, method: str
) -> SubscriptionShown:
    who.need(SUBSCRIPTION, WRITE)
    await _own(request, at, who, subscription)
    await at.call(method, subscription=subscription)
    return await _as_shown(at, subscription)


@router.post(
    "/{subscription}/pause", operation_id="pause_subscription", responses=problems(*WRITING)
)
async def pause(request: Request, subscription: str, who: Who, at: At) -> SubscriptionShown:
    """Hold it; what comes is kept within a bound."""
    return await _moved(request, at, who, subscription, "subscription.pause")


@router.post(
    "/{subscription}/resume", operation_id="resume_subscription", responses=problems(*WRITING)
)
async def resume(request: Request, subscription: str, who: Who, at: At) -> SubscriptionShown:
    """Go on."""
    return await _moved(request, at, who, subscription, "subscription.resume")


@router.post(
    "/{subscription}/resync", operation_id="resync_subscription", responses=problems(*WRITING)
)
async def resync(request: Request, subscription: str, who: Who, at: At) -> SubscriptionShown:
    """Ask for a snapshot of the whole table."""
    return await _moved(request, at, who, subscription, "subscription.resync")


# --- what waits for the program -----------------------------------------------------------------


@router.get(
    "/{subscription}/changes",
    operation_id="fetch_changes",
    response_model=Changes,
    responses=problems(*READING, 409, 410),
)
async def changes(
    request: Request,
    subscription: str,
    who: Who,
    at: At,
    cursor: Annotated[str, Query(max_length=200, description="Of the last answer.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_PAGES, description="Pages at most.")] = USUAL_PAGES,
    wait_s: Annotated[int, Query(ge=0, le=MOST_WAIT_S, description="When there is nothing.")] = 0,
) -> Response:
    """What was applied since the last confirmed. `cursor` confirms the answer it came with; the
    same cursor gives the same bytes."""
    await _pulled(request, at, who, subscription)
    identity = at.app.station.parts.identity
    after = fetching.read_cursor(identity, subscription, cursor) if cursor else None
    given = await _given(at.app, subscription, after, limit, wait_s)
    body = b'{"subscription":"%b","changes":[%b],"cursor":"%b"}' % (
        subscription.encode(),
        b",".join(page for _, page in given.pages),
        fetching.cursor_text(identity, subscription, given.upto).encode(),
    )
    return Response(body, 200, media_type="application/json")


@router.post(
    "/{subscription}/confirmations",
    operation_id="confirm_changes",
    responses=problems(*WRITING, 410),
)
async def confirm(
    request: Request, subscription: str, given: CursorGiven, who: Who, at: At
) -> Confirmed:
    """All up to `cursor` is kept by the program: a stream goes on behind it."""
    await _pulled(request, at, who, subscription)
    app = at.app
    place = fetching.read_cursor(app.station.parts.identity, subscription, given.cursor)
    await app.station.write(
        partial(fetching.give, subscription=subscription, after=place, most=USUAL_PAGES)
    )
    app.door.arrived.set()
    return Confirmed(subscription, given.cursor)


@router.get(
    "/{subscription}/stream",
    operation_id="stream_changes",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Server-sent events: `changes`, as `fetch_changes` answers; `id` is the"
            " cursor. The next one comes when it was confirmed: by `confirm_changes`, or as"
            " `Last-Event-ID` of a new stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **problems(*READING, 409, 410),
    },
)
async def stream(request: Request, subscription: str, who: Who, at: At) -> Response:
    """The same as they come, for a program that keeps a connection open."""
    await _pulled(request, at, who, subscription)
    last = request.headers.get("last-event-id", "")
    identity = at.app.station.parts.identity
    after = fetching.read_cursor(identity, subscription, last) if last else None
    if after is not None:  # what it refuses is refused now, while there can be a status
        give = partial(fetching.give, subscription=subscription, after=after, most=USUAL_PAGES)
        await at.app.station.write(give)
    taken = at.streams.enter(who.family)
    authorization = request.headers.get("authorization", "")
    return StreamingResponse(
        events_of(at.app, subscription, authorization, taken), media_type="text/event-stream"
    )


async def _given(
    app: NodeApp, subscription: str, after: int | None, limit: int, wait_s: float
) -> Given:
    loop = asyncio.get_running_loop()
    end_s = loop.time() + wait_s
    while True:
        ticket = app.door.arrived.ticket()
        look = partial(fetching.anything, subscription=subscription, after=after)
        left_s = end_s - loop.time()
        if left_s <= 0 or app.closing.is_set() or await app.station.read(look):
            give = partial(fetching.give, subscription=subscription, after=after, most=limit)
            return await app.station.write(give)
        await wait(ticket, left_s)


# --- whose it is --------------------------------------------------------------------------------


async def _own(request: Request, at: Desk, who: Bearer, subscription: str) -> Row[Any]:
    row = await at.app.station.read(partial(_find, subscription=subscription))
    if row is None or row.department != who.department or row.sink.startswith("."):
        absent(request)
    return row


async def _pulled(request: Request, at: Desk, who: Bearer, subscription: str) -> None:
    """Raises ApiPull."""
    who.need_any(PULL)
    row = await _own(request, at, who, subscription)
    who.need(PULL, subscription)
    if at.app.settings.pull_named(row.sink) is None:
        raise ApiPull(subscription=subscription, sink=row.sink)


def _find(conn: Connection, subscription: str) -> Row[Any] | None:
    query = select(subscriptions).where(subscriptions.c.subscription == subscription)
    return conn.execute(query).first()


def _shown(one: dict[str, Any]) -> bool:
    """Not those that the station keeps for itself (files/listing.py)."""
    return not str(one["sink"]).startswith(".")


async def _as_shown(at: Desk, subscription: str) -> SubscriptionShown:
    shown = await at.call("subscription.show", subscription=subscription)
    return SubscriptionShown(**shown["subscription"])

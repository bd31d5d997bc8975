"""GET /api/v1/subscriptions/{id}/changes: what was applied to a pull, page by page."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ortoo_node.api.tokens import app_of, bearer
from ortoo_node.app import NodeApp
from ortoo_node.sinks.program import fetching
from ortoo_node.sinks.program.fetching import Given
from ortoo_node.store.tables import subscriptions
from ortoo_node.tokens import PULL
from ortoo_protocol.core.errors import ApiQuery, ApiScope, SubscriptionUnknown
from ortoo_protocol.station.context import wait

MOST_PAGES, USUAL_PAGES = 1_000, 100
MOST_WAIT_S = 60.0


async def changes(request: Request) -> Response:
    """`cursor`: of the last answer, which this confirms; `limit`: pages; `wait_s`: how long to wait
    when there is nothing yet."""
    who = await bearer(request)
    app, subscription = app_of(request), request.path_params["subscription"]
    who.need(PULL, subscription)
    row = await app.station.read(lambda conn: _subscription(conn, subscription))
    if row.department != who.department:
        raise ApiScope(wanted=f"{PULL}:{subscription}")
    limit = int(_number(request, "limit", USUAL_PAGES, 1, MOST_PAGES))
    wait_s = _number(request, "wait_s", 0, 0, MOST_WAIT_S)
    text = request.query_params.get("cursor", "")
    identity = app.station.parts.identity
    after = fetching.read_cursor(identity, subscription, text) if text else None
    given = await _given(app, subscription, after, limit, wait_s)
    cursor = fetching.cursor_text(identity, subscription, given.upto)
    body = b'{"subscription":"%b","changes":[%b],"cursor":"%b"}' % (
        subscription.encode(),
        b",".join(page for _, page in given.pages),
        cursor.encode(),
    )
    return Response(body, 200, {"cache-control": "no-store"}, media_type="application/json")


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


def _subscription(conn: Connection, subscription: str) -> Row[Any]:
    query = select(subscriptions).where(subscriptions.c.subscription == subscription)
    row = conn.execute(query).first()
    if row is None:
        raise SubscriptionUnknown(subscription=subscription)
    return row


def _number(request: Request, name: str, usual: float, least: float, most: float) -> float:
    """Raises ApiQuery."""
    text = request.query_params.get(name)
    if text is None:
        return usual
    if text.isascii() and text.isdigit() and least <= int(text[:9]) <= most:
        return int(text)
    raise ApiQuery(name=name, expected=f"{least:g}…{most:g}")


ROUTES = (Route("/api/v1/subscriptions/{subscription:str}/changes", changes, methods=["GET"]),)

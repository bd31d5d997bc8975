"""/grants/…/queries: asking a provider, page by page."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.routes.grants import own_grant
from ortoo_node.api.shapes.queries import AnswerPage, QueriesOffered, Question
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.tokens import QUERY, Bearer
from ortoo_protocol.core.errors import QueryGone

MOST_READINGS = 1_024
_FAILS = (410, 502, 504)
router = APIRouter(tags=["queries"], route_class=JsonRoute)


@router.get(
    "/grants/{grant}/queries",
    operation_id="list_queries",
    responses=problems(*READING, 409, *_FAILS),
)
async def offered(request: Request, grant: str, who: Who, at: At) -> QueriesOffered:
    """What may be asked under a grant, as its provider says it."""
    await _may(request, at, who, grant)
    return QueriesOffered(**await at.call("query.offered", grant=grant))


@router.post(
    "/grants/{grant}/queries/{query}",
    operation_id="ask",
    responses=problems(*WRITING, *_FAILS),
)
async def ask(
    request: Request, grant: str, query: str, given: Question, response: Response, who: Who, at: At
) -> AnswerPage:
    """Ask; the first page of the answer. The next ones are at `reading`, while it is fetched."""
    await _may(request, at, who, grant)
    page = AnswerPage(
        **await at.call(
            "query.run",
            grant=grant,
            query=query,
            purpose=given.purpose,
            handler=given.handler,
            parameters=given.parameters,
            page_rows=given.page_rows,
            wait_s=given.wait_s,
        )
    )
    if page.reading:
        while len(at.readings) >= MOST_READINGS:
            del at.readings[next(iter(at.readings))]
        at.readings[page.reading] = who.family
    _link(response, page)
    return page


@router.post(
    "/readings/{reading}/pages",
    operation_id="next_page",
    responses=problems(*WRITING, *_FAILS),
)
async def next_page(
    request: Request, reading: str, response: Response, who: Who, at: At
) -> AnswerPage:
    """The next page. It is given once; with an Idempotency-Key as often as it is repeated."""
    who.need_any(QUERY)
    _own(request, at, who, reading)
    try:
        page = AnswerPage(**await at.call("query.next", reading=reading))
    except QueryGone:
        at.readings.pop(reading, None)
        raise
    if not page.reading:
        at.readings.pop(reading, None)
    _link(response, page)
    return page


@router.delete(
    "/readings/{reading}",
    operation_id="close_reading",
    status_code=204,
    responses=problems(*READING),
)
async def close(request: Request, reading: str, who: Who, at: At) -> None:
    """The rest of an answer is not wanted."""
    who.need_any(QUERY)
    _own(request, at, who, reading)
    at.readings.pop(reading, None)
    await at.call("query.close", reading=reading)


async def _may(request: Request, at: Desk, who: Bearer, grant: str) -> None:
    who.need_any(QUERY)
    who.need(QUERY, await own_grant(request, at, who, grant))


def _own(request: Request, at: Desk, who: Bearer, reading: str) -> None:
    if at.readings.get(reading) != who.family:
        absent(request)


def _link(response: Response, page: AnswerPage) -> None:
    if page.reading:
        response.headers["link"] = f'</api/v1/readings/{page.reading}/pages>; rel="next"'

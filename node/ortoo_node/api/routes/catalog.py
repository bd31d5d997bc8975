"""/catalog: entries of everybody, found and shown; as DCAT for harvesters."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ortoo_node.api import etags, paging
from ortoo_node.api.documents import READING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.catalog import EntriesPage, EntryShown
from ortoo_node.api.tokens import At, Who
from ortoo_node.tokens import CATALOG, READ
from ortoo_protocol.station.catalog.wanted import Filter

router = APIRouter(tags=["catalog"], route_class=JsonRoute)
MOST_DCAT = 100
_Is = Annotated[str, Query(max_length=100)]
_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "As in If-None-Match"}}


@router.get("/catalog/entries", operation_id="search_catalog", responses=problems(*READING))
async def search(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    text: Annotated[
        str, Query(max_length=200, description="Words; none: everything.", examples=["低保"])
    ] = "",
    provider: _Is = "",
    league: _Is = "",
    department: _Is = "",
    kind: _Is = "",
    theme: _Is = "",
    share: _Is = "",
    mode: _Is = "",
    cycle: _Is = "",
    status: _Is = "",
    grade: _Is = "",
    freshness: _Is = "",
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> EntriesPage:
    """Entries of the region's catalog, the nearest to `text` first."""
    who.need(CATALOG, READ)
    given = {name: request.query_params.get(name, "") for name in Filter.__dataclass_fields__}
    filters = {name: value for name, value in given.items() if value}
    offset = paging.offset_of(cursor)
    found = await at.call("catalog.search", text=text, limit=limit, offset=offset, filters=filters)
    end = offset + len(found["entries"])
    more = bool(found["entries"]) and end < found["total"] and end <= paging.MOST_OFFSET
    following = paging.offset_text(end) if more else None
    paging.link(request, response, following)
    return EntriesPage(found["entries"], found["total"], following)


@router.get(
    "/catalog/entries/{code:path}",
    operation_id="show_entry",
    response_model=EntryShown,
    responses={**problems(*READING), **_SAME},
)
async def show(request: Request, code: str, who: Who, at: At) -> Response:
    """One entry, whole. Its ETag changes with its version."""
    who.need(CATALOG, READ)
    return etags.answer(request, EntryShown, await at.call("catalog.show", code=code))


@router.get(
    "/catalog.jsonld",
    operation_id="harvest_catalog",
    responses={
        200: {
            "description": "A page of the catalog: DCAT 3 as JSON-LD, hydra:next where it goes on",
            "content": {"application/ld+json": {"schema": {"type": "object"}}},
        },
        **problems(*READING),
    },
    response_class=Response,
)
async def harvest(
    request: Request,
    who: Who,
    at: At,
    after: Annotated[str, Query(max_length=80, description="Behind this code.")] = "",
    size: Annotated[int, Query(ge=1, le=MOST_DCAT)] = MOST_DCAT,
) -> Response:
    """For catalogs of other kinds, CKAN before all."""
    who.need(CATALOG, READ)
    base = str(request.base_url).rstrip("/") + "/api/v1"
    page = await at.call("catalog.harvest", base=base, after=after, size=size)
    return JSONResponse(page, media_type="application/ld+json")

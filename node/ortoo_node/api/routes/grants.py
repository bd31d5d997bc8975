"""/grants: what the department may read, and what others may read of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node.api import etags, paging
from ortoo_node.api.documents import READING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.grants import GrantShown, GrantsPage
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.store.tables import catalog
from ortoo_node.tokens import GRANT, READ, Bearer
from ortoo_protocol.station.store.tables import grants

router = APIRouter(prefix="/grants", tags=["grants"], route_class=JsonRoute)


@router.get("", operation_id="list_grants", response_model=GrantsPage, responses=problems(*READING))
async def listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    active: Annotated[bool, Query(description="Without those that have ended.")] = True,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """Of the department as reader and as provider, the newest first."""
    who.need(GRANT, READ)
    found = await _all(at, who, active=active)
    here, following = paging.page(
        found, lambda each: (each["from_ms"], each["grant"]), cursor, limit
    )
    paging.link(request, response, following)
    return {"grants": here, "next": following}


@router.get(
    "/{grant}",
    operation_id="show_grant",
    response_model=GrantShown,
    responses={**problems(*READING), 304: {"description": "As in If-None-Match"}},
)
async def show(request: Request, grant: str, who: Who, at: At) -> Response:
    """What it allows, and until when."""
    who.need(GRANT, READ)
    found = await _all(at, who, active=False)
    one = next((each for each in found if each["grant"] == grant), None)
    if one is None:
        absent(request)
    return etags.answer(request, GrantShown, one)


async def _all(at: Desk, who: Bearer, *, active: bool) -> list[dict[str, Any]]:
    found = await at.whole("grant.list", "grants", active=active)
    own = await at.app.station.read(lambda conn: own_resources(conn, at, who))
    reader = (at.app.station.party, who.department)
    return [
        each
        for each in found
        if (each["reader"], each["reader_department"]) == reader or each["resource"] in own
    ]


def own_resources(conn: Connection, at: Desk, who: Bearer) -> set[str]:
    """Codes of the department's own entries."""
    query = select(catalog.c.code).where(
        catalog.c.provider == at.app.station.party, catalog.c.department == who.department
    )
    return set(conn.execute(query).scalars())


async def own_grant(request: Request, at: Desk, who: Bearer, grant: str) -> str:
    """The resource of a grant that the department reads under; else nothing is there."""
    query = select(grants.c.resource).where(
        grants.c.grant == grant,
        grants.c.reader == at.app.station.party,
        grants.c.reader_department == who.department,
    )
    resource = await at.app.station.read(lambda conn: conn.execute(query).scalar())
    if resource is None:
        absent(request)
    return str(resource)

"""/journal: proofs that what the station says of a case stands in its journal, and stays there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.requests import Request

from ortoo_node.api.documents import READING, problems
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.routes.grants import own_resources
from ortoo_node.api.shapes.journal import CheckpointShown, Consistency, Inclusions
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.cases import PROVIDER
from ortoo_node.store.case_tables import cases
from ortoo_node.tokens import JOURNAL, READ, Bearer
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.store.tables import grants

MOST_SIZE = 1 << 52
router = APIRouter(prefix="/journal", tags=["journal"], route_class=JsonRoute)
_Size = Annotated[int, Query(ge=0, le=MOST_SIZE, description="Rows; 0: the newest checkpoint's.")]


@router.get("/checkpoint", operation_id="show_checkpoint", responses=problems(*READING))
async def checkpoint(who: Who, at: At) -> CheckpointShown:
    """The newest that the station signed; the hub has it too."""
    who.need(JOURNAL, READ)
    return CheckpointShown(**await at.call("journal.checkpoint"))


@router.get("/consistency", operation_id="prove_consistency", responses=problems(*READING))
async def consistency(
    who: Who,
    at: At,
    first: Annotated[int, Query(ge=1, le=MOST_SIZE, description="Rows of an older tree.")],
    second: _Size = 0,
) -> Consistency:
    """That nothing was changed or taken out since an older checkpoint."""
    who.need(JOURNAL, READ)
    return Consistency(**await at.call("journal.consistency", first=first, second=second))


@router.get("/inclusion", operation_id="prove_inclusion", responses=problems(*READING))
async def inclusion(
    request: Request,
    who: Who,
    at: At,
    flow: Annotated[
        str, Query(min_length=1, max_length=80, description="Of a case, grant or correction.")
    ],
    size: _Size = 0,
) -> Inclusions:
    """That each letter of a case, grant or correction of the department stands in the journal."""
    who.need(JOURNAL, READ)
    if not await at.app.station.read(lambda conn: _is_own(conn, at, who, flow)):
        absent(request)
    return Inclusions(**await at.call("journal.inclusion", flow=flow, size=size))


def _is_own(conn: Connection, at: Desk, who: Bearer, flow: str) -> bool:
    party, own = at.app.station.party, who.department
    asked = select(cases.c.case).where(
        cases.c.case == flow, cases.c.department == own, cases.c.role != PROVIDER
    )
    granted = select(grants.c.grant).where(
        grants.c.grant == flow,
        ((grants.c.reader == party) & (grants.c.reader_department == own))
        | grants.c.resource.in_(own_resources(conn, at, who)),
    )
    doubted = select(corrections.c.correction).where(
        corrections.c.correction == flow,
        (corrections.c.reader_department == own) | (corrections.c.provider_department == own),
    )
    return any(conn.execute(query).first() is not None for query in (asked, granted, doubted))

"""/corrections: rows that the department doubts, and its answers for its own."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node.api import paging
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.routes.grants import own_grant
from ortoo_node.api.routes.requests import saved_as
from ortoo_node.api.shapes.corrections import (
    ClosingGiven,
    CorrectionAnswerGiven,
    CorrectionGiven,
    CorrectionShown,
    CorrectionsPage,
    EvidenceGiven,
    Side,
)
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.corrections.answering import Reply
from ortoo_node.corrections.doubting import Doubt
from ortoo_node.methods.corrections import CorrectionMethods
from ortoo_node.tokens import CORRECTION, READ, WRITE, Bearer
from ortoo_protocol.core.corrections import MAX_EVIDENCE_BYTES
from ortoo_protocol.core.errors import ApiField, CorrectionUnknown

router = APIRouter(prefix="/corrections", tags=["corrections"], route_class=JsonRoute)
READER, PROVIDER = "reader", "provider"


@router.get("", operation_id="list_corrections", responses=problems(*READING))
async def listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    closed: Annotated[bool, Query(description="Also those that are closed.")] = False,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> CorrectionsPage:
    """Of the department as reader and as provider, the newest first."""
    who.need(CORRECTION, READ)
    found = (await at.call("correction.list", all=closed))["corrections"]
    mine = [each for each in found if _sides(at, who, each)]
    here, following = paging.page(
        mine, lambda each: (each["opened_ms"], each["correction"]), cursor, limit
    )
    paging.link(request, response, following)
    return CorrectionsPage(here, following)


@router.post("", operation_id="raise_correction", status_code=201, responses=problems(*WRITING))
async def raise_(
    request: Request, given: CorrectionGiven, response: Response, who: Who, at: At
) -> CorrectionShown:
    """Doubt a row of a grant, or fields of it."""
    who.need(CORRECTION, WRITE)
    await own_grant(request, at, who, given.grant)
    name, content = _evidence(given.evidence)
    doubt = Doubt(
        grant=given.grant,
        about=given.about,
        key=given.key,
        seen=given.seen,
        expected=given.expected,
        text=given.text,
        found_ms=given.found_ms,
        by=given.by,
        evidence_name=name,
        evidence=content,
    )
    shown = await CorrectionMethods(at.app).doubt(doubt)
    number = shown["correction"]["correction"]
    response.headers["location"] = f"/api/v1/corrections/{number}"
    return CorrectionShown(**shown)


@router.get("/{correction}", operation_id="show_correction", responses=problems(*READING))
async def show(request: Request, correction: str, who: Who, at: At) -> CorrectionShown:
    """With what only both sides see."""
    who.need(CORRECTION, READ)
    await _own(request, at, who, correction)
    return CorrectionShown(**await at.call("correction.show", correction=correction))


@router.post("/{correction}/answer", operation_id="answer_correction", responses=problems(*WRITING))
async def answer(
    request: Request, correction: str, given: CorrectionAnswerGiven, who: Who, at: At
) -> CorrectionShown:
    """The provider's: corrected, right, or passed to whose data they are."""
    who.need(CORRECTION, WRITE)
    await _own(request, at, who, correction, PROVIDER)
    name, content = _evidence(given.evidence)
    reply = Reply(
        outcome=given.outcome,
        reason=given.reason,
        handler=given.handler,
        approver=given.approver,
        source=given.source,
        text=given.text,
        evidence_name=name,
        evidence=content,
    )
    return CorrectionShown(**await CorrectionMethods(at.app).reply(correction, reply))


@router.post("/{correction}/closing", operation_id="close_correction", responses=problems(*WRITING))
async def close(
    request: Request, correction: str, given: ClosingGiven, who: Who, at: At
) -> CorrectionShown:
    """The reader accepts the answer."""
    return await _ended(request, at, who, correction, given, "correction.close")


@router.post(
    "/{correction}/withdrawal", operation_id="withdraw_correction", responses=problems(*WRITING)
)
async def withdraw(
    request: Request, correction: str, given: ClosingGiven, who: Who, at: At
) -> CorrectionShown:
    """It is doubted no longer."""
    return await _ended(request, at, who, correction, given, "correction.withdraw")


@router.get(
    "/{correction}/files/{side}",
    operation_id="read_evidence",
    response_class=Response,
    responses={
        200: {"description": "The file", "content": {"application/octet-stream": {}}},
        **problems(*READING),
    },
)
async def evidence(request: Request, correction: str, side: Side, who: Who, at: At) -> Response:
    """What the reader (`detail`) or the provider (`evidence`) put in."""
    who.need(CORRECTION, READ)
    await _own(request, at, who, correction)
    content = await CorrectionMethods(at.app).evidence_of(correction, side)
    if not content:
        absent(request)
    return Response(
        content, headers=saved_as(f"{correction}-{side}"), media_type="application/octet-stream"
    )


async def _ended(
    request: Request, at: Desk, who: Bearer, correction: str, given: ClosingGiven, method: str
) -> CorrectionShown:
    who.need(CORRECTION, WRITE)
    await _own(request, at, who, correction, READER)
    return CorrectionShown(
        **await at.call(method, correction=correction, by=given.by, reason=given.reason)
    )


async def _own(request: Request, at: Desk, who: Bearer, correction: str, side: str = "") -> None:
    """The department is on `side` of it; empty: on either."""
    try:
        shown = await at.call("correction.show", correction=correction)
    except CorrectionUnknown:
        absent(request)
    sides = _sides(at, who, shown["correction"])
    if not sides or (side and side not in sides):
        absent(request)


def _sides(at: Desk, who: Bearer, one: dict[str, Any]) -> set[str]:
    mine = (at.app.station.party, who.department)
    return {side for side in (READER, PROVIDER) if (one[side], one[f"{side}_department"]) == mine}


def _evidence(given: EvidenceGiven | None) -> tuple[str, bytes]:
    if given is None:
        return "", b""
    try:
        content = base64.b64decode(given.content, validate=True)
    except (binascii.Error, ValueError):
        raise ApiField(field="evidence.content", detail="base64") from None
    if not 0 < len(content) <= MAX_EVIDENCE_BYTES:
        raise ApiField(field="evidence.content", detail=f"1 to {MAX_EVIDENCE_BYTES} bytes")
    return given.name, content

"""/requests: share requests of the department that asks, from the draft to the paper."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ortoo_node.api import etags, paging
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.requests import (
    AttachmentGiven,
    CompletionGiven,
    PaperName,
    RequestGiven,
    RequestMoved,
    RequestShown,
    RequestsMade,
    RequestsPage,
    WithdrawalGiven,
)
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.cases import APPLICANT, BOTH
from ortoo_node.tokens import READ, REQUEST, WRITE, Bearer
from ortoo_protocol.core.cases import State
from ortoo_protocol.core.errors import CaseUnknown, CatalogUnknown

router = APIRouter(prefix="/requests", tags=["requests"], route_class=JsonRoute)


@router.get("", operation_id="list_requests", responses=problems(*READING))
async def listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    state: Annotated[State | None, Query(description="Only those in it.")] = None,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> RequestsPage:
    """The department's requests, the newest first."""
    who.need(REQUEST, READ)
    found = (
        await at.call(
            "request.list",
            role=APPLICANT,
            state=None if state is None else state.value,
            limit=None,
        )
    )["cases"]
    mine = [each for each in found if each["department"] == who.department]
    here, following = paging.page(
        mine, lambda each: (each["opened_ms"], each["case"]), cursor, limit
    )
    paging.link(request, response, following)
    return RequestsPage(here, following)


@router.post("", operation_id="make_request", status_code=201, responses=problems(*WRITING))
async def make(given: RequestGiven, response: Response, who: Who, at: At) -> RequestsMade:
    """Ask for resources; with `draft` it is kept here until it is submitted."""
    who.need(REQUEST, WRITE)
    made = await at.call(
        "request.apply",
        resource=list(dict.fromkeys(given.resources)),
        department=who.department,
        purpose=given.purpose,
        basis=given.basis,
        scenario=given.scenario,
        handler=given.handler,
        approver=given.approver,
        items=given.items,
        row_filter=given.row_filter,
        mode=given.mode,
        until_ms=given.until_ms,
        contact=given.contact,
        attachments=_files(given.attachments),
        draft=given.draft,
    )
    response.headers["location"] = f"/api/v1/requests/{made['case']}"
    return RequestsMade(made["group"], made["cases"])


@router.get(
    "/{case}",
    operation_id="show_request",
    response_model=RequestShown,
    responses={**problems(*READING), 304: {"description": "As in If-None-Match"}},
)
async def show(request: Request, case: str, who: Who, at: At) -> Response:
    """With its application, what happened, what runs, and what may be done next."""
    who.need(REQUEST, READ)
    return etags.answer(request, RequestShown, await _own(request, at, who, case))


@router.post("/{case}/submission", operation_id="submit_request", responses=problems(*WRITING))
async def submit(request: Request, case: str, who: Who, at: At) -> RequestMoved:
    """Send a draft."""
    return await _moved(request, at, who, case, "request.submit")


@router.post("/{case}/withdrawal", operation_id="withdraw_request", responses=problems(*WRITING))
async def withdraw(
    request: Request, case: str, given: WithdrawalGiven, who: Who, at: At
) -> RequestMoved:
    """The department no longer asks."""
    return await _moved(
        request, at, who, case, "request.withdraw", reason=given.reason, handler=given.handler
    )


@router.post("/{case}/completion", operation_id="complete_request", responses=problems(*WRITING))
async def complete(
    request: Request, case: str, given: CompletionGiven, who: Who, at: At
) -> RequestMoved:
    """Send what a returned request lacked."""
    return await _moved(
        request,
        at,
        who,
        case,
        "request.complete",
        note=given.note,
        changes=given.changes,
        attachments=_files(given.attachments),
    )


@router.get(
    "/{case}/attachments/{position}",
    operation_id="read_attachment",
    response_class=Response,
    responses={
        200: {
            "description": "The scan",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("application/pdf", "image/jpeg", "image/png")
            },
        },
        **problems(*READING),
    },
)
async def attachment(
    request: Request,
    case: str,
    position: Annotated[int, Path(ge=0, le=7, description="From 0.")],
    who: Who,
    at: At,
) -> Response:
    """A scan of the application."""
    who.need(REQUEST, READ)
    shown = await _own(request, at, who, case)
    if position >= len(shown["attachments"]):
        absent(request)
    found = await at.call("request.attachment", case=case, position=position)
    return Response(
        base64.b64decode(found["content"]),
        headers=saved_as(found["name"]),
        media_type=found["media_type"],
    )


@router.get(
    "/{case}/paper",
    operation_id="read_paper",
    response_class=HTMLResponse,
    responses={
        200: {"description": "A page to be printed", "content": {"text/html": {}}},
        **problems(*READING, 409),
    },
)
async def paper(
    request: Request, case: str, who: Who, at: At, paper: PaperName = "answer"
) -> Response:
    """The application, or the newest answer to it."""
    who.need(REQUEST, READ)
    shown = await _own(request, at, who, case)
    if paper == "answer" and shown["answer"] is None:
        absent(request)
    made = await at.call("request.paper", case=case, paper=paper)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return HTMLResponse(made["page"], headers={"content-security-policy": policy})


async def _moved(
    request: Request, at: Desk, who: Bearer, case: str, method: str, **params: Any
) -> RequestMoved:
    who.need(REQUEST, WRITE)
    await _own(request, at, who, case)
    return RequestMoved(**await at.call(method, case=case, **params))


async def _own(request: Request, at: Desk, who: Bearer, case: str) -> dict[str, Any]:
    try:
        shown: dict[str, Any] = await at.call("request.show", case=case)
    except (CaseUnknown, CatalogUnknown):
        absent(request)
    head = shown["case"]
    if head["department"] != who.department or head["role"] not in (APPLICANT, BOTH):
        absent(request)
    return shown


def _files(given: Sequence[AttachmentGiven]) -> list[dict[str, str]]:
    return [{"name": each.name, "content": each.content} for each in given]


def saved_as(name: str) -> dict[str, str]:
    """A header that names a file without letting it be opened in place (RFC 6266)."""
    return {"content-disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}"}

"""/catalog/drafts: entries that the department compiles, up to their review; two writers of one
draft do not overwrite each other."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ortoo_node.api import etags, paging
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.shapes.catalog import (
    Checked,
    DraftGiven,
    DraftSaved,
    DraftShown,
    DraftsPage,
    EntryGiven,
)
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.tokens import CATALOG, READ, WRITE, Bearer
from ortoo_protocol.core.errors import ApiField, CatalogDraftUnknown

router = APIRouter(prefix="/catalog", tags=["drafts"], route_class=JsonRoute)


@router.get("/drafts", operation_id="list_drafts", responses=problems(*READING))
async def listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> DraftsPage:
    """Those on their way, what changed last first."""
    who.need(CATALOG, READ)
    found = (await at.call("catalog.draft.list", department=who.department))["drafts"]
    here, following = paging.page(
        found, lambda each: (each["changed_ms"], each["draft"]), cursor, limit
    )
    paging.link(request, response, following)
    return DraftsPage(here, following)


@router.post(
    "/drafts", operation_id="make_draft", status_code=201, responses=problems(*WRITING, 412)
)
async def make(given: DraftGiven, response: Response, who: Who, at: At) -> DraftSaved:
    """A new draft. The answer says what has to be mended before its review."""
    who.need(CATALOG, WRITE)
    saved = await _save(at, who, given, draft="", revision=0)
    response.headers["location"] = f"/api/v1/catalog/drafts/{saved['draft']['draft']}"
    response.headers["etag"] = _tag(saved["draft"]["draft"], saved["revision"])
    return DraftSaved(saved["draft"], saved["problems"])


@router.get(
    "/drafts/{draft}",
    operation_id="show_draft",
    response_model=DraftShown,
    responses={**problems(*READING), 304: {"description": "As in If-None-Match"}},
)
async def show(request: Request, draft: str, who: Who, at: At) -> Response:
    """With its fields, its steps and what has to be mended. Its ETag is for the next change."""
    who.need(CATALOG, READ)
    shown = await _own(request, at, who, draft)
    return etags.answer(request, DraftShown, shown, _tag(draft, len(shown["steps"])))


@router.put("/drafts/{draft}", operation_id="change_draft", responses=problems(*WRITING, 412, 428))
async def change(
    request: Request, draft: str, given: DraftGiven, response: Response, who: Who, at: At
) -> DraftSaved:
    """Anew, whole, if it still is what was read: `If-Match` names that."""
    who.need(CATALOG, WRITE)
    match = etags.need(request)
    shown = await _own(request, at, who, draft)
    revision = len(shown["steps"])
    etags.check(match, _tag(draft, revision))
    saved = await _save(at, who, given, draft=draft, revision=revision)
    response.headers["etag"] = _tag(draft, saved["revision"])
    return DraftSaved(saved["draft"], saved["problems"])


@router.post("/checks", operation_id="check_entry", responses=problems(*WRITING))
async def check(given: EntryGiven, who: Who, at: At) -> Checked:
    """What is wrong with an entry, without keeping it."""
    who.need(CATALOG, READ)
    return Checked(**await at.call("catalog.check", entry=given.entry))


async def _save(
    at: Desk, who: Bearer, given: DraftGiven, *, draft: str, revision: int
) -> dict[str, Any]:
    entry = {"department": who.department, **given.entry}
    if entry["department"] != who.department:
        raise ApiField(field="entry.department", detail=who.department)
    saved: dict[str, Any] = await at.call(
        "catalog.draft.save",
        entry=entry,
        by=given.by,
        why=given.why,
        draft=draft,
        revision=revision,
        department=who.department,
    )
    return saved


async def _own(request: Request, at: Desk, who: Bearer, draft: str) -> dict[str, Any]:
    try:
        shown: dict[str, Any] = await at.call("catalog.draft.show", draft=draft)
    except CatalogDraftUnknown:
        absent(request)
    head = shown["draft"]
    if head["department"] != who.department or head["draft"] != draft:
        absent(request)
    return shown


def _tag(draft: str, revision: int) -> str:
    return f'"{draft}-{revision}"'

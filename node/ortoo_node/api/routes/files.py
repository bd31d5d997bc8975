"""/transfers and /resources/…/files: files of granted resources and tables as files, brought to the
station first, then downloaded, in parts if need be."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ortoo_node.api import etags, paging
from ortoo_node.api.documents import READING, WRITING, problems
from ortoo_node.api.paging import USUAL, Cursor, Limit
from ortoo_node.api.route import JsonRoute
from ortoo_node.api.routes.requests import saved_as
from ortoo_node.api.shapes.files import FilesListed, TransferGiven, TransferShown, TransfersPage
from ortoo_node.api.tokens import At, Desk, Who, absent
from ortoo_node.files import transfers
from ortoo_node.files.spool import Spool
from ortoo_node.tokens import FILE, Bearer
from ortoo_node.use import purpose as purposes
from ortoo_protocol.core.errors import (
    ApiField,
    ApiNotYet,
    ApiRange,
    FileOrderUnknown,
    FileTransferUnknown,
    GrantUnknown,
)
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station.context import Tx

ORDERED = "ordered"
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
router = APIRouter(tags=["files"], route_class=JsonRoute)


@router.get(
    "/resources/{code:path}/files",
    operation_id="list_files",
    responses=problems(*READING, 409),
)
async def listed(
    code: str,
    who: Who,
    at: At,
    purpose: Annotated[str, Query(min_length=1, max_length=200, description="As granted.")],
) -> FilesListed:
    """The files of a granted resource. `complete` is false until the provider's list has come."""
    who.need(FILE, code)
    grant = await _grant(at, who, code, purpose, "")
    return FilesListed(**await at.call("file.list", resource=code, purpose=purpose, grant=grant))


@router.get("/transfers", operation_id="list_transfers", responses=problems(*READING))
async def transfers_listed(
    request: Request,
    response: Response,
    who: Who,
    at: At,
    limit: Limit = USUAL,
    cursor: Cursor = "",
) -> TransfersPage:
    """The department's transfers, the newest first."""
    who.need_any(FILE)
    spool = _spool(at, who)
    orders = await at.whole("file.orders", "orders")
    asked = [
        _of_order(each)
        for each in orders
        if each["role"] == "asked" and spool.holds(each["target"])
    ]
    ordered = {each["transfer"] for each in orders if each["transfer"]}
    files = [
        _of_file(each)
        for each in await at.whole("file.transfers", "transfers")
        if spool.holds(each["target"]) and each["transfer"] not in ordered
    ]
    here, following = paging.page(
        [*asked, *files], lambda each: (each.began_ms, each.transfer), cursor, limit
    )
    paging.link(request, response, following)
    return TransfersPage(here, following)


@router.post(
    "/transfers", operation_id="begin_transfer", status_code=201, responses=problems(*WRITING)
)
async def begin(given: TransferGiven, response: Response, who: Who, at: At) -> TransferShown:
    """Bring a file, or a table as a file, to the station. Returns at once."""
    who.need(FILE, given.resource)
    if bool(given.name) == bool(given.form):
        raise ApiField(field="name", detail="name / form")
    grant = await _grant(at, who, given.resource, given.purpose, given.grant)
    spool = _spool(at, who)
    await asyncio.to_thread(spool.remove_old)
    target = await asyncio.to_thread(spool.make, at.app.station.parts.rand(16).hex())
    try:
        if given.form:
            order = await at.call(
                "file.order",
                resource=given.resource,
                form=given.form,
                to=str(target),
                purpose=given.purpose,
                handler=given.handler,
                grant=grant,
            )
            made = _of_order(order)
        else:
            made = _of_file(
                await at.call(
                    "file.get",
                    resource=given.resource,
                    name=given.name,
                    to=str(target),
                    purpose=given.purpose,
                    grant=grant,
                )
            )
    except BaseException:
        spool.remove(str(target))
        raise
    response.headers["location"] = f"/api/v1/transfers/{made.transfer}"
    return made


@router.get("/transfers/{transfer}", operation_id="show_transfer", responses=problems(*READING))
async def show(request: Request, transfer: str, who: Who, at: At) -> TransferShown:
    """How far it is."""
    return (await _own(request, at, who, transfer))[0]


@router.get(
    "/transfers/{transfer}/content",
    operation_id="download",
    response_class=Response,
    responses={
        200: {
            "description": "The whole content; its ETag is its SHA-256",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
        },
        206: {"description": "The part that `Range` asks for"},
        304: {"description": "As in If-None-Match"},
        **problems(*READING, 409, 416),
    },
)
async def content(request: Request, transfer: str, who: Who, at: At) -> Response:
    """The content, once it is here. `Range` and `If-Range` go on with one that broke off."""
    shown, target = await _own(request, at, who, transfer)
    if shown.state != transfers.DONE:
        raise ApiNotYet(state=shown.state)
    if not await asyncio.to_thread(target.is_file):
        absent(request)
    tag = f'"{shown.sha256}"'
    headers = {"etag": tag, "cache-control": etags.READ_AGAIN, "accept-ranges": "bytes"}
    if etags.unchanged(request, tag):
        return Response(None, 304, headers)
    _check_range(request, shown.size_bytes)
    headers |= saved_as(Path(shown.file).name)
    return FileResponse(target, headers=headers, media_type="application/octet-stream")


@router.delete(
    "/transfers/{transfer}",
    operation_id="remove_transfer",
    status_code=204,
    responses=problems(*READING, 409),
)
async def remove(request: Request, transfer: str, who: Who, at: At) -> None:
    """End it, and remove the content here."""
    shown, target = await _own(request, at, who, transfer)
    if shown.state == ORDERED:
        raise ApiNotYet(state=shown.state)
    if shown.state in transfers.ALIVE:
        await at.call("file.cancel", transfer=await _under_way(at, transfer))
    await asyncio.to_thread(_spool(at, who).remove, str(target))


async def _own(
    request: Request, at: Desk, who: Bearer, transfer: str
) -> tuple[TransferShown, Path]:
    """Of a token that opens its resource, in the department's spool; else nothing is there."""
    who.need_any(FILE)
    try:
        found = await at.call("file.transfer", transfer=transfer)
        shown = _of_file(found)
    except FileTransferUnknown:
        try:
            found = await at.call("file.ordered", order=transfer)
        except FileOrderUnknown:
            absent(request)
        shown = _of_order(found)
    if not _spool(at, who).holds(found["target"]):
        absent(request)
    who.need(FILE, shown.resource)
    return shown, Path(found["target"])


async def _under_way(at: Desk, transfer: str) -> str:
    """The transfer that brings an ordered table; else itself."""
    try:
        return str((await at.call("file.ordered", order=transfer))["transfer"])
    except FileOrderUnknown:
        return transfer


async def _grant(at: Desk, who: Bearer, resource: str, purpose: str, grant: str) -> str:
    """The department's own. Raises GrantUnknown, UsePurpose."""

    def job(tx: Tx) -> str:
        found = purposes.find(
            tx.conn,
            party=tx.party,
            resource=resource,
            purpose=purpose,
            grant=grant or None,
            department=who.department,
            now_ms=tx.now_ms,
            rules=profile_named(tx.trust.profile).sharing,
        )
        if found is None:
            raise GrantUnknown(grant=resource)
        return found.grant

    return await at.app.station.write(job)


def _check_range(request: Request, size_bytes: int) -> None:
    """Raises ApiRange: one range at a time, and of what there is."""
    given = request.headers.get("range")
    if given is None:
        return
    found = _RANGE.fullmatch(given.strip())
    if found is None:
        raise ApiRange()
    first, last, tail = (int(each) if each else None for each in found.groups())
    if tail == 0 or (first is not None and (first >= size_bytes or (last or first) < first)):
        raise ApiRange()


def _spool(at: Desk, who: Bearer) -> Spool:
    return Spool(at.app.settings.folder, who.department)


def _of_file(found: dict[str, Any]) -> TransferShown:
    names = (
        "transfer", "resource", "grant", "file", "state", "size_bytes", "done_bytes", "sha256",
        "error", "began_ms", "changed_ms",
    )  # fmt: skip
    return TransferShown(**{name: found[name] for name in names})


def _of_order(found: dict[str, Any]) -> TransferShown:
    """Under the order's number; once its file comes, how far that is."""
    fetched = found.get("fetched")
    if fetched is not None:
        return TransferShown(
            **{
                **vars(_of_file(fetched)),
                "transfer": found["order"],
                "file": found["file"],
                "began_ms": found["asked_ms"],
            }
        )
    state = ORDERED if found["state"] == "open" else found["state"]
    return TransferShown(
        transfer=found["order"],
        resource=found["resource"],
        grant=found["grant"],
        file=found["file"] or "",
        state=state,
        size_bytes=found["size_bytes"] or 0,
        done_bytes=0,
        sha256=found["sha256"] or "",
        error=found["error"],
        began_ms=found["asked_ms"],
        changed_ms=found["changed_ms"],
    )

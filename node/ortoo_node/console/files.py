"""Files: what granted resources hold, fetching it, and how far that is (批量下载)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from ortoo_node.files.saving import PEOPLE
from ortoo_node.files.spool import FOLDER
from ortoo_protocol.console.downloads import saved_as
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.queries import only_query

MOST = 100  # transfers and orders of a page, the newest
ALIVE = ("waiting", "running")
router = APIRouter()


@router.get("/files")
async def listed(page: OwnPage) -> Response:
    grants = (await page.call("grant.list", role="reader"))["grants"]
    return page.render(
        "files.html",
        **await _transfers(page),
        grants=[each for each in grants if not only_query(each["mode"])],
        orders=(await page.call("file.orders", limit=MOST))["orders"],
        may=page.may(Right.OPERATE) or page.may(Right.APPLY),
    )


async def part(page: Page) -> str:
    return page.text("files-part.html", **await _transfers(page))


@router.get("/files/of/{grant}")
async def of_grant(page: OwnPage, grant: str) -> Response:
    """What a grant of files shows; of a table, the order of it as one file."""
    if not page.may(Right.OPERATE):
        page.need(Right.APPLY)
    shown = (await page.call("grant.show", grant=grant))["grant"]
    terms = {name: shown[name] for name in ("resource", "purpose", "grant")}
    found = await page.call("file.list", **terms)
    offers = {
        each["name"]: page.offers("file.bring", "file.get", name=each["name"], **terms)
        for each in found["files"]
    }
    return page.render(
        "files-of.html", grant=shown, files=found["files"], whole=found["complete"], offers=offers
    )


@router.get("/files/transfers/{transfer}/content")
async def content(page: OwnPage, transfer: str) -> Response:
    """Saved by whoever uses the data, in parts if the browser asks so; who did is recorded."""
    page.need(Right.APPLY)
    params = {"transfer": transfer, "department": page.me.department}
    found = await page.recorded("file.saved", params, transfer)
    headers = {**saved_as(found["name"]), "etag": f'"{found["sha256"]}"'}
    return FileResponse(found["path"], headers=headers, media_type="application/octet-stream")


async def _transfers(page: Page) -> dict[str, Any]:
    found = (await page.call("file.transfers", limit=MOST))["transfers"]
    offers = {
        each["transfer"]: page.offers("file.cancel", transfer=each["transfer"])
        for each in found
        if each["state"] in ALIVE
    }
    return {
        "transfers": found,
        "transfer_offers": offers,
        "may_save": page.may(Right.APPLY),
        "spool": f"/{FOLDER}/{PEOPLE}/",
    }

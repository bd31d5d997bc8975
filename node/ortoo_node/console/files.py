"""Files: what granted resources hold, fetching it, and how far that is (批量下载)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

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
        may=page.may(Right.OPERATE),
    )


async def part(page: Page) -> str:
    return page.text("files-part.html", **await _transfers(page))


@router.get("/files/of/{grant}")
async def of_grant(page: OwnPage, grant: str) -> Response:
    """What a grant of files shows; of a table, the order of it as one file."""
    page.need(Right.OPERATE)
    shown = (await page.call("grant.show", grant=grant))["grant"]
    terms = {name: shown[name] for name in ("resource", "purpose", "grant")}
    found = await page.call("file.list", **terms)
    offers = {
        each["name"]: page.offers("file.get", name=each["name"], **terms) for each in found["files"]
    }
    return page.render(
        "files-of.html", grant=shown, files=found["files"], whole=found["complete"], offers=offers
    )


async def _transfers(page: Page) -> dict[str, Any]:
    found = (await page.call("file.transfers", limit=MOST))["transfers"]
    offers = {
        each["transfer"]: page.offers("file.cancel", transfer=each["transfer"])
        for each in found
        if each["state"] in ALIVE
    }
    return {"transfers": found, "transfer_offers": offers}

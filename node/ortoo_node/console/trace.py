"""Trace (溯源): from a row, a grant, a query, a download to what brought it and to the people."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.i18n import mark

router = APIRouter()
WHATS = (("grants", mark("Grant")), ("calls", mark("Query")), ("downloads", mark("Download")))
What = Literal["grants", "calls", "downloads"]


@router.get("/trace")
async def begin(
    page: OwnPage,
    what: What = "grants",
    number: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """With a number: on to what it names. Keys of rows are personal data and stand in no address:
    they go by the action."""
    if number.strip():
        return page.go(f"/trace/{what}/{quote(number.strip(), safe='')}")
    return page.render(
        "trace.html",
        **await page.call("trace.newest"),
        whats=WHATS,
        offers=page.offers("trace.row"),
    )


@router.get("/trace/grants/{grant}")
async def of_grant(page: OwnPage, grant: str) -> Response:
    return page.render("trace-grant.html", found=await page.call("trace.grant", grant=grant))


@router.get("/trace/calls/{ask}")
async def of_call(page: OwnPage, ask: str) -> Response:
    return page.render("trace-call.html", found=await page.call("trace.call", ask=ask))


@router.get("/trace/downloads/{transfer}")
async def of_download(page: OwnPage, transfer: str) -> Response:
    found = await page.call("trace.download", transfer=transfer)
    return page.render("trace-download.html", found=found)

"""Coordination (协调): what waits for this station's own authority."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage

router = APIRouter()


@router.get("/coordination")
async def listed(page: OwnPage) -> Response:
    found = (await page.call("coordination.list"))["cases"]
    return page.render("coordination.html", cases=found)

"""Coordination (协调): what waits for this station's own authority."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage

router = APIRouter()


@router.get("/coordination")
async def listed(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("coordination.list", **span(number))
    return page.render("coordination.html", cases=found["cases"], **stands(number, found["total"]))

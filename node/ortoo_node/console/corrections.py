"""Corrections (校核): rows that are doubted, what both sides say, and the provider's days."""

from __future__ import annotations

import base64
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.corrections import OFFERED
from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.errors import ConsoleUnknown
from ortoo_protocol.station.corrections.words import SAID

router = APIRouter()
PAPERS = {"detail": "detail", "evidence": "answer"}  # of which part of a correction it is


@router.get("/corrections")
async def listed(page: OwnPage, closed: bool = False, number: Number = 1) -> Response:
    found = await page.call("correction.list", all=closed, **span(number))
    return page.render(
        "corrections.html",
        corrections=found["corrections"],
        closed=closed,
        said=SAID,
        offers=page.offers("correction.raise"),
        **stands(number, found["total"]),
    )


@router.get("/corrections/{correction}")
async def show(page: OwnPage, correction: str) -> Response:
    shown = await page.call("correction.show", correction=correction)
    may = [method for method, events in OFFERED.items() if events & set(shown["open"])]
    return page.render(
        "correction.html", **shown, said=SAID, offers=page.offers(*may, correction=correction)
    )


@router.get("/corrections/{correction}/papers/{side}")
async def paper(page: OwnPage, correction: str, side: Literal["detail", "evidence"]) -> Response:
    """What one side put in as evidence."""
    shown = await page.call("correction.show", correction=correction)
    said = shown[PAPERS[side]]
    if said is None or not said["evidence"]:
        raise ConsoleUnknown(path=page.request.url.path[:200])
    found = await page.call("correction.evidence", correction=correction, side=side)
    return attachment(said["evidence"], base64.b64decode(found["content"]))

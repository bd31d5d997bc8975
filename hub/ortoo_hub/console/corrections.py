"""Corrections (校核) across the region: whose days run, which are over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.station.corrections.words import SAID

router = APIRouter()
Party = Annotated[str, Query(max_length=16)]


@router.get("/corrections")
async def listed(
    page: OwnPage,
    closed: bool = False,
    overdue: bool = False,
    party: Party = "",
    number: Number = 1,
) -> Response:
    found = await page.call(
        "correction.list", all=closed, overdue=overdue, party=party, **span(number)
    )
    return page.render(
        "corrections.html",
        corrections=found["corrections"],
        closed=closed,
        overdue=overdue,
        party=party,
        said=SAID,
        **stands(number, found["total"]),
    )


@router.get("/corrections/{correction}")
async def show(page: OwnPage, correction: str) -> Response:
    shown = await page.call("correction.show", correction=correction)
    return page.render("correction.html", **shown, said=SAID)

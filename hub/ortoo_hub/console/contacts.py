"""Who is responsible in each department of each member (联络员)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage

router = APIRouter()


@router.get("/contacts")
async def listed(page: OwnPage, party: str = "", number: Number = 1) -> Response:
    found = await page.call("contact.list", party=party, **span(number))
    trust = page.console.station.parts.trust.current
    return page.render(
        "contacts.html",
        party=party,
        members=[(each.party, each.name) for each in trust.parties],
        contacts=found["contacts"],
        **stands(number, found["total"]),
    )

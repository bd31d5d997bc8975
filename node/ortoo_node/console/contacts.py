"""Contacts (联络员): two persons of each department, confirmed in time."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage

router = APIRouter()
OFFERED = ("contact.confirm", "contact.handover", "contact.away", "contact.back", "contact.set")


@router.get("/contacts")
async def listed(page: OwnPage) -> Response:
    found = (await page.call("contact.list", party=page.console.station.party))["contacts"]
    return page.render("contacts.html", contacts=found, offers=page.offers("contact.set"))


@router.get("/contacts/{department}")
async def show(page: OwnPage, department: str) -> Response:
    shown = await page.call("contact.show", department=department)
    offers = page.offers(*OFFERED, department=department)
    return page.render("contact.html", contact=shown, offers=offers)

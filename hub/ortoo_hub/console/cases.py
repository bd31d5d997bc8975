"""Cases as they were notarised: all, those that are due, and those of which a member holds another
state."""

from __future__ import annotations

import base64

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.cases import Side, State

router = APIRouter()


@router.get("/cases")
async def listed(page: OwnPage, state: str = "", number: Number = 1) -> Response:
    found = await page.call("case.list", state=state or None, **span(number))
    return page.render(
        "cases.html",
        cases=found["cases"],
        state=state,
        states=[each.value for each in State],
        **stands(number, found["total"]),
    )


@router.get("/due")
async def due(page: OwnPage) -> Response:
    """The clocks that end first, or ended."""
    found = await page.call("overview.due")
    return page.render("due.html", duties=found["duties"], clocks=found["clocks"])


@router.get("/cases-differing")
async def differing(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("case.differing", **span(number))
    return page.render("differing.html", cases=found["cases"], **stands(number, found["total"]))


@router.get("/cases/{case}")
async def show(page: OwnPage, case: str) -> Response:
    shown = await page.call("case.show", case=case)
    may_rule = bool(shown["open"][Side.AUTHORITY.value])
    offers = page.offers("coordination.rule", case=case) if may_rule else []
    return page.render("case.html", **shown, offers=offers)


@router.get("/cases/{case}/attachments/{position}")
async def scan(page: OwnPage, case: str, position: int) -> Response:
    found = await page.call("case.attachment", case=case, position=position)
    return attachment(found["name"], base64.b64decode(found["content"]))


@router.get("/coordination")
async def coordination(page: OwnPage, number: Number = 1) -> Response:
    """Disputes, and extensions that are asked for, the oldest first."""
    found = await page.call("coordination.list", **span(number))
    return page.render("coordination.html", cases=found["cases"], **stands(number, found["total"]))

"""Data that no catalog has yet: who needs them, and who is to supply them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.demands import State

router = APIRouter()


@router.get("/demands")
async def listed(page: OwnPage, state: str = "", number: Number = 1) -> Response:
    found = await page.call("demand.list", state=state, **span(number))
    return page.render(
        "demands.html",
        demands=found["demands"],
        state=state,
        states=[each.value for each in State],
        **stands(number, found["total"]),
    )


@router.get("/demands/{provider}/{number:path}")
async def show(page: OwnPage, provider: str, number: str) -> Response:
    shown = await page.call("demand.show", provider=provider, number=number)
    offers = page.offers("demand.assign", provider=provider, number=number)
    waits = shown["state"] in (State.OPEN.value, State.DECLINED.value)
    return page.render("demand.html", demand=shown, offers=offers if waits else [])

"""Demands (需求): data that departments of the region need and no catalog has yet."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.demands import OFFERED
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.demands import State

router = APIRouter()


@router.get("/demands")
async def listed(
    page: OwnPage, assigned: bool = False, state: str = "", number: Number = 1
) -> Response:
    found = await page.call("demand.list", assigned=assigned, state=state, **span(number))
    return page.render(
        "demands.html",
        demands=found["demands"],
        assigned=assigned,
        state=state,
        states=[each.value for each in State],
        offers=page.offers("demand.ask"),
        **stands(number, found["total"]),
    )


@router.get("/demands/{provider}/{number}")
async def show(page: OwnPage, provider: str, number: str) -> Response:
    shown = await page.call("demand.show", provider=provider, number=number)
    may = [method for method, event in OFFERED.items() if event in shown["open"]]
    offers = page.offers(*may, provider=provider, number=number)
    return page.render("demand.html", demand=shown, offers=offers)

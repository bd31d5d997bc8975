"""Use (使用): what was done with what a grant gave, its disposal, and passing it on."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.use import BY_PROVIDER, BY_READER, WHY
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import Offer, OwnPage, Page
from ortoo_protocol.core.use.onward import Event, State, may

router = APIRouter()


@router.get("/grants/{grant}/use")
async def show(page: OwnPage, grant: str) -> Response:
    """Of both sides, where both are here."""
    shown = await page.call("grant.show", grant=grant)
    party, terms = page.console.station.party, shown["grant"]
    methods = [*(BY_READER if terms["reader"] == party else ())]
    methods += BY_PROVIDER if terms["provider"] == party else ()
    own = await page.call("use.list", grant=grant) if terms["reader"] == party else None
    return page.render(
        "use.html",
        **shown,
        own=own,
        why=WHY,
        offers=page.offers(*methods, grant=grant),
        next=[_next(page, each, ours=terms["provider"] == party) for each in shown["onward"]],
    )


@router.get("/onward")
async def onward(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("onward.list", **span(number))
    return page.render("onward.html", onward=found["onward"], **stands(number, found["total"]))


def _next(page: Page, one: dict[str, Any], *, ours: bool) -> list[Offer]:
    """What the provider may do with an ask."""
    state, number = State(one["state"]), one["onward"]
    chosen = [
        *(("onward.answer",) if may(state, Event.CONSENT) else ()),
        *(("onward.revoke",) if may(state, Event.REVOKE) else ()),
    ]
    return page.offers(*chosen, onward=number) if ours else []

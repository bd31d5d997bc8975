"""Grants of the region: what may be read, by whom, under which case, until when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.use import suspension
from ortoo_protocol.station.grants_held import STATES

router = APIRouter()
Party = Annotated[str, Query(max_length=16)]
State = Literal["", "active", "offered", "suspended", "ended"]


@router.get("/grants")
async def listed(
    page: OwnPage,
    state: State = "active",
    provider: Party = "",
    reader: Party = "",
    number: Number = 1,
) -> Response:
    found = await page.call(
        "grant.list", active=False, state=state, provider=provider, reader=reader, **span(number)
    )
    return page.render(
        "grants.html",
        grants=found["grants"],
        asked={"state": state, "provider": provider, "reader": reader},
        states=STATES,
        **stands(number, found["total"]),
    )


@router.get("/grants/{grant}")
async def show(page: OwnPage, grant: str) -> Response:
    shown = await page.call("grant.show", grant=grant)
    offers = page.offers(*fitting(shown, page.console.now_ms()), grant=grant)
    return page.render("grant.html", **shown, offers=offers)


def fitting(shown: Mapping[str, Any], now_ms: int) -> list[str]:
    """What the authority can do with a grant as it stands (`grant.show`), whoever may do it."""
    if shown["grant"]["state"] == "ended":
        return []
    resting = next((e for e in shown["suspensions"] if e["state"] in suspension.OPEN), None)
    if resting is None:
        return ["grant.suspend", "use.ask"]
    found = ["grant.resume", "use.ask"]
    if resting["state"] == suspension.State.REPORTED.value:
        found.insert(0, "grant.reject")
    if resting["rejected"] or now_ms >= resting["until_ms"]:
        found.append("grant.terminate")
    return found

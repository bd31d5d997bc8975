"""Grants: what may be read, by whom, for what, until when."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions import grants as actions
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage

router = APIRouter()
Side = Literal["all", "provider", "reader"]


@router.get("/grants")
async def listed(
    page: OwnPage, side: Side = "all", ended: bool = False, number: Number = 1
) -> Response:
    found = await page.call("grant.list", role=side, active=not ended, **span(number))
    return page.render(
        "grants.html",
        grants=found["grants"],
        side=side,
        ended=ended,
        **stands(number, found["total"]),
    )


@router.get("/grants/{grant}")
async def show(page: OwnPage, grant: str) -> Response:
    shown = await page.call("grant.show", grant=grant)
    open_ = actions.fitting(shown, page.console.station.party, page.console.now_ms())
    return page.render("grant.html", **shown, offers=page.offers(*open_, grant=grant))

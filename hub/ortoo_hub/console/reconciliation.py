"""What stations say they hold, compared; and the broker against what it should hold."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.i18n import mark

ALIKE, DIFFERS = mark("alike"), mark("differs")
router = APIRouter()


@router.get("/reconciliation")
async def show(page: OwnPage) -> Response:
    broker, away = None, None
    try:
        broker = await page.call("router.show")
    except OrtooError as error:
        away = error
    return page.render(
        "reconciliation.html",
        days=(await page.call("reconcile.results"))["results"],
        feeds=(await page.call("overview.reconciled"))["feeds"],
        broker=broker,
        away=away,
        alike=ALIKE,
        differs=DIFFERS,
        offers=page.offers("reconcile"),
    )

"""The catalog of the region: found by words and filters, and each entry whole."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.catalog import CODE_STEPS
from ortoo_protocol.console import catalog_search
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.catalog.elements import FORMAT_CLASSES, ITEM_TYPE_NAMES, STOPPED
from ortoo_protocol.core.law.share_types import WORDS

router = APIRouter()
router.include_router(catalog_search.router)


@router.get("/catalog/entries/{code:path}")
async def entry(page: OwnPage, code: str) -> Response:
    shown = await page.call("catalog.show", code=code, carried=True)
    given: dict[str, Any] = shown["entry"]
    ours = given["provider"] == page.console.station.party
    places = (await page.call("catalog.drift", resource=code))["places"] if ours else []
    offers = [] if given["status"] == STOPPED else page.offers("request.apply", resource=code)
    if ours:
        offers += page.offers(*CODE_STEPS, draft=code)
        offers += page.offers("catalog.stop", code=code)
    return page.render(
        "catalog-entry.html",
        **shown,
        ours=ours,
        places=places,
        offers=offers,
        shares=WORDS,
        formats=FORMAT_CLASSES,
        types=ITEM_TYPE_NAMES,
    )

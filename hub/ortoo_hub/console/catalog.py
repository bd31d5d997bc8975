"""The regional catalog: found by words and filters, each entry whole; refused entries, and
data that two resources claim to be the source of (一数一源)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console import catalog_search
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.catalog import claims
from ortoo_protocol.core.catalog.elements import FORMAT_CLASSES, ITEM_TYPE_NAMES
from ortoo_protocol.core.law.share_types import WORDS

router = APIRouter()
router.include_router(catalog_search.router)


@router.get("/catalog/entries/{code:path}")
async def entry(page: OwnPage, code: str) -> Response:
    shown = await page.call("catalog.show", code=code)
    return page.render(
        "catalog-entry.html",
        **shown,
        shares=WORDS,
        formats=FORMAT_CLASSES,
        types=ITEM_TYPE_NAMES,
    )


@router.get("/catalog/refused")
async def refused(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("catalog.refusals", **span(number))
    return page.render(
        "catalog-refused.html",
        refusals=found["refusals"],
        shares=WORDS,
        **stands(number, found["total"]),
    )


@router.get("/catalog/conflicts")
async def conflicts(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("catalog.conflicts", **span(number))
    offers = {
        each["conflict"]: page.offers("catalog.resolve", conflict=each["conflict"])
        for each in found["conflicts"]
        if each["state"] == claims.OPEN
    }
    return page.render(
        "catalog-conflicts.html",
        conflicts=found["conflicts"],
        offers=offers,
        shares=WORDS,
        **stands(number, found["total"]),
    )

"""Beside the catalog: the three lists (清单), conflicts of sources, refusals of the hub, changes of
law that the catalog has to follow, and where sources and entries differ."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.page import Offer, OwnPage, Page
from ortoo_protocol.core.catalog.lists import DEMAND, DUTY, NEGATIVE, OPEN
from ortoo_protocol.core.law.share_types import WORDS
from ortoo_protocol.i18n import mark

router = APIRouter()
PAGE = 50
TITLES = {
    DEMAND: mark("Demands (需求清单)"),
    DUTY: mark("Duties (责任清单)"),
    NEGATIVE: mark("Not shared (负面清单)"),
}
Number = Annotated[int, Query(alias="page", ge=1, le=20_000)]
Text = Annotated[str, Query(max_length=200)]


def _part(number: int) -> dict[str, int]:
    """One row more than is shown says whether there is a next page."""
    return {"limit": PAGE + 1, "offset": (number - 1) * PAGE}


@router.get("/catalog/lists/{name}")
async def listed(
    page: OwnPage,
    name: Literal["demand", "duty", "negative"],
    q: Text = "",
    mine: bool = False,
    number: Number = 1,
) -> Response:
    answer = await page.call("catalog.lists.show", list=name, text=q, mine=mine, **_part(number))
    found, party = answer["rows"], page.console.station.party
    uncovered = (await page.call("catalog.lists.uncovered"))["codes"] if name == "negative" else []
    return page.render(
        "catalog-lists.html",
        rows=[(each, _settles(page, each, party)) for each in found[:PAGE]],
        more=len(found) > PAGE,
        number=number,
        name=name,
        titles=TITLES,
        q=q,
        mine=mine,
        uncovered=uncovered[:PAGE],
        uncovered_count=len(uncovered),
        offers=page.offers("catalog.lists.put", list=name),
        shares=WORDS,
    )


def _settles(page: Page, row: dict[str, Any], party: str) -> list[Offer]:
    if row["provider"] != party or row["status"] != OPEN:
        return []
    return page.offers("catalog.lists.settle", list=row["list"], number=row["number"])


@router.get("/catalog/conflicts")
async def conflicts(page: OwnPage, state: Text = "", number: Number = 1) -> Response:
    found = (await page.call("catalog.conflicts", state=state, **_part(number)))["conflicts"]
    return page.render(
        "catalog-conflicts.html",
        conflicts=found[:PAGE],
        more=len(found) > PAGE,
        number=number,
        shares=WORDS,
    )


@router.get("/catalog/refusals")
async def refusals(page: OwnPage, number: Number = 1) -> Response:
    found = (await page.call("catalog.refusals", **_part(number)))["refusals"]
    return page.render(
        "catalog-refusals.html",
        refusals=found[:PAGE],
        more=len(found) > PAGE,
        number=number,
        shares=WORDS,
    )


@router.get("/catalog/changes")
async def changes(page: OwnPage, ended: bool = False) -> Response:
    found = (await page.call("catalog.change.list", ended=ended))["changes"]
    on = ("catalog.change.extend", "catalog.change.close")
    running = ("open", "overdue")
    return page.render(
        "catalog-changes.html",
        changes=[
            (each, page.offers(*on, change=each["change"]) if each["state"] in running else [])
            for each in found
        ],
        ended=ended,
        offers=page.offers("catalog.change.record"),
        shares=WORDS,
    )


@router.get("/catalog/drift")
async def drift(page: OwnPage, number: Number = 1) -> Response:
    found = (await page.call("catalog.drift", **_part(number)))["places"]
    return page.render(
        "catalog-drift.html",
        places=found[:PAGE],
        more=len(found) > PAGE,
        number=number,
        offers=page.offers("catalog.drift"),
        shares=WORDS,
    )

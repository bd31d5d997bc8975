"""Publications: what goes out from which table, when, and how the last run went."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import Offer, OwnPage, Page

SET = ("source", "table", "capture", "watermark", "overlap", "whole_every_s", "every_s")
router = APIRouter()


@router.get("/publications")
async def listed(page: OwnPage) -> Response:
    found = (await page.call("publication.list"))["publications"]
    offers = {each["resource"]: _offers(page, each) for each in found}
    first = page.offers("publication.set")
    return page.render("publications.html", publications=found, offers=offers, first=first)


def _offers(page: Page, one: dict[str, Any]) -> list[Offer]:
    plan = {name: one[name] for name in SET} | {"follow": "1" if one["follow"] else ""}
    made = (
        page.offer("publish", resource=one["resource"]),
        page.offer("publication.set", resource=one["resource"], **plan),
    )
    return [each for each in made if each is not None]

"""Announcements (公告): those in force, all, one; at a hub and at a station alike."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.gazette import Standing

router = APIRouter()
OPEN = (Standing.COMING.value, Standing.CURRENT.value)


@router.get("/announcements")
async def listed(
    page: OwnPage, ended: bool = False, others: bool = False, number: Number = 1
) -> Response:
    found = await page.call(
        "announcement.list",
        which="all" if ended else "current",
        person=page.me.person,
        others=others,
        **span(number),
    )
    return page.render(
        "announcements.html",
        announcements=found["announcements"],
        ended=ended,
        others=others,
        offers=_offers(page, "announcement.issue"),
        **stands(number, found["total"]),
    )


@router.get("/announcements/{announcement}")
async def show(page: OwnPage, announcement: str) -> Response:
    shown = await page.call("announcement.show", announcement=announcement)
    one = shown["announcement"]
    offers = []
    if one["standing"] in OPEN:
        same = {name: one[name] for name in ("title", "text", "level", "leagues")}
        offers = [
            *_offers(page, "announcement.issue", replaces=announcement, **same),
            *_offers(page, "announcement.withdraw", announcement=announcement),
        ]
    return page.render(
        "announcement.html",
        one=one,
        readers=shown["readers"],
        read=page.me.person in [each["person"] for each in shown["readers"]],
        marks="announcement.read" in page.console.actions,
        offers=offers,
    )


def _offers(page: OwnPage, method: str, **initial: object) -> list[object]:
    """What a hub's people may do; a station's have no such actions."""
    return [*page.offers(method, **initial)] if method in page.console.actions else []

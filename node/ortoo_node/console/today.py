"""What is due, what failed, what is stale: the page to begin a day with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage, Page

SHOWN = 20
router = APIRouter()


@router.get("/")
async def show(page: OwnPage) -> Response:
    return page.render("today.html", **await gathered(page))


async def part(page: Page) -> str:
    return page.text("today-part.html", **await gathered(page))


async def gathered(page: Page) -> dict[str, Any]:
    status = await page.call("status")
    mine = {"party": page.console.station.party}
    clocks = await page.call("clock.list", limit=SHOWN, **mine)
    late = await page.call("clock.list", which="late", limit=0, **mine)
    findings = [each for each in (await page.call("doctor"))["findings"] if each["level"] != "ok"]
    told = await page.call("announcement.list", person=page.me.person, limit=SHOWN)
    return {
        "status": status,
        "announcements": told["announcements"],
        "announcement_count": told["total"],
        "clocks": clocks["clocks"],
        "open_count": clocks["total"],
        "late_count": late["total"],
        "findings": findings[:SHOWN],
        "finding_count": len(findings),
    }

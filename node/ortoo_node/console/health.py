"""Health (运行状况): what `/healthz` goes by with its cure, the figures behind it, lag, and what
the doctor finds."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.subscriptions import UNTOLD
from ortoo_protocol.console.page import OwnPage, Page

MOST = 200  # of each list; the furthest behind first
router = APIRouter()


@router.get("/health")
async def show(page: OwnPage) -> Response:
    found = (await page.call("doctor"))["findings"]
    found.sort(key=lambda each: ("error", "warning", "ok").index(each["level"]))
    return page.render(
        "health.html", **await _now(page), findings=found[:MOST], finding_count=len(found)
    )


async def part(page: Page) -> str:
    return page.text("health-part.html", **await _now(page))


async def _now(page: Page) -> dict[str, Any]:
    status = await page.call("status")
    read = (await page.call("subscription.list"))["subscriptions"]
    lags = [each for each in read if each["state"] not in UNTOLD]
    lags.sort(key=lambda each: (-each["lag"], each["resource"], each["subscription"]))
    return {
        "health": await page.call("health"),
        "status": status,
        "lags": lags[:MOST],
        "lag_count": len(lags),
    }

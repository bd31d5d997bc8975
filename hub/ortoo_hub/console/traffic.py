"""What went through the hub, over time."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.i18n import mark

# Name, hours, and the length of a point.
SPANS = {
    "day": (mark("24 hours"), 24, "hour"),
    "week": (mark("7 days"), 168, "hour"),
    "quarter": (mark("90 days"), 90 * 24, "day"),
    "year": (mark("A year"), 365 * 24, "day"),
}
LINES = 3  # beside the sum: a fourth colour is the last
router = APIRouter()


@router.get("/traffic")
async def show(page: OwnPage, span: Literal["day", "week", "quarter", "year"] = "week") -> Response:
    _, hours, step = SPANS[span]
    points = (await page.call("overview.traffic", hours=hours, step=step))["points"]
    topics = _topics(points)
    return page.render(
        "traffic.html",
        span=span,
        spans=SPANS,
        step=step,
        chart=_chart(page, points, topics[:LINES]),
        topics=topics,
        rows=[each for each in reversed(points) if each["accepted"] or each["refused"]],
        total=sum(sum(each["accepted"].values()) for each in points),
        refused=sum(each["refused"] for each in points),
    )


def _topics(points: list[dict[str, Any]]) -> list[str]:
    """The busiest first."""
    sums: dict[str, int] = {}
    for point in points:
        for topic, count in point["accepted"].items():
            sums[topic] = sums.get(topic, 0) + count
    return sorted(sums, key=lambda topic: (-sums[topic], topic))


def _chart(page: Page, points: list[dict[str, Any]], topics: list[str]) -> str:
    """As console.js draws it."""
    all_ = {
        "name": page.t("All"),
        "values": [sum(point["accepted"].values()) for point in points],
    }
    each = [
        {"name": topic, "values": [point["accepted"].get(topic, 0) for point in points]}
        for topic in topics
    ]
    times = [point["from_ms"] // 1000 for point in points]
    return msgspec.json.encode(
        {"time": page.t("Time"), "times": times, "lines": [all_, *each]}
    ).decode()

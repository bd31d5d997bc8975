"""Sources and sinks of the settings: where they are, what uses them, whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage

router = APIRouter()


@router.get("/sources")
async def listed(page: OwnPage) -> Response:
    published = (await page.call("publication.list"))["publications"]
    subscribed = (await page.call("subscription.list"))["subscriptions"]
    sources = _with_use((await page.call("source.list"))["sources"], published, "source")
    sinks = _with_use((await page.call("sink.list"))["sinks"], subscribed, "sink")
    orders = ("source.test", "source.preview", "source.check")
    source_offers = {each["name"]: page.offers(*orders, name=each["name"]) for each in sources}
    sink_offers = {each["name"]: page.offers("sink.test", name=each["name"]) for each in sinks}
    return page.render(
        "sources.html",
        sources=sources,
        sinks=sinks,
        source_offers=source_offers,
        sink_offers=sink_offers,
    )


def _with_use(
    ends: Sequence[Mapping[str, Any]], users: Iterable[Mapping[str, Any]], field: str
) -> list[dict[str, Any]]:
    """Each with how many publications or subscriptions use it, and what is wrong with one."""
    using: dict[str, list[Mapping[str, Any]]] = {}
    for each in users:
        using.setdefault(each[field], []).append(each)
    made = []
    for end in ends:
        mine = using.get(end["name"], [])
        errors = [each["error"] for each in mine if each["error"]]
        made.append({**end, "used": len(mine), "error": end["error"] or next(iter(errors), None)})
    return made

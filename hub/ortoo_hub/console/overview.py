"""The region at a glance: the map, and beside it the same as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_hub.console import tiles
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.errors import ConsoleUnknown

HOURS = 24
SHOWN = 12
router = APIRouter()


@router.get("/")
async def show(page: OwnPage) -> Response:
    return page.render("overview.html", **await gathered(page))


async def part(page: Page) -> str:
    return page.text("overview-part.html", **await gathered(page))


async def gathered(page: Page) -> dict[str, Any]:
    leagues = (await page.call("overview.leagues", hours=HOURS))["leagues"]
    flows = (await page.call("overview.flows", hours=HOURS))["flows"]
    due = await page.call("overview.due")
    compared = (await page.call("overview.reconciled"))["feeds"]
    keys = await page.call("overview.keys")
    return {
        "leagues": leagues,
        "flows": named(flows),
        "map": map_of(leagues, flows),
        "hours": HOURS,
        "due": due,
        "clocks": due["clocks"][:SHOWN],
        "late": sum(each["late"] for each in due["duties"]),
        "near": sum(each["near"] for each in due["duties"]),
        "differing": sum(not each["alike"] for each in compared),
        "compared": len(compared),
        "keys": keys,
        "status": await page.call("status"),
    }


def map_of(leagues: list[dict[str, Any]], flows: list[dict[str, Any]]) -> dict[str, Any]:
    """What map.html draws."""
    return {
        "width": tiles.WIDTH,
        "height": tiles.HEIGHT,
        "tile_width": tiles.TILE_WIDTH,
        "tile_height": tiles.TILE_HEIGHT,
        "tiles": tiles.tiles(leagues),
        "lines": tiles.lines(flows),
        "about": {each["league"]: each for each in leagues},
    }


def named(flows: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """The busiest first."""
    flows = sorted(flows, key=lambda each: (-each["letters"], -each["grants"]))
    return [
        {**each, "from_name": LEAGUES[each["from"]], "to_name": LEAGUES[each["to"]]}
        for each in flows
    ]


@router.get("/leagues/{league}")
async def one(page: OwnPage, league: str) -> Response:
    if league not in LEAGUES:
        raise ConsoleUnknown(path=page.request.url.path[:200])
    leagues = (await page.call("overview.leagues", hours=HOURS))["leagues"]
    flows = (await page.call("overview.flows", hours=HOURS))["flows"]
    return page.render(
        "league.html",
        hours=HOURS,
        league=next(each for each in leagues if each["league"] == league),
        flows=[each for each in named(flows) if league in (each["from"], each["to"])],
    )

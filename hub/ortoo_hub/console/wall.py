"""/wall: the region for a wall (大屏): dark, large, without a menu, by itself up to date."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_hub.console.overview import gathered
from ortoo_protocol.console.page import OwnPage, Page

router = APIRouter()


@router.get("/wall")
async def show(page: OwnPage) -> Response:
    return page.render("wall.html", **await gathered(page))


async def part(page: Page) -> str:
    return page.text("wall-part.html", **await gathered(page))

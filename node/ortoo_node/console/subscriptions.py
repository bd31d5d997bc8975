"""Subscriptions: how far each has come, what is wrong with it, and what it can be told."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import Offer, OwnPage, Page

HELD = ("paused", "schema", "gone", "failed", "rereading")
UNTOLD = ("stopped", "ended", "refused", "waiting")  # no feed is read, or not yet
router = APIRouter()


@router.get("/subscriptions")
async def listed(page: OwnPage) -> Response:
    return page.render("subscriptions.html", **await _all(page), offers=page.offers("subscribe"))


async def list_part(page: Page) -> str:
    return page.text("subscriptions-part.html", **await _all(page))


@router.get("/subscriptions/{subscription}")
async def show(page: OwnPage, subscription: str) -> Response:
    one = await _one(page, subscription)
    return page.render("subscription.html", one=one, offers=_offers(page, one))


async def part(page: Page) -> str:
    one = await _one(page, page.request.query_params.get("subscription", ""))
    return page.text("subscription-part.html", one=one)


async def _all(page: Page) -> dict[str, Any]:
    found = (await page.call("subscription.list"))["subscriptions"]
    return {"subscriptions": found}


async def _one(page: Page, subscription: str) -> dict[str, Any]:
    shown = await page.call("subscription.show", subscription=subscription)
    one: dict[str, Any] = shown["subscription"]
    return one


def _offers(page: Page, one: dict[str, Any]) -> list[Offer]:
    if one["state"] in UNTOLD:
        return []
    state = one["state"]
    turn = "subscription.resume" if state in HELD else "subscription.pause"
    orders = (turn, "subscription.reread", "subscription.resync")
    return page.offers(*orders, subscription=one["subscription"])

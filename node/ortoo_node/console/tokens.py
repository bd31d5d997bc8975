"""Tokens of departments' programs (令牌): never their texts, which are shown once when made."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage

router = APIRouter()


@router.get("/tokens")
async def listed(page: OwnPage) -> Response:
    found = (await page.call("token.list"))["tokens"]
    offers = {
        each["token"]: page.offers("token.rotate", "token.revoke", token=each["token"])
        for each in found
        if each["state"] == "active"
    }
    return page.render("tokens.html", tokens=found, offers=offers, first=page.offers("token.new"))

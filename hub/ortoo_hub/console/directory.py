"""The directory in force, what the next one changes, and until when keys are good."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.errors import ConsoleUnknown

NEAR_MS = 30 * 86_400_000
router = APIRouter()


@router.get("/directory")
async def show(page: OwnPage) -> Response:
    shown = await page.call("directory.show")
    return page.render(
        "directory.html",
        directory=shown,
        offers=page.offers(
            "member.token", "member.admit", "directory.propose", "directory.publish"
        ),
    )


@router.get("/keys")
async def keys(page: OwnPage) -> Response:
    found = await page.call("overview.keys")
    return page.render(
        "keys.html", near_ms=NEAR_MS, directory=found["directory"], parties=found["parties"]
    )


@router.get("/directory/{party}")
async def member(page: OwnPage, party: str) -> Response:
    members = {each["party"]: each for each in (await page.call("member.list"))["members"]}
    if party not in members:
        raise ConsoleUnknown(path=page.request.url.path[:200])
    one = members[party]
    next_ = one["pending"] or one["status"]
    change = ["member.restore"] if next_ == "suspended" else ["member.suspend"]
    if next_ != "revoked":
        change += ["member.revoke", "member.compromise"]
    contacts = (await page.call("contact.list", party=party))["contacts"]
    return page.render(
        "member.html",
        member=one,
        contacts=contacts,
        offers=page.offers("member.welcome", *change, party=party),
    )

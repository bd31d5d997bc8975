"""Requests in and out: each with its clock, its history, and what may be done next."""

from __future__ import annotations

import base64
from typing import Literal

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from ortoo_node.console.actions.cases import OFFERED
from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.page import OwnPage

router = APIRouter()
Side = Literal["all", "applicant", "provider"]


@router.get("/cases")
async def listed(page: OwnPage, side: Side = "all", state: str = "") -> Response:
    found = (await page.call("request.list", role=side, state=state or None))["cases"]
    return page.render(
        "cases.html", cases=found, side=side, state=state, offers=page.offers("request.apply")
    )


@router.get("/cases/{case}")
async def show(page: OwnPage, case: str) -> Response:
    shown = await page.call("request.show", case=case)
    next_ = [event for side in shown["open"].values() for event in side]
    offers = page.offers(*dict.fromkeys(m for m in OFFERED if OFFERED[m] in next_), case=case)
    return page.render("case.html", **shown, offers=offers)


@router.get("/cases/{case}/attachments/{position}")
async def scan(page: OwnPage, case: str, position: int) -> Response:
    found = await page.call("request.attachment", case=case, position=position)
    return attachment(found["name"], base64.b64decode(found["content"]))


@router.get("/cases/{case}/papers/{paper}")
async def paper(page: OwnPage, case: str, paper: Literal["application", "answer"]) -> Response:
    """As it is printed and sealed: a page of its own, with its own style in it."""
    found = await page.call("request.paper", case=case, paper=paper)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
    return HTMLResponse(found["page"], headers={"content-security-policy": policy})

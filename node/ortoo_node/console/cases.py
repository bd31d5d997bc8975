"""Requests in and out: each with its clock, its history, and what may be done next."""

from __future__ import annotations

import base64
from typing import Literal

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from ortoo_node.console.actions.cases import OFFERED
from ortoo_node.console.actions.coordination import RULINGS
from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.cases import State

MOST_JOINED = 200
router = APIRouter()
Side = Literal["all", "applicant", "provider"]


@router.get("/cases")
async def listed(
    page: OwnPage, side: Side = "all", state: str = "", group: str = "", number: Number = 1
) -> Response:
    found = await page.call(
        "request.list", role=side, state=state or None, group=group, **span(number)
    )
    return page.render(
        "cases.html",
        cases=found["cases"],
        side=side,
        state=state,
        group=group,
        states=[each.value for each in State],
        offers=page.offers("request.apply", "request.compare"),
        **stands(number, found["total"]),
    )


@router.get("/cases/{case}")
async def show(page: OwnPage, case: str) -> Response:
    shown = await page.call("request.show", case=case)
    next_ = [event for side in shown["open"].values() for event in side]
    may = [method for method, event in OFFERED.items() if event in next_]
    if set(RULINGS) & set(shown["open"].get("authority", [])):
        may.append("coordination.rule")
    offers = page.offers(*may, case=case)
    group, joined = shown["case"]["group"], []
    if group:
        joined = (await page.call("request.list", group=group, limit=MOST_JOINED))["cases"]
    return page.render("case.html", **shown, joined=joined, offers=offers)


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

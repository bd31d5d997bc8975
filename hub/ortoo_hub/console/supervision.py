"""Supervision (监督): leads, written notices, half-yearly submissions, years and evaluations."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path
from starlette.responses import Response

from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.supervision.leads import State
from ortoo_protocol.station.supervision import words

router = APIRouter()
Year = Annotated[int, Path(ge=1, le=9_999)]
AUTHORITY = "authority"
OWN_MOVES = frozenset(("return", "verify", "escalate", "revoke"))


@router.get("/supervision")
async def leads(page: OwnPage, state: str = State.OPEN.value, number: Number = 1) -> Response:
    found = await page.call("supervise.leads", state=state, **span(number))
    return page.render(
        "leads.html",
        leads=found["leads"],
        state=state,
        states=[each.value for each in State],
        offers=page.offers("supervise.look", "supervise.enter"),
        **stands(number, found["total"]),
    )


@router.get("/supervision/leads/{lead}")
async def lead(page: OwnPage, lead: str) -> Response:
    shown = await page.call("supervise.lead", lead=lead)
    about = shown["lead"]
    offers = []
    if about["state"] == State.OPEN.value:
        offers = page.offers("supervise.decide", lead=lead)
    elif about["state"] == State.CONFIRMED.value:
        offers = page.offers(
            "notice.issue", leads=lead, subject=about["party"], violation=about["violation"]
        )
    return page.render("lead.html", **shown, offers=offers)


@router.get("/supervision/notices")
async def notices(page: OwnPage, settled: bool = False, number: Number = 1) -> Response:
    found = await page.call("notice.list", side=AUTHORITY, settled=settled, **span(number))
    return page.render(
        "notices.html",
        notices=found["notices"],
        settled=settled,
        offers=page.offers("notice.issue"),
        **stands(number, found["total"]),
    )


@router.get("/supervision/notices/{notice}")
async def notice(page: OwnPage, notice: str) -> Response:
    shown = await page.call("notice.show", notice=notice, side=AUTHORITY)
    open_ = OWN_MOVES.intersection(shown["notice"]["next"])
    offers = page.offers("notice.act", notice=notice) if open_ else []
    return page.render("notice.html", **shown, offers=offers)


@router.get("/supervision/submissions")
async def submissions(page: OwnPage, period: str = "", number: Number = 1) -> Response:
    found = await page.call("report.list", side=AUTHORITY, period=period, **span(number))
    return page.render(
        "submissions.html",
        submissions=found["submissions"],
        period=period,
        offers=page.offers("report.open"),
        **stands(number, found["total"]),
    )


@router.get("/supervision/submissions/{submission}")
async def submission(page: OwnPage, submission: str) -> Response:
    shown = await page.call("report.show", submission=submission, side=AUTHORITY)
    ended = shown["submission"]["state"] == "accepted"
    offers = [] if ended else page.offers("report.decide", submission=submission)
    return page.render("submission.html", **shown, words=words, offers=offers)


@router.get("/supervision/years")
async def years(page: OwnPage) -> Response:
    return page.render(
        "years.html",
        reports=(await page.call("report.years"))["reports"],
        evaluations=(await page.call("supervise.evaluations"))["evaluations"],
        offers=page.offers("report.year", "supervise.evaluate"),
    )


@router.get("/supervision/years/{year}/{version}")
async def year(page: OwnPage, year: Year, version: int) -> Response:
    return page.render(
        "year.html", made=await page.call("report.year.show", year=year, version=version)
    )


@router.get("/supervision/years/{year}/{version}/file")
async def year_file(page: OwnPage, year: Year, version: int) -> Response:
    """The frozen figures; `ortoo-hub report year --html, --xlsx` prints them."""
    made = await page.call("report.year.show", year=year, version=version)
    content = msgspec.json.format(msgspec.json.encode(made["report"]), indent=1)
    return attachment(f"{year}-{version}.json", content, "application/json")


@router.get("/supervision/evaluations/{evaluation}")
async def evaluation(page: OwnPage, evaluation: str) -> Response:
    made = await page.call("supervise.evaluation", evaluation=evaluation)
    return page.render("evaluation.html", made=made)

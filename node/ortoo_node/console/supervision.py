"""Supervision (监督) at a station: facts, leads, written notices, submissions, evaluation."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.supervision import SAID, TITLES, VIOLATIONS
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.supervision.facts import FACTS

router = APIRouter(prefix="/supervision")
UNITS = {each.name: each.unit.value for each in FACTS}
WORDS = {each.value: said for each, said in VIOLATIONS.items()}


@router.get("")
async def leads(page: OwnPage, state: str = "", number: Number = 1) -> Response:
    found = await page.call("supervise.leads", state=state, **span(number))
    return page.render(
        "leads.html",
        leads=found["leads"],
        state=state,
        words=WORDS,
        offers=page.offers("supervise.look", "supervise.enter", "notice.issue"),
        **stands(number, found["total"]),
    )


@router.get("/leads/{lead}")
async def lead(page: OwnPage, lead: str) -> Response:
    shown = await page.call("supervise.lead", lead=lead)
    one = shown["lead"]
    offers = []
    if one["state"] in ("open", "confirmed"):
        offers += page.offers("supervise.decide", lead=lead)
    if one["state"] == "confirmed":
        subject = {"subject": one["department"], "violation": one["violation"]}
        offers += page.offers("notice.issue", leads=lead, **subject)
    return page.render("lead.html", **shown, said=SAID, words=WORDS, offers=offers)


@router.get("/notices")
async def notices(page: OwnPage, settled: bool = False, number: Number = 1) -> Response:
    found = await page.call("notice.list", settled=settled, **span(number))
    return page.render(
        "supervision-notices.html",
        notices=found["notices"],
        settled=settled,
        offers=page.offers("notice.issue"),
        **stands(number, found["total"]),
    )


@router.get("/notices/{notice}")
async def notice(page: OwnPage, notice: str) -> Response:
    shown = await page.call("notice.show", notice=notice)
    offers = page.offers("notice.act", notice=notice)
    return page.render("supervision-notice.html", **shown, said=SAID, words=WORDS, offers=offers)


@router.get("/submissions")
async def submissions(page: OwnPage, number: Number = 1) -> Response:
    found = await page.call("report.list", **span(number))
    return page.render(
        "submissions.html",
        submissions=found["submissions"],
        offers=page.offers("report.open"),
        **stands(number, found["total"]),
    )


@router.get("/submissions/{submission}")
async def submission(page: OwnPage, submission: str) -> Response:
    shown = await page.call("report.show", submission=submission)
    offers = page.offers("report.fill", "report.submit", "report.decide", submission=submission)
    return page.render("submission.html", **shown, titles=TITLES, offers=offers)


@router.get("/facts")
async def facts(page: OwnPage, period: str = "") -> Response:
    found = await page.call("supervise.facts", period=period)
    return page.render(
        "facts.html", period=found["period"], subjects=found["subjects"], units=UNITS
    )


@router.get("/evaluations")
async def evaluations(page: OwnPage) -> Response:
    found = (await page.call("supervise.evaluations"))["evaluations"]
    offers = page.offers("supervise.evaluate")
    return page.render("evaluations.html", evaluations=found, offers=offers)


@router.get("/evaluations/{evaluation}")
async def evaluation(page: OwnPage, evaluation: str) -> Response:
    return page.render(
        "evaluation.html", **await page.call("supervise.evaluation", evaluation=evaluation)
    )

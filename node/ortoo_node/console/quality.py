"""Data quality (数据质量): rules, reports, rows that did not leave, and who mends them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.quality import PUT, SAID, written
from ortoo_node.quality.tasks import CHECK, UNSETTLED
from ortoo_protocol.console.acting import form_page
from ortoo_protocol.console.numbers import ROWS, Number, span, stands
from ortoo_protocol.console.page import Offer, OwnPage, Page
from ortoo_protocol.core.errors import ConsoleUnknown, QualityLacking

router = APIRouter()


@router.get("/quality")
async def listed(page: OwnPage) -> Response:
    found = (await page.call("quality.list"))["resources"]
    return page.render("quality.html", resources=found, said=SAID, offers=page.offers(PUT))


@router.get("/quality/resources/{code:path}")
async def show(page: OwnPage, code: str) -> Response:
    offers = page.offers("quality.check", "quality.schedule", resource=code)
    if (put := page.offer(PUT)) is not None:
        offers.append(Offer(put.action, f"/quality/rules/{quote(code)}"))
    return page.render(
        "quality-resource.html",
        standing=await _standing(page, code),
        rules=await _held(page, "quality.show", code),
        found=await _held(page, "quality.report", code),
        said=SAID,
        offers=offers,
    )


@router.get("/quality/rules/{code:path}")
async def rules(page: OwnPage, code: str) -> Response:
    """The form that puts rules in force, with those that are: too long for an address."""
    action = page.console.actions[PUT]
    page.need(action.right)
    await _standing(page, code)
    held = await _held(page, "quality.show", code)
    typed = "" if held is None else written(held)
    return await form_page(page, action, {"resource": [code], "rules": [typed]})


@router.get("/quality/rejects/{code:path}")
async def rejects(page: OwnPage, code: str, number: Number = 1) -> Response:
    standing = await _standing(page, code)
    offset = span(number)["offset"]
    found = await page.call("reject.list", resource=code, most=ROWS, offset=offset)
    return page.render("rejects.html", standing=standing, **found, **stands(number, found["kept"]))


@router.get("/quality/tasks")
async def tasks(page: OwnPage, settled: bool = False, number: Number = 1) -> Response:
    found = await page.call("task.list", settled=settled, **span(number))
    return page.render(
        "quality-tasks.html",
        tasks=found["tasks"],
        settled=settled,
        said=SAID,
        **stands(number, found["total"]),
    )


@router.get("/quality/tasks/{task}")
async def task(page: OwnPage, task: str) -> Response:
    shown = (await page.call("task.show", task=task))["task"]
    may = ("task.answer", "task.close") if shown["state"] in UNSETTLED else ()
    events = [{**each, "party": "", "by": _by(page, each["by"])} for each in shown["events"]]
    return page.render(
        "quality-task.html",
        task=shown,
        events=events,
        said=SAID,
        offers=page.offers(*may, task=task),
    )


def _by(page: Page, by: str) -> str:
    return page.t.text(by) if by == CHECK else by


async def _standing(page: Page, code: str) -> dict[str, Any]:
    """What `quality.list` says of it. Raises ConsoleUnknown: nothing was published under it here,
    and it has no rules."""
    for each in (await page.call("quality.list"))["resources"]:
        if each["resource"] == code:
            return dict(each)
    raise ConsoleUnknown(path=page.request.url.path[:200])


async def _held(page: Page, method: str, code: str) -> Any:
    """None: there are none yet."""
    try:
        return await page.call(method, resource=code)
    except QualityLacking:
        return None

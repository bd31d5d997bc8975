"""What waits for whom (待办), how people hear of it, and the days that count."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_node.console.actions.cases import departments
from ortoo_protocol.console.numbers import Number, span, stands
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.errors import ContactUnknown
from ortoo_protocol.core.law.clock import day_of

router = APIRouter()
SHOWN = 200
STATES = ("waiting", "sent", "failed", "dropped")


@router.get("/todo")
async def todo(page: OwnPage, department: str = "") -> Response:
    """Of a department, or of whoever is signed in."""
    unknown = False
    try:
        given = {"department": department} if department else {"person": page.me.person}
        found = await page.call("todo.list", **given)
    except ContactUnknown:
        found, unknown = {"clocks": [], "on_duty": {}}, True
    return page.render(
        "todo.html",
        clocks=found["clocks"][:SHOWN],
        total=len(found["clocks"]),
        on_duty=found["on_duty"],
        unknown=unknown,
        department=department,
        departments=await departments(page, {}),
    )


@router.get("/notices")
async def listed(page: OwnPage, state: str = "", number: Number = 1) -> Response:
    found = await page.call("notify.list", state=state, **span(number))
    return page.render(
        "notices.html",
        channels=found["channels"],
        deliveries=found["deliveries"],
        state=state,
        states=STATES,
        offers=page.offers("notify.retry", "notify.test"),
        **stands(number, found["total"]),
    )


@router.get("/calendar")
async def calendar(page: OwnPage, year: int = 0) -> Response:
    """Days off and days worked, as the hub put them into force."""
    today = day_of(page.console.now_ms())
    years = (await page.call("calendar.show"))["years"]
    chosen = (await page.call("calendar.show", year=year or today.year))["years"]
    return page.render(
        "calendar.html", years=years, chosen=chosen[0] if chosen else None, year=year or today.year
    )

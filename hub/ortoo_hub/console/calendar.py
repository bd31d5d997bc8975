"""Working days (工作日) of the region, by year."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from ortoo_protocol.console.downloads import attachment
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.errors import ConsoleUnknown
from ortoo_protocol.core.law import calendar_files
from ortoo_protocol.core.law.workdays import NamedDay

router = APIRouter()
Year = Annotated[int, Path(ge=1, le=9_999)]


@router.get("/calendar")
async def years(page: OwnPage) -> Response:
    found = sorted((await page.call("calendar.show"))["years"], key=lambda each: -each["year"])
    offers = page.offers("calendar.set", "calendar.import")
    return page.render("calendar.html", years=found, offers=offers)


@router.get("/calendar/{year}")
async def days(page: OwnPage, year: Year) -> Response:
    return page.render("calendar-year.html", year=await _year(page, year))


@router.get("/calendar/{year}/file")
async def file(page: OwnPage, year: Year) -> Response:
    """To be changed and imported again."""
    one = await _year(page, year)
    named = [NamedDay(each["day"], each["working"], each["name"]) for each in one["days"]]
    return attachment(f"{year}.csv", calendar_files.write_csv(named).encode(), "text/csv")


async def _year(page: Page, year: int) -> dict[str, Any]:
    found = (await page.call("calendar.show", year=year))["years"]
    if not found:
        raise ConsoleUnknown(path=page.request.url.path[:200])
    one: dict[str, Any] = found[0]
    return one

"""Settings (设置): what is in force and where it stands; what is changed here, what in the file."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.i18n import mark

router = APIRouter()
# What is no line of the file: it is changed on pages, by whoever has the right there.
CHANGED_HERE = (
    (
        "/calendar",
        mark("Working days"),
        mark("Signed by the hub for the whole region; looked at here."),
    ),
    (
        "/contacts",
        mark("Contacts"),
        mark("Contact persons of each department, absence, hand-over."),
    ),
    ("/notices", mark("Notifications"), mark("Channels are in the file; here each is tried out.")),
    ("/publications", mark("Publications"), mark("What is published from which table, and when.")),
    ("/quality", mark("Data quality"), mark("Rules of resources and regular checks.")),
    (
        "/queries",
        mark("Online query"),
        mark("Queries that others may ask, declared and withdrawn."),
    ),
    ("/tokens", mark("Tokens"), mark("Of departments' programs, by the security administrator.")),
    ("/accounts", mark("Accounts"), mark("People, their roles and links.")),
    (
        "/account",
        mark("Own account"),
        mark("Language, password, second factor. Light and dark follow the browser."),
    ),
)


@router.get("/settings")
async def show(page: OwnPage) -> Response:
    found = await page.call("settings.show")
    here = [each for each in CHANGED_HERE if page.console.admits(each[0], page.me.rights)]
    return page.render("settings.html", found=found, here=here)

"""The console of a hub, put together: menu, pages, actions, live parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ortoo_hub.console import (
    calendar,
    cases,
    catalog,
    contacts,
    corrections,
    demands,
    directory,
    grants,
    overview,
    reconciliation,
    supervision,
    traffic,
    wall,
)
from ortoo_hub.console.actions import ACTIONS
from ortoo_hub.daemon import Hub
from ortoo_hub.settings import HubSettings
from ortoo_hub.watching import watch_of
from ortoo_protocol.console import accounts as accounts_pages
from ortoo_protocol.console import announcements
from ortoo_protocol.console import journal as journal_pages
from ortoo_protocol.console.console import Console, Section
from ortoo_protocol.console.requests import Requests
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.accounts.unified import UnifiedLogin
from ortoo_protocol.station.launch import package_version
from ortoo_protocol.station.served import Method, Served

OWN = Path(__file__).parent
MENU = (
    Section("/", mark("Overview")),
    Section("/catalog", mark("Catalog")),
    Section("/due", mark("Cases")),
    Section("/coordination", mark("Coordination")),
    Section("/demands", mark("Demands")),
    Section("/grants", mark("Grants")),
    Section("/corrections", mark("Corrections")),
    Section("/supervision", mark("Supervision and reports")),
    Section("/directory", mark("Directory and keys")),
    Section("/reconciliation", mark("Reconciliation")),
    Section("/traffic", mark("Traffic")),
    Section("/announcements", mark("Announcements")),
    Section("/calendar", mark("Calendar")),
    Section("/contacts", mark("Contacts")),
    *journal_pages.MENU,
    *accounts_pages.MENU,
)
SECTIONS = (
    overview,
    wall,
    catalog,
    cases,
    demands,
    grants,
    corrections,
    supervision,
    directory,
    reconciliation,
    traffic,
    announcements,
    calendar,
    contacts,
    journal_pages,
    accounts_pages,
)


def console_of(
    hub: Hub,
    settings: HubSettings,
    accounts: Accounts,
    methods: Mapping[str, Method],
    started_ms: int,
) -> Console:
    requests = Requests()
    unified = settings.accounts.unified
    return Console(
        name=mark("Ortoo hub"),
        station=hub.station,
        settings=settings,
        accounts=accounts,
        watch=watch_of(hub.station, hub.router, settings, requests, started_ms),
        requests=requests,
        methods={name: Served.of(method) for name, method in methods.items()},
        menu=MENU,
        routers=[each.router for each in SECTIONS],
        actions=ACTIONS,
        folders=(OWN / "templates",),
        version=package_version(),
        live={"overview": overview.part, "wall": wall.part},
        unified=None if unified is None else UnifiedLogin(accounts, unified),
    )

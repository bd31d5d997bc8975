"""The console of a station, put together: menu, pages, actions, live parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ortoo_node.app import NodeApp
from ortoo_node.console import (
    cases,
    catalog,
    catalog_drafts,
    catalog_edit,
    catalog_files,
    catalog_lists,
    contacts,
    coordination,
    corrections,
    demands,
    files,
    grants,
    health,
    notices,
    publications,
    quality,
    queries,
    sources,
    subscriptions,
    supervision,
    today,
    tokens,
    trace,
    use,
)
from ortoo_node.console import settings as settings_pages
from ortoo_node.console.actions import ACTIONS
from ortoo_node.settings import NodeSettings
from ortoo_node.watching import watch_of
from ortoo_protocol.console import accounts as accounts_pages
from ortoo_protocol.console import announcements
from ortoo_protocol.console import journal as journal_pages
from ortoo_protocol.console.console import Console, Section
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.accounts.unified import UnifiedLogin
from ortoo_protocol.station.served import Method, Served

OWN = Path(__file__).parent
MENU = (
    Section("/", mark("Today")),
    Section("/catalog", mark("Catalog")),
    Section("/cases", mark("Requests")),
    Section("/grants", mark("Grants")),
    Section("/subscriptions", mark("Subscriptions")),
    Section("/publications", mark("Publications")),
    Section("/quality", mark("Data quality")),
    Section("/sources", mark("Sources and sinks")),
    Section("/queries", mark("Online query")),
    Section("/files", mark("Files")),
    Section("/tokens", mark("Tokens")),
    Section("/corrections", mark("Corrections")),
    Section("/coordination", mark("Coordination")),
    Section("/demands", mark("Demands")),
    Section("/onward", mark("Passing on")),
    Section("/supervision", mark("Supervision")),
    Section("/todo", mark("To do")),
    Section("/announcements", mark("Announcements")),
    Section("/contacts", mark("Contacts")),
    Section("/notices", mark("Notifications")),
    Section("/calendar", mark("Working days")),
    Section("/health", mark("Health"), Right.OPERATE, also=(Right.AUDIT,)),
    Section("/settings", mark("Settings"), Right.OPERATE),
    Section("/trace", mark("Trace"), Right.AUDIT, also=(Right.DECIDE,)),
    *journal_pages.MENU,
    *accounts_pages.MENU,
)


def console_of(
    app: NodeApp,
    settings: NodeSettings,
    accounts: Accounts,
    methods: Mapping[str, Method],
    version: str,
) -> Console:
    unified = settings.accounts.unified
    return Console(
        name=mark("Ortoo station"),
        station=app.station,
        settings=settings,
        accounts=accounts,
        watch=watch_of(app),
        requests=app.requests,
        methods={name: Served.of(method) for name, method in methods.items()},
        menu=MENU,
        routers=(
            today.router,
            catalog.router,
            catalog_drafts.router,
            catalog_edit.router,
            catalog_files.router(),
            catalog_lists.router,
            cases.router,
            grants.router,
            subscriptions.router,
            files.router,
            corrections.router,
            publications.router,
            quality.router,
            sources.router,
            queries.router,
            tokens.router,
            coordination.router,
            demands.router,
            announcements.router,
            contacts.router,
            notices.router,
            use.router,
            supervision.router,
            health.router,
            settings_pages.router,
            trace.router,
            journal_pages.router,
            accounts_pages.router,
        ),
        actions=ACTIONS,
        folders=(OWN / "templates",),
        version=version,
        live={
            "files": files.part,
            "health": health.part,
            "today": today.part,
            "subscriptions": subscriptions.list_part,
            "subscription": subscriptions.part,
        },
        resumed={catalog_edit.EDIT: catalog_edit.resume, queries.ASK: queries.resume},
        unified=None if unified is None else UnifiedLogin(accounts, unified),
    )

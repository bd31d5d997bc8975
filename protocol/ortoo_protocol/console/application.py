"""The console as one ASGI application."""

from __future__ import annotations

import logging
import time
from collections import Counter

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from ortoo_protocol.console import (
    acting,
    language,
    live,
    own_account,
    signing_in,
    unified_login,
)
from ortoo_protocol.console.console import Console
from ortoo_protocol.console.failures import SignInFirst, status_of
from ortoo_protocol.console.guard import SAFE, Guard
from ortoo_protocol.console.listener import Listener, Place
from ortoo_protocol.console.page import STATIC, anybody, entering, translators
from ortoo_protocol.console.requests import Counting
from ortoo_protocol.console.watch import watch_routes
from ortoo_protocol.core.errors import ConsoleAsked, ConsoleDefect, ConsoleUnknown, OrtooError
from ortoo_protocol.station.settings import ConsoleTable

_log = logging.getLogger(__name__)


def application(console: Console) -> Counting:
    table = console.settings.console or ConsoleTable()
    made = FastAPI(
        title=console.name,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        exception_handlers={
            OrtooError: _ours,
            SignInFirst: _sign_in_first,
            HTTPException: _routing,
            RequestValidationError: _misasked,
            Exception: _defect,
        },
    )
    made.router.redirect_slashes = False
    made.state.console = console
    made.state.translators = translators()
    made.state.streams = Counter()
    made.mount("/static", _Static(directory=STATIC))
    for router in (
        signing_in.router,
        own_account.router,
        language.router,
        acting.router,
        live.router,
        unified_login.router,
    ):
        made.include_router(router)
    for router in console.routers:
        made.include_router(router, dependencies=[Depends(entering)])
    made.router.routes.extend(watch_routes(console.watch))

    hosts = {table.address, *table.hosts}
    guard = Guard(made, hosts, table.max_upload_mb << 20, console.secure, time.monotonic)
    return Counting(guard, "console", console.requests)


def listener(console: Console) -> Listener:
    """Where the settings say. Not opened yet."""
    table = console.settings.console or ConsoleTable()
    place = Place(table.address, table.port, table.cert_file, table.key_file)
    return Listener("console", application(console), place, console.closing.set, console.close)


class _Static(StaticFiles):
    """Kept by browsers for ever: the address changes with the content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"]:
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, OrtooError):
        raise error
    page = await anybody(request)
    return page.render("failure.html", status_of(error), error=error)


async def _routing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status != 404:
        return PlainTextResponse(str(getattr(error, "detail", "")), status)
    page = await anybody(request)
    unknown = ConsoleUnknown(path=request.url.path[:200])
    return page.render("failure.html", status, error=unknown)


async def _misasked(request: Request, raised: Exception) -> Response:
    """Parameters of a page: a number that is none, a text that is too long."""
    found = raised.errors() if isinstance(raised, RequestValidationError) else []
    names = [".".join(str(part) for part in each["loc"][1:])[:60] for each in found]
    page = await anybody(request)
    return page.render("failure.html", 422, error=ConsoleAsked(detail=", ".join(names)[:300]))


async def _defect(request: Request, error: Exception) -> Response:
    """What must not happen: the log has it, the page says what to tell."""
    correlation = getattr(request.state, "correlation", "")
    _log.error("a page failed [%s]", correlation, exc_info=error)
    page = await anybody(request)
    return page.render("failure.html", 500, error=ConsoleDefect(correlation=correlation))


async def _sign_in_first(request: Request, raised: Exception) -> Response:
    """Whoever only looks is led to the sign-in and back. Whoever sent a form signs in on a page
    that keeps what was typed."""
    if not isinstance(raised, SignInFirst):
        raise raised
    if raised.to:
        return RedirectResponse(raised.to, 303)
    page = await anybody(request)
    if request.method in SAFE:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("hx-request") or request.url.path.startswith("/live/"):
            return PlainTextResponse("", 401, headers={"hx-redirect": "/sign-in"})
        return page.go("/sign-in") if asked == "/" else page.go("/sign-in", next=asked)
    return await signing_in.page_that_keeps(page)

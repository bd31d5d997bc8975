"""Signing in by the unified login (统一身份认证): to the provider, and back with what it says.

What the login needs until its end is sealed in a cookie of its own, beside the page to go to.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from ortoo_protocol.console.page import AnyPage, Page, sign_in
from ortoo_protocol.console.signing_in import own_path, sign_in_page
from ortoo_protocol.core.errors import (
    AccountCodeNeeded,
    AccountError,
    AccountUnified,
    ConsoleUnknown,
)
from ortoo_protocol.station.accounts.people import SignedIn
from ortoo_protocol.station.accounts.unified import LOGIN_MS, UnifiedLogin

MOST_NEXT = 1_000
router = APIRouter()


@router.get("/sign-in/unified/begin")
async def begin(page: AnyPage, next: str = "/") -> Response:
    try:
        begun = await _login(page).begin()
    except AccountUnified as error:
        return sign_in_page(page, own_path(next), error=error, status=502)
    response = RedirectResponse(begun.url, 303)
    _keep(page, response, begun.state, own_path(next))
    return response


@router.get("/sign-in/unified")
async def finish(page: AnyPage) -> Response:
    """Where the provider sends people back to (`[accounts.unified] redirect`)."""
    login = _login(page)
    state, path = _kept(page)
    try:
        who = await login.finish(
            dict(page.request.query_params),
            state,
            address=page.address,
            language=page.t.language,
        )
    except AccountCodeNeeded as needed:
        response: Response = page.render("unified-code.html")
        _keep(page, response, str(needed.facts["pending"]), path)
        return response
    except AccountError as error:
        return sign_in_page(page, path, error=error, status=401)
    return _entered(page, who, path)


@router.post("/sign-in/unified/code")
async def finish_code(page: AnyPage, code: Annotated[str, Form(max_length=100)] = "") -> Response:
    login = _login(page)
    pending, path = _kept(page)
    try:
        who = await login.finish_code(pending, code, address=page.address, language=page.t.language)
    except AccountUnified as error:
        return sign_in_page(page, path, error=error, status=401)
    except AccountError as error:
        return page.render("unified-code.html", 401, error=error)
    return _entered(page, who, path)


def _entered(page: Page, who: SignedIn, path: str) -> Response:
    response = page.go(path)
    sign_in(page, response, who.token)
    response.delete_cookie(_cookie(page), httponly=True, secure=page.console.secure, samesite="lax")
    return response


def _login(page: Page) -> UnifiedLogin:
    """Raises ConsoleUnknown where there is none."""
    if page.console.unified is None:
        raise ConsoleUnknown(path=page.request.url.path)
    return page.console.unified


def _cookie(page: Page) -> str:
    return "__Host-ortoo_unified" if page.console.secure else "ortoo_unified"


def _keep(page: Page, response: Response, sealed: str, path: str) -> None:
    following = quote(path, safe="") if len(path) <= MOST_NEXT else ""
    response.set_cookie(
        _cookie(page),
        f"{sealed}.{following}",
        max_age=LOGIN_MS // 1_000,
        httponly=True,
        secure=page.console.secure,
        samesite="lax",
    )


def _kept(page: Page) -> tuple[str, str]:
    sealed, _, path = page.request.cookies.get(_cookie(page), "").partition(".")
    return sealed, own_path(unquote(path))

"""Signing in and out, and the one-time links that make an account or a new password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.responses import Response

from ortoo_protocol.console import acting
from ortoo_protocol.console.page import AnyPage, OwnPage, Page, sign_in, sign_out
from ortoo_protocol.core.errors import AccountCodeNeeded, AccountError

CARRIED = "carried."
MOST_CARRIED = 20_000  # a draft of an entry has thousands of fields
router = APIRouter()
Typed = Annotated[str, Form(max_length=500)]


@router.get("/sign-in")
async def ask(page: AnyPage, next: str = "/") -> Response:
    if page.who is not None:
        return page.go(own_path(next))
    return sign_in_page(page, own_path(next))


@router.post("/sign-in")
async def take(
    page: AnyPage,
    name: Typed = "",
    password: Typed = "",
    code: Typed = "",
    next: Annotated[str, Form(max_length=2_000)] = "/",
) -> Response:
    """After it the person stands where they wanted to go; with what they had typed, if they had."""
    form = await page.request.form()
    carried = [
        (key.removeprefix(CARRIED), str(value))
        for key, value in form.multi_items()
        if key.startswith(CARRIED)
    ]
    try:
        page.who = await page.console.accounts.log_in(
            name, password, code, address=page.address, language=page.t.language
        )
    except AccountCodeNeeded:
        return sign_in_page(
            page, own_path(next), carried, name=name, password=password, needs_code=True
        )
    except AccountError as error:
        return sign_in_page(page, own_path(next), carried, name=name, error=error, status=401)
    response = await _after(page, own_path(next), carried)
    sign_in(page, response, page.me.token)
    return response


async def _after(page: Page, path: str, carried: Sequence[tuple[str, str]]) -> Response:
    for prefix, resume in page.console.resumed.items():
        if carried and path.startswith(prefix):
            return await resume(page, path, carried)
    method = path.removeprefix("/act/")
    action = page.console.actions.get(method) if path.startswith("/act/") else None
    if action is None or not carried or not page.may(action.right):
        return page.go(path)
    values: dict[str, list[str]] = {}
    known = {each.name for each in action.fields}
    for name, value in carried:
        if name in known:
            values.setdefault(name, []).append(value)
    return await acting.form_page(page, action, values)


async def page_that_keeps(page: Page) -> Response:
    """For whoever sent a form when the session had ended: what was typed goes along, unseen, and
    stands in the form again after signing in. Files have to be chosen again."""
    form = await page.request.form(max_fields=MOST_CARRIED)
    carried = [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and name != "csrf"
    ]
    return sign_in_page(page, page.request.url.path, carried[:MOST_CARRIED], ended=True, status=401)


def sign_in_page(
    page: Page,
    path: str,
    carried: Sequence[tuple[str, str]] = (),
    *,
    name: str = "",
    password: str = "",
    needs_code: bool = False,
    ended: bool = False,
    error: AccountError | None = None,
    status: int = 200,
) -> Response:
    return page.render(
        "sign-in.html",
        status,
        next=path,
        carried=[(CARRIED + key, value) for key, value in carried],
        name=name,
        password=password,
        needs_code=needs_code,
        ended=ended,
        error=error,
    )


@router.post("/sign-out")
async def end(page: OwnPage) -> Response:
    await page.console.accounts.log_out(page.me.token)
    response = page.go("/sign-in")
    sign_out(page, response)
    return response


@router.get("/link/{secret}")
async def link(page: AnyPage, secret: str) -> Response:
    target = await page.console.accounts.link(secret)
    return page.render("link.html", target=target, name=target.account, person=target.person)


@router.post("/link/{secret}")
async def set_up(
    page: AnyPage,
    secret: str,
    name: Typed = "",
    person: Typed = "",
    password: Typed = "",
    again: Typed = "",
) -> Response:
    target = await page.console.accounts.link(secret)
    if password != again:
        return page.render("link.html", 422, target=target, name=name, person=person, differ=True)
    try:
        page.who = await page.console.accounts.set_up(
            secret, name, person, password, address=page.address
        )
    except AccountCodeNeeded:
        return page.go("/sign-in")  # the password is set; the second factor is asked for there
    except AccountError as error:
        return page.render("link.html", 422, target=target, name=name, person=person, error=error)
    response = page.go("/")
    sign_in(page, response, page.me.token)
    return response


def own_path(path: str) -> str:
    """Only to a page of this console: `next` stands in addresses that others can write."""
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or not path.startswith("/"):
        return "/"
    return "/" if path.startswith(("//", "/\\", "/sign-", "/link/")) else path

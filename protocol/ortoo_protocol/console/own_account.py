"""A person's own account: password and second factor."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from ortoo_protocol.console.acting import genuine
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.errors import AccountError, ConsoleForm

router = APIRouter()
Typed = Annotated[str, Form(max_length=500)]


@router.get("/account")
async def show(page: OwnPage) -> Response:
    return page.render("account.html")


@router.post("/account/password")
async def change(page: OwnPage, old: Typed = "", new: Typed = "", again: Typed = "") -> Response:
    if not genuine(page, await page.request.form()):
        return page.render("account.html", 409, error=ConsoleForm())
    if new != again:
        return page.render("account.html", 422, differ=True)
    try:
        await page.console.accounts.change_password(page.me, old, new)
    except AccountError as error:
        return page.render("account.html", 422, error=error)
    return page.render("account.html", changed=True)


@router.get("/account/second-factor")
async def begin(page: OwnPage) -> Response:
    made = await page.console.accounts.begin_second_factor(page.me)
    return page.render("second-factor.html", made=made)


@router.post("/account/second-factor")
async def confirm(page: OwnPage, code: Typed = "") -> Response:
    if not genuine(page, await page.request.form()):
        return page.go("/account/second-factor")
    try:
        codes = await page.console.accounts.confirm_second_factor(page.me, code)
    except AccountError as error:
        made = await page.console.accounts.begin_second_factor(page.me)
        return page.render("second-factor.html", 422, made=made, error=error)
    return page.render("recovery-codes.html", codes=codes)

"""Compiling an entry (编目) in a form: new, or a draft that is open. Rows of items come and go by
plain buttons; nothing is kept before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from ortoo_node.console import catalog_form
from ortoo_node.console.actions.cases import departments
from ortoo_node.console.catalog_drafts import as_errors
from ortoo_node.console.catalog_form import NEW_ROW, Typed
from ortoo_protocol.console.acting import genuine
from ortoo_protocol.console.failures import status_of
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.catalog.entry import MAX_ITEMS
from ortoo_protocol.core.catalog.intake import DEFAULTS
from ortoo_protocol.core.errors import ConsoleForm, OrtooError

router = APIRouter()
EDIT = "/catalog/edit"
MOST_FIELDS = 20_000
ADD, CHECK, REMOVE = "add", "check", "remove-"
_NEW_ROWS = 5


@router.get(EDIT)
async def begin(page: OwnPage) -> Response:
    page.need(Right.COMPILE)
    made = catalog_form.shown({"share_type": 1, "format_class": 3, "cycle": "每月"})
    return await _form(page, _added(made), "", 0)


@router.get(EDIT + "/{draft:path}")
async def edit(page: OwnPage, draft: str) -> Response:
    page.need(Right.COMPILE)
    found = await page.call("catalog.draft.show", draft=draft)
    made = catalog_form.shown({**DEFAULTS, **found["entry"]})
    number, revision = found["draft"]["draft"], len(found["steps"])
    return await _form(page, made, number, revision, found=as_errors(found["problems"]))


@router.post(EDIT)
async def make(page: OwnPage) -> Response:
    return await _take(page, "")


@router.post(EDIT + "/{draft:path}")
async def change(page: OwnPage, draft: str) -> Response:
    return await _take(page, draft)


async def resume(page: Page, path: str, carried: Sequence[tuple[str, str]]) -> Response:
    """The form of somebody whose session ended over it."""
    if not page.may(Right.COMPILE):
        return page.go(path)
    draft = path.removeprefix(EDIT).strip("/")
    form = FormData([(name, value) for name, value in carried])
    made = await catalog_form.typed(form, page, {})
    return await _form(page, made, draft, _revision(form))


async def _take(page: Page, draft: str) -> Response:
    page.need(Right.COMPILE)
    base: Mapping[str, Any] = {}
    if draft:
        base = (await page.call("catalog.draft.show", draft=draft))["entry"]
    async with page.request.form(max_fields=MOST_FIELDS) as form:
        made = await catalog_form.typed(form, page, base)
        revision, do = _revision(form), str(form.get("do", ""))
        why, known = str(form.get("why", "")), genuine(page, form)
    if not known:
        return await _form(page, made, draft, revision, why=why, error=ConsoleForm())
    if do == ADD:
        return await _form(page, _added(made), draft, revision, why=why)
    if do.startswith(REMOVE):
        return await _form(page, _without(made, do), draft, revision, why=why)
    if made.problems:
        return await _form(page, made, draft, revision, why=why, status=422)
    try:
        if do == CHECK:
            answer = await page.call("catalog.check", entry=made.entry)
            found = as_errors(answer["problems"])
            return await _form(page, made, draft, revision, why=why, found=found, checked=not found)
        given = {"entry": made.entry, "by": page.me.person, "why": why, "draft": draft}
        saved = await page.recorded(
            "catalog.draft.save", {**given, "revision": revision}, draft or made.entry["name"]
        )
    except OrtooError as error:
        return await _form(page, made, draft, revision, why=why, error=error)
    return page.go(f"/catalog/drafts/{saved['draft']['draft']}")


def _revision(form: FormData) -> int:
    """How many steps the draft had when the form was made: somebody else may have saved since."""
    given = str(form.get("revision", ""))
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def _added(made: Typed) -> Typed:
    made.rows += [dict(NEW_ROW) for _ in range(min(_NEW_ROWS, MAX_ITEMS - len(made.rows)))]
    return made


def _without(made: Typed, do: str) -> Typed:
    number = do.removeprefix(REMOVE)
    if number.isascii() and number.isdigit() and len(number) < 5 and int(number) < len(made.rows):
        del made.rows[int(number)]
    return made


async def _form(
    page: Page,
    made: Typed,
    draft: str,
    revision: int,
    *,
    why: str = "",
    found: Sequence[Mapping[str, Any]] = (),
    checked: bool = False,
    error: OrtooError | None = None,
    status: int = 200,
) -> Response:
    return page.render(
        "catalog-edit.html",
        status if error is None else status_of(error),
        made=made,
        draft=draft,
        revision=revision,
        why=why,
        found=found,
        checked=checked,
        error=error,
        fields=catalog_form.FIELDS,
        ticks=catalog_form.TICKS,
        options={
            **catalog_form.options(await departments(page, {}), made.values),
            "share_type": catalog_form.shares(page),
        },
        types=catalog_form.types(),
    )

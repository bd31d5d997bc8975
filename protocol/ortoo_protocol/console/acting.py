"""/act/METHOD: the form of an action, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import FormData, QueryParams
from starlette.responses import Response

from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.failures import status_of
from ortoo_protocol.console.forms import Filled, Options, fill
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.errors import ConsoleForbidden, ConsoleForm, ConsoleUnknown, OrtooError

MOST_FILES, MOST_FIELDS = 20, 2_000
router = APIRouter()


@router.get("/act/{method}")
async def ask(page: OwnPage, method: str) -> Response:
    action = _action(page, method)
    return await form_page(page, action, given(action, page.request.query_params))


@router.post("/act/{method}")
async def act(page: OwnPage, method: str) -> Response:
    action = _action(page, method)
    async with page.request.form(
        max_files=MOST_FILES,
        max_fields=MOST_FIELDS,
        max_part_size=most_part_bytes(page),
    ) as form:
        filled = await fill(action.fields, form, page)
        if not genuine(page, form):
            return await form_page(page, action, filled.values, error=ConsoleForm())
    if filled.problems:
        return await form_page(page, action, filled.values, problems=filled.problems)
    return await _carry_out(page, action, filled)


async def _carry_out(page: Page, action: Action, filled: Filled) -> Response:
    params = {**filled.params, **action.params}
    try:
        if action.prepare is not None:
            params = action.prepare(params)
        if action.does is not None:
            answer = await action.does(page, params)
        else:
            answer = await page.recorded(action.method, params, action.about(params))
    except OrtooError as error:
        return await form_page(page, action, filled.values, error=error)
    if action.shows:
        return page.render(action.shows, action=action, answer=answer, params=params)
    return page.go(action.target(params, answer), done=action.name)


async def form_page(
    page: Page,
    action: Action,
    values: Mapping[str, Sequence[str]],
    *,
    problems: Mapping[str, str] | None = None,
    error: OrtooError | None = None,
    url: str = "",
) -> Response:
    """What was typed stands in it again, except files, which browsers do not give back. `url`:
    where the form of an action goes that is made for the moment."""
    status = 200
    if problems:
        status = 422
    elif error is not None:
        status = status_of(error)
    return page.render(
        "act.html",
        status,
        action=action,
        values=values,
        options=await _options(page, action, values),
        problems=problems or {},
        error=error,
        place="" if error is None else action.place(values),
        url=url or f"/act/{action.name}",
    )


async def _options(
    page: Page, action: Action, values: Mapping[str, Sequence[str]]
) -> dict[str, Options]:
    found: dict[str, Options] = {}
    given_ = {name: each[0] for name, each in values.items() if each}
    for each in action.fields:
        if each.choices is not None:
            found[each.name] = await each.choices(page, given_)
        elif each.words:
            found[each.name] = [(one, page.t.text(one)) for one in each.words]
    return found


def given(action: Action, query: QueryParams | FormData) -> dict[str, list[str]]:
    """What a link, or a form that came after the session had ended, fills in beforehand."""
    names = {each.name for each in action.fields if each.kind not in ("me", "file", "files")}
    return {name: [str(one) for one in query.getlist(name)] for name in names if name in query}


def genuine(page: Page, form: FormData) -> bool:
    """Whether the form is one that this session was given."""
    return compare_digest(str(form.get("csrf", "")).encode(), page.me.csrf.encode())


def most_part_bytes(page: Page) -> int:
    table: Any = page.console.settings.console
    return int(table.max_upload_mb) << 20


def _action(page: Page, method: str) -> Action:
    """Raises ConsoleUnknown, ConsoleForbidden."""
    action = page.console.actions.get(method)
    if action is None:
        raise ConsoleUnknown(path=f"/act/{method[:100]}")
    if not page.may(action.right):
        raise ConsoleForbidden()
    return action

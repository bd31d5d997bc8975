"""Online queries: what may be asked under each grant, asking it, and what others ask of us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.responses import Response

from ortoo_protocol.console.acting import form_page, genuine, given
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.forms import Field, Kind, fill
from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.errors import ConsoleForm, OrtooError, QueryUnknown
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.i18n import mark

ASK = "/queries/ask"
PAGE_ROWS = 100
STATS_DAYS = 7
_PARAMETER = "p."  # before names that a provider chose
_KINDS: Mapping[str, Kind] = {"I": "number"}
_HINTS = {
    "D": mark("A day such as 2026-12-31."),
    "T": mark("A moment such as 2026-12-31 08:00:00."),
}
_RECORDED = mark("Recorded at both ends, with who asks.")
router = APIRouter()


@router.get("/queries")
async def listed(page: OwnPage) -> Response:
    grants = (await page.call("grant.list", role="reader"))["grants"]
    own = (await page.call("query.list"))["queries"]
    return page.render(
        "queries.html",
        grants=[each for each in grants if only_query(each["mode"])],
        own=own,
        own_offers={each["code"]: page.offers("query.withdraw", code=each["code"]) for each in own},
        offers=page.offers("query.declare"),
        stats=(await page.call("query.stats", days=STATS_DAYS))["queries"],
        days=STATS_DAYS,
    )


@router.get("/queries/grants/{grant}")
async def offered(page: OwnPage, grant: str) -> Response:
    found = (await page.call("query.offered", grant=grant))["queries"]
    may = page.may(Right.APPLY)
    return page.render("queries-offered.html", grant=grant, queries=found, may=may)


@router.get(ASK + "/{grant}/{query}")
async def form(page: OwnPage, grant: str, query: str) -> Response:
    action = await _action(page, grant, query)
    return await form_page(
        page, action, given(action, page.request.query_params), url=_url(grant, query)
    )


@router.post(ASK + "/{grant}/{query}")
async def ask(page: OwnPage, grant: str, query: str) -> Response:
    action, url = await _action(page, grant, query), _url(grant, query)
    form = await page.request.form()
    filled = await fill(action.fields, form, page)
    if not genuine(page, form):
        return await form_page(page, action, filled.values, error=ConsoleForm(), url=url)
    if filled.problems:
        return await form_page(page, action, filled.values, problems=filled.problems, url=url)
    parameters = {
        name.removeprefix(_PARAMETER): value
        for name, value in filled.params.items()
        if name.startswith(_PARAMETER)
    }
    params = {
        "grant": grant,
        "query": query,
        "purpose": filled.params["purpose"],
        "handler": page.me.person,
        "parameters": parameters,
        "page_rows": PAGE_ROWS,
    }
    try:
        answer = await page.recorded("query.run", params, f"{grant} {query}")
    except OrtooError as error:
        return await form_page(page, action, filled.values, error=error, url=url)
    return _answer(page, grant, query, action.title, answer)


@router.post("/queries/next")
async def next_page(page: OwnPage) -> Response:
    """The next page of an answer; whoever has its number was given the first."""
    page.need(Right.APPLY)
    form = await page.request.form()
    if not genuine(page, form):
        raise ConsoleForm()
    grant, query, title, reading = (
        str(form.get(name, "")) for name in ("grant", "query", "title", "reading")
    )
    return _answer(page, grant, query, title, await page.call("query.next", reading=reading))


async def resume(page: Page, path: str, carried: Sequence[tuple[str, str]]) -> Response:
    """The form of somebody whose session ended over it."""
    grant, _, query = path.removeprefix(ASK).strip("/").partition("/")
    action = await _action(page, grant, query)
    values = given(action, FormData([(name, value) for name, value in carried]))
    return await form_page(page, action, values, url=_url(grant, query))


def _answer(page: Page, grant: str, query: str, title: str, answer: dict[str, Any]) -> Response:
    again = _url(grant, query) if grant and query else "/queries"
    return page.render(
        "query-answer.html", grant=grant, query=query, title=title, answer=answer, again=again
    )


async def _action(page: Page, grant: str, code: str) -> Action:
    """A form of the parameters that the provider declared. Raises QueryUnknown, Forbidden."""
    page.need(Right.APPLY)
    offered = (await page.call("query.offered", grant=grant))["queries"]
    query = next((each for each in offered if each["code"] == code), None)
    if query is None:
        raise QueryUnknown(detail=code[:100])
    shown = (await page.call("grant.show", grant=grant))["grant"]
    return Action(
        "query.run",
        query["name"] or code,
        Right.APPLY,
        (
            *(_field(page, each) for each in query["parameters"]),
            Field("purpose", mark("Purpose"), default=shown["purpose"], hint=_RECORDED),
            Field("handler", mark("Handler (经办人)"), "me"),
        ),
        back=f"/queries/grants/{quote(grant)}",
    )


def _field(page: Page, one: Mapping[str, Any]) -> Field:
    name, choices = _PARAMETER + one["name"], tuple(map(str, one["choices"]))
    label = one["title"] or one["name"]
    if choices:
        return Field(name, label, "choice", required=one["required"], words=choices)
    hint = page.t.text(_HINTS.get(one["type"], ""))
    if one["length"]:
        hint = page.t(mark("{count} characters at most."), count=one["length"])
    return Field(name, label, _KINDS.get(one["type"], "text"), one["required"], hint)


def _url(grant: str, query: str) -> str:
    return f"{ASK}/{quote(grant, safe='')}/{quote(query, safe='')}"

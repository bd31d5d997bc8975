"""Drafts of entries: which are on their way, each with its steps and what may be done next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_node.console.actions.catalog import MANY_NAMES, STEP_NAMES
from ortoo_protocol.console.page import OwnPage
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.core.catalog.elements import FORMAT_CLASSES, ITEM_TYPE_NAMES
from ortoo_protocol.core.catalog.entry import Entry, Item
from ortoo_protocol.core.catalog.intake import filled
from ortoo_protocol.core.catalog.steps import OPEN_STATES, Act, State
from ortoo_protocol.core.law.share_types import WORDS
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.control_client import error_from

router = APIRouter()
PAGE = 50
OPEN = "open"
# Groups of the list, and the states of each; none: those on their way.
GROUPS: Mapping[str, tuple[str, ...]] = {
    OPEN: (),
    **{each.value: (each.value,) for each in State if each in OPEN_STATES},
    "ended": tuple(each.value for each in State if each not in OPEN_STATES),
}
TITLES: Mapping[str, str] = {OPEN: mark("On their way"), "ended": mark("Ended or published")}
_ENTRY = dict.fromkeys(Entry.__struct_fields__, "")
_ITEM = dict.fromkeys(Item.__struct_fields__, "")


@router.get("/catalog/drafts")
async def listed(
    page: OwnPage,
    group: str = OPEN,
    number: Annotated[int, Query(alias="page", ge=1, le=20_000)] = 1,
    saved: int = 0,
) -> Response:
    group = group if group in GROUPS else OPEN
    answer = await page.call(
        "catalog.draft.list",
        states=list(GROUPS[group]),
        limit=PAGE + 1,
        offset=(number - 1) * PAGE,
    )
    found = answer["drafts"]
    return page.render(
        "catalog-drafts.html",
        drafts=found[:PAGE],
        more=len(found) > PAGE,
        number=number,
        group=group,
        saved=saved,
        groups=[(name, page.t.text(TITLES.get(name, name))) for name in GROUPS],
        steps=page.offers(*MANY_NAMES) if group != "ended" else [],
        compiles=page.may(Right.COMPILE),
        shares=WORDS,
    )


@router.get("/catalog/drafts/{draft:path}")
async def show(page: OwnPage, draft: str) -> Response:
    shown = await page.call("catalog.draft.show", draft=draft)
    next_ = [each["act"] for each in shown["next"]]
    names = [name for act in next_ for name in STEP_NAMES.get(act, ())]
    return page.render(
        "catalog-draft.html",
        draft=shown["draft"],
        entry=whole(shown["entry"]),
        steps=shown["steps"],
        problems=as_errors(shown["problems"]),
        refusals=shown["refusals"],
        offers=page.offers(*names, draft=shown["draft"]["draft"]),
        edits=Act.COMPILE.value in next_ and page.may(Right.COMPILE),
        shares=WORDS,
        formats=FORMAT_CLASSES,
        types=ITEM_TYPE_NAMES,
    )


def as_errors(problems: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Problems of a method's answer, their errors as the pages say them."""
    return [{**each, "error": error_from(each["error"])} for each in problems]


def whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A draft's fields with those that nobody has filled in yet."""
    made = filled(fields)
    return {**_ENTRY, **made, "items": [{**_ITEM, **each} for each in made["items"]]}

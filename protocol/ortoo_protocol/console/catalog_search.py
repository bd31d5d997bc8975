"""Searching the catalog of the region: the same at a station and at the hub. What stands around the
list (`catalog-parts.html`) each console has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.page import OwnPage, Page
from ortoo_protocol.core.law.share_types import WORDS
from ortoo_protocol.i18n import mark

router = APIRouter()
PAGE = 50
MOST_PAGES = 1_000_000 // PAGE  # as far as a search goes
SHOWN = 12  # values of a facet
FILTERS: Mapping[str, str] = {
    "league": mark("League"),
    "department": mark("Department"),
    "theme": mark("Theme"),
    "share": mark("Share type"),
    "mode": mark("Mode"),
    "cycle": mark("Cycle"),
    "freshness": mark("Freshness"),
    "status": mark("Status"),
}
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Value:
    """Of a facet: how many entries have it, and where a search for these is."""

    label: str
    count: int
    url: str


@dataclass(frozen=True)
class Chosen:
    """A filter that is set, and the search without it."""

    title: str
    label: str
    url: str


@router.get("/catalog")
async def found(
    page: OwnPage,
    q: Text = "",
    league: Text = "",
    department: Text = "",
    theme: Text = "",
    share: Text = "",
    mode: Text = "",
    cycle: Text = "",
    freshness: Text = "",
    status: Text = "",
    number: Annotated[int, Query(alias="page", ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    given = {
        "league": league, "department": department, "theme": theme, "share": share,
        "mode": mode, "cycle": cycle, "freshness": freshness, "status": status,
    }  # fmt: skip
    filters = {name: value.strip() for name, value in given.items() if value.strip()}
    answer = await page.call(
        "catalog.search",
        text=q,
        limit=PAGE,
        offset=(number - 1) * PAGE,
        filters=filters,
        facets=list(FILTERS),
    )
    asked = {**({"q": q} if q else {}), **filters}
    names = answer["names"]
    return page.render(
        "catalog.html",
        entries=answer["entries"],
        total=answer["total"],
        estimated=answer["counted"] < answer["total"],
        facets=_facets(page, answer["facets"], names, asked),
        chosen=[
            Chosen(FILTERS[name], _said(page, name, value, names), _url(_without(asked, name)))
            for name, value in filters.items()
        ],
        filters=filters,
        q=q,
        url=f"{_url(asked)}{'&' if asked else '?'}",
        number=number,
        more=number * PAGE < answer["total"],
        shares=WORDS,
    )


def _facets(
    page: Page,
    counts: Mapping[str, Mapping[str, int]],
    names: Mapping[str, Mapping[str, str]],
    asked: Mapping[str, str],
) -> list[tuple[str, list[Value]]]:
    """What the search could be narrowed to; a facet of one value tells nothing apart."""
    made = []
    for name, title in FILTERS.items():
        values = list(counts.get(name, {}).items())[:SHOWN]
        if name in asked or len(values) < 2:
            continue
        shown = [
            Value(_said(page, name, value, names), count, _url({**asked, name: value}))
            for value, count in values
        ]
        made.append((title, shown))
    return made


def _said(page: Page, name: str, value: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """A filter's value as people call it."""
    if name == "share" and value.isdigit():
        return page.t.text(WORDS.get(int(value), value))
    if name in ("freshness", "status"):
        return page.t.text(value)
    return names.get(name, {}).get(value, value)


def _without(asked: Mapping[str, str], name: str) -> dict[str, str]:
    return {each: value for each, value in asked.items() if each != name}


def _url(asked: Mapping[str, str]) -> str:
    return f"/catalog?{urlencode(asked)}" if asked else "/catalog"

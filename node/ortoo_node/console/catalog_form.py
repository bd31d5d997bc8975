"""An entry as a form: its fields, its items as rows of a table, and back.

What the form does not ask for (names of columns in English, what an item says of opening) goes
along unseen, so that editing loses nothing. Whatever is typed comes back as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import FormData

from ortoo_protocol.console.forms import NOT_A_NUMBER, Field, Options, fill
from ortoo_protocol.console.page import Page
from ortoo_protocol.core.catalog.elements import (
    CYCLE_ORDER,
    FORMAT_CLASSES,
    GRADES,
    ITEM_TYPE_NAMES,
    MODES,
    PURPOSES,
)
from ortoo_protocol.core.catalog.entry import MAX_ITEMS
from ortoo_protocol.core.law.share_types import WORDS
from ortoo_protocol.i18n import mark

Row = dict[str, str]
_CLASS = mark("A class such as 307001 is enough: filing gives the number.")
FIELDS = (
    Field("name", mark("Name")),
    Field("name_en", mark("Name in English"), required=False),
    Field("code", mark("Code"), required=False, hint=_CLASS),
    Field("department", mark("Department"), "choice"),
    Field("office", mark("Office"), required=False),
    Field("department_code", mark("Code of the provider"), required=False),
    Field("abstract", mark("Abstract"), "long", required=False),
    Field("source_system", mark("Source system"), required=False),
    Field("format_class", mark("Format"), "choice"),
    Field("format_type", mark("Type of the format"), required=False),
    Field("format_other", mark("Other format"), required=False),
    Field("share_type", mark("Share type"), "choice"),
    Field("share_condition", mark("Share condition"), "long", required=False),
    Field("basis", mark("Legal basis"), "long", required=False),
    Field("modes", mark("Modes"), "many", required=False),
    Field("purposes", mark("Purposes"), "many", required=False),
    Field("open_to_society", mark("Open to society"), "yes", required=False),
    Field("open_condition", mark("Condition of opening"), required=False),
    Field("cycle", mark("Cycle"), "choice"),
    Field("grade", mark("Grade"), "choice", required=False),
    Field("personal", mark("Personal information"), "yes", required=False),
    Field("replaces_paper", mark("Spares the citizen"), required=False),
    Field("related", mark("Related resources"), "lines", required=False),
    Field("related_classes", mark("Related classes"), "lines", required=False),
    Field("stored_gb", mark("Stored (GB)"), required=False),
    Field("records_10k", mark("Records (10,000)"), required=False),
    Field("shared_gb", mark("Shared (GB)"), required=False),
    Field("shared_records_10k", mark("Shared records (10,000)"), required=False),
    Field("opened_gb", mark("Opened (GB)"), required=False),
    Field("opened_records_10k", mark("Opened records (10,000)"), required=False),
    Field("lead_department", mark("Lead department"), required=False),
    Field("project", mark("Project"), required=False),
)
_NUMBERS = ("share_type", "format_class")
ITEM_TEXTS = ("name", "column", "type", "length", "share_type", "share_condition", "remark")
TICKS = (
    ("key", mark("Key")),
    ("base", mark("Base item")),
    ("claims", mark("Source of it")),
    ("sensitive", mark("Sensitive")),
)
ITEM_TICKS = tuple(name for name, _ in TICKS)
REST = "rest"
_CELL = re.compile(r"item-(\d{1,4})-([a-z_]{1,20})")
_SAID = (*ITEM_TEXTS, *ITEM_TICKS)
NEW_ROW: Row = {"type": "C"}


@dataclass
class Typed:
    """`entry`: fields as the methods take them; `values` and `rows`: as typed; `problems`: by field
    of the form, or by `item-NUMBER-length`."""

    entry: dict[str, Any] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


async def typed(form: FormData, page: Page, base: Mapping[str, Any]) -> Typed:
    """`base`: the draft's fields before, for those that the form does not ask for."""
    filled = await fill(FIELDS, form, page)
    made = Typed(values=filled.values, problems=filled.problems, rows=_rows(form))
    asked = {each.name for each in FIELDS}
    made.entry = {name: value for name, value in base.items() if name not in asked}
    for name, value in filled.params.items():
        made.entry[name] = _number(value) if name in _NUMBERS else value
    made.entry["items"] = [
        _item(row, number, made.problems, page) for number, row in enumerate(made.rows)
    ]
    return made


def shown(fields: Mapping[str, Any]) -> Typed:
    """The fields of an entry as they stand in the form."""
    made = Typed(entry=dict(fields))
    for each in FIELDS:
        value = fields.get(each.name)
        if each.kind == "many":
            made.values[each.name] = [str(one) for one in value or ()]
        elif each.kind == "lines":
            made.values[each.name] = ["\n".join(map(str, value or ()))]
        elif each.kind == "yes":
            made.values[each.name] = ["1"] if value else []
        elif value not in (None, ""):
            made.values[each.name] = [str(value)]
    made.rows = [_row(each) for each in fields.get("items", ())]
    return made


def options(departments: Options, values: Mapping[str, Sequence[str]]) -> dict[str, Options]:
    """What can be chosen; what an entry has besides stays possible."""
    lists = {"modes": MODES, "purposes": PURPOSES, "cycle": CYCLE_ORDER, "grade": GRADES}
    made = {
        name: [(each, each) for each in dict.fromkeys((*known, *values.get(name, ()))) if each]
        for name, known in lists.items()
    }
    return {
        **made,
        "department": departments,
        "format_class": [(str(number), name) for number, name in FORMAT_CLASSES.items()],
    }


def shares(page: Page) -> Options:
    return [(str(number), page.t.text(word)) for number, word in WORDS.items()]


def types() -> Options:
    return [(letter, f"{letter} {name}") for letter, name in ITEM_TYPE_NAMES.items()]


# --- rows ---------------------------------------------------------------------------------------


def _rows(form: FormData) -> list[Row]:
    """In the order of their numbers; a row in which nothing is written is none."""
    found: dict[int, Row] = {}
    for name, value in form.multi_items():
        cell = _CELL.fullmatch(name)
        if cell is not None and isinstance(value, str):
            found.setdefault(int(cell[1]), {})[cell[2]] = value.strip()
    rows = [found[number] for number in sorted(found)][:MAX_ITEMS]
    return [row for row in rows if any(row.get(name) for name in _SAID if name != "type")]


def _row(item: Mapping[str, Any]) -> Row:
    row = {name: str(item[name]) for name in ITEM_TEXTS if item.get(name)}
    row |= {name: "1" for name in ITEM_TICKS if item.get(name)}
    rest = {name: value for name, value in item.items() if name not in _SAID}
    return {**NEW_ROW, **row, REST: msgspec.json.encode(rest).decode() if rest else ""}


def _item(row: Row, number: int, problems: dict[str, str], page: Page) -> dict[str, Any]:
    made: dict[str, Any] = _rest(row.get(REST, ""))
    made |= {name: row[name] for name in ITEM_TEXTS if row.get(name)}
    made |= {name: bool(row.get(name)) for name in ITEM_TICKS}
    if "share_type" in made:
        made["share_type"] = _number(made["share_type"])
    if "length" in made:
        length = _number(made["length"])
        if not isinstance(length, int):
            problems[f"item-{number}-length"] = page.t(NOT_A_NUMBER)
        made["length"] = length
    return made


def _rest(text: str) -> dict[str, Any]:
    """What went along unseen. A browser may send anything: the method looks at every field."""
    try:
        found = msgspec.json.decode(text.encode()) if text else {}
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return {k: v for k, v in found.items() if k not in _SAID} if isinstance(found, dict) else {}


def _number(text: str) -> int | str:
    """What is no number goes on as it is, and the method says so."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text

"""From fields that people give (a file, a sheet, a form) to an entry: all their problems at once.

`problems` looks at what a compiler answers for; people and numbers of later steps are not asked for
yet. `as_entry` makes the entry once the station has added what it knows.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ortoo_protocol.core.catalog.elements import PUBLISHED, UNCONDITIONAL, UNSIZED_TYPES
from ortoo_protocol.core.catalog.entry import Entry, Item
from ortoo_protocol.core.catalog.law import Problem, findings, narrower_items
from ortoo_protocol.core.errors import CatalogField, CatalogItemLength
from ortoo_protocol.core.law.profiles import NM2018, Profile

# Added by the station or by the steps: none of the compiler's business.
LATER = frozenset(
    (
        *("provider", "version", "published_ms", "status", "department_name", "filed"),
        *("compiled_by", "secrecy_checked_by", "approved_by", "reviewed_by", "ratified_by"),
        *("impact_checked_by", "law_changed_ms"),
    )
)
_TEXTS = ("office", "abstract", "format_type", "share_condition", "basis", "open_condition")
DEFAULTS: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS, ""),
    **{"name": "", "code": "", "department": "", "items": (), "share_type": UNCONDITIONAL},
    **{"modes": (), "purposes": (), "related": (), "open_to_society": False},
    **{"format_class": 3, "cycle": "其他", "status": PUBLISHED},
}
_STAND_IN = "x"
_STAND_INS: Mapping[str, Any] = {
    "provider": "s150000",
    "feed": "s150000.x",
    "version": 1,
    "published_ms": 0,
    "department_name": _STAND_IN,
    "compiled_by": "",
    "secrecy_checked_by": _STAND_IN,
    "approved_by": _STAND_IN,
    "reviewed_by": _STAND_IN,
    "ratified_by": _STAND_IN,
    "impact_checked_by": _STAND_IN,
    "filed": _STAND_IN,
    "status": PUBLISHED,
    "law_changed_ms": 0,
}
# A class of codes, or nothing, stands for a code that is allocated at filing.
_STAND_IN_CODES = {"": "3", "1": "1", "2": "2", "3": "3"}

_ENTRY_HINTS = typing.get_type_hints(Entry, include_extras=True)
_ITEM_HINTS = typing.get_type_hints(Item, include_extras=True)


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` with what may be left out; items inherit the share type of their resource.

    A sheet has no column for the key: where no item says anything of it, the first item is the key,
    until the source is attached.
    """
    made: dict[str, Any] = {**DEFAULTS, **fields}
    items = made["items"]
    if isinstance(items, list | tuple):
        said = any(isinstance(each, Mapping) and "key" in each for each in items)
        made["items"] = [
            _filled_item(each, made["share_type"], first=index == 0 and not said)
            if isinstance(each, Mapping)
            else each
            for index, each in enumerate(items)
        ]
    return made


def _filled_item(given: Mapping[str, Any], share_type: Any, *, first: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": "", "type": "C", "length": 0, "key": first, **given}
    if not made.get("share_type"):
        made["share_type"] = share_type if type(share_type) is int else UNCONDITIONAL
    if not made.get("column"):
        made["column"] = made.get("name_en") or made["name"]
    return made


def problems(fields: Mapping[str, Any], profile: Profile = NM2018) -> list[Problem]:
    """All that a compiler has to mend in `fields`, each with field and item."""
    made = filled(fields)
    found = [*_unknown(made, _ENTRY_HINTS), *_lengths(fields)]
    values, wrong = _converted(made, _ENTRY_HINTS, skip=("items",))
    found += wrong
    items: list[Item] = []
    for index, each in enumerate(made["items"] if isinstance(made["items"], list) else ()):
        item, wrong = _item(each, index)
        found += wrong
        items.append(item)
    if not isinstance(made["items"], list):
        found.append(_no_list())
    code = values["code"]
    known = {(problem.field, problem.item_index) for problem in found}
    entry = Entry(
        **{
            **values,
            **_STAND_INS,
            "code": code if "/" in code else _STAND_IN_CODES.get(code[:1], code),
            "items": tuple(items),
        }
    )
    found += [
        problem
        for problem in (*findings(entry, profile), *narrower_items(entry, profile))
        if (problem.field, problem.item_index) not in known
    ]
    return found


def malformed(fields: Mapping[str, Any]) -> list[Problem]:
    """What cannot even be kept: fields that nobody knows, values of another type."""
    made = filled(fields)
    _, wrong = _converted(made, _ENTRY_HINTS, skip=("items",))
    found = [*_unknown(made, _ENTRY_HINTS), *wrong]
    if not isinstance(made["items"], list):
        found.append(_no_list())
        return found
    for index, each in enumerate(made["items"]):
        found += _item(each, index)[1]
    return found


def _no_list() -> Problem:
    return Problem("items", CatalogField(field="items", detail="it is no list of items"))


def as_entry(fields: Mapping[str, Any]) -> Entry:
    """The entry of `filled` fields. Raises CatalogField for the first that has not its type."""
    made = filled(fields)
    for problem in _unknown(made, _ENTRY_HINTS):
        raise problem.error
    try:
        return msgspec.convert(made, Entry, strict=True)
    except msgspec.ValidationError as error:
        raise CatalogField(field="entry", detail=str(error)) from None


def fields_of(entry: Entry) -> dict[str, Any]:
    """The fields of `entry` as a compiler would give them again: for a revision or a sheet."""
    made: dict[str, Any] = msgspec.to_builtins(entry)
    for item in made["items"]:
        if not item["length"]:
            del item["length"]
    return made


# --- types --------------------------------------------------------------------------------------


def _unknown(
    made: Mapping[str, Any], hints: Mapping[str, Any], index: int | None = None
) -> Iterator[Problem]:
    for name in made:
        if name not in hints:
            field = name[:64]
            error = CatalogField(field=field, detail="there is no such field")
            yield Problem(field, error, index)


def _converted(
    made: Mapping[str, Any],
    hints: Mapping[str, Any],
    index: int | None = None,
    skip: tuple[str, ...] = (),
) -> tuple[dict[str, Any], list[Problem]]:
    """Values of the right types, and a problem for each that had another and was replaced."""
    values: dict[str, Any] = {}
    wrong: list[Problem] = []
    for name, hint in hints.items():
        if name in skip or name not in made:
            continue
        try:
            values[name] = msgspec.convert(made[name], hint, strict=True)
        except msgspec.ValidationError as error:
            wrong.append(Problem(name, CatalogField(field=name, detail=str(error)), index))
            values[name] = _neutral(name, hint)
    return values, wrong


def _neutral(name: str, hint: Any) -> Any:
    if name in DEFAULTS and name != "items":
        return DEFAULTS[name]
    if name == "column":
        return _STAND_IN
    if name in ("share_type", "length"):
        return 1
    origin = typing.get_origin(hint)
    if origin is tuple:
        return ()
    return False if hint is bool else "" if hint is str else None if origin else 0


def _item(given: Any, index: int) -> tuple[Item, list[Problem]]:
    if not isinstance(given, Mapping):
        error = CatalogField(field="items", detail="an item is no table of fields")
        stand_in = Item(
            name=_STAND_IN, column=f"{_STAND_IN}{index}", type="C", length=1, share_type=1, key=True
        )
        return stand_in, [Problem("items", error, index)]
    values, wrong = _converted(given, _ITEM_HINTS, index)
    return Item(**values), [*_unknown(given, _ITEM_HINTS, index), *wrong]


def _lengths(fields: Mapping[str, Any]) -> Iterator[Problem]:
    """A length that was left out is unknown; one that was given holds at least one character."""
    items = fields.get("items", ())
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if not isinstance(item, Mapping) or item.get("type", "C") in UNSIZED_TYPES:
            continue
        if item.get("length", 1) == 0 and type(item["length"]) is int:
            error = CatalogItemLength(item=str(item.get("name", ""))[:64])
            yield Problem("length", error, index)

"""What a workbook leaves unsaid: the resource's share attributes where it has them for items only,
the name of a column.

The city's template has one column 共享类型, written for each item or merged over the resource.
Where all items say the same, it is the resource's and they inherit it. Where they differ, the
resource can be given only in part to all, which the Measures call conditional (art. 13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ortoo_node.catalog.sheets.aliases import RESOURCE
from ortoo_node.catalog.sheets.drafts import Draft
from ortoo_node.catalog.sheets.header import Header
from ortoo_node.catalog.sheets.problems import Problem
from ortoo_protocol.core.catalog import CONDITIONAL
from ortoo_protocol.core.errors import CellMissing

_COLUMN_CHARACTERS = 63
Merge = Callable[[Sequence[Any]], object]


def complete(draft: Draft, header: Header) -> Iterator[Problem]:
    """Fill in what can be said for sure; what cannot is a problem."""
    fields = draft.fields
    items: list[dict[str, Any]] = fields.setdefault("items", [])
    if fields.get("share_type") is None and items:
        yield from _share_type(draft, items)
    for name, merge in _MERGED.items():
        if not header.has(RESOURCE, name):
            _raise_up(fields, items, name, merge)
    for item in items:
        item.setdefault("column", _column(item))


def _share_type(draft: Draft, items: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    said = {item["share_type"] for item in items if item.get("share_type")}
    if len(said) == 1:
        draft.fields["share_type"] = said.pop()
        for item in items:
            item.pop("share_type", None)
        return
    if said:
        draft.fields["share_type"] = CONDITIONAL
    for number, item in enumerate(items):
        if not item.get("share_type"):
            yield draft.problem(CellMissing(heading="共享类型"), "share_type", number)


def _raise_up(
    fields: dict[str, Any], items: Sequence[dict[str, Any]], name: str, merge: Merge
) -> None:
    """An attribute that all items share is the resource's; else it has theirs together."""
    said = [item[name] for item in items if item.get(name) not in (None, "", [])]
    if not said:
        return
    if all(each == said[0] for each in said):
        fields[name] = said[0]
        for item in items:
            item.pop(name, None)
    else:
        fields[name] = merge(said)


def _texts(said: Sequence[Any]) -> object:
    return "；".join(dict.fromkeys(map(str, said)))


def _lists(said: Sequence[Any]) -> object:
    return list(dict.fromkeys(word for each in said for word in each))


_MERGED: Mapping[str, Merge] = {
    "share_condition": _texts,
    "modes": _lists,
    "open_to_society": any,
    "open_condition": _texts,
}


def _column(item: Mapping[str, Any]) -> str:
    """The name of the column in exchanged rows, where the file does not say it."""
    for name in (item.get("name_en"), item.get("name")):
        if name and len(str(name)) <= _COLUMN_CHARACTERS and str(name).isprintable():
            return str(name)
    return str(item.get("name", ""))[:_COLUMN_CHARACTERS]

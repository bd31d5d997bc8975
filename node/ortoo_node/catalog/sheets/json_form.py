"""Catalog entries as JSON: what other programs bring and take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ortoo_node.catalog.sheets.drafts import Draft
from ortoo_protocol.core.errors import SheetJson
from ortoo_protocol.i18n import mark

FORM = "ortoo-catalog/1"
LIST = "resources"


def read_json(path: Path, most_bytes: int) -> list[Draft]:
    """The resources of a file that `write_json` could have written, of a bare list of them, or of
    one alone. Raises SheetJson."""
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise SheetJson(file=path.name, detail=mark("it is too large; split it"))
    try:
        listed = _listed(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SheetJson(file=path.name, detail=str(error)) from None
    return [Draft(fields=fields, path=f"{LIST}[{number}]") for number, fields in enumerate(listed)]


def _listed(content: bytes) -> list[dict[str, Any]]:
    found = msgspec.json.decode(content)
    if isinstance(found, dict):
        found = found.get(LIST, [found])
    return msgspec.convert(found, list[dict[str, Any]])


def as_json(drafts: Iterable[Mapping[str, Any]]) -> bytes:
    value = {"form": FORM, LIST: list(drafts)}
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"

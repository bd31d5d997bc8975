"""Entries to files, one function a form. `entries` are fields, as of an entry file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ortoo_node.catalog import dcat as dcat_form
from ortoo_node.catalog import national as national_form
from ortoo_node.catalog.sheets.csv_form import write_csv
from ortoo_node.catalog.sheets.json_form import as_json
from ortoo_node.catalog.sheets.template import MOST_MERGED, write_book
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.intake import as_entry

Entries = Sequence[Mapping[str, Any]]


def excel(file: Path, entries: Entries) -> None:
    write_book(file, entries, merged=len(entries) <= MOST_MERGED)


def csv(file: Path, entries: Entries) -> None:
    write_csv(file, entries)


def json(entries: Entries) -> bytes:
    return as_json(entries)


def national(entries: Entries, publisher: str) -> bytes:
    return _json(national_form.document(_typed(entries), publisher))


def dcat(entries: Entries, publisher: str, base: str) -> bytes:
    about = dcat_form.About(base, national_form.TITLE, publisher)
    return _json(dcat_form.document(_typed(entries), about))


def _typed(entries: Entries) -> list[Entry]:
    return [as_entry(each) for each in entries]


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"

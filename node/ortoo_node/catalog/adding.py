"""The short road: an entry file with all names filled in goes through every step at once.

`compiled_by` compiles; `reviewed_by`, else whoever checked for secrecy, reviews; `approved_by`
files and publishes for the authority; `ratified_by`, else `approved_by`, ratifies types 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ortoo_node.catalog import drafts, mirror
from ortoo_node.catalog.rules import DEFAULT, Rules
from ortoo_node.catalog.steps import act, feed_name, profile
from ortoo_protocol.core import files
from ortoo_protocol.core.catalog import Entry, check_entry
from ortoo_protocol.core.catalog.codes import BUILT_IN
from ortoo_protocol.core.catalog.intake import as_entry
from ortoo_protocol.core.catalog.steps import Act
from ortoo_protocol.core.errors import CatalogOwner
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.station.context import Tx

FILE_ITEMS: tuple[Mapping[str, Any], ...] = tuple(
    {
        "name": title,
        "column": column.name,
        "type": column.type,
        "key": column.name in files.KEY,
        **({"length": column.length} if column.length else {}),
    }
    for title, column in zip(files.TITLES, files.COLUMNS, strict=True)
)


def add(tx: Tx, given: Mapping[str, Any], rules: Rules = DEFAULT) -> tuple[Entry, int]:
    """Publish a new entry, or a new version of one, from the fields of an entry file.

    A code is taken as it stands, unless the settings name a table of codes. Returns the entry and
    its number on the catalog feed. Raises CatalogField, CatalogBasis, CatalogOwner, CatalogDuties,
    CatalogStep, TrustDepartment.
    """
    fields = _with_files(given)
    entry = check_entry(_complete(tx, fields), profile(tx))
    tx.trust.check_department(tx.party, entry.department)
    known = mirror.find(tx.conn, entry.code)
    if known is not None and known.provider != tx.party:
        raise CatalogOwner(resource=entry.code)
    if rules.scheme is BUILT_IN:
        rules = replace(rules, codes_by_scheme=False)
    draft = drafts.save_draft(tx, fields, entry.compiled_by).draft
    for step, who in _steps(
        entry, limited=entry.share_type in profile(tx).ratification.share_types
    ):
        act(tx, draft, step.value, who, rules=rules)
    published = mirror.find(tx.conn, entry.code)
    if published is None:
        raise RuntimeError("the last step publishes")
    return mirror.entry(tx.conn, entry.code), published.number


def _steps(entry: Entry, *, limited: bool) -> list[tuple[Act, str]]:
    steps = [
        (Act.REVIEW, entry.reviewed_by or entry.secrecy_checked_by),
        (Act.CHECK, entry.secrecy_checked_by),
    ]
    if entry.impact_checked_by:
        steps.append((Act.ASSESS, entry.impact_checked_by))
    steps.append((Act.FILE, entry.approved_by))
    if limited:
        steps.append((Act.RATIFY, entry.ratified_by or entry.approved_by))
    return [*steps, (Act.PUBLISH, entry.approved_by)]


def _with_files(given: Mapping[str, Any]) -> dict[str, Any]:
    """The items of a file feed are always the same."""
    fields = dict(given)
    if fields.pop("files", False):
        fields |= {"items": list(FILE_ITEMS)}
        fields.setdefault("format_class", 1)
    return fields


def _complete(tx: Tx, fields: Mapping[str, Any]) -> Entry:
    """The entry that `fields` describe, with what the station knows filled in."""
    code, department = str(fields.get("code", "")), str(fields.get("department", ""))
    known: dict[str, Any] = {
        "provider": tx.party,
        "version": 1,
        "department_name": tx.trust.departments(tx.party).get(department, ""),
        "feed": feed_id(tx.party, feed_name(code)),
        "published_ms": tx.now_ms,
    }
    return as_entry({**known, **fields})

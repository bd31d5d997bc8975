"""How a trace says things: entries of the journal in short, and what cannot be known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from ortoo_protocol.i18n import mark
from ortoo_protocol.station.journal.searching import view
from ortoo_protocol.station.store.tables import journal

# Why something cannot be known; facts in braces.
LIMITS: Mapping[str, str] = {
    "not-here": mark(
        "The row is not on the feed now: it never was, or an item took it away that is kept no"
        " more."
    ),
    "bodies-erased": mark(
        "Items before number {first} have been erased after their time: whether they touched this"
        " row cannot be known. That they went, when and to whom stands in the journal."
    ),
    "all-erased": mark(
        "All items have been erased after their time: only the row's newest item is known."
    ),
    "older-key": mark(
        "{count} items are sealed with a key of an earlier epoch that is not kept: what they hold"
        " cannot be known here."
    ),
    "too-many": mark("Only the newest {count} kept items were looked through."),
    "publisher-knows": mark(
        "Which item brought a row of a table is not kept at its reader: items are erased once they"
        " are applied. It came with the snapshot that the feed began with, or with an item up to"
        " number {last}. The publisher's station names the item: ask {publisher}."
    ),
    "nothing-read": mark("Nothing of the feed has come yet."),
    "item-away": mark("This item is not known here: it came before the feed was read, or never."),
    "case-away": mark("The application is not kept at this station."),
    "several-asks": mark(
        "Several queries of this grant were recorded in the same millisecond: the journal's entries"
        " are of all of them."
    ),
    "queried": mark("A grant to query opens no feed: each query stands in the record for itself."),
}


def limit(code: str, **facts: object) -> dict[str, Any]:
    return {"code": code, "text": LIMITS[code], "facts": facts}


def entry_of(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("seq", "time_ms", "direction", "kind", "sender", "state", "error")
    return {name: row[name] for name in names}


def entries_at(conn: Connection, numbers: list[int]) -> list[dict[str, Any]]:
    """These rows of the journal, in their order."""
    query = select(journal).where(journal.c.seq.in_(numbers)).order_by(journal.c.seq)
    return [entry_of(view(row)) for row in conn.execute(query)]

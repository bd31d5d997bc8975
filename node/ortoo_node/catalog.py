"""The station's catalog: its own entries, published on its catalog feed, and the region's mirror.

Search works on the mirror alone, hub or not. Chinese has no spaces: entries are indexed by
overlapping bigrams and a word is a phrase of bigrams (FTS5's unicode61 finds nothing inside a run
of Chinese, its trigram drops words of two characters); a single character is looked for as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, text

from ortoo_node.store.tables import catalog, catalog_refusals
from ortoo_protocol.core import files
from ortoo_protocol.core.catalog import Entry, Federated, Refusal, check_entry
from ortoo_protocol.core.codec import Shape, decode, encode
from ortoo_protocol.core.errors import (
    CatalogField,
    CatalogOwner,
    CatalogUnknown,
    EnvelopeKind,
    TrustDepartment,
)
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.verify import Opened, as_body, open_content, verify
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert

CATALOG = "catalog"
FILE_ITEMS: tuple[Mapping[str, Any], ...] = tuple(
    {
        "name": title,
        "column": column.name,
        "type": column.type,
        "length": column.length,
        "key": column.name in files.KEY,
    }
    for title, column in zip(files.TITLES, files.COLUMNS, strict=True)
)
MAX_FOUND = 500
_SPACES = re.compile(r"\s+")


def own_feed(party: str) -> str:
    return feed_id(party, CATALOG)


# --- own entries --------------------------------------------------------------------------------


def add(tx: Tx, given: Mapping[str, Any]) -> tuple[Entry, int]:
    """Publish a new entry, or a new version of one, from the fields of an entry file.

    Returns the entry and its number on the catalog feed. Raises CatalogField, CatalogBasis,
    CatalogOwner, TrustDepartment.
    """
    entry = _complete(tx, given)
    return entry, publish(tx, entry)


def publish(tx: Tx, entry: Entry) -> int:
    check_entry(entry)
    tx.trust.check_department(tx.party, entry.department)
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != tx.party:
        raise CatalogOwner(resource=entry.code)
    feed_writer.open_feed(tx, own_feed(tx.party), sealed=False)
    number = feed_writer.publish(tx, own_feed(tx.party), entry)
    _store(tx.conn, entry, number, None)
    return number


def _complete(tx: Tx, given: Mapping[str, Any]) -> Entry:
    """The entry that `given` describes, with what may be left out filled in."""
    fields = dict(given)
    code = str(fields.get("code", ""))
    known = find(tx.conn, code)
    name = re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-") or "resource"
    department = str(fields.get("department", ""))
    defaults: dict[str, Any] = {
        "provider": tx.party,
        "version": known.version + 1 if known is not None else 1,
        "department_name": tx.trust.departments(tx.party).get(department, ""),
        "feed": known.feed if known is not None else feed_id(tx.party, name),
        "published_ms": tx.now_ms,
        "status": "published",
        "modes": [],
        "purposes": [],
        "related": [],
        "open_to_society": False,
        "format_class": 3,
        "cycle": "其他",
    }
    texts = ("office", "abstract", "format_type", "share_condition", "basis", "open_condition")
    defaults.update(dict.fromkeys(texts, ""))
    if fields.pop("files", False):  # the items of a file feed are always the same
        fields["items"] = list(FILE_ITEMS)
        defaults["format_class"] = 1
    fields = {**defaults, **fields}
    fields["items"] = [{"length": 0, "share_type": fields.get("share_type", 1), **each}
                       for each in fields.get("items", [])]  # fmt: skip
    try:
        return msgspec.convert(fields, Entry, strict=True)
    except msgspec.ValidationError as error:
        raise CatalogField(field="entry", detail=str(error)) from None


# --- the mirror ---------------------------------------------------------------------------------


def federated(tx: Tx, opened: Opened[Shape]) -> None:
    """An item of the region's catalog: the provider's own signed entry inside the hub's."""
    body = as_body(opened, Federated).body
    inner = verify(
        body.envelope, suites=tx.parts.suites, plane=tx.plane, keys=tx.trust, now_ms=tx.now_ms
    )
    if inner.kind.name != "catalog.entry":
        raise EnvelopeKind(kind=inner.kind.name, detail="not a catalog entry")
    entry = as_body(open_content(inner, lambda _header: None), Entry).body
    if entry.provider != inner.header.sender:
        raise CatalogOwner(resource=entry.code)
    check_entry(entry)
    _check_department(tx, entry)
    position = inner.header.position
    number = 0 if position is None else position.seq
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != entry.provider:
        raise CatalogOwner(resource=entry.code)
    if known is not None and known.version > entry.version:
        return
    _store(tx.conn, entry, number, body.accepted_ms)


def _check_department(tx: Tx, entry: Entry) -> None:
    """Nobody speaks for a department that another active party announced. One that nobody did is
    let pass: announcements come by another way, perhaps later."""
    if entry.department in tx.trust.departments(entry.provider):
        return
    for party in tx.trust.parties:
        if party.status == "active" and entry.department in tx.trust.departments(party.party):
            raise TrustDepartment(department=entry.department, party=entry.provider)


def refused(tx: Tx, opened: Opened[Shape]) -> None:
    """The hub did not take an entry: its compiler sees why."""
    body = as_body(opened, Refusal).body
    values = {
        "code": body.code,
        "version": body.version,
        "error": body.error,
        "reason": body.reason,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_refusals).values(values))


def _store(conn: Connection, entry: Entry, number: int, accepted_ms: int | None) -> None:
    words = searchable(entry)
    row = {
        "code": entry.code,
        "version": entry.version,
        "name": entry.name,
        "provider": entry.provider,
        "department": entry.department,
        "share_type": entry.share_type,
        "status": entry.status,
        "feed": entry.feed,
        "entry": encode(entry),
        "text": words,
        "accepted_ms": accepted_ms,
        "number": number,
    }
    upsert(conn, catalog, [row])
    if conn.dialect.name == "sqlite":
        conn.execute(text("DELETE FROM catalog_text WHERE code = :code"), {"code": entry.code})
        conn.execute(
            text("INSERT INTO catalog_text (code, grams) VALUES (:code, :grams)"),
            {"code": entry.code, "grams": " ".join(bigrams(words))},
        )


def searchable(entry: Entry) -> str:
    """What a search looks at, folded: names, department, abstract, items."""
    parts = [entry.name, entry.code, entry.department_name, entry.abstract]
    parts += [item.name for item in entry.items]
    return fold(" ".join(parts))


def fold(words: str) -> str:
    return _SPACES.sub(" ", words).strip().casefold()


def bigrams(words: str) -> list[str]:
    """Overlapping pairs of characters, each as hex so that the tokenizer keeps it whole."""
    return [f"{ord(first):x}x{ord(second):x}" for first, second in pairwise(words)]


def find(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(catalog).where(catalog.c.code == code)).first()


def entry(conn: Connection, code: str) -> Entry:
    """The entry of `code`. Raises CatalogUnknown."""
    found = find(conn, code)
    if found is None:
        raise CatalogUnknown(resource=code)
    return decode(found.entry, Entry)


def search(conn: Connection, words: str, limit: int) -> Sequence[Row[Any]]:
    """Entries that hold every word of `words`; published ones first, then by name."""
    query = select(catalog)
    for word in fold(words).split(" "):
        if len(word) > 1 and conn.dialect.name == "sqlite":
            phrase = '"' + " ".join(bigrams(word)) + '"'
            found = text("SELECT code FROM catalog_text WHERE catalog_text MATCH :phrase")
            codes = conn.execute(found, {"phrase": phrase}).scalars().all()
            query = query.where(catalog.c.code.in_(codes))
        elif word:
            query = query.where(catalog.c.text.contains(word, autoescape=True))
    order = (catalog.c.status, catalog.c.name)
    return conn.execute(query.order_by(*order).limit(min(limit, MAX_FOUND))).all()


def listed(conn: Connection, provider: str | None) -> Sequence[Row[Any]]:
    query = select(catalog).order_by(catalog.c.code)
    if provider is not None:
        query = query.where(catalog.c.provider == provider)
    return conn.execute(query).all()


def refusals(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(select(catalog_refusals).order_by(catalog_refusals.c.number.desc())).all()

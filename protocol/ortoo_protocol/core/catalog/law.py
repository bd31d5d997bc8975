"""What the Measures and a reader's software ask of a catalog entry."""

from __future__ import annotations

from ortoo_protocol.core.catalog.elements import (
    CONDITIONAL,
    CYCLES,
    ITEM_TYPES,
    NOT_SHARED,
    UNCONDITIONAL,
)
from ortoo_protocol.core.catalog.entry import (
    MAX_ITEMS,
    MAX_LISTED,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Entry,
)
from ortoo_protocol.core.errors import CatalogBasis, CatalogField
from ortoo_protocol.core.ids import check_department, check_feed, check_party, feed_owner

_CODE_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/")


def check_entry(entry: Entry) -> Entry:
    """Refuse an entry that the Measures do not allow (art. 13, 14, 26) or no one can read."""
    check_party(entry.provider)
    check_department(entry.department)
    check_feed(entry.feed)
    if feed_owner(entry.feed) != entry.provider:
        raise CatalogField(field="feed", detail=f"{entry.feed} is not a feed of {entry.provider}")
    if not entry.code or len(entry.code) > 64 or set(entry.code) - _CODE_CHARACTERS:
        raise CatalogField(field="code", detail=repr(entry.code[:64]))
    if entry.code[0] not in "123":
        raise CatalogField(field="code", detail="begins with 1 base, 2 theme or 3 department")
    _check_texts(entry)
    for field, text, most in (
        ("name", entry.name, MAX_NAME_CHARACTERS),
        ("abstract", entry.abstract, MAX_TEXT_CHARACTERS),
        ("department_name", entry.department_name, MAX_NAME_CHARACTERS),
    ):
        if not text.strip() or len(text) > most:
            raise CatalogField(field=field, detail=f"1 to {most} characters")
    if entry.version < 1:
        raise CatalogField(field="version", detail=str(entry.version))
    if entry.cycle not in CYCLES:
        raise CatalogField(field="cycle", detail=entry.cycle)
    if entry.status not in ("published", "stopped"):
        raise CatalogField(field="status", detail=entry.status)
    if entry.share_type not in (UNCONDITIONAL, CONDITIONAL, NOT_SHARED):
        raise CatalogField(field="share_type", detail=str(entry.share_type))
    if entry.share_type != UNCONDITIONAL and not entry.basis.strip():
        raise CatalogBasis()
    if not entry.secrecy_checked_by.strip():
        raise CatalogField(field="secrecy_checked_by", detail="保密检查 comes first (art. 26)")
    if not entry.approved_by.strip() or entry.approved_by == entry.compiled_by:
        raise CatalogField(field="approved_by", detail="who compiles does not approve")
    _check_items(entry)
    return entry


def _check_texts(entry: Entry) -> None:
    """Every station keeps every entry; compressed on the way, a megabyte of text is a few bytes."""
    for field in entry.__struct_fields__:
        value = getattr(entry, field)
        if type(value) is str and len(value) > MAX_TEXT_CHARACTERS:
            raise CatalogField(field=field, detail=f"1 to {MAX_TEXT_CHARACTERS} characters")
    for field, listed in (
        ("modes", entry.modes),
        ("purposes", entry.purposes),
        ("related", entry.related),
    ):
        if len(listed) > MAX_LISTED or any(len(each) > MAX_NAME_CHARACTERS for each in listed):
            detail = f"{MAX_LISTED} of {MAX_NAME_CHARACTERS} characters at most"
            raise CatalogField(field=field, detail=detail)
    for item in entry.items:
        if len(item.name) > MAX_NAME_CHARACTERS or len(item.remark) > MAX_TEXT_CHARACTERS:
            raise CatalogField(field="items", detail=f"{item.column}: its texts are too long")


def _check_items(entry: Entry) -> None:
    if not 1 <= len(entry.items) <= MAX_ITEMS:
        raise CatalogField(field="items", detail=f"{len(entry.items)} items")
    columns = [item.column for item in entry.items]
    if len(set(columns)) != len(columns) or "" in columns:
        raise CatalogField(field="items", detail="a column stands twice or has no name")
    if not any(item.key for item in entry.items):
        raise CatalogField(field="items", detail="no item is the key")
    for item in entry.items:
        if item.type not in ITEM_TYPES:
            raise CatalogField(field=item.name, detail=f"type {item.type!r}")
        if item.share_type not in (UNCONDITIONAL, CONDITIONAL, NOT_SHARED):
            raise CatalogField(field=item.name, detail=f"share type {item.share_type}")
        if item.base and entry.code[0] == "1" and item.share_type != UNCONDITIONAL:
            raise CatalogField(field=item.name, detail="基础信息项 are unconditional (art. 14)")

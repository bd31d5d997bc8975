"""Grants (授权): immutable terms, issued by the provider, known to the reader and to the hub."""

from __future__ import annotations

import re
from collections.abc import Collection

from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import CaseField, GrantScope, StopReason
from ortoo_protocol.core.ids import (
    ColumnName,
    FeedId,
    HexId,
    PartyId,
    Plane,
    check_department,
    check_feed,
    check_party,
    feed_owner,
)
from ortoo_protocol.core.keys import Suite, domain
from ortoo_protocol.core.law.instants import check_times
from ortoo_protocol.core.masks import Mask, check_masks

MAX_TEXT_CHARACTERS = 4_000
_ID = re.compile(r"[0-9a-f]{32}")


class GrantTerms(Shape, frozen=True, omit_defaults=True):
    """What may be read, by whom, for what, how long. `items` are columns; empty means all.

    `feed` is where it is read: the resource's own feed, or the view that holds just this scope.
    Without masks the bytes are those of a member that does not know them.
    """

    grant: HexId
    case: HexId
    resource: str
    feed: FeedId
    provider: PartyId
    provider_department: str
    reader: PartyId
    reader_department: str
    items: tuple[ColumnName, ...]
    row_filter: str
    purpose: str
    basis: str
    mode: str
    from_ms: Count
    until_ms: Count  # 0: until ended
    conditions: str
    handler: str
    approver: str
    masks: tuple[Mask, ...] = ()


class GrantEnded(Shape, frozen=True):
    """A grant ends after item `fence` of `incarnation`, with reason and prior filing (art. 18)."""

    grant: HexId
    feed: FeedId
    reader: PartyId
    incarnation: Count
    fence: Count
    reason: str
    filing: HexId
    ended_ms: Count
    by: str


class StopFiling(Shape, frozen=True):
    """停止提供备案: the provider files with the authority before it stops supplying (art. 18)."""

    filing: HexId
    grant: HexId
    resource: str
    reason: str
    filed_ms: Count
    by: str


def grant_hash(suite: Suite, plane: Plane, terms: bytes) -> bytes:
    """Names a grant by its very bytes (the first part of the grant.issued letter)."""
    return suite.hash(domain("ortoo/grant", plane, terms))


def check_id(value: str, field: str) -> str:
    if not _ID.fullmatch(value):
        raise CaseField(field=field, detail="32 hexadecimal digits")
    return value


def check_texts(body: Shape) -> None:
    """Compressed, a megabyte of text is a few bytes: kept and shown it is one. Raises CaseField."""
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if type(value) is str and len(value) > MAX_TEXT_CHARACTERS:
            raise CaseField(field=field, detail=f"above {MAX_TEXT_CHARACTERS} characters")


def check_terms(terms: GrantTerms, columns: Collection[str] | None = None) -> GrantTerms:
    """Refuse terms that name foreign feeds, no purpose, or items outside `columns` if known."""
    check_texts(terms)
    check_times(terms)
    check_id(terms.grant, "grant")
    check_id(terms.case, "case")
    check_party(terms.provider)
    check_party(terms.reader)
    check_department(terms.provider_department)
    check_department(terms.reader_department)
    check_feed(terms.feed)
    if feed_owner(terms.feed) != terms.provider:
        raise GrantScope(detail=f"{terms.feed} is not a feed of {terms.provider}")
    if not terms.purpose.strip():
        raise CaseField(field="purpose", detail="art. 18 asks for one")
    if terms.until_ms and terms.until_ms <= terms.from_ms:
        raise CaseField(field="until", detail="ends before it begins")
    if len(set(terms.items)) != len(terms.items):
        raise GrantScope(detail="an item stands twice")
    check_masks(terms.masks, terms.items)
    if columns is not None and set(terms.items) - set(columns):
        unknown = ", ".join(sorted(set(terms.items) - set(columns)))
        raise GrantScope(detail=f"no such items: {unknown}")
    return terms


def check_ended(ended: GrantEnded) -> GrantEnded:
    check_texts(ended)
    check_times(ended)
    check_id(ended.grant, "grant")
    check_id(ended.filing, "filing")
    if not ended.reason.strip():
        raise StopReason()
    return ended


def check_filing(filing: StopFiling) -> StopFiling:
    check_texts(filing)
    check_times(filing)
    check_id(filing.filing, "filing")
    if not filing.reason.strip():
        raise StopReason()
    return filing

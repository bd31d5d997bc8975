"""Lists beside the catalog (清单): each row an open item on its provider's catalog feed.

需求清单: data that a department needs and no catalog has. 责任清单: what a department has to
supply, and on which ground. 负面清单: what is not shared, each with its basis (art. 14).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ortoo_protocol.core.catalog.elements import CYCLES
from ortoo_protocol.core.catalog.entry import MAX_LISTED, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from ortoo_protocol.core.catalog.names import is_among, says_nothing
from ortoo_protocol.core.codec import Count, Shape
from ortoo_protocol.core.errors import (
    CatalogBasis,
    CatalogField,
    CatalogRatification,
    CatalogSecrecy,
    CatalogSeparation,
    CatalogTooLong,
)
from ortoo_protocol.core.ids import PartyId, check_department, check_party
from ortoo_protocol.core.law.instants import too_late
from ortoo_protocol.core.law.profiles import NM2018, Profile

DEMAND, DUTY, NEGATIVE = "demand", "duty", "negative"
LISTS: Mapping[str, str] = MappingProxyType(
    {DEMAND: "需求清单", DUTY: "责任清单", NEGATIVE: "负面清单"}
)
OPEN, ANSWERED, CLOSED = "open", "answered", "closed"
STATUSES = frozenset((OPEN, ANSWERED, CLOSED))
_NUMBER = re.compile(r"[0-9A-Z][0-9A-Z/-]{0,63}")
_LONG = ("content", "basis", "purpose", "answer")
_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        DEMAND: ("purpose", "contact"),
        DUTY: ("contact",),
        NEGATIVE: ("content",),
    }
)


class ListEntry(Shape, frozen=True):
    """One row of a list. Immutable; a change is the same number with a higher version.

    `title`: the data that are needed, the duty, the resource that is not shared. `content`: which
    data in particular, or why not. `resource`: the code that answers it or that it is about.
    """

    list: str
    number: str
    version: Count
    provider: PartyId
    department: str
    department_name: str
    title: str
    content: str
    basis: str
    items: tuple[str, ...]
    resource: str
    status: str
    published_ms: Count
    compiled_by: str
    approved_by: str
    office: str = ""
    purpose: str = ""
    holder: str = ""  # of a demand: who is thought to have the data
    cycle: str = ""
    contact: str = ""
    answer: str = ""  # how a demand was answered, or why a row is closed
    secrecy_checked_by: str = ""  # 保密检查 (art. 26)
    ratified_by: str = ""  # 核定 of what is not shared (art. 14)


def check_list_entry(row: ListEntry, profile: Profile = NM2018) -> ListEntry:
    """Refuse a row that is not of its list. Raises CatalogField, CatalogBasis."""
    check_party(row.provider)
    check_department(row.department)
    if row.list not in LISTS:
        raise CatalogField(field="list", detail=repr(row.list[:64]))
    if not _NUMBER.fullmatch(row.number):
        raise CatalogField(field="number", detail=repr(row.number[:64]))
    if row.version < 1:
        raise CatalogField(field="version", detail=str(row.version))
    _check_texts(row)
    for field in too_late(row):
        raise CatalogField(field=field, detail="after the last calendar year")
    for field in ("title", "department_name", *_REQUIRED[row.list]):
        if not getattr(row, field).strip():
            raise CatalogField(field=field, detail="it is empty")
    if says_nothing(row.basis):
        raise CatalogBasis(article=profile.basis.article)
    if row.cycle and row.cycle not in CYCLES:
        raise CatalogField(field="cycle", detail=repr(row.cycle))
    if row.status not in STATUSES:
        raise CatalogField(field="status", detail=repr(row.status))
    if row.status == ANSWERED and not row.resource:
        raise CatalogField(field="resource", detail="it is empty")
    if row.status == CLOSED and not row.answer.strip():
        raise CatalogField(field="answer", detail="it is empty")
    if not row.approved_by.strip() or is_among(row.approved_by, (row.compiled_by,)):
        raise CatalogSeparation(field="approved_by")
    return row


def check_list_procedure(row: ListEntry, profile: Profile = NM2018) -> ListEntry:
    """Refuse a row that is published without the steps of the law: the provider's station and the
    hub ask this of what is new, and mirrors read on (ADR 28). Nothing leaves its department without
    a secrecy check; what is not shared is ratified. Who compiled does neither, and who checked does
    not approve. Raises CatalogSecrecy, CatalogRatification, CatalogSeparation."""
    if not row.secrecy_checked_by.strip():
        raise CatalogSecrecy(article=profile.secrecy.article)
    limited = row.list == NEGATIVE and row.status != CLOSED
    if limited and not row.ratified_by.strip():
        raise CatalogRatification(article=profile.ratification.article)
    if not row.compiled_by.strip():
        raise CatalogSeparation(field="compiled_by")
    if is_among(row.secrecy_checked_by, (row.compiled_by,)):
        raise CatalogSeparation(field="secrecy_checked_by")
    for field in ("approved_by", "ratified_by"):
        if is_among(getattr(row, field), (row.compiled_by, row.secrecy_checked_by)):
            raise CatalogSeparation(field=field)
    return row


def _check_texts(row: ListEntry) -> None:
    for field in row.__struct_fields__:
        value = getattr(row, field)
        most = MAX_TEXT_CHARACTERS if field in _LONG else MAX_NAME_CHARACTERS
        if type(value) is str and len(value) > most:
            raise CatalogTooLong(field=field, most=most)
    if len(row.items) > MAX_LISTED or any(len(each) > MAX_NAME_CHARACTERS for each in row.items):
        detail = f"{MAX_LISTED} of {MAX_NAME_CHARACTERS} characters at most"
        raise CatalogField(field="items", detail=detail)

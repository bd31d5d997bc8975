"""What the Measures, Decree 809 and a reader's software ask of a catalog entry: findings.

A finding names field, item, article and the error that would be raised; `check_entry` raises the
first one. Sheets and forms show all of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ortoo_protocol.core.catalog.elements import (
    BASE,
    CYCLES,
    DEPARTMENT,
    FORMAT_CLASSES,
    GRADES,
    ITEM_TYPES,
    MODE_ALIASES,
    MODES,
    SHARE_TYPES,
    STATUSES,
    STOPPED,
    UNCONDITIONAL,
)
from ortoo_protocol.core.catalog.entry import (
    MAX_ITEMS,
    MAX_LISTED,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    Entry,
    Item,
)
from ortoo_protocol.core.catalog.names import is_among, says_nothing
from ortoo_protocol.core.errors import (
    CatalogBaseItem,
    CatalogBasis,
    CatalogConditions,
    CatalogCreditCode,
    CatalogField,
    CatalogFiling,
    CatalogGrade,
    CatalogImpact,
    CatalogItems,
    CatalogItemShareType,
    CatalogItemTwice,
    CatalogLead,
    CatalogRatification,
    CatalogRelated,
    CatalogRevived,
    CatalogSecrecy,
    CatalogSeparation,
    CatalogTooLong,
    CodecIdentifier,
    OrtooError,
)
from ortoo_protocol.core.ids import check_department, check_feed, check_party, feed_owner
from ortoo_protocol.core.law.instants import too_late
from ortoo_protocol.core.law.profiles import NM2018, Profile

_CODE_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/")
MAX_CODE_CHARACTERS = 64
_DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
VOLUMES = (
    "stored_gb",
    "records_10k",
    "shared_gb",
    "shared_records_10k",
    "opened_gb",
    "opened_records_10k",
)
_NAMES = ("name", "department_name")
_LISTS = ("modes", "purposes", "related", "related_classes", "share_kinds")


@dataclass(frozen=True)
class Problem:
    """One finding. `field` is one of Entry, or of the item at `item_index` (from 0)."""

    field: str
    error: OrtooError
    item_index: int | None = None

    @property
    def code(self) -> str:
        return self.error.code

    @property
    def message(self) -> str:
        """In English; `i18n.Translator.error(problem.error)` says it in the reader's language."""
        return str(self.error)


def check_entry(entry: Entry, profile: Profile = NM2018) -> Entry:
    """Refuse an entry that the law does not allow or no one can read."""
    for problem in findings(entry, profile):
        raise problem.error
    return entry


def check_procedure(entry: Entry, profile: Profile = NM2018) -> Entry:
    """Refuse an entry that is published without the steps of the law: the provider's station and
    the hub ask this of what is new. What was accepted once stays readable."""
    for problem in procedure(entry, profile):
        raise problem.error
    return entry


def findings(entry: Entry, profile: Profile = NM2018) -> Iterator[Problem]:
    """All that is wrong with `entry` itself: form first, then law, then items."""
    yield from _identity(entry)
    yield from _texts(entry)
    yield from _closed_lists(entry)
    yield from _numbers(entry)
    yield from _relations(entry)
    yield from _law(entry, profile)
    yield from _items(entry, profile)


def procedure(entry: Entry, profile: Profile = NM2018) -> Iterator[Problem]:
    """Steps of the law that an entry does not show; nothing is asked of one that stops."""
    if entry.status == STOPPED:
        return
    yield from narrower_items(entry, profile)
    yield from _duties(entry)
    if not entry.filed.strip():
        yield Problem("filed", CatalogFiling(article=profile.filing.article))
    limited = entry.share_type in profile.ratification.share_types
    if limited and not entry.ratified_by.strip():
        yield Problem("ratified_by", CatalogRatification(article=profile.ratification.article))
    if entry.code[:1] != DEPARTMENT and not entry.lead_department:
        yield Problem("lead_department", CatalogLead(article=profile.lead.article))


def _duties(entry: Entry) -> Iterator[Problem]:
    """Who took which step: nobody is left out, nobody stands on both sides (core.catalog.steps)."""
    department = (entry.compiled_by, entry.reviewed_by, entry.secrecy_checked_by)
    for field, name in zip(("compiled_by", "reviewed_by"), department, strict=False):
        if not name.strip():
            yield Problem(field, CatalogSeparation(field=field))
    for field in ("approved_by", "ratified_by"):
        if is_among(getattr(entry, field), department):
            yield Problem(field, CatalogSeparation(field=field))
    if is_among(entry.secrecy_checked_by, (entry.compiled_by,)):
        yield Problem("secrecy_checked_by", CatalogSeparation(field="secrecy_checked_by"))


def check_follows(held: Entry, entry: Entry) -> None:
    """Refuse a version that cannot come after `held`: what was stopped (art. 18) comes back under a
    filing of its own, not by what was filed before. Raises CatalogRevived."""
    if held.status == STOPPED and entry.status != STOPPED and entry.filed == held.filed:
        raise CatalogRevived(resource=entry.code, filed=held.filed)


def narrower_items(entry: Entry, profile: Profile = NM2018) -> Iterator[Problem]:
    """What can be given only in part is conditional: no item of an unconditional resource is less
    than that, else it would go without basis and 核定."""
    if entry.share_type != UNCONDITIONAL:
        return
    for index, item in enumerate(entry.items):
        if item.share_type != UNCONDITIONAL:
            error = CatalogItemShareType(item=item.name, article=profile.types.article)
            yield Problem("share_type", error, index)


def _field(field: str, detail: str, item_index: int | None = None) -> Problem:
    return Problem(field, CatalogField(field=field, detail=detail), item_index)


# --- the entry ----------------------------------------------------------------------------------


def _identity(entry: Entry) -> Iterator[Problem]:
    for field, check in (
        ("provider", check_party),
        ("department", check_department),
        ("feed", check_feed),
    ):
        try:
            check(getattr(entry, field))
        except CodecIdentifier as error:
            yield Problem(field, error)
            return  # what follows compares them
    if feed_owner(entry.feed) != entry.provider:
        detail = f"{entry.feed} is not a feed of {entry.provider}"
        yield _field("feed", detail)
    for field in ("department_code", "lead_department"):
        value = getattr(entry, field)
        try:
            value and check_department(value)
        except CodecIdentifier:
            yield Problem(field, CatalogCreditCode(field=field, value=value[:40]))
    if (
        not entry.code
        or len(entry.code) > MAX_CODE_CHARACTERS
        or set(entry.code) - _CODE_CHARACTERS
    ):
        yield _field("code", repr(entry.code[:MAX_CODE_CHARACTERS]))
    elif entry.code[0] not in "123":
        yield Problem(
            "code",
            CatalogField(field="code", detail="begins with 1 base, 2 theme or 3 department"),
        )
    if entry.version < 1:
        yield _field("version", str(entry.version))


def _texts(entry: Entry) -> Iterator[Problem]:
    """Every station keeps every entry; compressed on the way, a megabyte of text is a few bytes."""
    for field in entry.__struct_fields__:
        value = getattr(entry, field)
        most = MAX_NAME_CHARACTERS if field in _NAMES else MAX_TEXT_CHARACTERS
        if type(value) is str and len(value) > most:
            yield Problem(field, CatalogTooLong(field=field, most=most))
    for field in ("name", "abstract", "department_name"):
        if not getattr(entry, field).strip():
            yield Problem(field, CatalogField(field=field, detail="it is empty"))
    for field in _LISTS:
        listed = getattr(entry, field)
        if len(listed) > MAX_LISTED or any(len(each) > MAX_NAME_CHARACTERS for each in listed):
            detail = f"{MAX_LISTED} of {MAX_NAME_CHARACTERS} characters at most"
            yield _field(field, detail)


def _closed_lists(entry: Entry) -> Iterator[Problem]:
    if entry.cycle not in CYCLES:
        yield _field("cycle", repr(entry.cycle))
    if entry.status not in STATUSES:
        yield _field("status", repr(entry.status))
    if entry.share_type not in SHARE_TYPES:
        yield _field("share_type", str(entry.share_type))
    if entry.format_class not in FORMAT_CLASSES:
        yield _field("format_class", str(entry.format_class))
    if entry.grade and entry.grade not in GRADES:
        yield _field("grade", repr(entry.grade))
    for mode in entry.modes:
        if not known_mode(mode):
            yield _field("modes", repr(mode))


def known_mode(mode: str) -> bool:
    return mode in MODES or mode in MODE_ALIASES


def _numbers(entry: Entry) -> Iterator[Problem]:
    for field in VOLUMES:
        value = getattr(entry, field)
        if value and not _DECIMAL.fullmatch(value):
            yield Problem(field, CatalogField(field=field, detail="it is no decimal number"))
    for field in too_late(entry):
        yield Problem(field, CatalogField(field=field, detail="it is after the last calendar year"))
    if len(entry.share_kinds) > len(entry.modes):
        yield Problem(
            "share_kinds", CatalogField(field="share_kinds", detail="there are more than modes")
        )


def _relations(entry: Entry) -> Iterator[Problem]:
    if entry.code in entry.related:
        yield Problem("related", CatalogRelated(path=f"{entry.code} → {entry.code}"))


def _law(entry: Entry, profile: Profile) -> Iterator[Problem]:
    kind = entry.share_type
    if kind in profile.basis.share_types and says_nothing(entry.basis):
        yield Problem("basis", CatalogBasis(article=profile.basis.article))
    if not entry.secrecy_checked_by.strip():
        yield Problem("secrecy_checked_by", CatalogSecrecy(article=profile.secrecy.article))
    if not entry.approved_by.strip():
        yield Problem("approved_by", CatalogSeparation(field="approved_by"))
    for field in ("approved_by", "reviewed_by", "ratified_by"):
        if is_among(getattr(entry, field), (entry.compiled_by,)):
            yield Problem(field, CatalogSeparation(field=field))
    if kind in profile.conditions.share_types and not (entry.share_condition and entry.purposes):
        field = "purposes" if entry.share_condition else "share_condition"
        yield Problem(field, CatalogConditions(article=profile.conditions.article))
    if entry.personal and kind in profile.impact.share_types and not entry.impact_checked_by:
        yield Problem("impact_checked_by", CatalogImpact(article=profile.impact.article))
    if kind in profile.grade.share_types and not entry.grade:
        yield Problem("grade", CatalogGrade(article=profile.grade.article))


# --- its items ----------------------------------------------------------------------------------


def _items(entry: Entry, profile: Profile) -> Iterator[Problem]:
    if not 1 <= len(entry.items) <= MAX_ITEMS:
        yield Problem("items", CatalogItems(items=len(entry.items), most=MAX_ITEMS))
        return
    counts = Counter(item.column for item in entry.items)
    for index, item in enumerate(entry.items):
        if not item.column:
            detail = "a column has no name"
            yield Problem("column", CatalogField(field="items", detail=detail), index)
        elif counts[item.column] > 1:
            yield Problem("column", CatalogItemTwice(item=item.column), index)
        yield from _item(index, item)
        base = item.base and entry.code[:1] == BASE
        if base and item.share_type != UNCONDITIONAL:
            error = CatalogBaseItem(item=item.name, article=profile.base_items.article)
            yield Problem("share_type", error, index)
    if not any(item.key for item in entry.items):
        yield Problem("items", CatalogField(field="items", detail="no item is the key"))


def _item(index: int, item: Item) -> Iterator[Problem]:
    long = {
        "name": MAX_NAME_CHARACTERS,
        "name_en": MAX_NAME_CHARACTERS,
        "remark": MAX_TEXT_CHARACTERS,
        "share_condition": MAX_TEXT_CHARACTERS,
        "open_condition": MAX_TEXT_CHARACTERS,
    }
    for field, most in long.items():
        if len(getattr(item, field)) > most:
            yield Problem(field, CatalogTooLong(field=item.column, most=most), index)
    if not item.name.strip():
        yield Problem("name", CatalogField(field=item.column, detail="it is empty"), index)
    if item.type not in ITEM_TYPES:
        yield _field("type", f"type {item.type!r}", index)
    if item.share_type not in SHARE_TYPES:
        yield _field("share_type", f"share type {item.share_type}", index)
    if len(item.modes) > len(MODES) + len(MODE_ALIASES):
        yield _field("modes", f"{len(item.modes)} modes", index)
    for mode in item.modes:
        if not known_mode(mode):
            yield _field("modes", repr(mode[:MAX_NAME_CHARACTERS]), index)
            break

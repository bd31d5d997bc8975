"""Every instant that a letter brings lies before the end of the last calendar year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ortoo_protocol.core import cases, catalog, corrections, gazette, grants
from ortoo_protocol.core.catalog import claims, freshness, law, lists
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    AnnouncementInvalid,
    CaseField,
    CatalogCarried,
    CatalogField,
    ContactInvalid,
)
from ortoo_protocol.core.feeds import Head, ProofAsk
from ortoo_protocol.core.law import contacts
from ortoo_protocol.core.law.instants import END_OF_TIME_MS, check_times, too_late
from ortoo_protocol.core.law.profiles import SC2025
from ortoo_protocol.core.notices import Receipts
from ortoo_protocol.core.supervision import notices, submissions
from ortoo_protocol.core.use import ending, onward, records, suspension
from ortoo_protocol.core.use.filled import check_filled
from tests.support.bodies import BODIES
from tests.support.forge import NOW_MS

CHECKS: dict[type[Shape], Callable[[Any], object]] = {
    cases.Application: cases.check_application,
    cases.Completion: cases.check_completion,
    cases.Records: lambda body: cases.check_record(body.records[0]),
    grants.GrantTerms: grants.check_terms,
    grants.GrantEnded: grants.check_ended,
    grants.StopFiling: grants.check_filing,
    suspension.GrantSuspended: suspension.check_suspended,
    suspension.GrantResumed: check_filled,
    ending.GrantEnding: ending.check_ending,
    records.UseRecords: records.check_records,
    records.DisposalDone: records.check_done,
    onward.OnwardAsk: lambda body: onward.check_ask(body, SC2025.sharing, NOW_MS),
    onward.OnwardAnswer: onward.check_answer,
    corrections.CorrectionRaised: corrections.check_raised,
    contacts.ContactReport: contacts.check_report,
    notices.NoticeIssued: notices.check_issued,
    submissions.SubmissionCalled: submissions.check_called,
    freshness.Carried: freshness.check_carried,
    gazette.Announcement: gazette.check_announcement,
    claims.Conflict: claims.check_conflict,
    lists.ListEntry: lists.check_list_entry,
    catalog.Entry: law.check_entry,
    ProofAsk: check_times,
}
# Heads and receipts are judged where they are taken (tests/attacks); when the hub accepted an entry
# is of its own clock.
ELSEWHERE = (Head, Receipts, catalog.Federated)
DURATIONS = ("timeout_ms",)
REFUSED = (AnnouncementInvalid, CaseField, CatalogField, CatalogCarried, ContactInvalid)


def too_late_ones(body: Any) -> Iterator[Any]:
    """`body` with one of its instants too late, each in turn."""
    for field in body.__struct_fields__:
        value = getattr(body, field)
        if field.endswith("_ms") and field not in DURATIONS:
            yield replace(body, **{field: END_OF_TIME_MS})
        if isinstance(value, msgspec.Struct):
            for inner in too_late_ones(value):
                yield replace(body, **{field: inner})
        if isinstance(value, tuple):
            for at, part in enumerate(value):
                if isinstance(part, msgspec.Struct):
                    for inner in too_late_ones(part):
                        yield replace(body, **{field: (*value[:at], inner, *value[at + 1 :])})


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_no_instant_is_after_all_calendars(body: Shape) -> None:
    bad = list(too_late_ones(body))
    if not bad or type(body) in ELSEWHERE:
        return
    check = CHECKS[type(body)]
    check(body)
    for each in bad:
        with pytest.raises(REFUSED):
            check(each)


def test_the_last_moment_is_in_time() -> None:
    body = next(each for each in BODIES if isinstance(each, grants.StopFiling))
    assert list(too_late(replace(body, filed_ms=END_OF_TIME_MS - 1))) == []
    assert list(too_late(replace(body, filed_ms=END_OF_TIME_MS))) == ["filed_ms"]

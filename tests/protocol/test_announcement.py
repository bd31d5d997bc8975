"""What a party says of itself: form, signature, number, departments, the key to seal to."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from ortoo_protocol.core.announcement import (
    DepartmentEntry,
    WrapKeyEntry,
    make_announcement,
    read_announcement,
)
from ortoo_protocol.core.directory import DAY_MS, read_document, sign_document
from ortoo_protocol.core.errors import (
    TrustAnnouncement,
    TrustClock,
    TrustDepartment,
    TrustFork,
    TrustMalformed,
    TrustRollback,
    TrustStale,
    TrustSuite,
    TrustUnknownParty,
)
from ortoo_protocol.core.keys import key_id
from tests.support.trust import DEPARTMENTS, NOW_MS, STATIONS, Region

REGION = Region()
TRUST = REGION.trust()
ME, PEER = STATIONS[:2]
FIRST = REGION.announcement(ME)
SECOND = replace(REGION.announcement(ME, number=2, epoch=2), time_ms=NOW_MS + 1)
KEY = FIRST.wrap_keys[0]
DEPARTMENT = FIRST.departments[0]


def sign(announcement: Any, by: str = ME) -> bytes:
    """Signed without make_announcement's own checks."""
    return sign_document(
        "announcement",
        announcement,
        suite=REGION.suite,
        plane=REGION.plane,
        signers=[REGION.signer(by)],
    )


def test_recipient_is_the_announced_key() -> None:
    public = REGION.suite.wrap_public(REGION.wrap_seed(ME))
    to = TRUST.recipient(ME, NOW_MS)
    assert to.public == public
    assert to.key_id == key_id(REGION.suite, REGION.plane, "wrap", public)
    assert TRUST.wrap_keys(ME) == (KEY,)
    assert TRUST.announcement(ME) == FIRST


def test_the_newest_valid_key_is_sealed_to() -> None:
    later = WrapKeyEntry(
        suite=KEY.suite,
        public=REGION.suite.wrap_public(REGION.wrap_seed(ME, 2)),
        from_ms=NOW_MS + 50 * DAY_MS,
        until_ms=NOW_MS + 110 * DAY_MS,
    )
    trust = TRUST.with_announcement(sign(replace(SECOND, wrap_keys=(later, KEY))), NOW_MS)
    assert trust.recipient(ME, NOW_MS).public == KEY.public
    assert trust.recipient(ME, later.from_ms).public == later.public
    with pytest.raises(TrustAnnouncement):
        trust.recipient(ME, later.until_ms)


def test_a_higher_number_replaces_the_whole() -> None:
    trust = TRUST.with_announcement(sign(replace(SECOND, departments=())), NOW_MS)
    assert trust.recipient(ME, NOW_MS).public == SECOND.wrap_keys[0].public
    assert trust.departments(ME) == {}
    assert TRUST.departments(ME) == {DEPARTMENT.code: DEPARTMENT.name}, "the old value is frozen"


def test_the_same_bytes_change_nothing_even_when_stale() -> None:
    raw = REGION.sign_announcement(FIRST)
    assert TRUST.with_announcement(raw, NOW_MS + DAY_MS) is TRUST


def test_lower_number() -> None:
    trust = TRUST.with_announcement(sign(SECOND), NOW_MS)
    with pytest.raises(TrustRollback):
        trust.with_announcement(sign(FIRST), NOW_MS)


def test_one_number_two_contents() -> None:
    with pytest.raises(TrustFork):
        TRUST.with_announcement(sign(replace(FIRST, contact="another")), NOW_MS)


def test_new_keys_need_a_fresh_timestamp() -> None:
    with pytest.raises(TrustStale):
        TRUST.with_announcement(sign(SECOND), NOW_MS + 3_600_001)
    TRUST.with_announcement(sign(SECOND), NOW_MS + 3_600_000)


def test_made_in_the_future() -> None:
    with pytest.raises(TrustClock):
        TRUST.with_announcement(sign(replace(SECOND, time_ms=NOW_MS + 3_600_001)), NOW_MS)


def test_unknown_signer() -> None:
    with pytest.raises(TrustAnnouncement):
        TRUST.with_announcement(sign(SECOND, by="stranger"), NOW_MS)


def test_signature_over_other_bytes() -> None:
    raw = bytearray(sign(SECOND))
    raw[-1] ^= 1
    with pytest.raises(TrustAnnouncement):
        TRUST.with_announcement(bytes(raw), NOW_MS)


def test_two_signatures_are_malformed() -> None:
    raw = sign_document(
        "announcement",
        SECOND,
        suite=REGION.suite,
        plane=REGION.plane,
        signers=REGION.signers([ME, PEER]),
    )
    with pytest.raises(TrustMalformed):
        TRUST.with_announcement(raw, NOW_MS)


def test_a_key_of_a_suite_the_root_does_not_allow() -> None:
    other = replace(KEY, suite=9, public=b"another")
    with pytest.raises(TrustSuite):
        TRUST.with_announcement(sign(replace(SECOND, wrap_keys=(other,))), NOW_MS)


def test_a_key_of_an_allowed_suite_that_is_not_built_in_is_passed_over() -> None:
    region = Region()
    trust = region.pinned(region.sign_root(replace(region.root(), suites=(1, 9))))
    trust = trust.with_directory(region.sign_directory(region.directory()), NOW_MS)
    trust = trust.with_timestamp(region.stamp(1, trust.directory_hash), NOW_MS)
    other = replace(KEY, suite=9, public=b"another", from_ms=NOW_MS)
    mixed = replace(FIRST, wrap_keys=(replace(KEY, from_ms=NOW_MS - 1), other))
    trust = trust.with_announcement(sign(mixed), NOW_MS)
    assert trust.recipient(ME, NOW_MS).public == KEY.public


@pytest.mark.parametrize(
    "change",
    [
        {"number": 0},
        {"time_ms": -1},
        {"wrap_keys": ()},
        {"wrap_keys": (KEY, KEY)},
        {"wrap_keys": (replace(KEY, until_ms=KEY.from_ms),)},
        {"departments": (DEPARTMENT, DEPARTMENT)},
        {"departments": (DepartmentEntry(code="1" * 18, name="x"),)},
        {"departments": (replace(DEPARTMENT, name=""),)},
        {"contact": "x" * 501},
        {"party": "nobody"},
    ],
)
def test_malformed(change: dict[str, Any]) -> None:
    announcement = replace(SECOND, **change)
    with pytest.raises(TrustMalformed):
        make_announcement(announcement, REGION.signer(ME), suite=REGION.suite, plane=REGION.plane)
    with pytest.raises(TrustMalformed):
        TRUST.with_announcement(sign(announcement), NOW_MS)


def test_read_with_another_key_than_the_one_that_signed() -> None:
    with pytest.raises(TrustAnnouncement):
        read_announcement(
            sign(FIRST),
            REGION.signer(PEER).public,
            ME,
            suite=REGION.suite,
            plane=REGION.plane,
        )


# --- departments --------------------------------------------------------------------------------


def test_a_station_speaks_for_its_own_departments() -> None:
    TRUST.check_department(ME, DEPARTMENTS[ME][0])
    with pytest.raises(TrustDepartment):
        TRUST.check_department(ME, DEPARTMENTS[PEER][0])
    with pytest.raises(TrustDepartment):
        TRUST.check_department("s999999", DEPARTMENTS[ME][0])


def test_a_department_of_another_active_party_is_not_taken() -> None:
    greedy = replace(SECOND, departments=(DEPARTMENT, REGION.announcement(PEER).departments[0]))
    with pytest.raises(TrustAnnouncement):
        TRUST.with_announcement(sign(greedy), NOW_MS)


def test_a_department_of_a_revoked_party_moves() -> None:
    directory = REGION.directory(2, TRUST.directory_hash)
    parties = tuple(
        replace(entry, status="revoked") if entry.party == PEER else entry
        for entry in directory.parties
    )
    raw = REGION.sign_directory(replace(directory, parties=parties))
    heir = replace(SECOND, departments=(DEPARTMENT, REGION.announcement(PEER).departments[0]))
    trust = TRUST.with_directory(raw, NOW_MS).with_announcement(sign(heir), NOW_MS)
    trust.check_department(ME, DEPARTMENTS[PEER][0])
    with pytest.raises(TrustAnnouncement, match="revoked"):
        trust.recipient(PEER, NOW_MS)
    again = replace(REGION.announcement(PEER), number=2, departments=())
    with pytest.raises(TrustAnnouncement, match="revoked"):
        trust.with_announcement(sign(again, by=PEER), NOW_MS)


def test_nothing_announced_nothing_known() -> None:
    trust = REGION.pinned().with_directory(REGION.sign_directory(REGION.directory()), REGION.now_ms)
    assert trust.wrap_keys(ME) == ()
    assert trust.departments(ME) == {}
    assert trust.announcement(ME) is None
    with pytest.raises(TrustAnnouncement):
        trust.recipient(ME, NOW_MS)
    with pytest.raises(TrustUnknownParty):
        trust.recipient("s999999", NOW_MS)


def test_document_type() -> None:
    assert read_document(sign(FIRST)).type == "announcement"

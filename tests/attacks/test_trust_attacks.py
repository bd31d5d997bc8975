"""Attacks on trust. Each test names the check that stops it and fails when it is removed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ortoo_protocol.core import announcement, trust
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.directory import (
    DAY_MS,
    DIRECTORY_LIFE_MS,
    Directory,
    SignedDocument,
    read_body,
    read_document,
    sign_document,
)
from ortoo_protocol.core.enrolment import (
    EnrolmentRequest,
    fingerprint_of,
    make_request,
    read_request,
)
from ortoo_protocol.core.errors import (
    TrustAnnouncement,
    TrustExpired,
    TrustFork,
    TrustMalformed,
    TrustPin,
    TrustPlane,
    TrustProof,
    TrustRollback,
    TrustSkipped,
    TrustStale,
    TrustThreshold,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.standing import Standing
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from tests.support.mutation import removed, stands_by
from tests.support.trust import HUB, NOW_MS, STATIONS, Region

REGION = Region()
TRUST = REGION.trust()
ME, PEER = STATIONS[:2]
HOUR_MS = 3_600_000


def second() -> Directory:
    return REGION.directory(2, TRUST.directory_hash)


def at_version_two() -> Trust:
    return TRUST.with_directory(REGION.sign_directory(second()), NOW_MS)


# --- swapped encryption key at enrolment --------------------------------------------------------


def request() -> bytes:
    return make_request(
        party=ME,
        name="呼伦贝尔市",
        token="one-time",
        announcement=REGION.sign_announcement(REGION.announcement(ME)),
        signer=REGION.signer(ME),
        suite=REGION.suite,
        plane=REGION.plane,
    )


def read(raw: bytes) -> EnrolmentRequest:
    return read_request(raw, plane=REGION.plane, suites=REGION.suites, allowed=TRUST.suites)[0]


def swapped_announcement(by: str) -> bytes:
    """ME's announcement with an encryption key whose seed the hub holds."""
    announcement = REGION.announcement(ME)
    public = REGION.suite.wrap_public(REGION.wrap_seed("the hub's own"))
    keys = (replace(announcement.wrap_keys[0], public=public),)
    swapped = replace(announcement, number=2, wrap_keys=keys, departments=())
    return REGION.sign_announcement(swapped, by=by)


def test_hub_swaps_the_announcement_within_a_request() -> None:
    """read_request, 3: the proof covers the announcement's bytes."""
    document = read_document(request())
    body = read_body(document, EnrolmentRequest)
    forged = encode(replace(body, announcement=swapped_announcement(by=ME)))
    raw = SignedDocument(document.suite, document.type, forged, document.signatures)
    with pytest.raises(TrustProof):
        read(encode(raw))


def test_station_claims_an_announcement_that_it_did_not_sign() -> None:
    """read_announcement, 1: the announcement's key is the key that asks to enrol."""
    body = read_body(read_document(request()), EnrolmentRequest)
    raw = sign_document(
        "enrolment",
        replace(body, announcement=swapped_announcement(by=HUB)),
        suite=REGION.suite,
        plane=REGION.plane,
        signers=[REGION.signer(ME)],
    )
    with pytest.raises(TrustProof):
        read(raw)


def test_hub_makes_a_request_of_its_own_for_the_station() -> None:
    """fingerprint_of: two people compare what covers the signing key."""
    mine = Region()
    own = make_request(
        party=ME,
        name="呼伦贝尔市",
        token="one-time",
        announcement=swapped_announcement(by="mallory"),
        signer=mine.signer("mallory"),
        suite=mine.suite,
        plane=mine.plane,
    )
    read(own)  # nothing is wrong with it but the fingerprint
    shown = [fingerprint_of(raw, plane=mine.plane, suites=mine.suites) for raw in (request(), own)]
    assert shown[0] != shown[1]


def test_hub_announces_an_encryption_key_for_the_station() -> None:
    """read_announcement, 3: only a party's own signing key speaks for it."""
    stands_by(
        lambda: TRUST.with_announcement(swapped_announcement(by=HUB), NOW_MS),
        TrustAnnouncement,
        removed(announcement.read_announcement, "TrustAnnouncement"),
    )
    assert TRUST.recipient(ME, NOW_MS).public == REGION.announcement(ME).wrap_keys[0].public


def test_hub_changes_the_key_under_the_stations_signature() -> None:
    """read_announcement, 1: the signature."""
    document = read_document(REGION.sign_announcement(REGION.announcement(ME)))
    forged = read_document(swapped_announcement(by=HUB)).body
    raw = SignedDocument(document.suite, document.type, forged, document.signatures)
    stands_by(
        lambda: TRUST.with_announcement(encode(raw), NOW_MS),
        TrustAnnouncement,
        removed(announcement.read_announcement, "TrustAnnouncement"),
    )


def test_old_encryption_key_is_announced_again() -> None:
    """_take_announcement: numbers do not go down."""
    new = TRUST.with_announcement(
        REGION.sign_announcement(REGION.announcement(ME, number=2, epoch=2)), NOW_MS
    )
    stands_by(
        lambda: new.with_announcement(REGION.sign_announcement(REGION.announcement(ME)), NOW_MS),
        TrustRollback,
        removed(trust._check_not_below, "TrustRollback"),
    )


def test_thief_announces_in_the_name_of_a_compromised_key() -> None:
    """_take_directory: what a compromised key signed falls, whatever time and number it gives."""
    stolen = TRUST.with_announcement(
        REGION.sign_announcement(REGION.announcement(ME, number=1 << 40, epoch=66)), NOW_MS
    )
    directory = second()
    parties = tuple(
        replace(each, keys=(replace(each.keys[0], compromised_since_ms=NOW_MS + 1),))
        if each.party == ME
        else each
        for each in directory.parties
    )
    raw = REGION.sign_directory(replace(directory, parties=parties))
    with pytest.raises(TrustAnnouncement):
        stolen.with_directory(raw, NOW_MS).recipient(ME, NOW_MS)


# --- rollback, freeze, fast-forward -------------------------------------------------------------


def test_rollback_of_the_directory() -> None:
    """_check_directory_version: _check_not_below."""
    stands_by(
        lambda: at_version_two().with_directory(REGION.sign_directory(REGION.directory()), NOW_MS),
        TrustRollback,
        removed(trust._check_not_below, "TrustRollback"),
    )


def test_rollback_of_the_root() -> None:
    """_take_root: _check_not_below."""
    held = TRUST.with_root(REGION.sign_root(REGION.root(2)), NOW_MS)
    stands_by(
        lambda: held.with_root(REGION.sign_root(REGION.root(1), by=REGION.roots), NOW_MS),
        TrustRollback,
        removed(trust._check_not_below, "TrustRollback"),
        removed(Trust._take_root, "TrustSkipped"),
    )


def test_rollback_to_a_directory_of_former_registrars_as_numbers_begin_again() -> None:
    """_check_directory_version: the directory's root is not below the registrars' first."""
    new = Region(registrars=("registrar-1", "registrar-2", "registrar-4"))
    trust = at_version_two().with_root(new.sign_root(new.root(2)), NOW_MS)
    with pytest.raises(TrustRollback):
        trust.with_directory(REGION.sign_directory(REGION.directory(1)), NOW_MS)


def test_rollback_of_the_timestamp() -> None:
    """_take_timestamp: times do not go down."""
    held = TRUST.with_timestamp(REGION.stamp(1, TRUST.directory_hash, NOW_MS + 9), NOW_MS)
    stands_by(
        lambda: held.with_timestamp(REGION.stamp(1, TRUST.directory_hash, NOW_MS + 8), NOW_MS),
        TrustRollback,
        removed(trust._check_not_below, "TrustRollback"),
    )


def test_freeze_by_withholding_directories() -> None:
    """check_live."""
    stands_by(
        lambda: TRUST.check_live(NOW_MS + DIRECTORY_LIFE_MS),
        TrustExpired,
        removed(Standing.check_live, "TrustExpired"),
    )


def test_freeze_by_giving_an_expired_directory() -> None:
    """_take_directory, 7."""
    late_ms = NOW_MS + DIRECTORY_LIFE_MS
    stands_by(
        lambda: REGION.pinned().with_directory(REGION.sign_directory(REGION.directory()), late_ms),
        TrustExpired,
        removed(Trust._take_directory, "TrustExpired"),
    )


def test_freeze_by_a_directory_that_lives_for_years() -> None:
    """check_directory: DIRECTORY_LIFE_MS."""
    long = replace(second(), expires_ms=NOW_MS + 1_000 * DAY_MS)
    with pytest.raises(TrustMalformed):
        TRUST.with_directory(REGION.sign_directory(long), NOW_MS)


def test_freeze_by_withholding_the_root() -> None:
    """_take_directory, 1: an expired root vouches for no new directory."""
    late = Region(now_ms=NOW_MS + 365 * DAY_MS)
    raw = late.sign_directory(late.directory(2, TRUST.directory_hash))
    stands_by(
        lambda: TRUST.with_directory(raw, late.now_ms),
        TrustExpired,
        removed(Trust._check_root_live, "TrustExpired"),
    )


def test_freeze_by_withholding_timestamps() -> None:
    """check_fresh: no new key is taken."""
    raw = REGION.sign_announcement(REGION.announcement(ME, number=2, epoch=2))
    stands_by(
        lambda: TRUST.with_announcement(raw, NOW_MS + HOUR_MS + 1),
        TrustStale,
        removed(Standing.check_fresh, "TrustStale"),
    )


def test_fast_forward_of_the_directory() -> None:
    """_check_directory_version: MAX_DIRECTORY_STEP."""
    far = REGION.directory(1_002, b"x" * 32)
    stands_by(
        lambda: TRUST.with_directory(REGION.sign_directory(far), NOW_MS),
        TrustSkipped,
        removed(Trust._check_directory_version, "TrustSkipped"),
    )


def test_fast_forward_of_the_root() -> None:
    """_take_root: the next version exactly."""
    stands_by(
        lambda: TRUST.with_root(REGION.sign_root(REGION.root(3)), NOW_MS),
        TrustSkipped,
        removed(Trust._take_root, "TrustSkipped"),
    )


# --- the hub alone, thresholds ------------------------------------------------------------------


@pytest.mark.parametrize("by", [[HUB], [HUB, "registrar-1"], ["root-1", "root-2"]])
def test_hub_adds_a_member_without_registrars(by: list[str]) -> None:
    """_take_directory, 2: the registrars' threshold."""
    directory = second()
    sham = replace(REGION.entry("s150800"), name="假站")
    raw = REGION.sign_directory(replace(directory, parties=(*directory.parties, sham)), by=by)
    with pytest.raises(TrustThreshold):
        TRUST.with_directory(raw, NOW_MS)


def test_hub_puts_a_reader_under_the_registrars_signatures() -> None:
    """valid_signatures: verify."""
    document = read_document(REGION.sign_directory(second()))
    body = read_body(document, Directory)
    more = encode(replace(body, parties=(*body.parties, REGION.entry("s150800"))))
    raw = SignedDocument(document.suite, document.type, more, document.signatures)
    with pytest.raises(TrustThreshold):
        TRUST.with_directory(encode(raw), NOW_MS)


def test_registrars_replace_a_members_key_in_silence() -> None:
    """_index: a key that the old one did not sign shows, and waits for a provider's people."""
    directory = second()
    foreign = replace(REGION.entry(ME).keys[0], public=REGION.signer("mallory").public)
    parties = tuple(
        replace(each, keys=(*each.keys, foreign)) if each.party == ME else each
        for each in directory.parties
    )
    raw = REGION.sign_directory(replace(directory, parties=parties))
    assert not TRUST.with_directory(raw, NOW_MS).current_signing_key(ME, NOW_MS).linked


def test_station_stamps_in_the_hubs_place() -> None:
    """_take_timestamp, 1: the key is the hub's."""
    with pytest.raises(TrustThreshold):
        TRUST.with_timestamp(REGION.stamp(1, TRUST.directory_hash, NOW_MS + 1, by=ME), NOW_MS)


def test_new_root_by_its_own_keys_alone() -> None:
    """_take_root, 1: the old threshold."""
    usurper = Region(roots=("mallory-1", "mallory-2"))
    with pytest.raises(TrustThreshold):
        TRUST.with_root(usurper.sign_root(usurper.root(2)), NOW_MS)


def test_new_root_with_keys_that_nobody_was_shown_to_hold() -> None:
    """_take_root, 5: the new threshold."""
    new = Region(roots=("nobody-1", "nobody-2"))
    with pytest.raises(TrustThreshold):
        TRUST.with_root(new.sign_root(new.root(2), by=REGION.roots), NOW_MS)


def test_threshold_by_a_signature_repeated() -> None:
    """valid_signatures: a key counts once."""
    document = read_document(REGION.sign_directory(second(), by=["registrar-1"]))
    three = document.signatures * 3
    raw = SignedDocument(document.suite, document.type, document.body, three)
    with pytest.raises(TrustThreshold):
        TRUST.with_directory(encode(raw), NOW_MS)


def test_threshold_by_a_key_listed_twice() -> None:
    """check_root: a key stands once."""
    twice = REGION.public_keys(["registrar-1", "registrar-1"])
    root = replace(REGION.root(2), registrar_keys=twice)
    with pytest.raises(TrustMalformed):
        TRUST.with_root(REGION.sign_root(root), NOW_MS)


def test_first_root_is_not_the_one_that_people_compared() -> None:
    """pin: the fingerprint."""
    usurper = Region(roots=("mallory-1", "mallory-2"))
    shown = fingerprint_of_root(
        REGION.sign_root(REGION.root()), plane=REGION.plane, suites=REGION.suites
    )
    with pytest.raises(TrustPin):
        Trust.pin(
            usurper.sign_root(usurper.root()),
            fingerprint=shown,
            plane=REGION.plane,
            suites=REGION.suites,
            now_ms=NOW_MS,
        )


# --- planes and regions -------------------------------------------------------------------------

OTHER = Region(plane=Plane.INTRANET)  # with the same keys, which nobody should have


def test_root_of_the_other_plane() -> None:
    """pin: the plane stands in the fingerprint."""
    raw = OTHER.sign_root(OTHER.root())
    shown = fingerprint_of_root(raw, plane=OTHER.plane, suites=OTHER.suites)
    with pytest.raises(TrustPlane):
        Trust.pin(raw, fingerprint=shown, plane=REGION.plane, suites=REGION.suites, now_ms=NOW_MS)


def test_documents_of_the_other_plane_with_the_same_keys() -> None:
    """signed_bytes and key_id: the plane stands in both."""
    root = replace(OTHER.root(2), plane=REGION.plane)
    directory = replace(OTHER.directory(2, TRUST.directory_hash), plane=REGION.plane)
    with pytest.raises(TrustThreshold):
        TRUST.with_root(OTHER.sign_root(root), NOW_MS)
    with pytest.raises(TrustThreshold):
        TRUST.with_directory(OTHER.sign_directory(directory), NOW_MS)
    with pytest.raises(TrustThreshold):
        TRUST.with_timestamp(OTHER.stamp(1, TRUST.directory_hash, NOW_MS + 1), NOW_MS)
    raw = OTHER.sign_announcement(OTHER.announcement(ME, number=2))
    with pytest.raises(TrustAnnouncement):
        TRUST.with_announcement(raw, NOW_MS)


def test_body_of_the_other_plane_signed_for_this_one() -> None:
    """_take_root and _take_directory: the body's plane and region."""
    for change in ({"plane": Plane.INTRANET}, {"region": "h150100"}):
        with pytest.raises(TrustPlane):
            TRUST.with_root(REGION.sign_root(replace(REGION.root(2), **change)), NOW_MS)
        with pytest.raises(TrustPlane):
            TRUST.with_directory(REGION.sign_directory(replace(second(), **change)), NOW_MS)


# --- forks --------------------------------------------------------------------------------------


def test_two_directories_of_one_version() -> None:
    """_check_directory_version: one version, one hash."""
    other = replace(second(), parties=second().parties[:2])
    stands_by(
        lambda: at_version_two().with_directory(REGION.sign_directory(other), NOW_MS),
        TrustFork,
        removed(Trust._check_directory_version, "TrustFork"),
    )


def test_a_directory_that_continues_another_history() -> None:
    """_check_directory_version: the previous hash."""
    other = REGION.directory(2, b"x" * REGION.suite.hash_bytes)
    stands_by(
        lambda: TRUST.with_directory(REGION.sign_directory(other), NOW_MS),
        TrustFork,
        removed(Trust._check_directory_version, "TrustFork"),
    )


def test_two_roots_of_one_version() -> None:
    """_take_root: one version, one hash."""
    with pytest.raises(TrustFork):
        TRUST.with_root(REGION.sign_root(replace(REGION.root(), parent=b"x")), NOW_MS)


def test_hub_stamps_another_directory_than_the_one_held() -> None:
    """_take_timestamp, 5: against the directory."""
    held = REGION.pinned().with_directory(REGION.sign_directory(REGION.directory()), NOW_MS)
    stands_by(
        lambda: held.with_timestamp(REGION.stamp(1, b"x" * 32), NOW_MS),
        TrustFork,
        removed(Trust._take_timestamp, "TrustFork"),
    )


def test_hub_stamps_two_directories_of_a_version_to_come() -> None:
    """_take_timestamp, 5: against the timestamp held."""
    trust = TRUST.with_timestamp(REGION.stamp(2, b"x" * 32, NOW_MS + 1), NOW_MS)
    with pytest.raises(TrustFork):
        trust.with_timestamp(REGION.stamp(2, b"y" * 32, NOW_MS + 2), NOW_MS)


def test_a_directory_that_is_not_the_one_stamped() -> None:
    """_check_directory_version: against the timestamp."""
    held = TRUST.with_timestamp(REGION.stamp(2, b"x" * 32, NOW_MS + 1), NOW_MS)
    stands_by(
        lambda: held.with_directory(REGION.sign_directory(second()), NOW_MS),
        TrustFork,
        removed(Trust._check_directory_version, "TrustFork"),
    )


def test_station_announces_two_keys_under_one_number() -> None:
    """_take_announcement: one number, one hash."""
    other = REGION.sign_announcement(REGION.announcement(ME, epoch=2))
    with pytest.raises(TrustFork):
        TRUST.with_announcement(other, NOW_MS)

"""The verified state: what is taken, what is refused and how it is named, what it answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ortoo_protocol.core.directory import (
    DAY_MS,
    DIRECTORY_LIFE_MS,
    Directory,
    PartyEntry,
    SigningKeyEntry,
    link_message,
)
from ortoo_protocol.core.errors import (
    OrtooError,
    TrustClock,
    TrustError,
    TrustExpired,
    TrustExpiring,
    TrustFork,
    TrustKey,
    TrustMalformed,
    TrustPin,
    TrustPlane,
    TrustRollback,
    TrustSkipped,
    TrustStale,
    TrustSuite,
    TrustThreshold,
    TrustUnknownParty,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import key_id
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from tests.support.trust import HUB, NOW_MS, STATIONS, Region

REGION = Region()
ROOT = REGION.sign_root(REGION.root())
TRUST = REGION.trust()
ME = STATIONS[0]
HOUR_MS = 3_600_000


def edited(directory: Directory, edit: Callable[[PartyEntry], PartyEntry]) -> bytes:
    """Signed, with the entry of ME changed."""
    parties = tuple(edit(each) if each.party == ME else each for each in directory.parties)
    return REGION.sign_directory(replace(directory, parties=parties))


def second() -> Directory:
    return REGION.directory(2, TRUST.directory_hash)


# --- pinning ------------------------------------------------------------------------------------


class TestPin:
    SHOWN = fingerprint_of_root(ROOT, plane=REGION.plane, suites=REGION.suites)

    def pin(self, raw: bytes, shown: str, now_ms: int = NOW_MS) -> Trust:
        return Trust.pin(
            raw, fingerprint=shown, plane=REGION.plane, suites=REGION.suites, now_ms=now_ms
        )

    def test_spaces_and_case_do_not_matter(self) -> None:
        trust = self.pin(ROOT, self.SHOWN.replace(" ", "").upper())
        assert trust.hub == HUB
        assert trust.root == REGION.root()
        assert trust.suites == (1,)
        assert (trust.directory_version, trust.directory_hash, trust.profile) == (0, b"", "")
        assert trust.parties == ()
        assert trust.documents() == (ROOT,)

    def test_more_signatures_do_not_change_the_fingerprint(self) -> None:
        self.pin(REGION.sign_root(REGION.root(), by=REGION.roots), self.SHOWN)

    def test_another_root(self) -> None:
        other = REGION.sign_root(replace(REGION.root(), parent=b"x"))
        with pytest.raises(TrustPin):
            self.pin(other, self.SHOWN)

    def test_below_its_own_threshold(self) -> None:
        with pytest.raises(TrustThreshold):
            self.pin(REGION.sign_root(REGION.root(), by=["root-1"]), self.SHOWN)

    def test_expired(self) -> None:
        with pytest.raises(TrustExpired):
            self.pin(ROOT, self.SHOWN, now_ms=REGION.root().expires_ms)

    def test_its_own_suite_must_be_allowed(self) -> None:
        keys = tuple(replace(key, suite=9) for key in REGION.root().root_keys)
        raw = REGION.sign_root(replace(REGION.root(), suites=(9,), root_keys=keys))
        shown = fingerprint_of_root(raw, plane=REGION.plane, suites=REGION.suites)
        with pytest.raises(OrtooError):
            self.pin(raw, shown)


# --- a new root ---------------------------------------------------------------------------------


class TestRoot:
    def test_new_root_keys_need_old_and_new_signatures(self) -> None:
        new = Region(roots=("root-4", "root-5"))
        old, fresh = REGION.roots[:2], new.roots[:2]
        for by in (old, fresh, (*old, fresh[0]), (old[0], *fresh)):
            with pytest.raises(TrustThreshold):
                TRUST.with_root(new.sign_root(new.root(2), by=by), NOW_MS)
        trust = TRUST.with_root(new.sign_root(new.root(2), by=(*old, *fresh)), NOW_MS)
        assert trust.root.version == 2
        assert trust.party(ME) == TRUST.party(ME)

    def test_the_same_changes_nothing(self) -> None:
        more = REGION.sign_root(REGION.root(), by=REGION.roots)
        assert TRUST.with_root(more, NOW_MS) is TRUST

    def test_an_expired_one_is_a_step_to_the_present(self) -> None:
        late_ms = NOW_MS + 500 * DAY_MS
        trust = TRUST.with_root(REGION.sign_root(REGION.root(2)), late_ms)
        late = Region(now_ms=late_ms)
        directory = replace(late.directory(2, TRUST.directory_hash, 2))
        with pytest.raises(TrustExpired):
            trust.with_directory(late.sign_directory(directory), late_ms)
        trust = trust.with_root(late.sign_root(late.root(3)), late_ms)
        trust.with_directory(late.sign_directory(directory), late_ms).check_live(late_ms)

    def test_another_region(self) -> None:
        with pytest.raises(TrustPlane):
            TRUST.with_root(REGION.sign_root(replace(REGION.root(2), region="h150100")), NOW_MS)

    def test_other_registrars_let_numbers_begin_again(self) -> None:
        """However high stolen keys drove the version, the region recovers without new pins."""
        burnt_version = TRUST.directory_version + 1_000
        burnt = TRUST.with_directory(
            REGION.sign_directory(REGION.directory(burnt_version, b"x" * 32)), NOW_MS
        )
        burnt = burnt.with_timestamp(
            REGION.stamp(burnt_version, burnt.directory_hash, NOW_MS + 1), NOW_MS
        )
        new = Region(registrars=("registrar-1", "registrar-4", "registrar-5"))
        trust = burnt.with_root(new.sign_root(new.root(2)), NOW_MS)
        assert trust.directory_version == burnt_version, "in force until the next one"
        with pytest.raises(TrustRollback):
            trust.with_directory(new.sign_directory(new.directory(1, root_version=1)), NOW_MS)
        trust = trust.with_directory(new.sign_directory(new.directory(1, root_version=2)), NOW_MS)
        assert trust.directory_version == 1
        assert trust.announced_version == 0, "the timestamp named a version of former numbers"
        trust = trust.with_timestamp(new.stamp(1, trust.directory_hash, NOW_MS + 2), NOW_MS)
        trust.check_fresh(NOW_MS)
        assert Trust.restore(trust.documents(), plane=new.plane, suites=new.suites) == trust

    def test_former_registrars_no_longer_count(self) -> None:
        new = Region(registrars=("registrar-4", "registrar-5"))
        trust = TRUST.with_root(new.sign_root(new.root(2)), NOW_MS)
        directory = REGION.directory(2, TRUST.directory_hash, root_version=2)
        with pytest.raises(TrustThreshold):
            trust.with_directory(REGION.sign_directory(directory), NOW_MS)

    def test_the_same_registrars_keep_the_numbers(self) -> None:
        trust = TRUST.with_directory(REGION.sign_directory(second()), NOW_MS)
        trust = trust.with_root(REGION.sign_root(REGION.root(2)), NOW_MS)
        with pytest.raises(TrustRollback):
            trust.with_directory(REGION.sign_directory(REGION.directory(1)), NOW_MS)
        third = REGION.directory(3, trust.directory_hash, root_version=1)
        assert trust.with_directory(REGION.sign_directory(third), NOW_MS).directory_version == 3


# --- directories --------------------------------------------------------------------------------


class TestDirectory:
    def test_chain(self) -> None:
        trust = TRUST.with_directory(REGION.sign_directory(second()), NOW_MS)
        assert trust.directory_version == 2
        assert trust.wrap_keys(ME) == TRUST.wrap_keys(ME)
        assert TRUST.directory_version == 1, "a Trust never changes"

    def test_the_same_changes_nothing(self) -> None:
        raw = REGION.sign_directory(REGION.directory(), by=REGION.registrars)
        assert TRUST.with_directory(raw, NOW_MS) is TRUST
        assert TRUST.with_document(raw, NOW_MS) is TRUST

    def test_first_directory_may_have_any_number(self) -> None:
        raw = REGION.sign_directory(REGION.directory(5_000, b"x" * 32))
        assert REGION.pinned().with_directory(raw, NOW_MS).directory_version == 5_000

    def test_made_under_a_root_not_held_yet(self) -> None:
        with pytest.raises(TrustSkipped, match="root"):
            TRUST.with_directory(REGION.sign_directory(replace(second(), root_version=2)), NOW_MS)

    def test_a_suspension_acts_at_once_though_all_is_stale(self) -> None:
        raw = edited(second(), lambda entry: replace(entry, status="suspended", reason="漏报"))
        trust = TRUST.with_directory(raw, NOW_MS + 30 * DAY_MS)
        assert trust.party(ME).status == "suspended"
        name = key_id(REGION.suite, REGION.plane, "sign", REGION.signer(ME).public)
        record = trust.signing_key(name)
        assert record is not None
        assert record.status == "suspended"

    @pytest.mark.parametrize("key_change", [{"compromised_since_ms": NOW_MS}, {"until_ms": NOW_MS}])
    def test_what_a_lost_key_signed_falls_with_it(self, key_change: dict[str, int]) -> None:
        raw = edited(
            second(), lambda entry: replace(entry, keys=(replace(entry.keys[0], **key_change),))
        )
        trust = TRUST.with_directory(raw, NOW_MS)
        assert trust.wrap_keys(ME) == ()
        with pytest.raises(TrustKey):
            trust.current_signing_key(ME, NOW_MS)
        again = REGION.sign_announcement(REGION.announcement(ME, number=2))
        with pytest.raises(TrustError):
            trust.with_announcement(again, NOW_MS)

    def test_the_hubs_timestamp_falls_with_its_key(self) -> None:
        parties = tuple(
            replace(each, status="suspended") if each.party == HUB else each
            for each in REGION.directory().parties
        )
        raw = REGION.sign_directory(replace(second(), parties=parties))
        trust = TRUST.with_directory(raw, NOW_MS)
        with pytest.raises(TrustStale):
            trust.check_fresh(NOW_MS)
        with pytest.raises(TrustThreshold):
            trust.with_timestamp(REGION.stamp(2, trust.directory_hash), NOW_MS)

    @settings(max_examples=40)
    @given(st.lists(st.sampled_from([*REGION.registrars, "root-1", HUB, "stranger"]), max_size=6))
    def test_taken_if_and_only_if_two_registrars_sign(self, by: list[str]) -> None:
        raw = REGION.sign_directory(second(), by=by)
        if len(set(by) & set(REGION.registrars)) >= 2:
            assert TRUST.with_directory(raw, NOW_MS).directory_version == 2
        else:
            with pytest.raises(TrustThreshold):
                TRUST.with_directory(raw, NOW_MS)

    @settings(max_examples=60)
    @given(st.data())
    def test_no_changed_byte_is_taken(self, data: st.DataObject) -> None:
        raw = bytearray(REGION.sign_directory(second()))
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= data.draw(st.integers(1, 255))
        with pytest.raises(OrtooError):
            TRUST.with_directory(bytes(raw), NOW_MS)


def rotated(link: bool) -> bytes:
    signer = REGION.signer("next")
    message = link_message(REGION.plane, ME, REGION.suite, signer.public)
    key = SigningKeyEntry(
        suite=REGION.suite.number,
        public=signer.public,
        from_ms=NOW_MS,
        until_ms=NOW_MS + 365 * DAY_MS,
        link=REGION.signer(ME).sign(message) if link else b"",
        compromised_since_ms=None,
    )
    return edited(second(), lambda entry: replace(entry, keys=(*entry.keys, key)))


@pytest.mark.parametrize("link", [True, False])
def test_a_new_signing_key_shows_whether_the_old_one_signed_it(link: bool) -> None:
    trust = TRUST.with_directory(rotated(link), NOW_MS)
    assert TRUST.current_signing_key(ME, NOW_MS).linked
    now = trust.current_signing_key(ME, NOW_MS)
    assert now.public == REGION.signer("next").public
    assert now.linked is link
    assert trust.signing_key(now.key_id) == now
    assert trust.signing_key(b"unknown") is None
    assert trust.current_signing_key(ME, NOW_MS - 1).public == REGION.signer(ME).public
    assert trust.recipient(ME, NOW_MS) == TRUST.recipient(ME, NOW_MS)


# --- timestamps ---------------------------------------------------------------------------------


class TestTimestamp:
    def test_fresh_for_an_hour(self) -> None:
        TRUST.check_fresh(NOW_MS + HOUR_MS)
        with pytest.raises(TrustStale):
            TRUST.check_fresh(NOW_MS + HOUR_MS + 1)
        TRUST.check_live(NOW_MS + HOUR_MS + 1)

    def test_naming_a_newer_directory_asks_to_fetch_it(self) -> None:
        raw = REGION.sign_directory(second())
        trust = TRUST.with_timestamp(REGION.stamp(2, REGION.hash_of(raw), NOW_MS + 1), NOW_MS)
        assert trust.announced_version == 2
        with pytest.raises(TrustSkipped):
            trust.check_fresh(NOW_MS)
        trust.with_directory(raw, NOW_MS).check_fresh(NOW_MS)

    def test_none_yet(self) -> None:
        trust = REGION.pinned().with_directory(REGION.sign_directory(REGION.directory()), NOW_MS)
        with pytest.raises(TrustStale):
            trust.check_fresh(NOW_MS)

    def test_from_the_future(self) -> None:
        with pytest.raises(TrustClock):
            TRUST.with_timestamp(
                REGION.stamp(1, TRUST.directory_hash, NOW_MS + HOUR_MS + 1), NOW_MS
            )

    def test_an_older_one(self) -> None:
        with pytest.raises(TrustRollback):
            TRUST.with_timestamp(REGION.stamp(1, TRUST.directory_hash, NOW_MS - 1), NOW_MS)

    def test_by_a_retired_key(self) -> None:
        raw = REGION.stamp(1, TRUST.directory_hash, NOW_MS + 365 * DAY_MS)
        with pytest.raises(TrustKey):
            TRUST.with_timestamp(raw, NOW_MS + 365 * DAY_MS)

    def test_impossible_time(self) -> None:
        with pytest.raises(TrustMalformed):
            TRUST.with_timestamp(REGION.stamp(1, TRUST.directory_hash, -1), NOW_MS)

    def test_same_again(self) -> None:
        assert TRUST.with_timestamp(REGION.stamp(1, TRUST.directory_hash), NOW_MS) is TRUST


# --- asking, keeping ----------------------------------------------------------------------------


def test_who_is_who() -> None:
    assert TRUST.hub == HUB
    assert TRUST.profile == "NM2018"
    assert {entry.party for entry in TRUST.parties} == {HUB, *STATIONS}
    assert TRUST.party(ME).parent == HUB
    with pytest.raises(TrustUnknownParty):
        TRUST.party("s999999")


def test_an_expired_directory_refuses_everything() -> None:
    expires_ms = NOW_MS + DIRECTORY_LIFE_MS
    TRUST.check_live(expires_ms - 1)
    for check in (TRUST.check_live, TRUST.check_fresh, REGION.pinned().check_live):
        with pytest.raises(TrustExpired):
            check(expires_ms)


@pytest.mark.parametrize(
    ("after_ms", "expected"),
    [
        (0, []),
        (29 * DAY_MS, [TrustStale]),
        (31 * DAY_MS, [TrustExpiring, TrustStale]),
        (45 * DAY_MS, [TrustExpired]),
        (310 * DAY_MS, [TrustExpiring, TrustExpired]),
        (365 * DAY_MS, [TrustExpired, TrustExpired]),
    ],
)
def test_warnings(after_ms: int, expected: list[type]) -> None:
    assert [type(each) for each in TRUST.warnings(NOW_MS + after_ms)] == expected


def test_restore_gives_the_same_also_when_expired() -> None:
    trust = TRUST.with_root(REGION.sign_root(REGION.root(2)), NOW_MS)
    trust = trust.with_directory(rotated(True), NOW_MS)
    trust = trust.with_root(REGION.sign_root(REGION.root(3)), NOW_MS)
    kept = Trust.restore(trust.documents(), plane=REGION.plane, suites=REGION.suites)
    assert kept == trust
    with pytest.raises(TrustExpired):
        kept.check_live(NOW_MS + DIRECTORY_LIFE_MS)


@settings(max_examples=40)
@given(st.data())
def test_restore_verifies_again(data: st.DataObject) -> None:
    documents = list(TRUST.documents())
    which = data.draw(st.integers(0, len(documents) - 1))
    changed = bytearray(documents[which])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    documents[which] = bytes(changed)
    with pytest.raises(OrtooError):
        Trust.restore(documents, plane=REGION.plane, suites=REGION.suites)


def test_restore_of_nothing_or_of_another_plane() -> None:
    with pytest.raises(TrustMalformed):
        Trust.restore((), plane=REGION.plane, suites=REGION.suites)
    with pytest.raises(TrustPlane):
        Trust.restore(TRUST.documents(), plane=Plane.INTRANET, suites=REGION.suites)


def test_documents_of_other_types() -> None:
    raw = REGION.sign_root(REGION.root())
    with pytest.raises(TrustMalformed):
        TRUST.with_directory(raw, NOW_MS)
    other = raw.replace(b"\xa4root", b"\xa7welcome", 1)
    with pytest.raises(TrustMalformed):
        TRUST.with_document(other, NOW_MS)


def test_a_peer_relays_whatever_it_holds() -> None:
    trust = REGION.pinned()
    for raw in TRUST.documents():
        trust = trust.with_document(raw, NOW_MS)
    assert trust == TRUST
    trust = trust.with_root(REGION.sign_root(REGION.root(2)), NOW_MS)
    assert trust.with_root(ROOT, NOW_MS) is trust, "a step taken before is no rollback"


def test_a_suite_that_the_root_does_not_allow() -> None:
    raw = REGION.sign_directory(second())
    assert raw[:2] == b"\x94\x01"
    with pytest.raises(OrtooError):
        TRUST.with_directory(b"\x94\x09" + raw[2:], NOW_MS)
    keys = (replace(REGION.entry(ME).keys[0], suite=9),)
    with pytest.raises(TrustMalformed):
        TRUST.with_directory(edited(second(), lambda entry: replace(entry, keys=keys)), NOW_MS)
    with pytest.raises(TrustFork):
        TRUST.with_directory(edited(REGION.directory(), lambda e: replace(e, name="x")), NOW_MS)
    assert issubclass(TrustSuite, TrustError)

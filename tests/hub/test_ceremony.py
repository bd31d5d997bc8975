"""A region founded and run from files: roots, directories, people who look before they sign."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from ortoo_hub import ceremony, roster
from ortoo_protocol.core.directory import (
    DAY_MS,
    DIRECTORY_LIFE_MS,
    PartyEntry,
    PublicKey,
    link_message,
    read_document,
)
from ortoo_protocol.core.enrolment import fingerprint_of, make_request
from ortoo_protocol.core.errors import (
    KeyFilePassphrase,
    KeyFilePlane,
    KeyFileRole,
    KeyFileUnwritable,
    TrustFile,
    TrustMalformed,
    TrustPin,
    TrustPlane,
    TrustUnknownParty,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite1, Suites, fingerprint
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from ortoo_protocol.station.keyfile import KeyFile
from tests.support.trust import HUB, NOW_MS, STATIONS, Region, seeded


class QuickSuite(Suite1):
    """Suite 1 without the slowness that guards passphrases."""

    def stretch(self, passphrase: bytes, salt: bytes) -> bytes:
        return self.hash(salt + passphrase)


SUITE = QuickSuite()
SUITES = Suites((SUITE,))
PLANE = Plane.EXTRANET
ME = STATIONS[0]
PASSPHRASES = ("first", "second", "third", "fourth", "fifth")
REGION = Region(suite=SUITE, suites=SUITES)


def keys(folder: Path, role: str, count: int) -> tuple[PublicKey, ...]:
    assert role in ("root", "registrar")
    return ceremony.make_keys(
        folder,
        PASSPHRASES[:count],
        role="root" if role == "root" else "registrar",
        plane=PLANE,
        region=HUB,
        suite=SUITE,
        rand=seeded(f"{folder.name} {role}"),
        now_ms=NOW_MS,
    )


def sign(folder: Path, path: Path, role: str, *numbers: int) -> bytes:
    for number in numbers:
        ceremony.sign_file(
            path,
            folder / f"{role}-{number}.key",
            PASSPHRASES[number - 1],
            plane=PLANE,
            region=HUB,
            suites=SUITES,
        )
    return path.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    """Signed by 3 of 5; its registrars sign 2 of 3."""
    draft = ceremony.draft_root(
        plane=PLANE,
        region=HUB,
        allowed=(1,),
        root_keys=keys(tmp_path, "root", 5),
        root_threshold=3,
        registrar_keys=keys(tmp_path, "registrar", 3),
        registrar_threshold=2,
        suite=SUITE,
        suites=SUITES,
        now_ms=NOW_MS,
    )
    path = tmp_path / "root.1"
    ceremony.write_document_file(path, draft)
    assert ceremony.signatures(draft, draft, suites=SUITES) == (0, 3)
    return sign(tmp_path, path, "root", 1, 3, 5)


def pin(root: bytes) -> Trust:
    shown = fingerprint_of_root(root, plane=PLANE, suites=SUITES)
    return Trust.pin(root, fingerprint=shown, plane=PLANE, suites=SUITES, now_ms=NOW_MS)


def request(party: str) -> bytes:
    return make_request(
        party=party,
        name=f"{party} 站",
        token="one-time",
        announcement=REGION.sign_announcement(REGION.announcement(party)),
        signer=REGION.signer(party),
        suite=SUITE,
        plane=PLANE,
    )


def entry(party: str) -> PartyEntry:
    raw = request(party)
    return roster.entry_from_request(
        raw,
        compared=fingerprint_of(raw, plane=PLANE, suites=SUITES).upper(),
        parent=None if party == HUB else HUB,
        plane=PLANE,
        suites=SUITES,
        allowed=(1,),
        now_ms=NOW_MS,
    )


PARTIES = (entry(HUB), entry(ME))


def draft(
    root: bytes, parties: tuple[PartyEntry, ...] = PARTIES, previous: bytes | None = None
) -> bytes:
    return roster.draft_directory(
        root,
        parties,
        previous=previous,
        profile="NM2018",
        suite=SUITE,
        suites=SUITES,
        now_ms=NOW_MS,
    )


def published(folder: Path, unsigned: bytes, *numbers: int) -> bytes:
    path = folder / "directory"
    ceremony.write_document_file(path, unsigned, replace_existing=True)
    return sign(folder, path, "registrar", *numbers)


def test_founding_and_growing(tmp_path: Path, root: bytes) -> None:
    assert ceremony.signatures(root, root, suites=SUITES) == (3, 3)
    first = published(tmp_path, draft(root), 1, 2)
    assert ceremony.signatures(first, root, suites=SUITES) == (2, 2)
    trust = pin(root).with_directory(first, NOW_MS)
    assert [each.party for each in trust.parties] == [HUB, ME]
    more = roster.with_entry(roster.parties_of(first), entry(STATIONS[1]))
    second = published(tmp_path, draft(root, more, first), 2, 3)
    trust = trust.with_directory(second, NOW_MS)
    assert trust.directory_version == 2
    assert (
        trust.current_signing_key(STATIONS[1], NOW_MS).public == REGION.signer(STATIONS[1]).public
    )
    trust.check_live(NOW_MS + DIRECTORY_LIFE_MS - 1)


def test_a_root_that_changes_a_holder_and_a_registrar(tmp_path: Path, root: bytes) -> None:
    trust = pin(root).with_directory(published(tmp_path, draft(root), 1, 2), NOW_MS)
    other = tmp_path / "other"
    other.mkdir()
    fresh = keys(other, "root", 1)
    registrars = (*trust.root.registrar_keys[:2], *keys(other, "registrar", 1))
    path = tmp_path / "root.2"
    ceremony.write_document_file(
        path,
        ceremony.draft_next_root(
            root,
            suite=SUITE,
            suites=SUITES,
            now_ms=NOW_MS + DAY_MS,
            root_keys=(*trust.root.root_keys[1:], *fresh),
            registrar_keys=registrars,
        ),
    )
    sign(tmp_path, path, "root", 1, 2, 3)
    raw = sign(other, path, "root", 1)
    assert ceremony.signatures(raw, root, suites=SUITES) == (3, 3)
    assert ceremony.signatures(raw, raw, suites=SUITES) == (3, 3)
    trust = trust.with_root(raw, NOW_MS)
    assert trust.root.registrar_keys == registrars
    assert trust.root.root_threshold == 3


class TestSigning:
    def test_a_registrars_key_signs_no_root(self, tmp_path: Path, root: bytes) -> None:
        with pytest.raises(KeyFileRole, match=r"registrar-1\.key"):
            sign(tmp_path, tmp_path / "root.1", "registrar", 1)
        assert (tmp_path / "root.1").read_bytes() == root

    def test_a_root_key_signs_no_directory(self, tmp_path: Path, root: bytes) -> None:
        path = tmp_path / "directory"
        ceremony.write_document_file(path, draft(root))
        with pytest.raises(KeyFileRole):
            sign(tmp_path, path, "root", 1)

    def test_no_other_documents_are_signed(self, tmp_path: Path, root: bytes) -> None:
        path = tmp_path / "request"
        ceremony.write_document_file(path, request(ME))
        for role in ("root", "registrar"):
            with pytest.raises(KeyFileRole):
                sign(tmp_path, path, role, 1)

    def test_a_document_of_another_plane_or_region(self, tmp_path: Path, root: bytes) -> None:
        for region in (Region(plane=Plane.INTRANET), Region()):
            body = replace(region.root(), region=HUB if region.plane is not PLANE else "h150100")
            path = tmp_path / f"root of {region.plane.value}"
            ceremony.write_document_file(path, region.sign_root(body))
            with pytest.raises(TrustPlane):
                sign(tmp_path, path, "root", 1)

    def test_wrong_passphrase_and_wrong_plane(self, tmp_path: Path, root: bytes) -> None:
        key = tmp_path / "root-1.key"
        with pytest.raises(KeyFilePassphrase):
            ceremony.sign_file(
                tmp_path / "root.1", key, "x", plane=PLANE, region=HUB, suites=SUITES
            )
        with pytest.raises(KeyFilePlane):
            KeyFile.load(key, "first", Plane.INTRANET, HUB, SUITES)

    def test_existing_keys_stay(self, tmp_path: Path, root: bytes) -> None:
        with pytest.raises(KeyFileUnwritable):
            keys(tmp_path, "root", 1)


class TestDirectory:
    def test_the_fingerprint_must_be_the_one_read_out(self) -> None:
        with pytest.raises(TrustPin):
            roster.entry_from_request(
                request(ME),
                compared="0000 " * 10,
                parent=HUB,
                plane=PLANE,
                suites=SUITES,
                allowed=(1,),
                now_ms=NOW_MS,
            )

    def test_what_registrars_see(self, root: bytes) -> None:
        first = draft(root)
        new = [each.party for each in roster.changes(None, first, suites=SUITES)]
        assert new == [HUB, ME]
        assert roster.changes(first, first, suites=SUITES) == ()
        parties = roster.with_status(PARTIES, ME, "suspended", "漏报", NOW_MS)
        parties = roster.with_entry(parties, entry(STATIONS[1]))
        seen = roster.changes(first, draft(root, parties, first), suites=SUITES)
        assert [(each.party, each.before, each.after) for each in seen] == [
            (STATIONS[1], "", "active"),
            (ME, "active", "suspended"),
        ]
        shown = fingerprint(SUITE, PLANE, REGION.signer(STATIONS[1]).public)
        assert [each.new_keys for each in seen] == [(shown,), ()]
        gone = roster.changes(first, draft(root, PARTIES[:1], first), suites=SUITES)
        assert [(each.party, each.before, each.after) for each in gone] == [(ME, "active", "")]

    @pytest.mark.parametrize("linked", [True, False])
    def test_a_next_key(self, root: bytes, linked: bool) -> None:
        signer = REGION.signer("next")
        link = REGION.signer(ME).sign(link_message(PLANE, ME, SUITE, signer.public))
        parties = roster.with_next_key(
            PARTIES,
            ME,
            PublicKey(1, signer.public),
            link if linked else b"",
            now_ms=NOW_MS,
        )
        first = draft(root)
        (seen,) = roster.changes(first, draft(root, parties, first), suites=SUITES)
        assert seen.new_keys[0].startswith("! ") is not linked

    def test_a_compromised_key(self, root: bytes) -> None:
        public = REGION.signer(ME).public
        parties = roster.with_compromised_key(PARTIES, ME, public, NOW_MS)
        (seen,) = roster.changes(draft(root), draft(root, parties), suites=SUITES)
        assert (seen.party, seen.compromised, seen.new_keys) == (ME, 1, ())
        with pytest.raises(TrustMalformed):
            roster.with_compromised_key(PARTIES, ME, b"other", NOW_MS)

    def test_statuses(self) -> None:
        with pytest.raises(TrustUnknownParty):
            roster.with_status(PARTIES, "s999999", "suspended", "x", NOW_MS)
        with pytest.raises(TrustMalformed, match="reason"):
            roster.with_status(PARTIES, ME, "suspended", " ", NOW_MS)
        revoked = roster.with_status(PARTIES, ME, "revoked", "撤销", NOW_MS)
        with pytest.raises(TrustMalformed, match="revoked"):
            roster.with_status(revoked, ME, "active", "", NOW_MS)

    def test_a_draft_that_no_station_would_take(self, root: bytes) -> None:
        with pytest.raises(TrustMalformed):
            draft(root, PARTIES[1:])


def test_document_files(tmp_path: Path, root: bytes) -> None:
    path = tmp_path / "root.1"
    assert path.stat().st_mode & 0o777 == 0o644
    assert read_document(ceremony.read_document_file(path)).type == "root"
    with pytest.raises(TrustFile):
        ceremony.write_document_file(path, root)
    with pytest.raises(TrustFile):
        ceremony.read_document_file(tmp_path / "nothing")
    (tmp_path / "rubbish").write_bytes(b"rubbish")
    with pytest.raises(TrustMalformed):
        ceremony.read_document_file(tmp_path / "rubbish")

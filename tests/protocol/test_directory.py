"""Signed documents, and what the bodies of root and directory must be."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.directory import (
    DAY_MS,
    MAX_DOCUMENT_BYTES,
    Directory,
    DocumentSignature,
    PartyEntry,
    SignedDocument,
    SigningKeyEntry,
    add_signature,
    check_directory,
    check_root,
    document_hash,
    link_message,
    moment,
    read_body,
    read_document,
    sign_document,
    valid_signatures,
)
from ortoo_protocol.core.errors import KeysSuiteUnknown, TrustMalformed
from ortoo_protocol.core.ids import Plane
from tests.support.trust import HUB, NOW_MS, Region

REGION = Region()
ROOT = REGION.root()
DIRECTORY = REGION.directory()


def count(raw: bytes, plane: Plane = REGION.plane) -> int:
    keys = REGION.public_keys(REGION.roots)
    return valid_signatures(read_document(raw), keys, plane=plane, suites=REGION.suites)


class TestDocument:
    def test_body_and_name_stay_while_signatures_are_added(self) -> None:
        empty = sign_document("root", ROOT, suite=REGION.suite, plane=REGION.plane)
        names, bodies = [], []
        raw = empty
        for person in REGION.roots:
            raw = add_signature(raw, REGION.signer(person), suite=REGION.suite, plane=REGION.plane)
            names.append(REGION.hash_of(raw))
            bodies.append(read_document(raw).body)
        assert set(names) == {REGION.hash_of(empty)}
        assert set(bodies) == {encode(ROOT)}
        assert count(raw) == 3
        assert read_body(read_document(raw, "root"), type(ROOT)) == ROOT

    def test_signing_again_changes_nothing(self) -> None:
        raw = REGION.sign_root(ROOT, by=["root-1"])
        again = add_signature(raw, REGION.signer("root-1"), suite=REGION.suite, plane=REGION.plane)
        assert again == raw

    def test_strangers_and_broken_signatures_are_passed_over(self) -> None:
        raw = REGION.sign_root(ROOT, by=["root-1", "stranger", "root-2"])
        assert count(raw) == 2
        document = read_document(raw)
        broken = DocumentSignature(
            document.signatures[0].key_id, bytes(REGION.suite.signature_bytes)
        )
        raw = encode(
            SignedDocument(
                document.suite, document.type, document.body, (broken, *document.signatures[1:])
            )
        )
        assert count(raw) == 1

    def test_a_signature_of_wrong_length_is_passed_over(self) -> None:
        document = read_document(REGION.sign_root(ROOT, by=["root-1"]))
        cut = DocumentSignature(document.signatures[0].key_id, b"short")
        assert count(encode(SignedDocument(document.suite, "root", document.body, (cut,)))) == 0

    def test_the_plane_and_the_type_stand_in_what_is_signed(self) -> None:
        raw = REGION.sign_root(ROOT)
        assert count(raw, Plane.INTRANET) == 0
        document = read_document(raw)
        renamed = SignedDocument(document.suite, "directory", document.body, document.signatures)
        assert count(encode(renamed)) == 0
        assert REGION.hash_of(encode(renamed)) != REGION.hash_of(raw)
        other = document_hash(REGION.suite, Plane.INTRANET, "root", document.body)
        assert other != REGION.hash_of(raw)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\x90",
            encode([1, "root", b""]),
            encode([1, "root", "text", []]),
            encode([True, "root", b"", []]),
            encode([1, "grant", b"", []]),
            encode([1, "r\u00f6\u00f6t", b"", []]),
            encode([1, "root", b"", [[b"k", b"s", b"more"]]]),
            encode([1, "root", b"", [[b"k", b"s"]] * 65]),
            encode([1, "root", b"", []]) + b"\x00",
            bytes(MAX_DOCUMENT_BYTES + 1),
        ],
    )
    def test_malformed(self, raw: bytes) -> None:
        with pytest.raises(TrustMalformed):
            read_document(raw)

    def test_another_type_than_asked_for(self) -> None:
        with pytest.raises(TrustMalformed):
            read_document(REGION.sign_root(ROOT), "directory")

    @given(st.binary(max_size=200))
    def test_any_bytes_are_a_document_or_malformed(self, raw: bytes) -> None:
        with contextlib.suppress(TrustMalformed):
            read_document(raw)

    @given(st.data())
    def test_no_changed_byte_keeps_all_signatures(self, data: st.DataObject) -> None:
        raw = bytearray(REGION.sign_root(ROOT, by=REGION.roots))
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= data.draw(st.integers(1, 255))
        try:
            document = read_document(bytes(raw))
        except TrustMalformed:
            return
        suite_byte_only = document.body == encode(ROOT) and document.suite != REGION.suite.number
        if not suite_byte_only:  # which is not signed, but chosen from what the root allows
            assert count(bytes(raw)) < 3


def test_moment() -> None:
    assert moment(NOW_MS) == "2026-05-28T20:26:40+00:00"


# --- root ---------------------------------------------------------------------------------------


def test_root_is_acceptable() -> None:
    check_root(ROOT, REGION.suites)


@pytest.mark.parametrize(
    "change",
    [
        {"region": "s150000"},
        {"region": "the hub"},
        {"version": 0},
        {"expires_ms": NOW_MS},
        {"expires_ms": NOW_MS + 367 * DAY_MS},
        {"created_ms": -1},
        {"created_ms": 1 << 62, "expires_ms": (1 << 62) + 1},
        {"suites": ()},
        {"suites": (1, 1)},
        {"root_threshold": 0},
        {"root_threshold": 4},
        {"registrar_threshold": 4},
        {"registrar_keys": ()},
        {"root_keys": REGION.public_keys(["root-1", "root-1", "root-2"])},
        {"registrar_keys": REGION.public_keys(["registrar-1", "registrar-1"])},
        {"registrar_keys": REGION.public_keys(["root-1", "registrar-1"])},
        {"root_keys": (replace(ROOT.root_keys[0], suite=7), *ROOT.root_keys[1:])},
        {"root_keys": (replace(ROOT.root_keys[0], public=b"short"), *ROOT.root_keys[1:])},
        {"root_keys": (replace(ROOT.root_keys[0], public=bytes(32)), *ROOT.root_keys[1:])},
    ],
)
def test_root_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(TrustMalformed):
        check_root(replace(ROOT, **change), REGION.suites)


def test_root_with_a_suite_that_is_not_built_in() -> None:
    keys = (replace(ROOT.root_keys[0], suite=200), *ROOT.root_keys[1:])
    with pytest.raises(KeysSuiteUnknown):
        check_root(replace(ROOT, suites=(1, 200), root_keys=keys), REGION.suites)


# --- directory ----------------------------------------------------------------------------------


def next_key(by: str | None, party: str = "s150700", new: str = "s150700 next") -> SigningKeyEntry:
    public = REGION.signer(new).public
    message = link_message(REGION.plane, party, REGION.suite, public)
    return SigningKeyEntry(
        suite=REGION.suite.number,
        public=public,
        from_ms=NOW_MS,
        until_ms=NOW_MS + 365 * DAY_MS,
        link=REGION.signer(by).sign(message) if by else b"",
        compromised_since_ms=None,
    )


def with_entry(entry: PartyEntry) -> Directory:
    others = [each for each in DIRECTORY.parties if each.party != "s150700"]
    return replace(DIRECTORY, parties=(*others, entry))


def check(directory: Directory) -> None:
    check_directory(directory, ROOT, REGION.suites)


ENTRY = REGION.entry("s150700")
KEY = ENTRY.keys[0]


def test_directory_is_acceptable() -> None:
    check(DIRECTORY)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"previous": b"x" * 32},
        {"version": 2},
        {"expires_ms": NOW_MS},
        {"expires_ms": NOW_MS + 46 * DAY_MS},
        {"parties": (*DIRECTORY.parties, REGION.entry(HUB))},
        {"parties": DIRECTORY.parties[1:]},
        {"parties": (*DIRECTORY.parties, replace(ENTRY, party="s150800"))},
    ],
)
def test_directory_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(TrustMalformed):
        check(replace(DIRECTORY, **change))


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, party="x150700"),
        replace(ENTRY, parent="nobody"),
        replace(ENTRY, name=""),
        replace(ENTRY, name="站" * 201),
        replace(ENTRY, keys=()),
        replace(ENTRY, keys=(replace(KEY, until_ms=KEY.from_ms),)),
        replace(ENTRY, keys=(replace(KEY, suite=7),)),
        replace(ENTRY, keys=(replace(KEY, public=bytes(32)),)),
        replace(ENTRY, keys=(replace(KEY, link=b"x"),)),
        replace(ENTRY, keys=(replace(KEY, public=REGION.signer("registrar-1").public),)),
        replace(ENTRY, keys=(KEY, replace(next_key("s150700"), from_ms=KEY.from_ms - 1))),
        replace(ENTRY, keys=(KEY, next_key("s150200"))),
        replace(ENTRY, keys=(KEY, next_key("s150700", party="s150200"))),
        replace(ENTRY, keys=(KEY, replace(next_key("s150700"), public=bytes(31) + b"\x01"))),
    ],
)
def test_entry_is_malformed(entry: PartyEntry) -> None:
    with pytest.raises(TrustMalformed):
        check(with_entry(entry))


def test_a_next_key_signed_by_the_one_before_it() -> None:
    check(with_entry(replace(ENTRY, keys=(KEY, next_key("s150700")))))


def test_a_next_key_without_link_is_allowed_and_shows() -> None:
    check(with_entry(replace(ENTRY, keys=(KEY, next_key(None)))))


@pytest.mark.parametrize(("field", "value"), [("status", "gone"), ("since_ms", "today")])
def test_a_body_of_another_shape(field: str, value: object) -> None:
    plain: dict[str, Any] = {
        "party": "s150700", "name": "站", "parent": None, "status": "active", "since_ms": 1,
        "reason": "", "keys": [],
    }  # fmt: skip
    body = encode({**plain, field: value})
    with pytest.raises(TrustMalformed):
        read_body(SignedDocument(1, "directory", body, ()), PartyEntry)

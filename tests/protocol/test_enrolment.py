"""A request that proves possession, a welcome that needs only a fingerprint."""

from __future__ import annotations

from dataclasses import replace as with_fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ortoo_protocol.core.directory import DAY_MS, read_body, read_document, sign_document
from ortoo_protocol.core.enrolment import (
    Broker,
    EnrolmentRequest,
    Welcome,
    fingerprint_of,
    make_request,
    make_welcome,
    open_welcome,
    read_request,
)
from ortoo_protocol.core.errors import (
    KeysMalformed,
    KeysRefused,
    OrtooError,
    TrustMalformed,
    TrustPin,
    TrustProof,
    TrustSuite,
    TrustUnknownParty,
    TrustWelcome,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.trust import Trust, fingerprint_of_root
from tests.support.trust import HUB, NOW_MS, STATIONS, Region, seeded

REGION = Region()
TRUST = REGION.trust()
ME, PEER = STATIONS[:2]
BROKER = Broker("mq.example", 5671, "ortoo", ME, "geheim-密码", "-----BEGIN CERTIFICATE-----")
SHOWN = fingerprint_of_root(TRUST.documents()[0], plane=REGION.plane, suites=REGION.suites)


def request(**changes: Any) -> bytes:
    facts: dict[str, Any] = {
        "party": ME,
        "name": "呼伦贝尔市",
        "token": "one-time",
        "announcement": REGION.sign_announcement(REGION.announcement(ME)),
        "signer": REGION.signer(ME),
        "suite": REGION.suite,
        "plane": REGION.plane,
    }
    return make_request(**{**facts, **changes})


def read(raw: bytes) -> EnrolmentRequest:
    return read_request(raw, plane=REGION.plane, suites=REGION.suites, allowed=TRUST.suites)[0]


def shown(raw: bytes) -> str:
    return fingerprint_of(raw, plane=REGION.plane, suites=REGION.suites)


class TestRequest:
    def test_says_who_asks_with_which_keys(self) -> None:
        raw = request()
        found, announcement = read_request(
            raw, plane=REGION.plane, suites=REGION.suites, allowed=TRUST.suites
        )
        assert (found.party, found.name, found.token) == (ME, "呼伦贝尔市", "one-time")
        assert found.signing_public == REGION.signer(ME).public
        assert announcement == REGION.announcement(ME)

    @pytest.mark.parametrize(
        "change",
        [
            {"party": PEER},
            {"token": "another"},
            {"announcement": REGION.sign_announcement(REGION.announcement(ME, epoch=2))},
        ],
    )
    def test_the_fingerprint_covers_it_all(self, change: dict[str, Any]) -> None:
        assert shown(request(**change)) != shown(request())
        assert len(shown(request()).split()) == 10

    def test_another_party_in_the_announcement(self) -> None:
        theirs = replace(REGION.announcement(PEER))
        with pytest.raises(TrustProof):
            read(request(announcement=REGION.sign_announcement(theirs, by=ME)))

    def test_on_the_other_plane(self) -> None:
        with pytest.raises(TrustProof):
            read_request(
                request(), plane=Plane.INTRANET, suites=REGION.suites, allowed=TRUST.suites
            )

    def test_a_key_that_is_no_point(self) -> None:
        body = replace(read_body(read_document(request()), EnrolmentRequest))
        raw = sign_document(
            "enrolment",
            replace(body, signing_public=bytes(32)),
            suite=REGION.suite,
            plane=REGION.plane,
            signers=[REGION.signer(ME)],
        )
        with pytest.raises(KeysMalformed):
            read(raw)

    def test_a_suite_that_is_not_allowed(self) -> None:
        with pytest.raises(TrustSuite):
            read_request(request(), plane=REGION.plane, suites=REGION.suites, allowed=(3,))

    @pytest.mark.parametrize("name", ["", "长" * 201])
    def test_a_name_that_cannot_be_used(self, name: str) -> None:
        with pytest.raises(TrustMalformed):
            read(request(name=name))

    @settings(max_examples=60)
    @given(st.data())
    def test_no_changed_byte_is_taken(self, data: st.DataObject) -> None:
        raw = bytearray(request())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        with pytest.raises(OrtooError):
            read(bytes(raw))


def welcome(party: str = ME, trust: Trust = TRUST, by: str = HUB, broker: Broker = BROKER) -> bytes:
    return make_welcome(
        party=party,
        to=trust.recipient(party, NOW_MS),
        trust=trust,
        broker=broker,
        signer=REGION.signer(by),
        suite=REGION.suite,
        rand=seeded("welcome"),
    )


def open_it(raw: bytes, **changes: Any) -> tuple[Trust, Broker]:
    facts: dict[str, Any] = {
        "party": ME,
        "wrap_seed": REGION.wrap_seed(ME),
        "fingerprint": SHOWN,
        "plane": REGION.plane,
        "suites": REGION.suites,
        "now_ms": NOW_MS,
    }
    return open_welcome(raw, **{**facts, **changes})


class TestWelcome:
    def test_brings_the_trust_and_the_broker(self) -> None:
        trust, broker = open_it(welcome())
        assert trust == TRUST
        assert broker == BROKER
        assert BROKER.password not in repr(broker)
        assert BROKER.password.encode() not in welcome()

    def test_opened_days_later(self) -> None:
        trust, _ = open_it(welcome(), now_ms=NOW_MS + 20 * DAY_MS)
        assert trust.recipient(PEER, NOW_MS).public

    def test_after_a_change_of_root_and_registrars(self) -> None:
        new = Region(registrars=("registrar-3", "registrar-4"))
        trust = TRUST.with_root(new.sign_root(new.root(2)), NOW_MS)
        directory = new.directory(2, trust.directory_hash, root_version=2)
        trust = trust.with_directory(new.sign_directory(directory), NOW_MS)
        trust = trust.with_timestamp(new.stamp(2, trust.directory_hash, NOW_MS + 1), NOW_MS)
        pin = fingerprint_of_root(trust.documents()[1], plane=new.plane, suites=new.suites)
        found, _ = open_it(welcome(trust=trust), fingerprint=pin)
        assert found.directory_hash == trust.directory_hash

    def test_another_fingerprint(self) -> None:
        with pytest.raises(TrustPin):
            open_it(welcome(), fingerprint="0000 " * 10)

    def test_not_signed_by_the_hub(self) -> None:
        for by in (PEER, "stranger"):
            with pytest.raises(TrustProof):
                open_it(welcome(by=by))

    def test_for_another_party(self) -> None:
        with pytest.raises(TrustWelcome, match=f"for {PEER}, not for {ME}"):
            open_it(welcome(PEER))

    def test_not_in_the_directory(self) -> None:
        raw = sign_document(
            "welcome",
            replace(read_body(read_document(welcome()), Welcome), party="s150800"),
            suite=REGION.suite,
            plane=REGION.plane,
            signers=[REGION.signer(HUB)],
        )
        with pytest.raises(TrustUnknownParty):
            open_it(raw, party="s150800")

    def test_with_another_encryption_key(self) -> None:
        with pytest.raises(KeysRefused):
            open_it(welcome(), wrap_seed=REGION.wrap_seed(PEER))

    def test_no_timestamp_yet(self) -> None:
        bare = with_fields(TRUST, _timestamp=None)
        with pytest.raises(TrustMalformed):
            welcome(trust=bare)

    @settings(max_examples=40)
    @given(st.data())
    def test_no_changed_byte_is_taken(self, data: st.DataObject) -> None:
        raw = bytearray(welcome())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        with pytest.raises(OrtooError):
            open_it(bytes(raw))

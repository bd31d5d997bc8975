"""One behaviour for every suite, and the known answers of suite 1."""

from __future__ import annotations

import hashlib

import nacl.bindings as sodium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ortoo_protocol.core import keys, long_aead
from ortoo_protocol.core.errors import KeysError, KeysMalformed, KeysRefused, KeysSuiteUnknown
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import (
    LONG_BYTES,
    Suite,
    Suite1,
    builtin_suites,
    domain,
    fingerprint,
    key_id,
)
from tests.support.forge import domain_by_hand, fixed
from tests.support.suite_test import SuiteOfTests

SUITES = [Suite1(), SuiteOfTests()]
_parts = st.lists(st.binary(max_size=6), max_size=4)


@pytest.fixture(params=SUITES, ids=lambda suite: suite.name)
def suite(request: pytest.FixtureRequest) -> Suite:
    found: Suite = request.param
    return found


def seed(suite: Suite, label: str = "seed") -> bytes:
    return fixed(label, suite.seed_bytes)


# --- domains ------------------------------------------------------------------------------------


@given(st.sampled_from(["a", "ab", "b"]), st.sampled_from(Plane), _parts)
def test_domain_is_as_specified(label: str, plane: Plane, parts: list[bytes]) -> None:
    assert domain(label, plane, *parts) == domain_by_hand(label, plane.byte, *parts)


_call = st.tuples(st.text("ab", min_size=1, max_size=3), st.sampled_from(Plane), _parts)


@given(_call, _call)
def test_two_domains_are_never_the_same_bytes(
    one: tuple[str, Plane, list[bytes]], other: tuple[str, Plane, list[bytes]]
) -> None:
    same = domain(one[0], one[1], *one[2]) == domain(other[0], other[1], *other[2])
    assert same == (one == other)


# --- every suite --------------------------------------------------------------------------------


def test_lengths_are_as_stated(suite: Suite) -> None:
    signer = suite.signer(seed(suite))
    key = fixed("key", suite.key_bytes)
    assert len(suite.hash(b"")) == suite.hash_bytes
    assert len(signer.sign(b"")) == suite.signature_bytes
    wrapped = suite.wrap(suite.wrap_public(seed(suite)), key, seed(suite, "once"))
    assert len(wrapped) == suite.wrapped_bytes
    sealed = suite.seal(key, bytes(suite.nonce_bytes), b"", b"text")
    assert len(sealed) == 4 + suite.tag_bytes
    assert len(suite.kdf(key, b"context", 64)) == 64
    assert len(suite.stretch(b"passphrase", bytes(16))) == suite.key_bytes


def test_the_suites_differ_in_every_length() -> None:
    names = [name for name in dir(Suite1) if name.endswith("_bytes")]
    assert all(getattr(Suite1(), name) != getattr(SuiteOfTests(), name) for name in names)


def test_signatures(suite: Suite) -> None:
    signer, other = suite.signer(seed(suite)), suite.signer(seed(suite, "other"))
    signature = signer.sign(b"message")
    suite.verify(signer.public, b"message", signature)
    suite.check_signing_public(signer.public)
    for public, message, value in (
        (signer.public, b"massage", signature),
        (other.public, b"message", signature),
        (signer.public, b"message", signature[:-1]),
        (signer.public, b"message", signature + b"\0"),
        (signer.public, b"message", bytes(len(signature))),
        (signer.public, b"message", b""),
        (signer.public[:-1], b"message", signature),
        (b"", b"message", signature),
        (bytes(len(signer.public)), b"message", signature),
    ):
        with pytest.raises(KeysRefused):
            suite.verify(public, message, value)


def test_wrapping(suite: Suite) -> None:
    key = fixed("key", suite.key_bytes)
    wrapped = suite.wrap(suite.wrap_public(seed(suite)), key, seed(suite, "once"))
    assert suite.unwrap(seed(suite), wrapped) == key
    flipped = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for private, value in (
        (seed(suite, "other"), wrapped),
        (seed(suite), flipped),
        (seed(suite), wrapped[:-1]),
        (seed(suite), b""),
        (seed(suite), bytes(len(wrapped))),
    ):
        with pytest.raises(KeysRefused):
            suite.unwrap(private, value)


def test_a_key_is_not_wrapped_to_what_is_no_key(suite: Suite) -> None:
    key = fixed("key", suite.key_bytes)
    size = len(suite.wrap_public(seed(suite)))
    for public in (bytes(size), b"\1" + bytes(size - 1), bytes(size - 1), b""):
        with pytest.raises(KeysRefused):
            suite.wrap(public, key, seed(suite, "once"))


def test_sealing(suite: Suite) -> None:
    key, nonce = fixed("key", suite.key_bytes), fixed("nonce", suite.nonce_bytes)
    sealed = suite.seal(key, nonce, b"header", b"text")
    assert suite.open(key, nonce, b"header", sealed) == b"text"
    for args in (
        (fixed("other", suite.key_bytes), nonce, b"header", sealed),
        (key, bytes(suite.nonce_bytes), b"header", sealed),
        (key, nonce, b"heading", sealed),
        (key, nonce, b"header", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (key, nonce, b"header", sealed[:-1]),
        (key, nonce, b"header", b""),
        (key[:-1], nonce, b"header", sealed),
        (key, nonce[:-1], b"header", sealed),
    ):
        with pytest.raises(KeysRefused):
            suite.open(*args)


def test_keys_of_other_lengths_are_refused(suite: Suite) -> None:
    for call in (
        lambda: suite.signer(seed(suite)[:-1]),
        lambda: suite.wrap_public(seed(suite) + b"\0"),
        lambda: suite.kdf(b"short", b"", 32),
        lambda: suite.wrap(suite.wrap_public(seed(suite)), b"short", seed(suite)),
        lambda: suite.check_signing_public(bytes(7)),
    ):
        with pytest.raises(KeysMalformed):
            call()


@settings(max_examples=50)
@given(st.sampled_from(SUITES), st.binary(max_size=150), st.binary(max_size=150))
def test_any_bytes_fail_by_name(suite: Suite, one: bytes, other: bytes) -> None:
    for call in (
        lambda: suite.verify(one, b"message", other),
        lambda: suite.unwrap(fixed("seed", suite.seed_bytes), one),
        lambda: suite.open(fixed("key", suite.key_bytes), other, b"", one),
        lambda: suite.open(one, fixed("nonce", suite.nonce_bytes), b"", other),
        lambda: suite.check_signing_public(one),
    ):
        try:
            call()
        except KeysError:
            continue


def test_names_of_keys_tell_plane_and_use_apart(suite: Suite) -> None:
    public = suite.signer(seed(suite)).public
    names = {key_id(suite, plane, use, public) for plane in Plane for use in ("sign", "wrap")}
    assert {len(name) for name in names} == {keys.KEY_ID_BYTES}
    assert len(names) == 4
    shown = fingerprint(suite, Plane.EXTRANET, public)
    assert len(shown) == 49
    assert shown != fingerprint(suite, Plane.INTRANET, public)


def test_a_signer_does_not_show_its_secret(suite: Suite) -> None:
    signer = suite.signer(seed(suite))
    assert seed(suite).hex() not in repr(signer) + str(signer)


def test_suites_are_found_by_number() -> None:
    found = builtin_suites([SuiteOfTests()])
    assert found.get(1).name == Suite1.name
    assert found.get(0x7F).name == SuiteOfTests.name
    with pytest.raises(KeysSuiteUnknown):
        builtin_suites().get(0x7F)


# --- suite 1 is what its name says --------------------------------------------------------------


def test_suite_1_signs_as_rfc_8032_says() -> None:
    """RFC 8032, 7.1, test 2."""
    signer = Suite1().signer(
        bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    )
    assert signer.public.hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert signer.sign(b"\x72").hex().startswith("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8f")


def test_suite_1_seals_as_the_draft_says() -> None:
    """draft-irtf-cfrg-xchacha-03, A.3.1."""
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
        b"the future, sunscreen would be it."
    )
    sealed = Suite1().seal(
        bytes(range(0x80, 0xA0)),
        bytes(range(0x40, 0x58)),
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        text,
    )
    assert sealed.hex().startswith(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    )
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"


def test_subkeys_of_long_texts_are_as_the_draft_says() -> None:
    """draft-irtf-cfrg-xchacha-03, 2.2.1."""
    found = long_aead.subkey(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    assert found.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


@pytest.mark.parametrize("size", [LONG_BYTES - 17, LONG_BYTES - 1, LONG_BYTES, 5 * LONG_BYTES + 3])
@pytest.mark.parametrize("aad", [b"", b"prefix and header"])
def test_long_and_short_texts_are_sealed_to_the_same_bytes(size: int, aad: bytes) -> None:
    """Whoever has another version, or another library, sees no difference."""
    key, nonce, text = fixed("key", 32), fixed("nonce", 24), fixed("text", size)
    sealed = Suite1().seal(key, nonce, aad, text)
    assert sealed == sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(text, aad, nonce, key)
    assert Suite1().open(key, nonce, aad, sealed) == text


@pytest.mark.parametrize("size", [100, LONG_BYTES])
def test_what_was_changed_does_not_open(size: int) -> None:
    key, nonce = fixed("key", 32), fixed("nonce", 24)
    sealed = Suite1().seal(key, nonce, b"aad", bytes(size))
    for changed in (bytes([sealed[0] ^ 1]) + sealed[1:], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(KeysRefused):
            Suite1().open(key, nonce, b"aad", changed)
    for other in ((fixed("other", 32), nonce, b"aad"), (key, bytes(24), b"aad"), (key, nonce, b"")):
        with pytest.raises(KeysRefused):
            Suite1().open(*other, sealed)


def test_suite_1_derives_with_keyed_blake2b() -> None:
    key = fixed("key", 32)
    assert (
        Suite1().kdf(key, b"context", 40)
        == hashlib.blake2b(b"context", key=key, digest_size=40).digest()
    )


@pytest.mark.parametrize(
    "public",
    [
        bytes(32),
        b"\1" + bytes(31),  # the identity, with which some libraries verify anything
        bytes.fromhex(
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
        ),  # order 8
        b"\xff" * 32,
    ],
)
def test_weak_points_are_no_signing_keys(public: bytes) -> None:
    with pytest.raises(KeysMalformed):
        Suite1().check_signing_public(public)
    with pytest.raises(KeysRefused):
        Suite1().verify(public, b"message", public + bytes(32))

"""Attacks on lean bodies (SPEC 5.5), which are hashed neither before nor after they are sealed.

Broker and strangers can do no more to them than to full ones; what their own sender could do is
why no other kind may have this form.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ortoo_protocol.core import envelope, verify
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.dispatch import Dispatch
from ortoo_protocol.core.envelope import ContentKey, Wrap, split
from ortoo_protocol.core.errors import (
    EnvelopeBodyHash,
    EnvelopeHeader,
    EnvelopeKeyCommitment,
    EnvelopeKind,
    EnvelopeOpen,
)
from ortoo_protocol.core.files import FileChunk
from ortoo_protocol.core.keys import Suite1
from ortoo_protocol.core.verify import Opened
from tests.support import bodies, forge
from tests.support.forge import CITY, OTHER, THIRD, ByHand, fixed
from tests.support.mutation import assert_refused, removed, replaced, stands_by

HERE = forge.world()
SUITE = HERE.suite
CHUNK = FileChunk(file=b"f" * 32, index=3)
DATA = fixed("what the file says", 3_000)


def chunk(**changes: object) -> bytes:
    return forge.make(HERE, CHUNK, CITY, OTHER, rows=[DATA], **changes)  # type: ignore[arg-type]


def cut(raw: bytes) -> envelope.Envelope:
    return split(raw, suites=HERE.suites, plane=HERE.plane)


def again(raw: bytes, header: list[object], by: str) -> bytes:
    """The body of `raw` under another header, signed anew."""
    was = cut(raw)
    made = ByHand(header, body=was.body, nonce=was.nonce, body_hash=was.body_hash, reserved=1)
    return made.assemble(HERE[by])


def test_it_comes_as_it_was_made() -> None:
    opened = HERE.open(chunk())
    assert (opened.body, opened.rows) == (CHUNK, (DATA,))
    assert opened.header.plaintext_commitment is None


def unauthenticated(_: Suite1, key: bytes, nonce: bytes, _aad: bytes, sealed: bytes) -> bytes:
    mode = modes.GCM(nonce[:12])
    return Cipher(algorithms.AES(key), mode).decryptor().update(sealed[:-16])


OPENING = replaced(Suite1, "open_lean", unauthenticated)
KEY_CONTEXT = replaced(envelope, "_key_context", lambda *_: ())


def test_a_byte_is_changed_on_the_way() -> None:
    """The signature says nothing of it: the tag does."""

    def attack() -> None:
        raw = bytearray(chunk())
        raw[-2_000] ^= 1
        assert HERE.open(bytes(raw)).rows[0] != DATA

    stands_by(attack, EnvelopeOpen, OPENING)


def test_another_tag_on_the_way() -> None:
    def attack() -> None:
        raw = bytearray(chunk())
        raw[-1] ^= 1
        HERE.open(bytes(raw))

    stands_by(attack, EnvelopeBodyHash, removed(verify.verify, "EnvelopeBodyHash"), OPENING)


def test_strip_and_re_sign_as_ones_own() -> None:
    def attack() -> None:
        stolen = chunk()
        header = forge.header_list(stolen)
        header[forge.SENDER] = THIRD
        opened = HERE.open(again(stolen, header, THIRD))
        assert (opened.header.sender, opened.rows) == (THIRD, (DATA,))

    stands_by(attack, EnvelopeKeyCommitment, KEY_CONTEXT, OPENING)


def test_another_key_than_committed_to() -> None:
    """GCM alone opens one body under two keys, if its sender wants it so."""

    def attack() -> None:
        one, other = (fixed(name, SUITE.key_bytes) for name in ("one", "other"))
        to = HERE[OTHER].recipient
        wrap = Wrap(to.key_id, SUITE.wrap(to.public, one, fixed("once", SUITE.seed_bytes)))
        raw = chunk(protection=ContentKey(one, (wrap,)))
        header = forge.header_list(raw)
        context = forge.context_by_hand("ortoo/key-commitment", HERE.plane.byte, header)
        header[forge.KEY_COMMITMENT] = SUITE.kdf(other, context, SUITE.hash_bytes)
        context = forge.context_by_hand("ortoo/body-key", HERE.plane.byte, header)
        size = len(cut(raw).body)
        draft = again(raw, header, CITY)
        plain = SUITE.open_lean(
            SUITE.kdf(one, context, SUITE.key_bytes),
            cut(raw).nonce,
            cut(raw).associated,
            cut(raw).body,
        )
        key = SUITE.kdf(one, context, SUITE.key_bytes)
        body = SUITE.seal_lean(key, cut(raw).nonce, cut(draft).associated, plain)
        assert len(body) == size
        made = ByHand(
            header,
            body=body,
            nonce=cut(raw).nonce,
            body_hash=SUITE.hash(body[-SUITE.tag_bytes :]),
            reserved=1,
        )
        HERE.open(made.assemble(HERE[CITY]))

    stands_by(attack, EnvelopeKeyCommitment, removed(verify.open_content, "EnvelopeKeyCommitment"))


def test_a_sender_who_means_to_deny_it() -> None:
    """A dispatch in the lean form would be committed to by nothing but its tag."""
    said = bodies.body_of(Dispatch)

    def attack() -> None:
        opened: Opened[Shape] = HERE.open(forge.make(HERE, said, CITY, OTHER, lean=True))
        assert opened.body == said

    stands_by(attack, EnvelopeKind, removed(verify._check_form, "EnvelopeKind"))


def test_a_chunk_in_the_full_form() -> None:
    """There is one way to write each kind."""
    assert_refused(lambda: HERE.open(chunk(lean=False)), EnvelopeKind)


@pytest.mark.parametrize("commitment", [None, bytes(32)])
def test_commitments_of_another_form(commitment: bytes | None) -> None:
    raw = chunk()
    header = forge.header_list(raw)
    header[forge.PLAINTEXT_COMMITMENT] = commitment
    header[forge.KEY_COMMITMENT] = None if commitment is None else header[forge.KEY_COMMITMENT]
    error = EnvelopeKind if commitment is None else EnvelopeHeader
    assert_refused(lambda: HERE.verify(again(raw, header, CITY)), error)

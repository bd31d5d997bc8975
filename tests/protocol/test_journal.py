"""Rows, checkpoints and signed notes: exact bytes, one form each, and what a forger tries."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ortoo_protocol.core import journal, merkle
from ortoo_protocol.core.errors import (
    CodecIdentifier,
    JournalConsistency,
    JournalFork,
    JournalInclusion,
    JournalNote,
    JournalOrigin,
    JournalRollback,
    JournalRow,
    JournalSignature,
    JournalUnsigned,
    KeysRefused,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.journal import (
    Checkpoint,
    Direction,
    Note,
    NoteKey,
    NoteSignature,
    NoteSigner,
    Row,
    State,
)
from ortoo_protocol.core.keys import Suite1

ROW = Row(
    seq=258,
    direction=Direction.RECEIVED,
    flow="s150000.townships",
    envelope_id=bytes(range(16)),
    kind="feed.item",
    sender="s150000",
    header=b"\x93\x01\x02\x03",
    signature=b"S" * 5,
    body_hash=b"H" * 3,
    state=State.ACCEPTED,
    time_ms=1_760_000_000_000,
    error="feed.fork",
)
ROW_LEAF = (
    "4f4a5231" "0000000000000102" "00000199c82cc000" "02" "01"
    "00000011" "733135303030302e746f776e7368697073"
    "00000010" "000102030405060708090a0b0c0d0e0f"
    "00000009" "666565642e6974656d"
    "00000007" "73313530303030"
    "00000004" "93010203"
    "00000005" "5353535353"
    "00000003" "484848"
    "00000009" "666565642e666f726b"
)  # fmt: skip

ORIGIN = journal.journal_origin(Plane.EXTRANET, "s150700")
HUB = journal.journal_origin(Plane.EXTRANET, "h150000")
OTHER = journal.journal_origin(Plane.EXTRANET, "s150200")


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(sha256, bytes([each])) for each in range(count)]


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, merkle.root_of(sha256, leaves(size)))


def keypair(name: str, seed: bytes) -> tuple[NoteSigner, NoteKey]:
    suite = Suite1()
    signer = suite.signer(seed * 32)
    return (
        journal.note_signer(suite, name, signer),
        journal.note_key(suite, name, signer.public),
    )


LOG_SIGNER, LOG_KEY = keypair(ORIGIN, b"a")
HUB_SIGNER, HUB_KEY = keypair(HUB, b"b")
OTHER_SIGNER, OTHER_KEY = keypair(OTHER, b"c")

# --- rows ---------------------------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8"), max_size=12)
rows = st.builds(
    Row,
    seq=st.integers(0, 2**63 - 1),
    direction=st.sampled_from(Direction),
    flow=texts,
    envelope_id=st.binary(min_size=16, max_size=16) | st.just(b""),
    kind=texts,
    sender=texts,
    header=st.binary(max_size=40),
    signature=st.binary(max_size=80),
    body_hash=st.binary(max_size=64),
    state=st.sampled_from(State),
    time_ms=st.integers(0, 2**64 - 1),
)


def test_the_bytes_of_a_row_are_these() -> None:
    assert ROW.leaf_bytes().hex() == ROW_LEAF


@given(rows)
def test_a_row_and_its_bytes_are_one_to_one(row: Row) -> None:
    assert Row.from_leaf(row.leaf_bytes()) == row


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"OJR1" + tail))
def test_bytes_that_are_no_row_are_refused_or_give_themselves_back(data: bytes) -> None:
    try:
        row = Row.from_leaf(data)
    except JournalRow:
        return
    assert row.leaf_bytes() == data


def test_every_changed_byte_is_another_row_or_none() -> None:
    leaf = ROW.leaf_bytes()
    for at in range(len(leaf)):
        changed = leaf[:at] + bytes([leaf[at] ^ 0x80]) + leaf[at + 1 :]
        try:
            assert Row.from_leaf(changed) != ROW
        except JournalRow:
            continue
    for end in range(len(leaf)):
        with pytest.raises(JournalRow):
            Row.from_leaf(leaf[:end])
    with pytest.raises(JournalRow):
        Row.from_leaf(leaf + b"\x00")


def test_a_byte_moved_to_the_neighbouring_field_is_another_leaf() -> None:
    moved = structs.replace(ROW, header=ROW.header + ROW.signature[:1], signature=ROW.signature[1:])
    assert moved.leaf_bytes() != ROW.leaf_bytes()


def test_an_edited_row_no_longer_verifies() -> None:
    written = [structs.replace(ROW, seq=seq, time_ms=ROW.time_ms + seq) for seq in range(5)]
    hashes = [merkle.leaf_hash(sha256, row.leaf_bytes()) for row in written]
    root, proof = merkle.root_of(sha256, hashes), merkle.inclusion_proof(sha256, hashes, 2)
    merkle.verify_inclusion(sha256, hashes[2], 2, 5, proof, root)
    edited = merkle.leaf_hash(sha256, structs.replace(written[2], state=State.REFUSED).leaf_bytes())
    with pytest.raises(JournalInclusion):
        merkle.verify_inclusion(sha256, edited, 2, 5, proof, root)


@pytest.mark.parametrize(
    "make",
    [
        lambda: structs.replace(ROW, seq=-1),
        lambda: structs.replace(ROW, seq=2**63),
        lambda: structs.replace(ROW, time_ms=-1),
        lambda: structs.replace(ROW, time_ms=2**64),
        lambda: structs.replace(ROW, envelope_id=b"short"),
    ],
)
def test_values_that_no_row_can_carry(make: Callable[[], Row]) -> None:
    with pytest.raises(JournalRow):
        make()


def test_text_outside_unicode_is_refused() -> None:
    with pytest.raises(JournalRow):
        structs.replace(ROW, flow="\ud800").leaf_bytes()


# --- checkpoints --------------------------------------------------------------------------------


def test_the_example_of_the_checkpoint_specification() -> None:
    """c2sp.org/tlog-checkpoint; its key is not published, so its signature counts as unknown."""
    data = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"
        "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    ).encode()
    note = Note.parse(data)
    assert note.checkpoint.size == 20852163
    assert len(note.checkpoint.root) == 32
    assert note.signatures[0].key_id.hex() == "033de0ae"
    assert len(note.signatures[0].signature) == 64
    assert note.to_bytes() == data


def test_an_origin_names_the_plane() -> None:
    assert ORIGIN == "ortoo/extranet/s150700"
    assert journal.journal_origin(Plane.INTRANET, "s150700") != ORIGIN
    with pytest.raises(CodecIdentifier):
        journal.journal_origin(Plane.EXTRANET, "s15\n0700")


@pytest.mark.parametrize("size", [0, 1, 10, 2**63 - 1])
@pytest.mark.parametrize("length", [1, 20, 32, 64])
def test_a_checkpoint_is_read_back(size: int, length: int) -> None:
    value = Checkpoint(ORIGIN, size, b"\xff" * length)
    assert Checkpoint.parse(value.text()) == value


ROOT = base64.b64encode(b"r" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n{ROOT}",  # no newline at the end
        f"{ORIGIN}\n7\n{ROOT}\n\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension",
        f"{ORIGIN}\x07\n7\n{ROOT}\n",
        f"{ORIGIN}\n7\n",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN} x\n7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n 7\n{ROOT}\n",
        f"{ORIGIN}\n7_0\n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",  # a digit, but not an ASCII one
        f"{ORIGIN}\n\n{ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\r\n7\r\n{ROOT}\r\n",
        f"{ORIGIN}\n7\n\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",  # padding missing
        f"{ORIGIN}\n7\n{ROOT[:-2]}J=\n",  # spare bits set: the same bytes in another form
        f"{ORIGIN}\n7\n{ROOT[:-4]}_-I=\n",
        f"{ORIGIN}\n7\n{ROOT[:8]} {ROOT[8:]}\n",
        f"{ORIGIN}\n7\n{ROOT}=\n",
        f"{ORIGIN}\n7\nröt=\n",
    ],
)
def test_anything_but_the_exact_lines_is_refused(text: str) -> None:
    with pytest.raises(JournalNote):
        Checkpoint.parse(text.encode())


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("a\n9", 1, b"r"), ("a b", 1, b"r"), ("\ud800", 1, b"r"), ("a", -1, b"r"), ("a", 1, b"")],
)
def test_a_checkpoint_that_would_read_as_another_cannot_be_made(
    origin: str, size: int, root: bytes
) -> None:
    with pytest.raises(JournalNote):
        Checkpoint(origin, size, root)


# --- extension ----------------------------------------------------------------------------------


def test_a_checkpoint_extends_every_earlier_one() -> None:
    for old in range(12):
        for new in range(old, 12):
            proof = merkle.consistency_proof(sha256, leaves(new), old)
            journal.check_extension(sha256, checkpoint(old), checkpoint(new), proof)


def test_what_does_not_extend_is_refused_by_name() -> None:
    old, new = checkpoint(5), checkpoint(9)
    proof = merkle.consistency_proof(sha256, leaves(9), 5)
    with pytest.raises(JournalRollback):
        journal.check_extension(sha256, new, old, proof)
    with pytest.raises(JournalFork):
        journal.check_extension(sha256, old, replace(old, root=b"x" * 32), [])
    with pytest.raises(JournalOrigin):
        journal.check_extension(sha256, replace(old, origin=OTHER), new, proof)
    with pytest.raises(JournalConsistency):
        journal.check_extension(sha256, old, new, [])
    edited = [*leaves(9)]
    edited[2] = b"e" * 32
    forged = replace(new, root=merkle.root_of(sha256, edited))
    with pytest.raises(JournalConsistency):
        journal.check_extension(sha256, old, forged, merkle.consistency_proof(sha256, edited, 5))


# --- signed notes -------------------------------------------------------------------------------


def test_key_ids_of_published_keys() -> None:
    """Keys as `golang.org/x/mod/sumdb/note` prints them: name, key id, type byte and key."""
    for name, key_id, typed_key in (
        ("sum.golang.org", "033de0ae", "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
        ("PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    ):
        raw = base64.b64decode(typed_key)
        assert journal.note_key_id(name, raw[:1], raw[1:]).hex() == key_id


@pytest.mark.parametrize("kind", [b"", b"\x01\x02", b"\xff"])
def test_a_signature_type_is_one_byte_or_an_own_identifier(kind: bytes) -> None:
    with pytest.raises(JournalNote):
        journal.note_key_id("name", kind, b"key")


def test_log_and_cosigners_sign_the_same_text() -> None:
    note = Note(checkpoint(9)).signed(LOG_SIGNER)
    apart = Note(checkpoint(9)).signed(HUB_SIGNER).signatures
    data = note.joined(apart).joined(apart).signed(OTHER_SIGNER).to_bytes()
    opened = journal.open_checkpoint(data, ORIGIN, [LOG_KEY], [HUB_KEY, OTHER_KEY])
    assert opened.checkpoint == checkpoint(9)
    assert opened.cosigners == (HUB, OTHER)
    assert opened.note.to_bytes() == data
    assert len(opened.note.signatures) == 3


def test_a_suite_of_its_own_signs_notes_too() -> None:
    def sign(message: bytes) -> bytes:
        return hmac.digest(b"k", message, "sha512") * 2

    def verify(message: bytes, signature: bytes) -> None:
        if not hmac.compare_digest(sign(message), signature):
            raise KeysRefused()

    key_id = journal.note_key_id(ORIGIN, b"\xffortoo/test", b"a public key of any length")
    key = NoteKey(ORIGIN, key_id, verify)
    data = Note(checkpoint(3)).signed(NoteSigner(ORIGIN, key_id, sign)).to_bytes()
    opened = journal.open_checkpoint(data, ORIGIN, [LOG_KEY, key])
    assert (opened.checkpoint, opened.cosigners) == (checkpoint(3), ())


def test_signatures_of_unknown_keys_are_ignored() -> None:
    note = Note(checkpoint(9)).signed(LOG_SIGNER).signed(HUB_SIGNER)
    same_name = NoteSignature(ORIGIN, b"\x00" * 4, b"junk")
    same_id = NoteSignature(HUB, LOG_KEY.key_id, b"junk")
    data = note.joined([same_name, same_id]).to_bytes()
    assert journal.open_checkpoint(data, ORIGIN, [LOG_KEY]).cosigners == ()


def test_a_known_key_with_a_bad_signature_is_refused() -> None:
    good = Note(checkpoint(9)).signed(LOG_SIGNER)
    bad = NoteSignature(LOG_KEY.name, LOG_KEY.key_id, b"x" * 64)
    with pytest.raises(JournalSignature):
        journal.open_checkpoint(good.joined([bad]).to_bytes(), ORIGIN, [LOG_KEY])
    bad_hub = NoteSignature(HUB, HUB_KEY.key_id, good.signatures[0].signature)
    data = good.joined([bad_hub]).to_bytes()
    assert journal.open_checkpoint(data, ORIGIN, [LOG_KEY]).checkpoint == checkpoint(9)
    with pytest.raises(JournalSignature):
        journal.open_checkpoint(data, ORIGIN, [LOG_KEY], [HUB_KEY])


def test_a_cosignature_does_not_stand_in_for_the_log() -> None:
    data = Note(checkpoint(9)).signed(HUB_SIGNER).to_bytes()
    with pytest.raises(JournalUnsigned):
        journal.open_checkpoint(data, ORIGIN, [LOG_KEY], [HUB_KEY])


def test_a_checkpoint_of_another_journal_is_refused() -> None:
    data = Note(checkpoint(9)).signed(LOG_SIGNER).to_bytes()
    with pytest.raises(JournalOrigin):
        journal.open_checkpoint(data, OTHER, [LOG_KEY])


def test_no_changed_byte_of_a_note_is_believed() -> None:
    data = Note(checkpoint(9)).signed(LOG_SIGNER).to_bytes()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises((JournalNote, JournalOrigin, JournalSignature, JournalUnsigned)):
            journal.open_checkpoint(changed, ORIGIN, [LOG_KEY])


LINE = Note(checkpoint(9)).signed(LOG_SIGNER).signatures[0].line()
TEXT = checkpoint(9).text().decode()


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{LINE}",
        f"{TEXT}\n{LINE[:-1]}",
        f"{TEXT}\n{LINE}\n",
        f"{TEXT}\n\n{LINE}",
        f"{TEXT}\n{LINE}junk\n",
        f"{TEXT}\n{LINE.replace('—', '-')}",
        f"{TEXT}\n{LINE[2:]}",
        f"{TEXT}\n— {ORIGIN}\n",
        f"{TEXT}\n— {ORIGIN} AAAA\n",
        f"{TEXT}\n— {ORIGIN} AAAAAA==\n",  # a key id and no signature
        f"{TEXT}\n— a+b AAAAAAAA\n",
        f"{TEXT}\n—  AAAAAAAA\n",
        f"{TEXT}\n— a\u00a0b AAAAAAAA\n",
        f"{TEXT}\n{LINE[:-1]} \n",
        f"{TEXT}\n{LINE[:-1]}\t\n",
        f"{TEXT}\n" + LINE * (journal.MAX_SIGNATURES + 1),
        f"{TEXT}\n— a {'A' * journal.MAX_NOTE_BYTES}\n",
        "",
    ],
)
def test_a_malformed_note_is_refused(data: str) -> None:
    with pytest.raises(JournalNote):
        Note.parse(data.encode())


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(JournalNote):
        Note.parse(b"\xff" + f"{TEXT}\n{LINE}".encode())


@given(st.binary(max_size=300) | st.text(max_size=60).map(lambda tail: f"{TEXT}\n{tail}".encode()))
def test_no_note_raises_anything_else(data: bytes) -> None:
    try:
        assert Note.parse(data).to_bytes() == data
    except JournalNote:
        return


def test_a_note_nobody_could_read_is_not_written() -> None:
    many = [NoteSignature("a", bytes([0, 0, i >> 8, i & 255]), b"x") for i in range(257)]
    for note in (
        Note(checkpoint(9)),
        Note(checkpoint(9)).joined(many),
        Note(checkpoint(9)).joined([NoteSignature("a", b"1234", b"x" * journal.MAX_NOTE_BYTES)]),
    ):
        with pytest.raises(JournalNote):
            note.to_bytes()


def test_a_signer_does_not_show_its_secret() -> None:
    assert "sign" not in repr(LOG_SIGNER).replace("NoteSigner", "")

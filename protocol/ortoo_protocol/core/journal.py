"""The journal: rows that are never changed, and the checkpoints that commit to them.

A row's `leaf_bytes` is a leaf of the tree in `merkle`. A checkpoint states origin, size and
root as a C2SP tlog-checkpoint, and travels as a C2SP signed note: its text, a blank line, and a
line for each signature, the log's and the cosigners' alike. Nothing of a note may be believed
before `open_checkpoint` returned it.

Bodies are no part of a row, only their hash is: erasing a body leaves every proof as it was.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from ortoo_protocol.core.errors import (
    JournalFork,
    JournalNote,
    JournalOrigin,
    JournalRollback,
    JournalRow,
    JournalSignature,
    JournalUnsigned,
    KeysError,
)
from ortoo_protocol.core.ids import ENVELOPE_ID_BYTES, Plane, check_party
from ortoo_protocol.core.keys import Signer, Suite
from ortoo_protocol.core.merkle import MAX_SIZE, Hash, verify_consistency

# --- rows ---------------------------------------------------------------------------------------

ROW_MAGIC = b"OJR1"
_FIXED = struct.Struct(">4sQQBB")
_LENGTH = struct.Struct(">I")
_PARTS = 8
_MAX_U64 = 2**64 - 1
_MAX_PART_BYTES = 2**32 - 1


class Direction(enum.Enum):
    """Values are the byte in `leaf_bytes`."""

    SENT = 1
    RECEIVED = 2
    LOCAL = 3


class State(enum.Enum):
    """Values are the byte in `leaf_bytes`."""

    ACCEPTED = 1
    APPLIED = 2
    REFUSED = 3
    QUERIED = 4


class Row(msgspec.Struct, frozen=True):
    """One fact about one message. A later fact about it (accepted, then applied) is another row.

    `seq` is the index of the leaf, from 0. `flow` names what the row belongs to: a feed id, a
    case, or nothing. `envelope_id` is 16 bytes, or empty for what bore no readable envelope.
    `error` is the code of a refusal, else empty.
    """

    seq: int
    direction: Direction
    flow: str
    envelope_id: bytes
    kind: str
    sender: str
    header: bytes
    signature: bytes
    body_hash: bytes
    state: State
    time_ms: int
    error: str = ""

    def __post_init__(self) -> None:
        if not (0 <= self.seq <= MAX_SIZE and 0 <= self.time_ms <= _MAX_U64):
            raise JournalRow(detail=f"number {self.seq} at {self.time_ms} ms")
        if len(self.envelope_id) not in (0, ENVELOPE_ID_BYTES):
            raise JournalRow(detail=f"an envelope id of {len(self.envelope_id)} bytes")

    def leaf_bytes(self) -> bytes:
        """What the tree commits to; all integers big endian.

        `"OJR1"`, seq (8 bytes), time_ms (8), direction (1), state (1); then flow, envelope_id,
        kind, sender, header, signature, body_hash, error, each as length (4) and bytes, text in
        UTF-8.
        Raises JournalRow for text that UTF-8 cannot carry and for parts of 4 GiB.
        """
        fixed = _FIXED.pack(
            ROW_MAGIC, self.seq, self.time_ms, self.direction.value, self.state.value
        )
        try:
            parts = (
                self.flow.encode(),
                self.envelope_id,
                self.kind.encode(),
                self.sender.encode(),
                self.header,
                self.signature,
                self.body_hash,
                self.error.encode(),
            )
        except UnicodeEncodeError as error:
            raise JournalRow(detail="its text is not Unicode") from error
        if any(len(part) > _MAX_PART_BYTES for part in parts):
            raise JournalRow(detail="a part is too long")
        return fixed + b"".join(_LENGTH.pack(len(part)) + part for part in parts)

    @classmethod
    def from_leaf(cls, leaf: bytes) -> Row:
        """The only row with these `leaf_bytes`. Raises JournalRow."""
        if len(leaf) < _FIXED.size:
            raise JournalRow(detail="it is cut short")
        magic, seq, time_ms, direction, state = _FIXED.unpack_from(leaf)
        if magic != ROW_MAGIC:
            raise JournalRow(detail="it does not begin as a row")
        flow, envelope_id, kind, sender, header, signature, body_hash, error_code = _parts(
            leaf, _FIXED.size
        )
        try:
            return cls(
                seq=seq,
                direction=Direction(direction),
                flow=flow.decode(),
                envelope_id=envelope_id,
                kind=kind.decode(),
                sender=sender.decode(),
                header=header,
                signature=signature,
                body_hash=body_hash,
                state=State(state),
                time_ms=time_ms,
                error=error_code.decode(),
            )
        except ValueError as error:  # an unknown direction or state, or bytes that are not UTF-8
            raise JournalRow(detail=str(error)) from error


def _parts(leaf: bytes, at: int) -> list[bytes]:
    parts: list[bytes] = []
    for _ in range(_PARTS):
        start = at + _LENGTH.size
        at = start + int.from_bytes(leaf[at:start], "big")
        parts.append(leaf[start:at])
    if at != len(leaf):
        raise JournalRow(detail="its lengths do not add up")
    return parts


# --- checkpoints (c2sp.org/tlog-checkpoint) -----------------------------------------------------

MAX_NOTE_BYTES = 256 * 1024
MAX_SIGNATURES = 256  # a region's stations all cosign the hub's checkpoint
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


def journal_origin(plane: Plane, party: str) -> str:
    """The origin of a party's journal, and the name of the keys that sign it: the plane is in both.

    Its first byte also keeps every checkpoint apart from the strings of `keys.domain`.
    """
    return f"ortoo/{plane.value}/{check_party(party)}"


@dataclass(frozen=True)
class Checkpoint:
    """`origin`: the log's name, unique in the world. `size`: leaves.

    Raises JournalNote for values that no checkpoint can carry.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        _check_name(self.origin)
        if not 0 <= self.size <= MAX_SIZE or not self.root:
            raise JournalNote(detail=f"size {self.size}, root of {len(self.root)} bytes")

    def text(self) -> bytes:
        """The text of the note, which is what is signed: three lines and no extension line."""
        return f"{self.origin}\n{self.size}\n{_encode(self.root)}\n".encode()

    @classmethod
    def parse(cls, text: bytes) -> Checkpoint:
        """Accepts exactly what `text` gives. Raises JournalNote."""
        lines = _decode_text(text).split("\n")
        if len(lines) != 4 or lines[3]:
            raise JournalNote(detail="a checkpoint has exactly three lines")
        origin, size, root, _ = lines
        if not _SIZE.fullmatch(size):
            raise JournalNote(detail="the size is not a plain decimal number")
        return cls(origin, int(size), _decode(root))


def check_extension(digest: Hash, old: Checkpoint, new: Checkpoint, proof: Sequence[bytes]) -> None:
    """Whoever persists or cosigns `new` calls this first, with the last one it persisted.

    Raises JournalOrigin (another log), JournalRollback (fewer leaves), JournalFork (as many leaves,
    another root), JournalConsistency (the proof does not show that `new` extends `old`).
    """
    if new.origin != old.origin:
        raise JournalOrigin(found=new.origin, expected=old.origin)
    if new.size < old.size:
        raise JournalRollback(origin=old.origin, old_size=old.size, size=new.size)
    if new.size == old.size and new.root != old.root:
        raise JournalFork(origin=old.origin, size=old.size)
    verify_consistency(digest, old.size, new.size, old.root, new.root, proof)


# --- signed notes (c2sp.org/signed-note) --------------------------------------------------------

TYPE_ED25519 = b"\x01"
_TYPE_OWN = 0xFF
_KEY_ID_BYTES = 4
_DASH = "— "


def note_key_id(name: str, signature_type: bytes, public_key: bytes) -> bytes:
    """The 4 bytes that with its name tell a note key: SHA-256(name ‖ LF ‖ type ‖ public key)[:4].

    An identifier only, and SHA-256 for every suite as C2SP recommends. `signature_type` is the
    byte that C2SP assigned, or 0xff followed by an identifier of the suite's own.
    """
    _check_name(name)
    own = signature_type[:1] == bytes([_TYPE_OWN])
    if not public_key or own == (len(signature_type) == 1) or not signature_type:
        raise JournalNote(detail=f"signature type {signature_type.hex()} of key {name}")
    named = name.encode() + b"\n" + signature_type + public_key
    return hashlib.sha256(named).digest()[:_KEY_ID_BYTES]


@dataclass(frozen=True)
class NoteKey:
    """A key trusted to sign notes. `verify(message, signature)` raises a KeysError to refuse."""

    name: str
    key_id: bytes
    verify: Callable[[bytes, bytes], None] = field(repr=False)


@dataclass(frozen=True)
class NoteSigner:
    """`sign(message)` gives the signature over exactly these bytes, the text of a note."""

    name: str
    key_id: bytes
    sign: Callable[[bytes], bytes] = field(repr=False)


def note_key(suite: Suite, name: str, public: bytes) -> NoteKey:
    return NoteKey(name, note_key_id(name, suite.note_type, public), partial(suite.verify, public))


def note_signer(suite: Suite, name: str, signer: Signer) -> NoteSigner:
    return NoteSigner(name, note_key_id(name, suite.note_type, signer.public), signer.sign)


@dataclass(frozen=True)
class NoteSignature:
    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != _KEY_ID_BYTES or not self.signature:
            raise JournalNote(detail=f"the signature of {self.name} has a wrong length")

    def line(self) -> str:
        return f"{_DASH}{self.name} {_encode(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A checkpoint with signatures that nobody has verified yet."""

    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...] = ()

    def signed(self, signer: NoteSigner) -> Note:
        """With the signature of the log or of a cosigner, after those already there.

        A log signs nothing that is inconsistent with what it signed before; a cosigner calls
        `check_extension` and persists the checkpoint first.
        """
        value = signer.sign(self.checkpoint.text())
        return self.joined([NoteSignature(signer.name, signer.key_id, value)])

    def joined(self, signatures: Iterable[NoteSignature]) -> Note:
        """With cosignatures that came apart; lines already there are not repeated."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *signatures))))

    def to_bytes(self) -> bytes:
        """Raises JournalNote when nobody signed, or when `parse` would find it too large."""
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise JournalNote(detail=f"{len(self.signatures)} signatures")
        lines = "".join(each.line() for each in self.signatures)
        data = self.checkpoint.text() + b"\n" + lines.encode()
        if len(data) > MAX_NOTE_BYTES:
            raise JournalNote(detail=f"{len(data)} bytes")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Form only: nothing is verified. Raises JournalNote."""
        if len(data) > MAX_NOTE_BYTES:
            raise JournalNote(detail=f"{len(data)} bytes")
        text, blank, lines = _decode_text(data).rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise JournalNote(detail="no signature lines after a blank line")
        if lines.count("\n") > MAX_SIGNATURES:
            raise JournalNote(detail="too many signatures")
        signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
        return cls(Checkpoint.parse(f"{text}\n".encode()), signatures)

    def verified(self, keys: Iterable[NoteKey]) -> tuple[NoteKey, ...]:
        """The keys among `keys` that signed. Signatures of any other key are ignored.

        Raises JournalSignature when one of `keys` is named by a signature that does not verify.
        """
        known = {(key.name, key.key_id): key for key in keys}
        text = self.checkpoint.text()
        found: dict[tuple[str, bytes], NoteKey] = {}
        for each in self.signatures:
            key = known.get((each.name, each.key_id))
            if key is None:
                continue
            try:
                key.verify(text, each.signature)
            except KeysError as error:
                raise JournalSignature(key=key.name, origin=self.checkpoint.origin) from error
            found[each.name, each.key_id] = key
        return tuple(found.values())


@dataclass(frozen=True)
class OpenedCheckpoint:
    """A checkpoint its log signed, and the names of the given cosigners that signed it too."""

    checkpoint: Checkpoint
    note: Note
    cosigners: tuple[str, ...]


def open_checkpoint(
    data: bytes, origin: str, log_keys: Iterable[NoteKey], cosigner_keys: Iterable[NoteKey] = ()
) -> OpenedCheckpoint:
    """1 form, 2 origin, 3 the log's own signature (any of its valid keys), 4 cosignatures.

    Raises JournalNote, JournalOrigin, JournalUnsigned, JournalSignature. A caller that demands a
    number of cosigners counts `cosigners`; one that holds an earlier checkpoint goes on with
    `check_extension`.
    """
    note = Note.parse(data)  # 1
    if note.checkpoint.origin != origin:  # 2
        raise JournalOrigin(found=note.checkpoint.origin, expected=origin)
    if not note.verified(log_keys):  # 3
        raise JournalUnsigned(origin=origin)
    cosigners = dict.fromkeys(key.name for key in note.verified(cosigner_keys))  # 4
    return OpenedCheckpoint(note.checkpoint, note, tuple(cosigners))


def _parse_line(line: str) -> NoteSignature:
    name, space, value = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise JournalNote(detail="a signature line is malformed")
    raw = _decode(value)
    return NoteSignature(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def _check_name(name: str) -> None:
    """Key names, and origins with them: C2SP only recommends it for the latter."""
    if not name or any(char == "+" or char.isspace() or char < " " for char in name):
        raise JournalNote(detail="a name is empty or has a space, a plus or a control character")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise JournalNote(detail="a name is not Unicode") from error


def _decode_text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise JournalNote(detail="it is not UTF-8") from error


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(value: str) -> bytes:
    """Base64 as RFC 4648 §4 writes it, one form for each value (Python lets spare bits pass)."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise JournalNote(detail="base64 is malformed") from error
    if _encode(data) != value:
        raise JournalNote(detail="base64 is not in its one form")
    return data

"""Evidence (证据包): what a journal says of some messages, with all that a check of it needs.

A bundle is a set of named files (SPEC.md, 12.4); how they are packed is the business of whoever
writes them to a disk. `MANIFEST` lists every other file with its hash; `evidence` is a signed
document with the hash of `MANIFEST`, so the party that handed the bundle out answers for what is in
it and for what it left out. The same rows and checkpoints give the same files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ortoo_protocol.core.codec import Count, Packed, Shape, encode
from ortoo_protocol.core.commitment import Shown
from ortoo_protocol.core.envelope import PREFIX_BYTES, Envelope
from ortoo_protocol.core.errors import EvidenceForm
from ortoo_protocol.core.ids import Digest, HexId, PartyId, Plane
from ortoo_protocol.core.keys import KEY_ID_BYTES, Suite

MANIFEST, EVIDENCE = "MANIFEST", "evidence"
ROOTS, DIRECTORIES = "trust/roots/", "trust/directories/"
CHECKPOINTS, PROOFS = "checkpoints/", "consistency/"
ROWS, ENVELOPES, OPENINGS, GRANTS = "rows/", "envelopes/", "openings/", "grants/"
FOLDERS = (ROOTS, DIRECTORIES, CHECKPOINTS, PROOFS, ROWS, ENVELOPES, OPENINGS, GRANTS)
MAX_ROWS = 20_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,2}")

Files = Mapping[str, bytes]


class Selection(Shape, frozen=True):
    """What was asked for. Rows `first` to `last`, both included, and among them, where any are
    named, those of these flows (cases, grants, feeds) or envelopes. `bodies`: with the messages
    themselves, as far as they were still there."""

    first: Count
    last: Count
    flows: tuple[str, ...] = ()
    envelopes: tuple[bytes, ...] = ()
    bodies: bool = False

    @property
    def whole(self) -> bool:
        """Every row of the range: then none can be left out unseen."""
        return not self.flows and not self.envelopes


class Evidence(Shape, frozen=True, kw_only=True):
    """The body of the document that the party signs. `size`: rows of the newest checkpoint in it;
    `rows`: how many rows stand in the bundle; `manifest`: hash of the file `MANIFEST`."""

    plane: Plane
    party: PartyId
    hub: PartyId
    size: Count
    rows: Count
    selection: Selection
    manifest: Digest


class ProvenRow(Packed, frozen=True):
    """A row of the journal: its leaf, the rest of what its envelope's signature covers (`framing`;
    empty where that was not kept, or there was no envelope), and its path to the newest checkpoint.
    """

    leaf: bytes
    framing: bytes
    path: tuple[bytes, ...]


class Opening(Packed, frozen=True):
    """One part of a sealed message, opened against the plaintext commitment of row `row`."""

    row: int
    index: int
    count: int
    part: bytes
    salt: bytes
    leaves: tuple[bytes, ...]
    groups: tuple[bytes, ...]

    @classmethod
    def of(cls, row: int, shown: Shown) -> Opening:
        return cls(
            row, shown.index, shown.count, shown.part, shown.salt, shown.leaves, shown.groups
        )

    def shown(self) -> Shown:
        return Shown(self.index, self.count, self.part, self.salt, self.leaves, self.groups)


class ShownGrant(Packed, frozen=True):
    """A grant's terms as they were signed. `row`, `salt`: of the letter that brought them, whose
    commitment they open; without them the party that signed the bundle says so, and it alone."""

    terms: bytes
    row: int | None
    salt: bytes


class Path(Packed, frozen=True):
    """A consistency proof."""

    hashes: tuple[bytes, ...]


# --- envelopes without their bodies -------------------------------------------------------------


def framing_of(envelope: Envelope) -> bytes:
    """What of the signed bytes is neither header nor body hash: prefix and nonce."""
    header_end = PREFIX_BYTES + len(envelope.header)
    return envelope.raw[:PREFIX_BYTES] + envelope.raw[header_end : header_end + len(envelope.nonce)]


def signed_part(framing: bytes, header: bytes, body_hash: bytes) -> bytes:
    """The signed bytes of an envelope, from what a journal keeps of it."""
    return framing[:PREFIX_BYTES] + header + framing[PREFIX_BYTES:] + body_hash


def key_id_in(framing: bytes) -> bytes:
    """Of the key that signed."""
    return framing[PREFIX_BYTES - KEY_ID_BYTES : PREFIX_BYTES]


# --- names and manifest -------------------------------------------------------------------------


def numbered(folder: str, number: int) -> str:
    return f"{folder}{number:016d}"


def proof_name(old: int, new: int) -> str:
    return f"{PROOFS}{old:016d}-{new:016d}"


def opening_name(row: int, index: int) -> str:
    return f"{OPENINGS}{row:016d}-{index:08d}"


def grant_name(grant: HexId) -> str:
    return f"{GRANTS}{grant}"


def number_in(name: str) -> int:
    """Raises EvidenceForm."""
    digits = name.rpartition("/")[2]
    if not re.fullmatch(r"[0-9]{16}", digits):
        raise EvidenceForm(detail=f"{name} bears no number")
    return int(digits)


def manifest_of(suite: Suite, files: Files) -> bytes:
    """Lines as sha256sum writes them, sorted by name (where the suite's hash is that one)."""
    lines = (f"{suite.hash(files[name]).hex()}  {name}\n" for name in sorted(files))
    return "".join(lines).encode()


def read_manifest(data: bytes) -> dict[str, bytes]:
    """Name to hash. Raises EvidenceForm for anything that `manifest_of` would not have written."""
    found: dict[str, bytes] = {}
    try:
        lines = data.decode("ascii").splitlines(keepends=True)
        for line in lines:
            digest, gap, name = line.rstrip("\n").partition("  ")
            if not gap or not line.endswith("\n") or not _NAME.fullmatch(name) or name in found:
                raise EvidenceForm(detail="a line of MANIFEST")
            found[name] = bytes.fromhex(digest)
    except ValueError as error:
        raise EvidenceForm(detail=f"MANIFEST: {error}") from None
    if list(found) != sorted(found):
        raise EvidenceForm(detail="MANIFEST is not in order")
    return found


def put_rows(files: dict[str, bytes], rows: Iterable[tuple[int, ProvenRow]]) -> None:
    for seq, row in rows:
        files[numbered(ROWS, seq)] = encode(row)


def under(names: Iterable[str], folder: str) -> Sequence[str]:
    return sorted(name for name in names if name.startswith(folder))

"""What is fuzzed: each target takes bytes and lets nothing out but errors of Ortoo's own tree.

`seeds` are what a corpus begins with: real messages, documents, notes and files.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import openpyxl

from ortoo_node.catalog.sheets import reading
from ortoo_protocol.core import bundles, cases, envelope, grants, journal, merkle, queries, verify
from ortoo_protocol.core.catalog.intake import problems
from ortoo_protocol.core.codec import Shape, check_scalars, decode, encode, unpack
from ortoo_protocol.core.directory import read_document
from ortoo_protocol.core.enrolment import make_request, read_request
from ortoo_protocol.core.envelope import Header, Position
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.feeds import RowChange, read_row_part, row_part
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite1, Suites
from ortoo_protocol.core.messages import KINDS, Route
from ortoo_protocol.core.row_codec import RowCodec
from ortoo_protocol.core.row_filters import parse_filter
from ortoo_protocol.core.trust import Trust
from tests.fuzz.lenient import Lenient
from tests.support import bodies, forge
from tests.support.forge import CITY, HUB, NOW_MS, OTHER
from tests.support.trust import NOW_MS as TRUST_MS
from tests.support.trust import Region

VECTORS = Path(__file__).parents[1] / "vectors"
HERE = forge.world(Lenient())
REGION = Region(suite=Lenient(), suites=Suites((Lenient(),)))
PINNED = REGION.pinned()
TRUSTED = REGION.trust()
SIGNED = Suite1()
ORIGIN = journal.journal_origin(Plane.EXTRANET, CITY)
LOG_KEY = journal.note_key(SIGNED, ORIGIN, forge.party(CITY).signer.public)
FEED_KEY = bytes(32)


@dataclass(frozen=True)
class Target:
    name: str
    one: Callable[[bytes], object]
    seeds: Callable[[], Iterable[tuple[str, bytes]]]
    most_bytes: int = 4_096

    def run(self, data: bytes) -> None:
        """Raises whatever is no named error: a defect."""
        with contextlib.suppress(OrtooError):
            self.one(data)


# --- envelope: a message as the broker brings it -------------------------------------------------


class _Alike:
    """Equal to whatever was promised."""

    __hash__ = None  # type: ignore[assignment]  # nobody keeps it

    def __eq__(self, other: object) -> bool:
        return True


def _envelope(data: bytes) -> None:
    for raw in bundles.unbundle(data):
        message = verify.verify(
            _hashed(raw), suites=HERE.suites, plane=HERE.plane, keys=HERE.keys, now_ms=NOW_MS
        )
        with mock.patch.object(verify, "commit", return_value=_Alike()):
            verify.open_content(message, _any_key)


def _hashed(raw: bytes) -> bytes:
    """With the hash of the body that it has."""
    cut = envelope.split(raw, suites=HERE.suites, plane=HERE.plane)
    end = len(raw) - len(cut.body) - HERE.suite.signature_bytes
    start = end - HERE.suite.hash_bytes
    return raw[:start] + HERE.suite.hash(cut.hashed) + raw[end:]


def _any_key(_header: Header) -> bytes:
    return FEED_KEY


def _envelopes() -> Iterator[tuple[str, bytes]]:
    made = []
    for kind in KINDS:
        sender = CITY if "s" in kind.senders else HUB
        to = OTHER if kind.route is not Route.FEED else f"{sender}.x"
        position = Position(1, 1, bytes(32)) if kind.item else None
        key = FEED_KEY if kind.route is Route.FEED else None
        body = bodies.body_of(kind.shape)
        raw = forge.make(HERE, body, sender, to, kind=kind.name, position=position, feed_key=key)
        made.append(raw)
        yield kind.name, raw
    yield "bundle", bundles.bundle(made[:3])


# --- codec: a body, and rows ---------------------------------------------------------------------


def _codec(data: bytes) -> None:
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    body = data[1:]
    with contextlib.suppress(OrtooError):
        made = decode(body, kind.shape)
        assert decode(encode(made), kind.shape) == made
    with contextlib.suppress(OrtooError):
        read_row_part(body, bodies.SCHEMA)
    with contextlib.suppress(OrtooError):
        RowCodec(bodies.SCHEMA).read([body])
    with contextlib.suppress(OrtooError):
        queries.read_parameters(body)
    value = unpack(body)
    if isinstance(value, list):
        check_scalars(value)


def _bodies() -> Iterator[tuple[str, bytes]]:
    for number, kind in enumerate(KINDS):
        yield kind.name, bytes([number % 256]) + encode(bodies.body_of(kind.shape))
    yield "row", b"\0" + row_part(RowChange(0, ("150702", "街道")))


# --- directory: what signed documents may bring --------------------------------------------------


def _directory(data: bytes) -> None:
    for trust in (PINNED, TRUSTED):
        with contextlib.suppress(OrtooError):
            after = trust.with_document(data, TRUST_MS)
            again = Trust.restore(after.documents(), plane=REGION.plane, suites=REGION.suites)
            assert again.directory_hash == after.directory_hash
    with contextlib.suppress(OrtooError):
        Trust.pin(
            data,
            fingerprint="",
            plane=REGION.plane,
            suites=REGION.suites,
            now_ms=TRUST_MS,
        )
    read_document(data)
    read_request(data, plane=REGION.plane, suites=REGION.suites, allowed=(1,))


def _documents() -> Iterator[tuple[str, bytes]]:
    yield "root", REGION.sign_root(REGION.root())
    yield "root-2", REGION.sign_root(REGION.root(2))
    yield "directory", REGION.sign_directory(REGION.directory())
    yield "directory-2", REGION.sign_directory(REGION.directory(2, bytes(32)))
    yield "timestamp", REGION.stamp(1, bytes(32))
    for party in REGION.parties:
        yield party, REGION.sign_announcement(REGION.announcement(party))
    yield "enrolment", _enrolment()
    known = json.loads((VECTORS / "trust.json").read_text())["documents"]
    for name, text in known.items():
        yield name.replace(" ", "-"), bytes.fromhex(text)


def _enrolment() -> bytes:
    party = REGION.parties[1]
    return make_request(
        party=party,
        name="一站",
        token="t" * 32,
        announcement=REGION.sign_announcement(REGION.announcement(party)),
        signer=REGION.signer(party),
        suite=REGION.suite,
        plane=REGION.plane,
    )


# --- grant: terms, ends, applications ------------------------------------------------------------

_GRANTS: Sequence[tuple[type[Shape], Callable[[Any], object]]] = (
    (
        grants.GrantTerms,
        lambda body: (grants.check_terms(body), parse_filter(body.row_filter, None)),
    ),
    (grants.GrantEnded, grants.check_ended),
    (grants.StopFiling, grants.check_filing),
    (
        cases.Application,
        lambda body: (cases.check_application(body), parse_filter(body.row_filter, None)),
    ),
    (queries.QueryAsk, queries.check_ask),
)


def _grant(data: bytes) -> None:
    shape, check = _GRANTS[data[0] % len(_GRANTS)] if data else _GRANTS[0]
    check(decode(data[1:], shape))


def _grants() -> Iterator[tuple[str, bytes]]:
    for number, (shape, _) in enumerate(_GRANTS):
        yield shape.__name__, bytes([number]) + encode(bodies.body_of(shape))


# --- checkpoint: notes, rows, proofs -------------------------------------------------------------


def _checkpoint(data: bytes) -> None:
    with contextlib.suppress(OrtooError):
        note = journal.Note.parse(data)
        assert journal.Note.parse(note.to_bytes()) == note
    with contextlib.suppress(OrtooError):
        journal.open_checkpoint(data, ORIGIN, [LOG_KEY], [LOG_KEY])
    with contextlib.suppress(OrtooError):
        assert journal.Row.from_leaf(data).leaf_bytes() == data
    size, old = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big")
    proof = [data[at : at + 32] for at in range(16, len(data), 32)]
    with contextlib.suppress(OrtooError):
        merkle.verify_inclusion(SIGNED.hash, bytes(32), old, size, proof, bytes(32))
    merkle.verify_consistency(SIGNED.hash, old, size, bytes(32), bytes(32), proof)


def _checkpoints() -> Iterator[tuple[str, bytes]]:
    signer = journal.note_signer(SIGNED, ORIGIN, forge.party(CITY).signer)
    note = journal.Note(journal.Checkpoint(ORIGIN, 5, bytes(32))).signed(signer)
    yield "note", note.to_bytes()
    row = journal.Row(
        0, journal.Direction.SENT, "f", bytes(16), "k", CITY, b"h", b"s", bytes(32),
        journal.State.ACCEPTED, 1,
    )  # fmt: skip
    yield "row", row.leaf_bytes()
    yield "proof", (8).to_bytes(8, "big") + (3).to_bytes(8, "big") + bytes(96)


# --- excel: a file of catalog entries ------------------------------------------------------------

PARTS = (
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/worksheets/sheet1.xml",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
)
_PACKED = 1


def packed(content: bytes) -> bytes:
    """A workbook as the fuzzer changes it: parts without compression and checksums around them."""
    out = bytes([_PACKED])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name in PARTS:
                part = archive.read(name)
                out += bytes([PARTS.index(name)]) + len(part).to_bytes(2, "big") + part
    return out


def unpacked(data: bytes) -> bytes:
    out, at = io.BytesIO(), 1
    with zipfile.ZipFile(out, "w") as archive:
        names = set[str]()
        while at + 3 <= len(data):
            name = PARTS[data[at] % len(PARTS)]
            size = int.from_bytes(data[at + 1 : at + 3], "big")
            if name not in names:
                archive.writestr(name, data[at + 3 : at + 3 + size])
            names.add(name)
            at += 3 + size
    return out.getvalue()


def _excel(data: bytes) -> None:
    content = unpacked(data) if data[:1] == bytes([_PACKED]) else data
    with _file(content) as path:
        reading.read(path, problems)


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[Path]:
    """In memory, where there is such a place."""
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - a name of its own
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".xlsx") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def _workbooks() -> Iterator[tuple[str, bytes]]:
    from tests.node.sheet_kit import CITY as HEADS
    from tests.node.sheet_kit import ITEM, RESOURCE, book, row

    yield "book", packed(book(row(RESOURCE, ITEM), row(ITEM, 信息项名称="姓名")))
    yield "small", packed(_small())
    yield "csv", ",".join(HEADS).encode() + b"\n" + ",".join(map(str, row(RESOURCE, ITEM))).encode()
    yield "json", b'[{"name": "x", "items": [{"name": "y"}]}]'
    yield "old", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(64)


def _small() -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active.append(["信息资源名称", "信息项名称"])  # type: ignore[union-attr]  # it has one
    made.save(out)
    return out.getvalue()


# --- a target with a defect: shows that the machinery finds one -----------------------------------


def _broken(data: bytes) -> None:
    if data[:1] == b"O" and data[1:2] == b"R" and data[2:3] == b"T":
        raise IndexError("found")


TARGETS = {
    each.name: each
    for each in (
        Target("envelope", _envelope, _envelopes),
        Target("codec", _codec, _bodies),
        Target("directory", _directory, _documents),
        Target("grant", _grant, _grants),
        Target("checkpoint", _checkpoint, _checkpoints),
        Target("excel", _excel, _workbooks, 16_384),
    )
}
BROKEN = replace(TARGETS["codec"], name="broken", one=_broken, seeds=lambda: [("none", b"none")])

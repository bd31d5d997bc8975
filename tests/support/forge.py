"""Parties with fixed keys, and envelopes put together by hand, as SPEC.md chapter 4 describes them.

`assemble` shares no code with `envelope.build`: it is what an implementer, or a forger, writes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgpack  # type: ignore[import-untyped]  # ships no types
import msgspec

from ortoo_protocol.core import messages
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import (
    CONTENT,
    Draft,
    Header,
    Position,
    Protection,
    Recipient,
    ToAll,
    ToParties,
    ToReaders,
    build,
)
from ortoo_protocol.core.ids import Plane, is_feed, uuid7
from ortoo_protocol.core.keys import Random, Signer, Suite, Suite1, Suites, key_id
from ortoo_protocol.core.standing import KeyRecord
from ortoo_protocol.core.verify import Message, Opened, open_content, verify

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
HUB, CITY, OTHER, THIRD = "h150000", "s150700", "s150200", "s152900"
EXTRANET, INTRANET = Plane.EXTRANET, Plane.INTRANET


def fixed(label: str, length: int) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.shake_256(label.encode()).digest(length)


def fixed_random(label: str) -> Random:
    """A Random whose n-th draw is SHAKE-256 of ``<label>/<n>``, n from 0."""
    drawn = -1

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return fixed(f"{label}/{drawn}", length)

    return draw


@dataclass(frozen=True)
class Party:
    """Seeds are SHAKE-256 of ``<party>/sign`` and ``<party>/wrap``: the same on both planes."""

    name: str
    suite: Suite
    plane: Plane
    signer: Signer = field(repr=False)
    signing_key_id: bytes
    wrap_seed: bytes = field(repr=False)
    recipient: Recipient

    def record(self, **changes: Any) -> KeyRecord:
        record = KeyRecord(
            key_id=self.signing_key_id,
            party=self.name,
            suite=self.suite.number,
            public=self.signer.public,
            from_ms=NOW_MS - 30 * DAY_MS,
            until_ms=NOW_MS + 330 * DAY_MS,
            status="active",
            compromised_since_ms=None,
            linked=True,
        )
        return replace(record, **changes)

    def content_key(self, header: Header) -> bytes | None:
        """The key wrapped to this party, if one is."""
        for wrap in header.wraps:
            if wrap.key_id == self.recipient.key_id:
                return self.suite.unwrap(self.wrap_seed, wrap.wrapped)
        return None


def party(name: str, suite: Suite | None = None, plane: Plane = EXTRANET) -> Party:
    suite = suite or Suite1()
    signer = suite.signer(fixed(f"{name}/sign", suite.seed_bytes))
    wrap_seed = fixed(f"{name}/wrap", suite.seed_bytes)
    public = suite.wrap_public(wrap_seed)
    return Party(
        name,
        suite,
        plane,
        signer,
        key_id(suite, plane, "sign", signer.public),
        wrap_seed,
        Recipient(key_id(suite, plane, "wrap", public), public),
    )


@dataclass(frozen=True)
class Keys:
    """A directory of `records`."""

    suites: tuple[int, ...]
    records: dict[bytes, KeyRecord]

    def signing_key(self, key_id: bytes) -> KeyRecord | None:
        return self.records.get(key_id)


def keys_of(parties: Iterable[Party]) -> Keys:
    everyone = list(parties)
    numbers = tuple(sorted({each.suite.number for each in everyone}))
    return Keys(numbers, {each.signing_key_id: each.record() for each in everyone})


@dataclass(frozen=True)
class World:
    """A hub and three stations of one plane and suite, and what each of them knows."""

    suite: Suite
    plane: Plane
    parties: dict[str, Party]
    keys: Keys

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    @property
    def suites(self) -> Suites:
        return Suites((self.suite,))

    def verify(self, raw: bytes, now_ms: int = NOW_MS) -> Message:
        return verify(raw, suites=self.suites, plane=self.plane, keys=self.keys, now_ms=now_ms)

    def open(self, raw: bytes, reader: str = OTHER, feed_key: bytes | None = None) -> Opened[Shape]:
        """Verify, and open with `reader`'s own key or with `feed_key`."""

        def content_key(header: Header) -> bytes | None:
            return feed_key if header.epoch is not None else self[reader].content_key(header)

        return open_content(self.verify(raw), content_key)


def world(suite: Suite | None = None, plane: Plane = EXTRANET) -> World:
    suite = suite or Suite1()
    parties = {name: party(name, suite, plane) for name in (HUB, CITY, OTHER, THIRD)}
    return World(suite, plane, parties, keys_of(parties.values()))


def draft(kind: str, sender: str, destination: str, **changes: Any) -> Draft:
    expires_ms = 0 if is_feed(destination) else NOW_MS + messages.LETTER_LIFE_MS
    made = Draft(
        id=uuid7(NOW_MS, fixed(f"{kind}/{sender}/{destination}", 10)),
        kind=kind,
        sender=sender,
        destination=destination,
        created_ms=NOW_MS,
        expires_ms=expires_ms,
        directory_version=1,
        directory_hash=b"",
        content=CONTENT,
    )
    return msgspec.structs.replace(made, **changes)


def make(
    here: World,
    body: Shape,
    sender: str,
    destination: str,
    *,
    kind: str | None = None,
    rows: Sequence[bytes] = (),
    position: Position | None = None,
    epoch: int = 1,
    feed_key: bytes | None = None,
    protection: Protection | None = None,
    signer: str | None = None,
    rand: Random | None = None,
    lean: bool | None = None,
    **changes: Any,
) -> bytes:
    """An envelope of `body` as the station makes it; its kind and protection follow."""
    name = kind or messages.kind_of(body).name
    cls = messages.kind_named(name).cls
    if protection is None:
        if cls is messages.Class.OPEN:
            protection = ToAll()
        elif feed_key is not None:
            protection = ToReaders(epoch, feed_key)
        else:
            with_hub = cls is messages.Class.NOTARISED and sender != HUB
            to = [destination, HUB] if with_hub else [destination]
            protection = ToParties(tuple(here[each].recipient for each in dict.fromkeys(to)))
    by = here[signer or sender]
    changes["lean"] = messages.kind_named(name).lean if lean is None else lean
    return build(
        draft(name, sender, destination, position=position, **changes),
        [encode(body), *rows],
        protection,
        suite=here.suite,
        plane=here.plane,
        signer=by.signer,
        signing_key_id=by.signing_key_id,
        rand=rand or fixed_random(f"{name}/{sender}"),
    )


# --- by hand ------------------------------------------------------------------------------------


def domain_by_hand(label: str, plane_byte: int, *parts: bytes) -> bytes:
    text = b"ORTOO1" + bytes([len(label)]) + label.encode() + bytes([plane_byte])
    text += len(parts).to_bytes(2, "big")
    for part in parts:
        text += len(part).to_bytes(4, "big") + part
    return text


@dataclass(frozen=True)
class ByHand:
    """An envelope in pieces. `header` is any msgpack value, or bytes taken as they are; `text` is
    what stands inside the AEAD if there is a `body_key`, and the body itself otherwise. Lengths,
    hash and signature are made to fit unless they are given.
    """

    header: Any
    text: bytes = b""
    body_key: bytes | None = None
    nonce: bytes | None = None
    version: int = 1
    suite_byte: int | None = None
    plane_byte: int | None = None
    reserved: int = 0
    magic: bytes = b"ORTO"
    body_hash: bytes | None = None
    signature: bytes | None = None
    body: bytes | None = None

    def assemble(self, by: Party) -> bytes:
        suite = by.suite
        header = self.header if isinstance(self.header, bytes) else msgpack.packb(self.header)
        plane_byte = by.plane.byte if self.plane_byte is None else self.plane_byte
        suite_byte = suite.number if self.suite_byte is None else self.suite_byte
        size = len(self.text) + (suite.tag_bytes if self.body_key else 0)
        if self.body is not None:
            size = len(self.body)
        start = self.magic + bytes([self.version, suite_byte, plane_byte, self.reserved])
        start += len(header).to_bytes(2, "big") + size.to_bytes(4, "big") + by.signing_key_id
        start += header
        nonce = self.nonce
        if nonce is None:
            nonce = fixed("nonce", suite.nonce_bytes) if self.body_key else bytes(suite.nonce_bytes)
        body = self.body
        if body is None:
            body = self.text
            if self.body_key is not None:
                body = suite.seal(self.body_key, nonce, start, self.text)
        unsigned = start + nonce + (self.body_hash or suite.hash(body))
        signed = domain_by_hand("ortoo/envelope", plane_byte, unsigned)
        return unsigned + (self.signature or by.signer.sign(signed)) + body


def header_list(raw: bytes) -> list[Any]:
    """The header of an envelope as plain msgpack values, to be changed and signed anew."""
    size = int.from_bytes(raw[8:10], "big")
    fields: list[Any] = msgpack.unpackb(raw[30 : 30 + size])
    return fields


# Places in the header.
(
    ID,
    KIND,
    SENDER,
    DESTINATION,
    WRAPS,
    EPOCH,
    POSITION,
    CREATED,
    EXPIRES,
    CASE,
    CAUSATION,
    DIRECTORY_VERSION,
    DIRECTORY_HASH,
    CONTENT_FORM,
    FLAGS,
    KEY_COMMITMENT,
    PLAINTEXT_COMMITMENT,
) = range(17)


def context_by_hand(label: str, plane_byte: int, header: list[Any]) -> bytes:
    """What the body key and the key commitment are bound to."""
    epoch, position = header[EPOCH], header[POSITION]
    return domain_by_hand(
        label,
        plane_byte,
        header[ID],
        header[KIND].encode(),
        header[SENDER].encode(),
        header[DESTINATION].encode(),
        b"" if epoch is None else epoch.to_bytes(8, "big"),
        b"" if position is None else position[0].to_bytes(8, "big"),
        b"" if position is None else position[1].to_bytes(8, "big"),
        *(wrap[0] for wrap in header[WRAPS]),
    )


def frame_by_hand(parts: Sequence[bytes]) -> bytes:
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    return len(parts).to_bytes(4, "big") + lengths + b"".join(parts)


def text_by_hand(secret: bytes, stored: bytes, size_bytes: int | None = None) -> bytes:
    text = secret + len(stored).to_bytes(4, "big") + stored
    return text if size_bytes is None else text.ljust(size_bytes, b"\0")


def commitment_by_hand(
    suite: Suite, plane_byte: int, secret: bytes, parts: Sequence[bytes]
) -> bytes:
    """SPEC.md, 5.4, word by word."""
    salts = suite.xof(secret, domain_by_hand("ortoo/salt", plane_byte), 16 * len(parts))
    groups, leaves = b"", b""
    for index, part in enumerate(parts):
        leaves += suite.hash(b"\0" + salts[16 * index : 16 * index + 16] + part)
        if index % 64 == 63 or index == len(parts) - 1:
            groups, leaves = groups + suite.hash(b"\1" + leaves), b""
    return suite.hash(b"\2" + len(parts).to_bytes(4, "big") + groups)

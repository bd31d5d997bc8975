"""Names of things: planes, parties, feeds, departments, envelopes."""

from __future__ import annotations

import enum
import re
from typing import Annotated

import msgspec
from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from ortoo_protocol.core.errors import CodecIdentifier

ENVELOPE_ID_BYTES = 16

_PARTY_FORM = r"[hs][0-9]{6}(?:[0-9]{3}){0,2}"
_FEED_NAME_FORM = r"[a-z0-9][a-z0-9-]{0,62}"
_PARTY = re.compile(_PARTY_FORM)
_FEED_NAME = re.compile(_FEED_NAME_FORM)
_CODE = re.compile(r"[a-z][a-z0-9.-]{0,63}")
_HEX_ID = re.compile(r"[0-9a-f]{32}")

# Types for the fields of bodies: decoding refuses what does not have the form.
PartyId = Annotated[str, msgspec.Meta(pattern=rf"^{_PARTY_FORM}\Z")]
FeedId = Annotated[str, msgspec.Meta(pattern=rf"^{_PARTY_FORM}\.{_FEED_NAME_FORM}\Z")]
HexId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
# Becomes a column of the reader's table; rows.py says more of it.
ColumnName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,63}\Z")]
Digest = Annotated[bytes, msgspec.Meta(max_length=64)]


class Plane(enum.Enum):
    """平面: intranet (内网) and extranet (外网) never meet; a process serves one (art. 6)."""

    EXTRANET = "extranet"
    INTRANET = "intranet"

    @property
    def byte(self) -> int:
        """The byte that stands for the plane in every signed and keyed string."""
        return 0x45 if self is Plane.EXTRANET else 0x49

    @classmethod
    def from_byte(cls, value: int) -> Plane:
        for plane in cls:
            if plane.byte == value:
                return plane
        raise CodecIdentifier(value=value, expected="plane byte")


def check_party(value: str) -> str:
    """Return `value` if it is a party id: role (h hub, s station) and GB/T 2260 division code.

    Six digits down to counties, nine and twelve below (townships, villages).
    """
    if not _PARTY.fullmatch(value):
        raise CodecIdentifier(value=value, expected="party id")
    return value


def is_hub(party: str) -> bool:
    return party.startswith("h")


def feed_id(owner: str, name: str) -> str:
    """The id of a feed: its owner's party id is its prefix, so ownership needs no table."""
    return check_feed(f"{owner}.{name}")


def check_feed(value: str) -> str:
    owner, dot, name = value.partition(".")
    if not dot or not _PARTY.fullmatch(owner) or not _FEED_NAME.fullmatch(name):
        raise CodecIdentifier(value=value, expected="feed id")
    return value


def feed_owner(feed: str) -> str:
    """The party that alone may publish on `feed` (a checked feed id)."""
    return feed.partition(".")[0]


def is_feed(destination: str) -> bool:
    return "." in destination


def check_hex_id(value: str) -> str:
    """Return `value` if it is the id of a case, grant or filing: 32 hexadecimal digits."""
    if not _HEX_ID.fullmatch(value):
        raise CodecIdentifier(value=value, expected="id of 32 hexadecimal digits")
    return value


def check_department(value: str) -> str:
    """Return `value` if it is a unified social credit code (统一社会信用代码, GB 32100)."""
    try:
        if uscc.validate(value) != value:
            raise CodecIdentifier(value=value, expected="unified social credit code")
    except ValidationError:
        raise CodecIdentifier(value=value, expected="unified social credit code") from None
    return value


def uuid7(now_ms: int, random_10_bytes: bytes) -> bytes:
    """A UUIDv7 (RFC 9562, 5.7) of 16 bytes from a time and ten random bytes."""
    raw = bytearray(now_ms.to_bytes(6, "big") + random_10_bytes)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


def is_code(value: str) -> bool:
    """Whether `value` has the form of an error code, known here or not."""
    return _CODE.fullmatch(value) is not None

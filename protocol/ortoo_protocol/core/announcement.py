"""What a party says of itself: its encryption keys, its departments, whom to call.

The announcement is signed by the party's own signing key, which the registrars put into the
directory after two people compared it. An encryption key is taken from here and from nowhere else:
neither the hub nor the registrars hold what it takes to swap one.
"""

from __future__ import annotations

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.directory import (
    MAX_KEYS,
    MAX_MS,
    MAX_NAME_CHARACTERS,
    SignedDocument,
    check_period,
    need,
    read_body,
    read_document,
    sign_document,
    signed_bytes,
)
from ortoo_protocol.core.errors import CodecError, KeysRefused, TrustAnnouncement, TrustMalformed
from ortoo_protocol.core.ids import Plane, check_department, check_party
from ortoo_protocol.core.keys import Signer, Suite, key_id

MAX_DEPARTMENTS = 4_000
MAX_CONTACT_CHARACTERS = 500


class WrapKeyEntry(Shape, frozen=True, kw_only=True):
    """A public encryption key for what is sealed between `from_ms` and `until_ms` (30 to 90 d)."""

    suite: int
    public: bytes
    from_ms: int
    until_ms: int


class DepartmentEntry(Shape, frozen=True, kw_only=True):
    """An organisation at the station: unified social credit code (统一社会信用代码) and name."""

    code: str
    name: str


class Announcement(Shape, frozen=True, kw_only=True):
    """`number` grows with every announcement of `party`; the highest counts, whole."""

    party: str
    number: int
    time_ms: int
    wrap_keys: tuple[WrapKeyEntry, ...]
    departments: tuple[DepartmentEntry, ...]
    contact: str


def make_announcement(
    announcement: Announcement, signer: Signer, *, suite: Suite, plane: Plane
) -> bytes:
    """Sign it with the party's current signing key, of `suite`. Raises TrustMalformed."""
    _check(announcement)
    return sign_document("announcement", announcement, suite=suite, plane=plane, signers=[signer])


def signing_key_id(document: SignedDocument) -> bytes:
    """The key that is said to have signed: exactly one does. Raises TrustMalformed."""
    need(len(document.signatures) == 1, document.type, f"{len(document.signatures)} signatures")
    return document.signatures[0].key_id


def read_announcement(
    raw: bytes, public: bytes, party: str, *, suite: Suite, plane: Plane
) -> Announcement:
    """The announcement of `party`, signed by its key `public` of `suite`.

    1 the signature (TrustAnnouncement), 2 the body's form (TrustMalformed), 3 the key's owner.
    """
    document = read_document(raw, "announcement")
    # 1
    if signing_key_id(document) != key_id(suite, plane, "sign", public):
        raise TrustAnnouncement(party=party, detail="another key signed it")
    message = signed_bytes("announcement", plane, document.body)
    try:
        suite.verify(public, message, document.signatures[0].signature)
    except KeysRefused:
        raise TrustAnnouncement(party=party, detail="its signature does not verify") from None
    # 2
    announcement = read_body(document, Announcement)
    _check(announcement)
    # 3
    if announcement.party != party:
        raise TrustAnnouncement(party=announcement.party, detail=f"the key of {party} signed it")
    return announcement


def _check(announcement: Announcement) -> None:
    kind = "announcement"
    need(announcement.number >= 1, kind, "its number is below 1")
    need(0 <= announcement.time_ms <= MAX_MS, kind, "its time is not possible")
    need(len(announcement.contact) <= MAX_CONTACT_CHARACTERS, kind, "the contact is too long")
    keys = announcement.wrap_keys
    need(0 < len(keys) <= MAX_KEYS, kind, f"{len(keys)} encryption keys")
    need(len({key.public for key in keys}) == len(keys), kind, "an encryption key stands twice")
    for key in keys:
        check_period(kind, key.from_ms, key.until_ms)
    departments = announcement.departments
    need(len(departments) <= MAX_DEPARTMENTS, kind, f"{len(departments)} departments")
    codes = {department.code for department in departments}
    need(len(codes) == len(departments), kind, "a department stands twice")
    try:
        check_party(announcement.party)
        for department in departments:
            check_department(department.code)
    except CodecError as error:
        raise TrustMalformed(document=kind, detail=str(error)) from error
    for department in departments:
        named = 0 < len(department.name) <= MAX_NAME_CHARACTERS
        need(named, kind, f"{department.code} has no usable name")

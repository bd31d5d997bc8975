"""Signed documents, and the three that a region's trust stands on: root, directory, timestamp.

A document is ``[suite, type, body, [[key id, signature], …]]`` (msgpack). Signed is
``domain("ortoo/doc-" + type, plane, body)``: the body travels as the very bytes that were signed
and is never encoded again, so several people can add their signatures one after another, offline,
and any peer can relay what it got. A document's name is its hash, which leaves signatures out.

**root** says who the registrars and the root keys are and which suites the plane allows; it is
signed offline. **directory** says who the members are, with their chains of signing keys; the
registrars sign it. **timestamp** is the hub's word every ten minutes for which directory is newest.
Encryption keys stand in none of them: see announcement.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeVar

from ortoo_protocol.core.codec import Packed, Shape, decode, encode
from ortoo_protocol.core.errors import CodecError, KeysError, KeysRefused, TrustMalformed
from ortoo_protocol.core.ids import Plane, check_party, is_hub
from ortoo_protocol.core.keys import Signer, Suite, Suites, domain, key_id

DocumentType = Literal[
    "root", "directory", "timestamp", "announcement", "enrolment", "welcome", "evidence", "archive"
]
Status = Literal["active", "suspended", "revoked"]

DAY_MS = 86_400_000
ROOT_LIFE_MS = 366 * DAY_MS
# Public holidays last nine days; whoever misses a signing day still has weeks.
DIRECTORY_LIFE_MS = 45 * DAY_MS
MAX_DOCUMENT_BYTES = 8 << 20
MAX_SIGNATURES = 64
MAX_KEYS = 64
MAX_NAME_CHARACTERS = 200
MAX_MS = 253_402_300_799_000  # the last second of year 9999, which ISO 8601 can still write

B = TypeVar("B", bound=Shape)


class DocumentSignature(Packed, frozen=True):
    key_id: bytes
    signature: bytes


class SignedDocument(Packed, frozen=True):
    """Not verified by being decoded. `suite` names the hash that names the document."""

    suite: int
    type: DocumentType
    body: bytes
    signatures: tuple[DocumentSignature, ...]


class PublicKey(Packed, frozen=True):
    """A public signing key and the suite it belongs to."""

    suite: int
    public: bytes


class Root(Shape, frozen=True, kw_only=True):
    """Times in ms since 1970. `parent`: document hash of the root of the region above, if any."""

    plane: Plane
    region: str
    version: int
    created_ms: int
    expires_ms: int
    suites: tuple[int, ...]
    root_keys: tuple[PublicKey, ...]
    root_threshold: int
    registrar_keys: tuple[PublicKey, ...]
    registrar_threshold: int
    parent: bytes | None


class SigningKeyEntry(Shape, frozen=True, kw_only=True):
    """One of a party's signing keys. `link`: signature of the key before it over `link_message`,
    empty when there is none (the first key; a key lost: then people must look before grants go on).
    """

    suite: int
    public: bytes
    from_ms: int
    until_ms: int
    link: bytes
    compromised_since_ms: int | None


class PartyEntry(Shape, frozen=True, kw_only=True):
    """A member. `name` is Chinese; `keys` oldest first; `reason` goes with a status not active."""

    party: str
    name: str
    parent: str | None
    status: Status
    since_ms: int
    reason: str
    keys: tuple[SigningKeyEntry, ...]


class Directory(Shape, frozen=True, kw_only=True):
    """`previous`: hash of the version before, empty in version 1. `profile`: rules of law in force.

    `root_version`: the root whose registrars sign.
    """

    plane: Plane
    region: str
    version: int
    root_version: int
    previous: bytes
    created_ms: int
    expires_ms: int
    profile: str
    parties: tuple[PartyEntry, ...]


class Timestamp(Shape, frozen=True, kw_only=True):
    """The hub: at `time_ms` the newest directory was `version`, with document hash `hash`."""

    region: str
    version: int
    hash: bytes
    time_ms: int


def moment(ms: int) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


# --- making -------------------------------------------------------------------------------------


def sign_document(
    kind: DocumentType, body: Shape, *, suite: Suite, plane: Plane, signers: Sequence[Signer] = ()
) -> bytes:
    """A document of `body`, signed by `signers` (all of `suite`); others add_signature."""
    document = encode(SignedDocument(suite.number, kind, encode(body), ()))
    for signer in signers:
        document = add_signature(document, signer, suite=suite, plane=plane)
    return document


def add_signature(raw: bytes, signer: Signer, *, suite: Suite, plane: Plane) -> bytes:
    """`raw` with the signature of `signer` (a key of `suite`) added or made again.

    Look at the body first: this signs whatever it is handed.
    """
    document = read_document(raw)
    name = key_id(suite, plane, "sign", signer.public)
    signature = signer.sign(signed_bytes(document.type, plane, document.body))
    others = tuple(each for each in document.signatures if each.key_id != name)
    return encode(
        SignedDocument(
            document.suite,
            document.type,
            document.body,
            (*others, DocumentSignature(name, signature)),
        )
    )


def link_message(plane: Plane, party: str, suite: Suite, public: bytes) -> bytes:
    """What a party's old signing key signs to name the new one, `public` of `suite`."""
    number = suite.number.to_bytes(1, "big")
    return domain("ortoo/key-link", plane, party.encode("ascii"), number, public)


# --- reading ------------------------------------------------------------------------------------


def signed_bytes(kind: DocumentType, plane: Plane, body: bytes) -> bytes:
    return domain(f"ortoo/doc-{kind}", plane, body)


def document_hash(suite: Suite, plane: Plane, kind: DocumentType, body: bytes) -> bytes:
    """The name of a document: signatures do not count, since they are collected over time."""
    return suite.hash(domain("ortoo/document", plane, kind.encode("ascii"), body))


def read_document(raw: bytes, kind: DocumentType | None = None) -> SignedDocument:
    """Take a document apart; nothing in it is verified. Raises TrustMalformed."""
    name = kind or "signed"
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TrustMalformed(document=name, detail=f"{len(raw)} bytes")
    try:
        document = decode(raw, SignedDocument)
    except CodecError as error:
        raise TrustMalformed(document=name, detail=error.code) from error
    if kind is not None and document.type != kind:
        raise TrustMalformed(document=name, detail=f"it is of type {document.type}")
    if len(document.signatures) > MAX_SIGNATURES:
        raise TrustMalformed(document=name, detail="too many signatures")
    return document


def read_body(document: SignedDocument, shape: type[B]) -> B:
    """The body as `shape`; verify the signatures first wherever the keys are known already."""
    try:
        return decode(document.body, shape)
    except CodecError as error:
        raise TrustMalformed(document=document.type, detail=str(error)) from error


def valid_signatures(
    document: SignedDocument, keys: Iterable[PublicKey], *, plane: Plane, suites: Suites
) -> int:
    """How many different keys of `keys` have signed. Other signatures are passed over."""
    names = {key_id(suites.get(key.suite), plane, "sign", key.public): key for key in keys}
    message = signed_bytes(document.type, plane, document.body)
    signed: set[bytes] = set()
    for each in document.signatures:
        key = names.get(each.key_id)
        if key is None:
            continue
        try:
            suites.get(key.suite).verify(key.public, message, each.signature)
        except KeysRefused:
            continue
        signed.add(key.public)  # a set: a key that signs twice, or under two suites, counts once
    return len(signed)


# --- what a body must be, whoever signed it -----------------------------------------------------


def need(true: bool, document: str, detail: str) -> None:
    """Raises TrustMalformed(document, detail) unless `true`."""
    if not true:
        raise TrustMalformed(document=document, detail=detail)


def check_period(document: str, start_ms: int, end_ms: int, most_ms: int = MAX_MS) -> None:
    need(0 <= start_ms < end_ms <= MAX_MS, document, "a time or the order of two is not possible")
    need(end_ms - start_ms <= most_ms, document, f"it is valid for more than {most_ms} ms")


def check_root(root: Root, suites: Suites) -> None:
    """Raises TrustMalformed, KeysSuiteUnknown."""
    need(_is_party(root.region) and is_hub(root.region), "root", "its region is not a hub")
    need(root.version >= 1, "root", "its version is below 1")
    check_period("root", root.created_ms, root.expires_ms, ROOT_LIFE_MS)
    need(0 < len(root.suites) == len(set(root.suites)), "root", "suites are missing or repeated")
    _check_role(root.root_keys, root.root_threshold, root, suites)
    _check_role(root.registrar_keys, root.registrar_threshold, root, suites)
    everyone = {key.public for key in (*root.root_keys, *root.registrar_keys)}
    apart = len(everyone) == len(root.root_keys) + len(root.registrar_keys)
    need(apart, "root", "a key stands twice")


def _check_role(keys: tuple[PublicKey, ...], threshold: int, root: Root, suites: Suites) -> None:
    need(1 <= threshold <= len(keys) <= MAX_KEYS, "root", f"{threshold} of {len(keys)} keys")
    for key in keys:
        need(key.suite in root.suites, "root", f"a key is of suite {key.suite}")
        _check_public(suites.get(key.suite), key.public, "root")


def check_directory(directory: Directory, root: Root, suites: Suites) -> None:
    """Raises TrustMalformed, KeysSuiteUnknown. O(keys), with one verification per key link."""
    need(directory.version >= 1, "directory", "its version is below 1")
    first = directory.version == 1
    need((directory.previous == b"") == first, "directory", "its previous hash does not fit")
    check_period("directory", directory.created_ms, directory.expires_ms, DIRECTORY_LIFE_MS)
    names = [entry.party for entry in directory.parties]
    need(len(set(names)) == len(names), "directory", "a party stands twice")
    need(directory.region in names, "directory", "the hub is not in it")
    publics = [key.public for entry in directory.parties for key in entry.keys]
    need(len(set(publics)) == len(publics), "directory", "a key stands twice")
    signers = {key.public for key in (*root.root_keys, *root.registrar_keys)}
    need(signers.isdisjoint(publics), "directory", "a root or registrar key is a member's key")
    for entry in directory.parties:
        _check_entry(entry, directory.plane, root, suites)


def _check_entry(entry: PartyEntry, plane: Plane, root: Root, suites: Suites) -> None:
    need(_is_party(entry.party), "directory", f"{entry.party!r} is no party id")
    need(entry.parent is None or _is_party(entry.parent), "directory", "a parent is no party id")
    named = 0 < len(entry.name) <= MAX_NAME_CHARACTERS
    need(named, "directory", f"{entry.party} has no usable name")
    need(0 < len(entry.keys) <= MAX_KEYS, "directory", f"{entry.party} has {len(entry.keys)} keys")
    before: SigningKeyEntry | None = None
    for key in entry.keys:
        check_period("directory", key.from_ms, key.until_ms)
        need(key.suite in root.suites, "directory", f"{entry.party}: suite {key.suite}")
        suite = suites.get(key.suite)
        _check_public(suite, key.public, "directory")
        if before is None:
            need(key.link == b"", "directory", f"{entry.party}: the first key has a link")
        else:
            need(before.from_ms <= key.from_ms, "directory", f"{entry.party}: keys out of order")
            _check_link(entry.party, key, before, plane, suites)
        before = key


def _check_link(
    party: str, key: SigningKeyEntry, before: SigningKeyEntry, plane: Plane, suites: Suites
) -> None:
    if key.link == b"":
        return
    message = link_message(plane, party, suites.get(key.suite), key.public)
    try:
        suites.get(before.suite).verify(before.public, message, key.link)
    except KeysRefused:
        detail = f"{party}: a new key is not signed by the old one"
        raise TrustMalformed(document="directory", detail=detail) from None


def _check_public(suite: Suite, public: bytes, document: str) -> None:
    try:
        suite.check_signing_public(public)
    except KeysError as error:
        raise TrustMalformed(document=document, detail=str(error)) from None


def _is_party(value: str) -> bool:
    try:
        check_party(value)
    except CodecError:
        return False
    return True

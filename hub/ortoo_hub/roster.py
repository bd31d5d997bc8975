"""The list of members, and what may be done to it: drafts of directories for registrars to sign.

Pure: the hub proposes with these functions and holds no registrar's key; people use the same ones
offline. What they must look at before they sign is `changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from ortoo_protocol.core.directory import (
    DAY_MS,
    DIRECTORY_LIFE_MS,
    Directory,
    PartyEntry,
    PublicKey,
    Root,
    SigningKeyEntry,
    Status,
    check_directory,
    document_hash,
    read_body,
    read_document,
    sign_document,
)
from ortoo_protocol.core.enrolment import EnrolmentRequest, fingerprint_of, read_request
from ortoo_protocol.core.errors import TrustMalformed, TrustRequestPin, TrustUnknownParty
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite, Suites, fingerprint
from ortoo_protocol.core.law.profiles import check_profile

SIGNING_KEY_LIFE_MS = 365 * DAY_MS


def draft_directory(
    root: bytes,
    parties: Iterable[PartyEntry],
    *,
    previous: bytes | None,
    profile: str,
    suite: Suite,
    suites: Suites,
    now_ms: int,
    life_ms: int = DIRECTORY_LIFE_MS,
) -> bytes:
    """The directory after `previous` (None: the first), unsigned, under the newest `root`.

    Raises TrustMalformed, CatalogProfile.
    """
    under = read_body(read_document(root, "root"), Root)
    check_profile(profile, under.plane)
    version, named = 1, b""
    if previous is not None:
        document = read_document(previous, "directory")
        version = read_body(document, Directory).version + 1
        hashed_with = suites.get(document.suite)
        named = document_hash(hashed_with, under.plane, "directory", document.body)
    directory = Directory(
        plane=under.plane,
        region=under.region,
        version=version,
        root_version=under.version,
        previous=named,
        created_ms=now_ms,
        expires_ms=now_ms + life_ms,
        profile=profile,
        parties=tuple(sorted(parties, key=lambda entry: entry.party)),
    )
    check_directory(directory, under, suites)
    return sign_document("directory", directory, suite=suite, plane=under.plane)


def parties_of(directory: bytes) -> tuple[PartyEntry, ...]:
    return read_body(read_document(directory, "directory"), Directory).parties


def entry_from_request(
    request: bytes,
    *,
    compared: str,
    parent: str | None,
    plane: Plane,
    suites: Suites,
    allowed: Sequence[int],
    now_ms: int,
    key_life_ms: int = SIGNING_KEY_LIFE_MS,
) -> PartyEntry:
    """A new member from its request. `compared`: the fingerprint that the station's people read
    out by telephone. Raises TrustRequestPin, and what read_request raises.
    """
    found = fingerprint_of(request, plane=plane, suites=suites)
    if found.replace(" ", "") != "".join(compared.split()).lower():
        raise TrustRequestPin(found=found, expected=compared)
    body, _ = read_request(request, plane=plane, suites=suites, allowed=allowed)
    return new_entry(body, parent=parent, now_ms=now_ms, key_life_ms=key_life_ms)


def new_entry(
    request: EnrolmentRequest,
    *,
    parent: str | None,
    now_ms: int,
    key_life_ms: int = SIGNING_KEY_LIFE_MS,
) -> PartyEntry:
    """A member from a request that was read and compared."""
    key = SigningKeyEntry(
        suite=request.suite,
        public=request.signing_public,
        from_ms=now_ms,
        until_ms=now_ms + key_life_ms,
        link=b"",
        compromised_since_ms=None,
    )
    return PartyEntry(
        party=request.party,
        name=request.name,
        parent=parent,
        status="active",
        since_ms=now_ms,
        reason="",
        keys=(key,),
    )


def with_entry(parties: Iterable[PartyEntry], entry: PartyEntry) -> tuple[PartyEntry, ...]:
    """`parties` with `entry` in place of the one of the same party, or added."""
    return (*(each for each in parties if each.party != entry.party), entry)


def with_status(
    parties: Iterable[PartyEntry], party: str, status: Status, reason: str, now_ms: int
) -> tuple[PartyEntry, ...]:
    """Raises TrustUnknownParty, TrustMalformed (no reason, or a revoked party brought back)."""
    entries = tuple(parties)
    entry = _entry(entries, party)
    if status != "active" and not reason.strip():
        raise TrustMalformed(document="directory", detail=f"no reason is given for {party}")
    if entry.status == "revoked":
        raise TrustMalformed(document="directory", detail=f"{party} is revoked: it enrols anew")
    return with_entry(entries, replace(entry, status=status, reason=reason, since_ms=now_ms))


def with_compromised_key(
    parties: Iterable[PartyEntry], party: str, public: bytes, since_ms: int
) -> tuple[PartyEntry, ...]:
    """Raises TrustUnknownParty, TrustMalformed (no such key)."""
    entries = tuple(parties)
    entry = _entry(entries, party)
    if public not in (key.public for key in entry.keys):
        raise TrustMalformed(document="directory", detail=f"{party} has no such key")
    keys = tuple(
        replace(key, compromised_since_ms=since_ms) if key.public == public else key
        for key in entry.keys
    )
    return with_entry(entries, replace(entry, keys=keys))


def with_next_key(
    parties: Iterable[PartyEntry],
    party: str,
    key: PublicKey,
    link: bytes,
    *,
    now_ms: int,
    life_ms: int = SIGNING_KEY_LIFE_MS,
) -> tuple[PartyEntry, ...]:
    """`link`: the old key's signature over link_message, or empty if the old key is lost."""
    entries = tuple(parties)
    entry = _entry(entries, party)
    new = SigningKeyEntry(
        suite=key.suite,
        public=key.public,
        from_ms=now_ms,
        until_ms=now_ms + life_ms,
        link=link,
        compromised_since_ms=None,
    )
    return with_entry(entries, replace(entry, keys=(*entry.keys, new)))


def _entry(parties: Iterable[PartyEntry], party: str) -> PartyEntry:
    for entry in parties:
        if entry.party == party:
            return entry
    raise TrustUnknownParty(party=party)


@dataclass(frozen=True)
class Change:
    """What a directory does to one party. `before` and `after` are statuses, "" for not in it.

    `new_keys`: fingerprints to compare; a key that the party's old one did not sign is marked "!".
    """

    party: str
    name: str
    before: str
    after: str
    new_keys: tuple[str, ...]
    compromised: int


def changes(previous: bytes | None, new: bytes, *, suites: Suites) -> tuple[Change, ...]:
    """What registrars have to look at before they sign `new`; `previous` None: all are new."""
    directory = read_body(read_document(new, "directory"), Directory)
    old = {entry.party: entry for entry in (parties_of(previous) if previous else ())}
    now = {entry.party: entry for entry in directory.parties}
    found = []
    for party in sorted({*old, *now}):
        before, after = old.get(party), now.get(party)
        if before == after:
            continue
        known = {key.public for key in before.keys} if before else set()
        keys = after.keys if after else ()
        found.append(
            Change(
                party,
                after.name if after else "",
                before.status if before else "",
                after.status if after else "",
                tuple(
                    ("" if key.link or place == 0 else "! ")
                    + fingerprint(suites.get(key.suite), directory.plane, key.public)
                    for place, key in enumerate(keys)
                    if key.public not in known
                ),
                sum(key.compromised_since_ms is not None for key in keys),
            )
        )
    return tuple(found)

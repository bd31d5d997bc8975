"""The verified state of one plane's trust: bytes in, a new Trust out or a named error.

Nobody is asked and nothing is fetched here; any peer may be the one who brings a document, since
only signatures, versions and hashes count. The attacks this stands against, and the check for each:

- rollback: a version, or a timestamp's time, below the one held
- freeze: an expired directory ends everything (check_live); a timestamp older than an hour ends
  what is new, members' keys and grants (check_fresh)
- fast-forward: a root is the next one exactly, a directory at most 1,000 ahead; and if stolen
  registrar keys have burnt the numbers, a root with other registrars lets the numbers begin again
- fork: two hashes under one version, or a previous hash that is not the one held
- the hub alone: it can sign timestamps and nothing else here

The directory held stays in force when a new root replaces registrars: stations must still be able
to talk, not least to get the next directory, which only the new registrars can sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from ortoo_protocol.core.announcement import Announcement, read_announcement, signing_key_id
from ortoo_protocol.core.directory import (
    MAX_MS,
    Directory,
    PublicKey,
    Root,
    SignedDocument,
    Timestamp,
    check_directory,
    check_root,
    document_hash,
    moment,
    need,
    read_body,
    read_document,
    valid_signatures,
)
from ortoo_protocol.core.errors import (
    TrustAnnouncement,
    TrustClock,
    TrustExpired,
    TrustFork,
    TrustKey,
    TrustMalformed,
    TrustPin,
    TrustPlane,
    TrustRollback,
    TrustSkipped,
    TrustSuite,
    TrustThreshold,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suite, Suites, fingerprint, key_id
from ortoo_protocol.core.standing import (
    HeldAnnouncement,
    HeldDirectory,
    HeldTimestamp,
    KeyRecord,
    Standing,
)

MAX_DIRECTORY_STEP = 1_000
MAX_SKEW_MS = 3_600_000


@dataclass(frozen=True)
class Trust(Standing):
    """What one party of one plane trusts. Made by `pin` or `restore`, never by hand.

    What may be asked of it stands in Standing.
    """

    @classmethod
    def pin(
        cls, raw: bytes, *, fingerprint: str, plane: Plane, suites: Suites, now_ms: int
    ) -> Trust:
        """Begin with a root whose fingerprint two people compared.

        Raises TrustMalformed, TrustPin, TrustPlane, TrustSuite, TrustThreshold, TrustExpired.
        """
        document = read_document(raw, "root")
        found = fingerprint_of_root(raw, plane=plane, suites=suites)
        if _plain(found) != _plain(fingerprint):
            for other in Plane:
                elsewhere = fingerprint_of_root(raw, plane=other, suites=suites)
                if _plain(elsewhere) == _plain(fingerprint):
                    raise TrustPlane(document="root")
            raise TrustPin(found=found, expected=fingerprint)
        trust = cls._first_root(raw, document, plane, suites)
        trust._check_root_live(now_ms)
        return trust

    @classmethod
    def restore(cls, documents: Sequence[bytes], *, plane: Plane, suites: Suites) -> Trust:
        """What `documents()` once gave, verified again. The first root is believed: the caller
        keeps it where only the station writes. Expired ones load; check_live refuses them then.
        """
        need(len(documents) > 0, "root", "it is missing")
        trust = cls._first_root(documents[0], read_document(documents[0], "root"), plane, suites)
        for raw in documents[1:]:
            trust = trust._with_document(raw, None)
        return trust

    @classmethod
    def _first_root(
        cls, raw: bytes, document: SignedDocument, plane: Plane, suites: Suites
    ) -> Trust:
        root = _read_root(document, suites)
        if root.plane is not plane:
            raise TrustPlane(document="root")
        _check_threshold(document, root.root_keys, root.root_threshold, plane, suites)
        named = document_hash(suites.get(document.suite), plane, "root", document.body)
        return cls(plane, root, named, suites, (raw,))

    def with_document(self, raw: bytes, now_ms: int) -> Trust:
        """Whichever of the four kinds `raw` is: for documents relayed by peers."""
        return self._with_document(raw, now_ms)

    def _with_document(self, raw: bytes, now_ms: int | None) -> Trust:
        kinds: dict[str, Callable[[bytes, int | None], Trust]] = {
            "root": lambda raw, _: self._take_root(raw),
            "directory": self._take_directory,
            "timestamp": self._take_timestamp,
            "announcement": self._take_announcement,
        }
        take = kinds.get(read_document(raw).type)
        if take is None:
            raise TrustMalformed(document="trust", detail="of another type")
        return take(raw, now_ms)

    def with_root(self, raw: bytes, now_ms: int) -> Trust:
        """The next root. An expired one is taken, as one step to the present; it is then of no use
        for a new directory. Raises TrustThreshold, TrustPlane, TrustRollback, TrustFork,
        TrustSkipped, TrustMalformed, TrustSuite.
        """
        return self._take_root(raw)

    def _take_root(self, raw: bytes) -> Trust:
        document = read_document(raw, "root")
        named = self._hash(document)
        if named == self.root_hash or raw in self._roots:  # peers relay the whole chain
            return self
        # 1 the old keys, 2 the body, 3 the world, 4 the version, 5 the new keys
        old = self.root
        _check_threshold(document, old.root_keys, old.root_threshold, self.plane, self._suites)
        root = _read_root(document, self._suites)
        if root.plane is not self.plane or root.region != self.root.region:
            raise TrustPlane(document="root")
        _check_not_below("root", root.version, old.version)
        if root.version == old.version:
            raise TrustFork(document="root", version=root.version)
        if root.version != old.version + 1:
            raise TrustSkipped(document="root", found=root.version, known=old.version)
        _check_threshold(document, root.root_keys, root.root_threshold, self.plane, self._suites)
        since = self._registrars_since if _same_registrars(old, root) else root.version
        return replace(
            self,
            root=root,
            root_hash=named,
            _roots=(*self._roots, raw),
            _registrars_since=since,
        )

    def with_directory(self, raw: bytes, now_ms: int) -> Trust:
        """A newer directory, from whomever; acts at once, also while the timestamp is stale.

        Announcements and the timestamp fall with the keys that signed them. Raises TrustExpired,
        TrustThreshold, TrustPlane, TrustRollback, TrustFork, TrustSkipped, TrustMalformed,
        TrustSuite.
        """
        return self._take_directory(raw, now_ms)

    def with_kept_directory(self, raw: bytes) -> Trust:
        """As `with_directory`, for one of the past that is evidence: expired or not."""
        return self._take_directory(raw, None)

    def _take_directory(self, raw: bytes, now_ms: int | None) -> Trust:
        document = read_document(raw, "directory")
        named = self._hash(document)
        if named == self.directory_hash:
            return self
        # 1 the root that is to vouch for it, 2 the registrars, 3 the body, 4 the world
        self._check_suite(document.type, document.suite)
        if now_ms is not None:
            self._check_root_live(now_ms)
        root = self.root
        keys, threshold = root.registrar_keys, root.registrar_threshold
        _check_threshold(document, keys, threshold, self.plane, self._suites)
        directory = read_body(document, Directory)
        if directory.plane is not self.plane or directory.region != root.region:
            raise TrustPlane(document="directory")
        # 5 the version, 6 the contents, 7 the expiry
        begun_anew = self._check_directory_version(directory, named)
        check_directory(directory, root, self._suites)
        if now_ms is not None and directory.expires_ms <= now_ms:
            raise TrustExpired(document="directory", expired=moment(directory.expires_ms))
        records = _index(directory, self.plane, self._suites)
        parties = {entry.party: entry for entry in directory.parties}
        held = HeldDirectory(
            raw,
            named,
            directory,
            root.version,
            MappingProxyType(parties),
            MappingProxyType(records),
        )
        stamp = self._timestamp
        if stamp and (
            begun_anew
            or parties[self.hub].status != "active"
            or not _still_good(records, stamp.key_id, stamp.body.time_ms)
        ):
            stamp = None
        announced = {
            party: each
            for party, each in self._announced.items()
            if _still_good(records, each.key_id, each.body.time_ms)
        }
        return replace(
            self,
            _directory=held,
            _timestamp=stamp,
            _announced=MappingProxyType(announced),
        )

    def _check_directory_version(self, found: Directory, named: bytes) -> bool:
        """True if numbers begin again: the first directory under other registrars."""
        if found.root_version > self.root.version:
            raise TrustSkipped(document="root", found=found.root_version, known=self.root.version)
        # A directory of former registrars is no start, though some of them still serve.
        _check_not_below("directory's root", found.root_version, self._registrars_since)
        known = self._directory.body if self._directory else None
        if known is None:
            return False
        if known.root_version < self._registrars_since:
            return True
        _check_not_below("directory", found.version, known.version)
        if found.version == known.version:
            raise TrustFork(document="directory", version=found.version)
        if found.version > known.version + MAX_DIRECTORY_STEP:
            raise TrustSkipped(document="directory", found=found.version, known=known.version)
        if found.version == known.version + 1 and found.previous != self.directory_hash:
            raise TrustFork(document="directory", version=known.version)
        stamp = self._timestamp.body if self._timestamp else None
        if stamp and stamp.version == found.version and stamp.hash != named:
            raise TrustFork(document="directory", version=found.version)
        return False

    def with_timestamp(self, raw: bytes, now_ms: int) -> Trust:
        """The hub's newest word; it may name a directory not held yet (then: fetch it).

        Raises TrustThreshold (not the hub's valid key), TrustPlane, TrustClock, TrustRollback,
        TrustFork, TrustMalformed.
        """
        return self._take_timestamp(raw, now_ms)

    def _take_timestamp(self, raw: bytes, now_ms: int | None) -> Trust:
        document = read_document(raw, "timestamp")
        named, held = self._hash(document), self._timestamp
        if held and held.hash == named:
            return self
        # 1 the hub's key, 2 the body, 3 the world, 4 the times, 5 the hash
        signed_by = signing_key_id(document)
        record = self.signing_key(signed_by)
        keys = []
        if record and record.party == self.hub and record.status == "active":
            keys = [PublicKey(record.suite, record.public)]
        _check_threshold(document, keys, 1, self.plane, self._suites)
        body = read_body(document, Timestamp)
        if body.region != self.hub:
            raise TrustPlane(document="timestamp")
        need(0 <= body.time_ms <= MAX_MS, "timestamp", "its time is not possible")
        if not _still_good(self._keys, signed_by, body.time_ms):
            raise TrustKey(party=self.hub)
        if now_ms is not None:
            self._check_suites(document, record)
            _check_clock(body.time_ms, now_ms)
        if held:
            _check_not_below("timestamp", body.time_ms, held.body.time_ms)
        same_as_held = held is not None and body.version == held.body.version
        if held and same_as_held and body.hash != held.body.hash:
            raise TrustFork(document="directory", version=body.version)
        if body.version == self.directory_version and body.hash != self.directory_hash:
            raise TrustFork(document="directory", version=body.version)
        return replace(self, _timestamp=HeldTimestamp(raw, named, signed_by, body))

    def with_announcement(self, raw: bytes, now_ms: int) -> Trust:
        """What a party says of itself. It counts as new trust, so it needs a fresh timestamp.

        Raises TrustAnnouncement, TrustRollback, TrustFork, TrustStale, TrustExpired, TrustSkipped,
        TrustMalformed.
        """
        return self._take_announcement(raw, now_ms)

    def _take_announcement(self, raw: bytes, now_ms: int | None) -> Trust:
        document = read_document(raw, "announcement")
        named, signed_by = self._hash(document), signing_key_id(document)
        record = self.signing_key(signed_by)
        if record is None:
            raise TrustAnnouncement(party="?", detail="no directory here holds its signing key")
        party, suite = record.party, self._suites.get(record.suite)
        body = read_announcement(raw, record.public, party, suite=suite, plane=self.plane)
        held = self._announced.get(party)
        if held and held.hash == named:
            return self
        if not _still_good(self._keys, signed_by, body.time_ms):
            raise TrustAnnouncement(party=party, detail="its signing key is retired or lost")
        if now_ms is not None:
            self._check_suites(document, record)
            self._check_new_announcement(record, body, now_ms)
        if held:
            name = f"{party} announcement"
            _check_not_below(name, body.number, held.body.number)
            if body.number == held.body.number:
                raise TrustFork(document=name, version=body.number)
        new = HeldAnnouncement(raw, named, signed_by, body)
        return replace(self, _announced=MappingProxyType({**self._announced, party: new}))

    def _check_new_announcement(self, record: KeyRecord, body: Announcement, now_ms: int) -> None:
        """What is asked of an announcement on its day, and not again when it is loaded."""
        party = record.party
        self.check_fresh(now_ms)
        if record.status != "active":
            raise TrustAnnouncement(party=party, detail=f"the party is {record.status}")
        if not record.valid_at(now_ms):
            raise TrustAnnouncement(party=party, detail="its signing key is not valid now")
        _check_clock(body.time_ms, now_ms)
        for key in body.wrap_keys:
            self._check_suite("announcement", key.suite)
        codes = {department.code for department in body.departments}
        for other, held in self._announced.items():
            if other == party or self.party(other).status != "active":
                continue
            if any(department.code in codes for department in held.body.departments):
                detail = f"{other} announced a department of it already"
                raise TrustAnnouncement(party=party, detail=detail)

    def _hash(self, document: SignedDocument) -> bytes:
        suite = self._suites.get(document.suite)
        return document_hash(suite, self.plane, document.type, document.body)

    def _check_suite(self, document: str, number: int) -> None:
        if number not in self.root.suites:
            raise TrustSuite(document=document, suite=number)

    def _check_suites(self, document: SignedDocument, record: KeyRecord | None) -> None:
        self._check_suite(document.type, document.suite)
        if record is not None:
            self._check_suite(document.type, record.suite)

    def _check_root_live(self, now_ms: int) -> None:
        if self.root.expires_ms <= now_ms:
            raise TrustExpired(document="root", expired=moment(self.root.expires_ms))


def fingerprint_of_root(raw: bytes, *, plane: Plane, suites: Suites) -> str:
    """What two people compare by telephone. The same however many have signed."""
    document = read_document(raw, "root")
    return fingerprint(suites.get(document.suite), plane, document.body)


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.split()).lower()


def _read_root(document: SignedDocument, suites: Suites) -> Root:
    root = read_body(document, Root)
    check_root(root, suites)
    if document.suite not in root.suites:
        raise TrustSuite(document="root", suite=document.suite)
    return root


def _check_threshold(
    document: SignedDocument,
    keys: Iterable[PublicKey],
    threshold: int,
    plane: Plane,
    suites: Suites,
) -> None:
    count = valid_signatures(document, keys, plane=plane, suites=suites)
    if count < threshold:
        raise TrustThreshold(document=document.type, count=count, threshold=threshold)


def _check_not_below(document: str, found: int, known: int) -> None:
    if found < known:
        raise TrustRollback(document=document, found=found, known=known)


def _check_clock(time_ms: int, now_ms: int) -> None:
    if time_ms > now_ms + MAX_SKEW_MS:
        raise TrustClock(skew_s=(time_ms - now_ms) // 1000)


def _same_registrars(old: Root, new: Root) -> bool:
    same_keys = set(old.registrar_keys) == set(new.registrar_keys)
    return same_keys and old.registrar_threshold == new.registrar_threshold


def _index(directory: Directory, plane: Plane, suites: Suites) -> dict[bytes, KeyRecord]:
    """Every signing key by its id: an envelope names its key, and each is looked up."""
    records: dict[bytes, KeyRecord] = {}
    for entry in directory.parties:
        for place, key in enumerate(entry.keys):
            suite: Suite = suites.get(key.suite)
            name = key_id(suite, plane, "sign", key.public)
            records[name] = KeyRecord(
                key_id=name,
                party=entry.party,
                suite=key.suite,
                public=key.public,
                from_ms=key.from_ms,
                until_ms=key.until_ms,
                status=entry.status,
                compromised_since_ms=key.compromised_since_ms,
                linked=place == 0 or key.link != b"",
            )
    return records


def _still_good(records: Mapping[bytes, KeyRecord], key_id: bytes, time_ms: int) -> bool:
    """Whether a statement made at `time_ms` may stand. A compromised key's may not, whatever time
    it gives: the thief writes that. The start of the period does not matter: a party's first
    announcement is older than its place in the directory.
    """
    record = records.get(key_id)
    return record is not None and record.compromised_since_ms is None and time_ms < record.until_ms

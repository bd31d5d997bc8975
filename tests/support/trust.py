"""A whole region's trust in memory, steered by editing it: keys from fixed seeds, times given.

`Region` makes documents as honest registrars, a hub and stations would. Tests that want a dishonest
one replace a field of a body (`msgspec.structs.replace`) or sign with other keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ortoo_protocol.core.announcement import (
    Announcement,
    DepartmentEntry,
    WrapKeyEntry,
    make_announcement,
)
from ortoo_protocol.core.directory import (
    DAY_MS,
    DIRECTORY_LIFE_MS,
    Directory,
    PartyEntry,
    PublicKey,
    Root,
    SigningKeyEntry,
    Timestamp,
    document_hash,
    read_document,
    sign_document,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Random, Signer, Suite, Suite1, Suites, builtin_suites
from ortoo_protocol.core.trust import Trust, fingerprint_of_root

NOW_MS = 1_780_000_000_000
HUB = "h150000"
STATIONS = ("s150700", "s150200", "s152900")
# Made up, with right check digits.
DEPARTMENTS = {
    HUB: ("11150000MB0000000C", "自治区数据局"),
    "s150700": ("11150700MB0000000G", "呼伦贝尔市民政局"),
    "s150200": ("11150200MB0000000N", "包头市民政局"),
    "s152900": ("11152900MB0000000K", "阿拉善盟民政局"),
}


def seeded(name: str) -> Random:
    """Bytes that are the same in every run; each call goes on where the last one ended."""
    count = 0

    def rand(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{name}/{count}".encode()).digest(length)

    return rand


@dataclass
class Region:
    """`roots` of `root_needed` root keys and `registrars` of `registrars_needed` registrar keys."""

    plane: Plane = Plane.EXTRANET
    suite: Suite = field(default_factory=Suite1)
    suites: Suites = field(default_factory=builtin_suites)
    roots: tuple[str, ...] = ("root-1", "root-2", "root-3")
    root_needed: int = 2
    registrars: tuple[str, ...] = ("registrar-1", "registrar-2", "registrar-3")
    registrars_needed: int = 2
    now_ms: int = NOW_MS
    profile: str = "NM2018"
    parties: tuple[str, ...] = (HUB, *STATIONS)

    def seed(self, name: str) -> bytes:
        return hashlib.shake_256(name.encode()).digest(self.suite.seed_bytes)

    def signer(self, name: str) -> Signer:
        return self.suite.signer(self.seed(name))

    def signers(self, names: Iterable[str]) -> list[Signer]:
        return [self.signer(name) for name in names]

    def public_keys(self, names: Iterable[str]) -> tuple[PublicKey, ...]:
        return tuple(PublicKey(self.suite.number, self.signer(name).public) for name in names)

    def wrap_seed(self, party: str, epoch: int = 1) -> bytes:
        return self.seed(f"{party} wrap {epoch}")

    # --- bodies ---------------------------------------------------------------------------------

    def root(self, version: int = 1) -> Root:
        return Root(
            plane=self.plane,
            region=HUB,
            version=version,
            created_ms=self.now_ms,
            expires_ms=self.now_ms + 365 * DAY_MS,
            suites=tuple(suite.number for suite in self.suites.known),
            root_keys=self.public_keys(self.roots),
            root_threshold=self.root_needed,
            registrar_keys=self.public_keys(self.registrars),
            registrar_threshold=self.registrars_needed,
            parent=None,
        )

    def entry(self, party: str) -> PartyEntry:
        key = SigningKeyEntry(
            suite=self.suite.number,
            public=self.signer(party).public,
            from_ms=NOW_MS - DAY_MS,
            until_ms=NOW_MS + 365 * DAY_MS,
            link=b"",
            compromised_since_ms=None,
        )
        return PartyEntry(
            party=party,
            name=f"{party} 站",
            parent=None if party == HUB else HUB,
            status="active",
            since_ms=NOW_MS,
            reason="",
            keys=(key,),
        )

    def directory(
        self, version: int = 1, previous: bytes = b"", root_version: int = 1
    ) -> Directory:
        return Directory(
            plane=self.plane,
            region=HUB,
            version=version,
            root_version=root_version,
            previous=previous,
            created_ms=self.now_ms,
            expires_ms=self.now_ms + DIRECTORY_LIFE_MS,
            profile=self.profile,
            parties=tuple(self.entry(party) for party in self.parties),
        )

    def announcement(self, party: str, number: int = 1, epoch: int = 1) -> Announcement:
        key = WrapKeyEntry(
            suite=self.suite.number,
            public=self.suite.wrap_public(self.wrap_seed(party, epoch)),
            from_ms=self.now_ms,
            until_ms=self.now_ms + 60 * DAY_MS,
        )
        code, name = DEPARTMENTS[party]
        return Announcement(
            party=party,
            number=number,
            time_ms=self.now_ms,
            wrap_keys=(key,),
            departments=(DepartmentEntry(code=code, name=name),),
            contact="值班电话 0470-0000000",
        )

    # --- documents ------------------------------------------------------------------------------

    def sign_root(self, root: Root, by: Sequence[str] | None = None) -> bytes:
        names = self.roots[: self.root_needed] if by is None else by
        return sign_document(
            "root", root, suite=self.suite, plane=self.plane, signers=self.signers(names)
        )

    def sign_directory(self, directory: Directory, by: Sequence[str] | None = None) -> bytes:
        names = self.registrars[: self.registrars_needed] if by is None else by
        return sign_document(
            "directory", directory, suite=self.suite, plane=self.plane, signers=self.signers(names)
        )

    def stamp(self, version: int, named: bytes, time_ms: int | None = None, by: str = HUB) -> bytes:
        body = Timestamp(
            region=HUB,
            version=version,
            hash=named,
            time_ms=self.now_ms if time_ms is None else time_ms,
        )
        return sign_document(
            "timestamp", body, suite=self.suite, plane=self.plane, signers=[self.signer(by)]
        )

    def sign_announcement(self, announcement: Announcement, by: str | None = None) -> bytes:
        signer = self.signer(by or announcement.party)
        return make_announcement(announcement, signer, suite=self.suite, plane=self.plane)

    def hash_of(self, raw: bytes) -> bytes:
        document = read_document(raw)
        return document_hash(self.suite, self.plane, document.type, document.body)

    # --- trust ----------------------------------------------------------------------------------

    def pinned(self, root: bytes | None = None) -> Trust:
        raw = self.sign_root(self.root()) if root is None else root
        shown = fingerprint_of_root(raw, plane=self.plane, suites=self.suites)
        return Trust.pin(
            raw, fingerprint=shown, plane=self.plane, suites=self.suites, now_ms=self.now_ms
        )

    def trust(self) -> Trust:
        """Root, directory, timestamp and everyone's announcement."""
        trust = self.pinned().with_directory(self.sign_directory(self.directory()), self.now_ms)
        stamp = self.stamp(trust.directory_version, trust.directory_hash)
        trust = trust.with_timestamp(stamp, self.now_ms)
        for party in self.parties:
            raw = self.sign_announcement(self.announcement(party))
            trust = trust.with_announcement(raw, self.now_ms)
        return trust

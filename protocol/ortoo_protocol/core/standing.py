"""What a party may ask of the trust it verified: who is who, with which keys, and is it in force.

Nothing here verifies; trust.py does and makes these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ortoo_protocol.core.announcement import Announcement, WrapKeyEntry
from ortoo_protocol.core.directory import (
    DAY_MS,
    Directory,
    PartyEntry,
    Root,
    Timestamp,
    moment,
)
from ortoo_protocol.core.envelope import Recipient
from ortoo_protocol.core.errors import (
    OrtooError,
    TrustAnnouncement,
    TrustDepartment,
    TrustExpired,
    TrustExpiring,
    TrustKey,
    TrustSkipped,
    TrustStale,
    TrustUnknownParty,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import Suites, key_id

STALE_MS = 3_600_000
WARN_DIRECTORY_MS = 15 * DAY_MS
WARN_ROOT_MS = 60 * DAY_MS


@dataclass(frozen=True)
class KeyRecord:
    """A member's signing key as the directory in force has it.

    `linked`: it is the party's first or the one before it signed it.
    """

    key_id: bytes
    party: str
    suite: int
    public: bytes
    from_ms: int
    until_ms: int
    status: str
    compromised_since_ms: int | None
    linked: bool

    def valid_at(self, time_ms: int) -> bool:
        """Within its period and never compromised; says nothing of the party's status."""
        in_period = self.from_ms <= time_ms < self.until_ms
        return in_period and self.compromised_since_ms is None

    def over_at(self, now_ms: int) -> bool:
        """Compromised, or past its period: whoever has it now may write any time into what he
        signs, so nothing under it counts for the first time."""
        return self.compromised_since_ms is not None or now_ms >= self.until_ms


@dataclass(frozen=True)
class HeldTimestamp:
    raw: bytes
    hash: bytes
    key_id: bytes
    body: Timestamp


@dataclass(frozen=True)
class HeldAnnouncement:
    raw: bytes
    hash: bytes
    key_id: bytes
    body: Announcement


@dataclass(frozen=True)
class HeldDirectory:
    """`under`: version of the root that was in force when it was taken."""

    raw: bytes
    hash: bytes
    body: Directory
    under: int
    parties: Mapping[str, PartyEntry]
    keys: Mapping[bytes, KeyRecord]


@dataclass(frozen=True)
class Standing:
    """What was verified. Made by trust.py alone; `_suites` are those built into the program."""

    plane: Plane
    root: Root
    root_hash: bytes
    _suites: Suites = field(repr=False, compare=False)
    _roots: tuple[bytes, ...] = field(repr=False)
    # The root version from which on the registrars are who they are now; 0: since the pinned one.
    _registrars_since: int = 0
    _directory: HeldDirectory | None = field(default=None, repr=False)
    _timestamp: HeldTimestamp | None = field(default=None, repr=False)
    _announced: Mapping[str, HeldAnnouncement] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    @property
    def hub(self) -> str:
        """The region's hub: a party as others, and the signer of timestamps."""
        return self.root.region

    @property
    def profile(self) -> str:
        """The rules of law in force ("NM2018"); empty before the first directory."""
        return self._directory.body.profile if self._directory else ""

    @property
    def directory_version(self) -> int:
        return self._directory.body.version if self._directory else 0

    @property
    def directory_hash(self) -> bytes:
        return self._directory.hash if self._directory else b""

    @property
    def directory_raw(self) -> bytes:
        """As its registrars signed it; empty before the first."""
        return self._directory.raw if self._directory else b""

    @property
    def roots(self) -> tuple[bytes, ...]:
        """Raw, from the pinned one to the one in force."""
        return self._roots

    @property
    def directory_body(self) -> Directory | None:
        return self._directory.body if self._directory else None

    @property
    def announced_version(self) -> int:
        """The newest directory that the hub's timestamp names: fetch it if it is above ours."""
        return self._timestamp.body.version if self._timestamp else 0

    @property
    def timestamp_ms(self) -> int:
        """When the hub signed the newest timestamp held; 0 without one."""
        return self._timestamp.body.time_ms if self._timestamp else 0

    @property
    def suites(self) -> tuple[int, ...]:
        """Numbers of the suites that the root allows on this plane."""
        return self.root.suites

    @property
    def parties(self) -> tuple[PartyEntry, ...]:
        return self._directory.body.parties if self._directory else ()

    def party(self, party: str) -> PartyEntry:
        """Raises TrustUnknownParty."""
        entry = self._directory.parties.get(party) if self._directory else None
        if entry is None:
            raise TrustUnknownParty(party=party)
        return entry

    def signing_key(self, key_id: bytes) -> KeyRecord | None:
        return self._keys.get(key_id)

    def signing_keys(self, party: str) -> list[KeyRecord]:
        """All of `party` that the directory has, those of the past too."""
        return [each for each in self._keys.values() if each.party == party]

    def current_signing_key(self, party: str, now_ms: int) -> KeyRecord:
        """The newest that is valid now. Raises TrustUnknownParty, TrustKey."""
        for key in reversed(self.party(party).keys):
            record = self._keys[self._key_id("sign", key.suite, key.public)]
            if record.valid_at(now_ms):
                return record
        raise TrustKey(party=party)

    def announcement(self, party: str) -> Announcement | None:
        held = self._announced.get(party)
        return held.body if held else None

    def recipient(self, party: str, now_ms: int) -> Recipient:
        """The encryption key to seal to now. Raises TrustUnknownParty, TrustAnnouncement.

        A key of a suite that this program lacks is passed over: its owner announced others too.
        """
        status = self.party(party).status
        if status != "active":
            raise TrustAnnouncement(party=party, detail=f"the party is {status}")
        usable = {suite.number for suite in self._suites.known}.intersection(self.suites)
        valid = [
            key
            for key in self.wrap_keys(party)
            if key.suite in usable and key.from_ms <= now_ms < key.until_ms
        ]
        if not valid:
            raise TrustAnnouncement(party=party, detail="it announced no key that is valid now")
        newest = max(valid, key=lambda key: key.from_ms)
        return Recipient(self._key_id("wrap", newest.suite, newest.public), newest.public)

    def wrap_keys(self, party: str) -> tuple[WrapKeyEntry, ...]:
        announcement = self.announcement(party)
        return announcement.wrap_keys if announcement else ()

    def departments(self, party: str) -> Mapping[str, str]:
        """Unified social credit code to name, as announced."""
        announcement = self.announcement(party)
        return {each.code: each.name for each in announcement.departments} if announcement else {}

    def check_department(self, party: str, department: str) -> None:
        """Raises TrustDepartment unless `party` announced `department` (a credit code)."""
        if department not in self.departments(party):
            raise TrustDepartment(department=department, party=party)

    def check_live(self, now_ms: int) -> None:
        """Raises TrustExpired: without a living directory nothing is sent or taken."""
        if self._directory is None:
            raise TrustExpired(document="directory", expired="-")
        expires_ms = self._directory.body.expires_ms
        if expires_ms <= now_ms:
            raise TrustExpired(document="directory", expired=moment(expires_ms))

    def check_fresh(self, now_ms: int) -> None:
        """To be asked before anything new: a member, a key, a grant. What was granted goes on.

        Raises TrustExpired, TrustStale, and TrustSkipped while the hub names a newer directory.
        """
        self.check_live(now_ms)
        if self._timestamp is None:
            raise TrustStale(age_s="?")
        stamp = self._timestamp.body
        if now_ms - stamp.time_ms > STALE_MS:
            raise TrustStale(age_s=(now_ms - stamp.time_ms) // 1000)
        if stamp.version > self.directory_version:
            raise TrustSkipped(
                document="directory", found=stamp.version, known=self.directory_version
            )

    def warnings(self, now_ms: int) -> tuple[OrtooError, ...]:
        """What people should see to, as errors that are not raised."""
        found: list[OrtooError] = []
        ends = [("root", self.root.expires_ms, WARN_ROOT_MS)]
        if self._directory:
            ends.append(("directory", self._directory.body.expires_ms, WARN_DIRECTORY_MS))
        for name, expires_ms, ahead_ms in ends:
            if expires_ms <= now_ms:
                found.append(TrustExpired(document=name, expired=moment(expires_ms)))
            elif expires_ms - now_ms <= ahead_ms:
                found.append(TrustExpiring(document=name, expires=moment(expires_ms)))
        try:
            self.check_fresh(now_ms)
        except (TrustStale, TrustSkipped) as error:
            found.append(error)
        except TrustExpired:
            pass  # stands above
        return tuple(found)

    def documents(self) -> tuple[bytes, ...]:
        """Raw documents to keep or relay, in the order in which `restore` can take them."""
        roots, held = self._roots, self._directory
        if held is None:
            return roots
        # A directory verifies under the root it was taken with, and maybe not under later ones.
        first = self.root.version - len(roots) + 1
        at = held.under - first + 1
        stamp = (self._timestamp.raw,) if self._timestamp else ()
        announced = (each.raw for each in self._announced.values())
        return (*roots[:at], held.raw, *roots[at:], *stamp, *announced)

    @property
    def _keys(self) -> Mapping[bytes, KeyRecord]:
        return self._directory.keys if self._directory else {}

    def _key_id(self, usage: str, suite: int, public: bytes) -> bytes:
        return key_id(self._suites.get(suite), self.plane, usage, public)

"""Whether this party can exchange now, judged from what the process holds in memory and one look at
the disk: no query, no write, no wait. doctor shows it in full, `/healthz` answers by it.

Three levels. `stops`: nothing is sent, or nothing that comes can be taken, until it is mended.
`error`: a part does not work while the rest goes on. `warning`: all works still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ortoo_protocol.core.directory import moment
from ortoo_protocol.core.errors import (
    BackupOld,
    BusBlocked,
    BusUnreachable,
    KeysExpiring,
    KeysWrapMissing,
    OrtooError,
    SettingsLacking,
    StoreLow,
    TrustClock,
    TrustClockSkew,
    TrustError,
    TrustExpired,
    TrustExpiring,
    TrustKey,
    TrustPeerClock,
    TrustStanding,
)
from ortoo_protocol.core.keys import key_id
from ortoo_protocol.station.backup import making
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.disk import disk_trouble
from ortoo_protocol.station.settings import FILE_NAME, Settings
from ortoo_protocol.station.station import Station

SIGN, WRAP = "signing key", "encryption key"
# A new signing key needs people of the region; an encryption key this party's own.
WARN_SIGN_MS, WARN_WRAP_MS = 30 * 86_400_000, 14 * 86_400_000
_MILD = (BackupOld, KeysExpiring, StoreLow, TrustClockSkew, TrustExpiring, TrustPeerClock)


@dataclass(frozen=True)
class Check:
    """One thing looked at; `error` is missing exactly when all is well."""

    check: str
    subject: str = ""
    error: OrtooError | None = None
    stops: bool = False

    @property
    def level(self) -> str:
        """ok, warning, error."""
        if self.error is None:
            return "ok"
        return "warning" if isinstance(self.error, _MILD) else "error"

    def finding(self) -> dict[str, Any]:
        """As it crosses the control socket."""
        error = None if self.error is None else error_to(self.error)
        return {"check": self.check, "subject": self.subject, "level": self.level, "error": error}


@dataclass(frozen=True)
class Health:
    """For the event loop. `more`: what a hub adds, such as its router."""

    station: Station
    settings: Settings
    more: Sequence[Callable[[], Iterator[Check]]] = field(default=())

    def look(self) -> list[Check]:
        """Every check, those that are well too."""
        own = (self._keys, self._standing, self._directory, self._broker, self._store, self._clock)
        return [each for look in (*own, self._backup, *self.more) for each in look()]

    def problems(self) -> list[Check]:
        return [each for each in self.look() if each.error is not None]

    def link_trouble(self) -> OrtooError | None:
        """Why there is no link to the broker; None also where none is sought."""
        if self.station.bus is None or self.station.wire.link is not None:
            return None
        return self.station.link_error or BusUnreachable(address=self._address(), detail="-")

    def key_ends_ms(self) -> dict[str, int]:
        """When the newest usable key of each use ends: those that the directory holds and this
        party announced, and whose private halves are here. A use without one is missing."""
        parts = self.station.parts
        trust, identity, now_ms = parts.trust.current, parts.identity, parts.clock()
        ends: dict[str, int] = {}
        signing = trust.signing_key(identity.signing_key_id)
        if signing is not None and signing.valid_at(now_ms):
            ends[SIGN] = signing.until_ms
        known = {suite.number for suite in parts.suites.known}
        wraps = [
            each.until_ms
            for each in trust.wrap_keys(identity.party)
            if each.suite in known
            and each.from_ms <= now_ms < each.until_ms
            and key_id(parts.suites.get(each.suite), identity.plane, "wrap", each.public)
            in identity.wrap_seeds
        ]
        if wraps:
            ends[WRAP] = max(wraps)
        return ends

    # --- one function a check ---

    def _keys(self) -> Iterator[Check]:
        parts, ends = self.station.parts, self.key_ends_ms()
        if not parts.trust.current.directory_version:
            return  # said below; before it nobody's keys are known
        missing: dict[str, OrtooError] = {
            SIGN: TrustKey(party=self.station.party),
            WRAP: KeysWrapMissing(party=self.station.party),
        }
        for use, ahead_ms in ((SIGN, WARN_SIGN_MS), (WRAP, WARN_WRAP_MS)):
            until_ms = ends.get(use)
            if until_ms is None:
                yield Check(use, error=missing[use], stops=True)
            elif until_ms - parts.clock() <= ahead_ms:
                yield Check(use, error=KeysExpiring(needed=use, ends=moment(until_ms)))
            else:
                yield Check(use)

    def _standing(self) -> Iterator[Check]:
        trust, party = self.station.parts.trust.current, self.station.party
        if not trust.directory_version:
            return
        try:
            status = trust.party(party).status
        except TrustError as unknown:
            yield Check("standing", party, unknown, stops=True)
            return
        if status == "active":
            yield Check("standing", party)
        else:
            yield Check("standing", party, TrustStanding(party=party, status=status), stops=True)

    def _directory(self) -> Iterator[Check]:
        """An expired directory ends everything; a stale timestamp and an old root only what is
        new."""
        trust, now_ms = self.station.parts.trust.current, self.station.parts.clock()
        found = list(trust.warnings(now_ms))
        if self.station.parts.trust.forked is not None:
            found.append(self.station.parts.trust.forked)
        try:
            trust.check_live(now_ms)
        except TrustExpired as dead:
            others = [each for each in found if each.facts != dead.facts]
            yield Check("directory", error=dead, stops=True)
            yield from (Check("directory", error=each) for each in others)
            return
        for each in found or (None,):
            yield Check("directory", error=each)

    def _broker(self) -> Iterator[Check]:
        error = self.link_trouble()
        link = self.station.wire.link
        if self.station.bus is None:
            place = str(self.settings.folder / FILE_NAME)
            error = SettingsLacking(place=place, key="broker")
        elif link is not None and link.blocked():
            error = BusBlocked(address=self._address())
        yield Check("broker", error=error, stops=error is not None)

    def _store(self) -> Iterator[Check]:
        trouble = self.station.database.trouble
        yield Check("store", str(self.settings.store_file), trouble, stops=trouble is not None)
        low = disk_trouble(self.settings.folder)
        stops = low is not None and not isinstance(low, StoreLow)
        yield Check("disk", str(self.settings.folder), low, stops)

    def _clock(self) -> Iterator[Check]:
        parts = self.station.parts
        for error in parts.watch.warnings(parts.trust.current.hub) or (None,):
            stops = isinstance(error, TrustClock) and not isinstance(error, TrustClockSkew)
            yield Check("clock", "", error, stops)

    def _backup(self) -> Iterator[Check]:
        """Only where the settings order backups."""
        folder = self.settings.backup.folder
        if folder is not None:
            now_ms = self.station.parts.clock()
            yield Check("backup", str(folder), making.trouble(self.settings, now_ms))

    def _address(self) -> str:
        broker = self.settings.broker
        return "-" if broker is None else f"{broker.host}:{broker.port}"

"""A party's encryption keys, renewed before they end: in the file first, then in memory, then for
everybody (SPEC: announcements). What was sealed to an old one stays readable for as long as the
key file keeps it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from ortoo_protocol.core.announcement import Announcement, make_announcement
from ortoo_protocol.core.errors import KeysError, SettingsError
from ortoo_protocol.core.keys import Suites
from ortoo_protocol.core.notices import Announce
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.settings import Settings, read_secret
from ortoo_protocol.station.station import Station

RENEW_BEFORE_MS = 30 * 86_400_000
LOOK_S = 3_600.0
_log = logging.getLogger(__name__)


@dataclass
class OwnKeys:
    """`announce` makes the public halves known. What was announced by this process and has not
    come back in the directory's feed yet is not announced again."""

    station: Station
    settings: Settings
    suites: Suites
    announce: Callable[[Tx, KeyFile], None]
    _told_until_ms: int = 0

    async def watch(self) -> None:
        """Until cancelled. A key file that cannot be used is said in the log, and by health as the
        end comes near."""
        while True:
            try:
                await self.renew()
            except (KeysError, SettingsError) as error:
                _log.error("the encryption key cannot be renewed: %s", error)
            await asyncio.sleep(LOOK_S)

    async def renew(self) -> bool:
        """Whether a key was announced. Raises KeysError, SettingsError, StoreError."""
        parts, party = self.station.parts, self.station.party
        held = parts.trust.current.announcement(party)
        if held is None:
            return False  # a member is one by its announcement; this one is none yet
        known = (self._told_until_ms, *(each.until_ms for each in held.wrap_keys))
        if not _is_near(max(known), parts.clock()):
            return False
        keys = await asyncio.to_thread(self._renewed, parts.clock())
        parts.identity.wrap_seeds.update(keys.wrap_seeds)
        await self.station.write(lambda tx: self.announce(tx, keys))
        self._told_until_ms = _last_ms(keys)
        return True

    def _renewed(self, now_ms: int) -> KeyFile:
        """The key file; with another key in it unless one stands there that was never announced:
        the process may have ended in between."""
        table, station = self.settings.keys, self.settings.station
        passphrase = read_secret(table.passphrase_file)
        keys = KeyFile.load(table.file, passphrase, station.plane, station.party, self.suites)
        return renewed(keys, self.settings, passphrase, self.station.parts.rand, now_ms)


def renewed(
    keys: KeyFile, settings: Settings, passphrase: str, rand: Callable[[int], bytes], now_ms: int
) -> KeyFile:
    """`keys`, with a new encryption key when the newest ends within 30 days; saved then."""
    if not _is_near(_last_ms(keys), now_ms):
        return keys
    keys = keys.with_new_wrap_key(rand=rand, now_ms=now_ms)
    keys.save(settings.keys.file, passphrase, rand=rand, replace_existing=True)
    return keys


def own_announcement(tx: Tx, keys: KeyFile) -> bytes | None:
    """What this party says of itself, with the keys of now; None when that is said already."""
    wanted = keys.wrap_entries(tx.now_ms)
    before = tx.trust.announcement(tx.party)
    if before is not None and before.wrap_keys == wanted:
        return None
    announcement = Announcement(
        party=tx.party,
        number=max(tx.now_ms // 1000, 0 if before is None else before.number + 1),
        time_ms=tx.now_ms,
        wrap_keys=wanted,
        departments=() if before is None else before.departments,
        contact="" if before is None else before.contact,
    )
    return make_announcement(announcement, keys.signer, suite=keys.suite, plane=tx.plane)


def tell_hub(tx: Tx, keys: KeyFile) -> None:
    """A station's way: the hub carries its announcement to all."""
    raw = own_announcement(tx, keys)
    if raw is not None:
        send(tx, tx.trust.hub, Announce(document=raw))


def _last_ms(keys: KeyFile) -> int:
    return max(each.until_ms for each in keys.wraps)


def _is_near(until_ms: int, now_ms: int) -> bool:
    return until_ms - now_ms <= RENEW_BEFORE_MS

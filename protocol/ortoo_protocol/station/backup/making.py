"""Making backups by the settings: where, for whom, how many are kept, and how old the last is."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from pathlib import Path

import msgspec

from ortoo_protocol.core.errors import (
    BackupOld,
    BackupSource,
    OrtooError,
    SettingsLacking,
    SettingsValue,
)
from ortoo_protocol.core.keys import Random, Suite
from ortoo_protocol.core.law.clock import local_time
from ortoo_protocol.station.backup import archive
from ortoo_protocol.station.backup.archive import Locks
from ortoo_protocol.station.backup.contents import Manifest, check_store, files_of
from ortoo_protocol.station.keyfile import write_whole
from ortoo_protocol.station.settings import FILE_NAME, Settings, read_secret

SUFFIX = ".ortoo-backup"
LAST = "backup.json"


class Last(msgspec.Struct, frozen=True):
    """What is known of the newest backup, beside the store and not in it."""

    file: str
    made_ms: int
    size_bytes: int
    store_bytes: int


def locks_of(settings: Settings) -> Locks:
    """Raises SettingsLacking: nobody could open it; SettingsValue: no public key."""
    table, place = settings.backup, str(settings.folder / FILE_NAME)
    passphrase = read_secret(table.passphrase_file) if table.passphrase_file else ""
    to = tuple(public_key(each, place) for each in table.to)
    if not passphrase and not to:
        raise SettingsLacking(place=place, key="backup: passphrase_file or to")
    return Locks(passphrase, to)


def public_key(text: str, place: str) -> bytes:
    with suppress(binascii.Error, ValueError):
        raw = base64.b64decode(text, validate=True)
        if len(raw) >= 32:
            return raw
    raise SettingsValue(place=place, key="backup.to", detail="a public key of `backup key`")


def name_of(settings: Settings, made_ms: int) -> str:
    stamp = local_time(made_ms).strftime("%Y%m%d-%H%M%S")
    return f"{settings.station.party}-{settings.station.plane.value}-{stamp}{SUFFIX}"


def make(
    settings: Settings,
    settings_file: Path,
    target: Path,
    *,
    suite: Suite,
    rand: Random,
    locks: Locks,
    store: Path,
    made_ms: int,
    version: str,
) -> Manifest:
    """Seal a copy of the store (`store`, taken already) with all that belongs to it into `target`,
    and note that it was made. `made_ms`: as of when. Raises BackupTarget, BackupSource."""
    check_store(store)
    station = settings.station
    about = Manifest(
        station.party, station.plane.value, made_ms, version, str(settings.folder),
        str(settings_file), (),
    )  # fmt: skip
    files = files_of(settings, settings_file)
    made = archive.create(
        target, suite=suite, rand=rand, locks=locks, about=about, store=store, files=files
    )
    last = Last(str(target), made_ms, target.stat().st_size, store.stat().st_size)
    _note(settings, last)
    return made


def _note(settings: Settings, last: Last) -> None:
    path = settings.folder / LAST
    try:
        write_whole(path, msgspec.json.encode(last) + b"\n", replace_existing=True)
    except OSError as error:
        raise BackupSource(path=path, detail=error.strerror or str(error)) from None


def last_of(settings: Settings) -> Last | None:
    """The newest backup that was made here; None: none is known."""
    try:
        return msgspec.json.decode((settings.folder / LAST).read_bytes(), type=Last)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def trouble(settings: Settings, now_ms: int) -> OrtooError | None:
    """BackupOld: the settings order backups, and the newest is too old or there is none."""
    table = settings.backup
    if table.folder is None:
        return None
    last = last_of(settings)
    age_h = None if last is None else (now_ms - last.made_ms) // 3_600_000
    if age_h is not None and age_h <= table.warn_hours:
        return None
    return BackupOld(hours="-" if age_h is None else age_h, most=table.warn_hours)


def prune(folder: Path, settings: Settings) -> list[Path]:
    """Delete all but the newest `keep` backups of this party in `folder`; returns those deleted."""
    station = settings.station
    mine = sorted(folder.glob(f"{station.party}-{station.plane.value}-*{SUFFIX}"))
    gone = mine[: -settings.backup.keep]
    for each in gone:
        each.unlink(missing_ok=True)
    return gone

"""The daemon's part in a backup: a consistent copy of the store while it writes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ortoo_protocol.station import anew
from ortoo_protocol.station.backup import contents, making, restoring
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import Settings
from ortoo_protocol.station.station import Station

_log = logging.getLogger(__name__)
COPY = ".backup-copy.sqlite"


@dataclass
class BackupMethods:
    """`backup.copy` answers with the file that the command seals and deletes."""

    station: Station
    settings: Settings

    def as_mapping(self) -> Mapping[str, Callable[..., Awaitable[object]]]:
        return {"backup.copy": self.copy, "backup.last": self.last}

    async def copy(self) -> dict[str, Any]:
        """As of one moment, which is named: what is committed later is not in it."""
        target = self.settings.folder / COPY
        made_ms = self.station.parts.clock()
        await asyncio.to_thread(copy_to, self.settings.store_file, target)
        return {"path": str(target), "made_ms": made_ms}

    async def last(self) -> dict[str, Any] | None:
        found = making.last_of(self.settings)
        return None if found is None else msgspec.to_builtins(found)


def copy_to(store: Path, target: Path) -> None:
    target.unlink(missing_ok=True)  # of a command that was broken off
    contents.copy_store(store, target)


async def begin_anew(
    station: Station, settings: Settings, also: Callable[[Tx], None] = lambda _tx: None
) -> None:
    """Before anything leaves: a folder that was restored is marked, and its feeds begin anew;
    `also`: what the application forgets in the same transaction."""
    mark = await asyncio.to_thread(restoring.read_mark, settings.folder)
    if mark is None:
        return
    _log.warning("restored from %s: the feeds begin anew", mark.file)

    def job(tx: Tx) -> None:
        anew.begin(tx, backup_ms=mark.backup_ms, restored_ms=mark.restored_ms)
        also(tx)

    await station.write(job, alone=True)
    await asyncio.to_thread(restoring.forget_mark, settings.folder)

"""The file channel: one JSON line a notice, a file a day, for whatever reads it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from pathlib import Path

import msgspec

from ortoo_protocol.core.errors import NoticeFailed
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.station.notify.channel import Outgoing
from ortoo_protocol.station.notify.settings import FILE


class FileChannel:
    name = FILE

    def __init__(self, folder: Path, offset_min: int) -> None:
        self._folder = folder
        self._offset_min = offset_min

    def reach(self, phone: str, mail: str, webhook: str) -> str | None:
        return ""

    async def send(self, message: Outgoing) -> None:
        line = msgspec.json.encode(asdict(message)) + b"\n"
        day = day_of(message.time_ms, self._offset_min)
        try:
            await asyncio.to_thread(_append, self._folder / f"notices-{day}.jsonl", line)
        except OSError as error:
            raise NoticeFailed(channel=self.name, detail=error.strerror) from None

    async def close(self) -> None:
        """Nothing is open between notices."""


def _append(path: Path, line: bytes) -> None:
    """The whole line at once, and on disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

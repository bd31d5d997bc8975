"""A file that a program publishes, into the folder that its resource is published from: whole or
not at all, and known to be whole by the marker beside it (sources/folder/settled.py)."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from ortoo_node.folders import Folder
from ortoo_node.sources.folder.settled import MARKER, is_unfinished, pattern_parts
from ortoo_protocol.core.errors import ApiBody, ApiFile, ApiTooLarge
from ortoo_protocol.core.files import check_name
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.disk import file_failure


@dataclass(frozen=True)
class Place:
    """Where file `name` of a publication lies; blocking."""

    folder: Folder
    pattern: str
    name: str

    def path(self) -> Path:
        """Raises FileName, ApiFile: the publication would not read it, or it leads elsewhere."""
        parts = check_name(self.name).split("/")
        wanted = pattern_parts(self.folder.read_path, self.pattern)
        if any(is_unfinished(part) for part in parts) or not _matches(parts, wanted):
            raise ApiFile(detail=f"{self.name} / {self.pattern}")
        path = self.folder.read_path.joinpath(*parts)
        for above in (path, *path.parents):
            if above == self.folder.read_path:
                return path
            if above.is_symlink():
                break
        raise ApiFile(detail=mark("it leads through a link"))

    def remove(self) -> bool:
        path = self.path()
        try:
            path.with_name(path.name + MARKER).unlink(missing_ok=True)
            path.unlink()
        except (FileNotFoundError, IsADirectoryError, PermissionError):
            return False
        return True


async def take(request: Request, place: Place, unique: str, most_bytes: int) -> tuple[int, str]:
    """Write the body there; how large it is, and its SHA-256. Raises ApiTooLarge, ApiBody, ApiFile,
    StoreError."""
    path = await asyncio.to_thread(place.path)
    part = path.with_name(f".{unique}.part")
    try:
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        size, digest = await _written(request, part, most_bytes)
        await asyncio.to_thread(_put, part, path)
    except OSError as error:
        raise file_failure(error, path) from None
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    return size, digest


async def _written(request: Request, part: Path, most_bytes: int) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with await asyncio.to_thread(part.open, "xb") as file:
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_bytes:
                    raise ApiTooLarge(detail=f"{most_bytes >> 20} MB")
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
        except ClientDisconnect:
            raise ApiBody(detail="it breaks off") from None
        await asyncio.to_thread(_flush, file.fileno(), file)
    return size, digest.hexdigest()


def _flush(descriptor: int, file: object) -> None:
    getattr(file, "flush")()  # noqa: B009  # any file object
    os.fsync(descriptor)


def _put(part: Path, path: Path) -> None:
    """The marker after the file: an older one does not speak of it."""
    os.replace(part, path)
    marker = path.with_name(path.name + MARKER)
    marker.unlink(missing_ok=True)
    marker.touch()


def _matches(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """As the publication looks: `**` for any folders."""
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        if not rest:
            return bool(parts)
        return any(_matches(parts[count:], rest) for count in range(len(parts)))
    return bool(parts) and fnmatchcase(parts[0], first) and _matches(parts[1:], rest)

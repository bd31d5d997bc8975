"""dispatch.send, dispatch.list, dispatch.read: messages of departments under a grant (函件)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_node.app import NodeApp
from ortoo_protocol.core.dispatch import MAX_PARTS, PART_BYTES
from ortoo_protocol.core.errors import DispatchContent, DispatchUnknown
from ortoo_protocol.station import dispatching
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.disk import file_failure


@dataclass
class DispatchMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "dispatch.send": self.send,
            "dispatch.list": self.listed,
            "dispatch.read": self.read,
        }

    async def send(
        self, grant: str, path: str, subject: str = "", media_type: str = ""
    ) -> dict[str, Any]:
        """Send the file at `path` to the other side of `grant`."""
        content = await asyncio.to_thread(_content, Path(path))
        kind = media_type or "application/octet-stream"
        dispatch, letters = await self.app.station.write(
            lambda tx: dispatching.send(tx, grant, content, subject=subject, media_type=kind)
        )
        return {"dispatch": dispatch, "bytes": len(content), "letters": len(letters)}

    async def listed(self) -> dict[str, Any]:
        return {"dispatches": await self.app.station.read(dispatching.listed)}

    async def read(self, dispatch: str, path: str) -> dict[str, Any]:
        """Write the content to a new file at `path`; the station forgets it then."""
        found = await self.app.station.write(lambda tx: dispatching.content(tx, dispatch))
        if found is None:
            raise DispatchUnknown(dispatch=dispatch)
        await asyncio.to_thread(_keep, Path(path), found)
        await self.app.station.write(lambda tx: dispatching.forget(tx, dispatch))
        return {"dispatch": dispatch, "path": path, "bytes": len(found)}


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_PARTS * PART_BYTES:
            raise DispatchContent(path=path, most_bytes=MAX_PARTS * PART_BYTES)
        return path.read_bytes()
    except OSError as error:
        raise file_failure(error, path) from None


def _keep(path: Path, content: bytes) -> None:
    """A file that is there is left alone."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise file_failure(error, path) from None

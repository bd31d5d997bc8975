"""journal.export and dispute.open: bundles of evidence, as files in this party's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ortoo_protocol.core.codec import MAX_COUNT
from ortoo_protocol.core.errors import JournalRow, StoreError
from ortoo_protocol.core.evidence import Files, Selection
from ortoo_protocol.core.trust import fingerprint_of_root
from ortoo_protocol.station.journal import opening
from ortoo_protocol.station.journal.evidence import gathered
from ortoo_protocol.station.keyfile import write_whole
from ortoo_protocol.station.served import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.verify.packing import pack

FOLDER = "evidence"


@dataclass(frozen=True)
class EvidenceMethods:
    """`folder`: the party's; bundles lie in `evidence` below it until somebody takes them away."""

    station: Station
    folder: Path

    def as_mapping(self) -> Mapping[str, Method]:
        return {"journal.export": self.export, "dispute.open": self.dispute}

    async def export(
        self,
        first: int = 0,
        last: int = MAX_COUNT,
        flows: list[str] | None = None,
        envelopes: list[str] | None = None,
        bodies: bool = False,
    ) -> dict[str, Any]:
        """The rows `first` to `last`; of these those of `flows` (cases, grants, feeds) and of
        `envelopes` (ids in hexadecimal), where any are given. `bodies`: with the messages that are
        still here. Raises JournalRow, JournalNone, EvidenceNothing, EvidenceTooMuch."""
        try:
            ids = tuple(bytes.fromhex(each) for each in envelopes or ())
        except ValueError as error:
            raise JournalRow(detail=str(error)) from None
        selection = Selection(
            first=first, last=last, flows=tuple(flows or ()), envelopes=ids, bodies=bodies
        )
        parts = self.station.parts
        return await self._written(lambda conn: gathered(conn, parts, selection))

    async def dispute(self, feed: str, item: int, place: int) -> dict[str, Any]:
        """One row of an item, opened against the commitment that its publisher signed. Raises
        FeedUnknown, EvidenceErased, FeedEpoch, JournalSize, JournalNone."""
        parts = self.station.parts
        return await self._written(lambda conn: opening.opened(conn, parts, feed, item, place))

    async def _written(self, gather: Callable[[Connection], Files]) -> dict[str, Any]:
        return await self.station.read_long(lambda conn: self._write(gather(conn)))

    def _write(self, files: Files) -> dict[str, Any]:
        data = pack(files)
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / FOLDER / f"{digest[:32]}.zip"
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            write_whole(path, data, replace_existing=True)
        except OSError as error:
            raise StoreError(detail=f"{path}: {error.strerror}") from None
        trust, suites = self.station.parts.trust.current, self.station.parts.suites
        return {
            "file": str(path),
            "size_bytes": len(data),
            "sha256": digest,
            "rows": sum(name.startswith("rows/") for name in files),
            "messages": sum(name.startswith("envelopes/") for name in files),
            "root": fingerprint_of_root(trust.roots[0], plane=trust.plane, suites=suites),
        }

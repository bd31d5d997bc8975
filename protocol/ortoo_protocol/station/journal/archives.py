"""Archives of the journal in this party's folder: made when a month is over, read, verified.

Rows stay in the store as well; what lies in the archive can be taken to other media as it is.
"""

from __future__ import annotations

import calendar
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_protocol.core.archive import (
    CHUNK_ROWS,
    MAX_CHUNKS,
    Archive,
    ArchivedRow,
    Chunk,
    archive_key,
    chunk_place,
    open_chunk,
    seal_chunk,
)
from ortoo_protocol.core.directory import (
    PublicKey,
    document_hash,
    read_body,
    read_document,
    sign_document,
    valid_signatures,
)
from ortoo_protocol.core.errors import ArchiveChunk, ArchiveList, JournalRow, StoreError
from ortoo_protocol.core.journal import Row as Kept
from ortoo_protocol.core.law.clock import day_of, moment_ms
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.merkle import Frontier, leaf_hash
from ortoo_protocol.station.context import Parts
from ortoo_protocol.station.journal.searching import number_at
from ortoo_protocol.station.keyfile import write_whole
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import journal

FOLDER = "archive"
DEFAULT_YEARS = 2


@dataclass(frozen=True)
class Archives:
    """`folder`: the party's own."""

    folder: Path
    parts: Parts

    @property
    def place(self) -> Path:
        return self.folder / FOLDER

    # --- reading ---

    def lists(self) -> list[tuple[Path, Archive, bytes]]:
        """File, list and its hash, oldest first. Raises ArchiveList, TrustMalformed."""
        found = []
        for path in sorted(self.place.glob("*.list")):
            document = read_document(path.read_bytes(), "archive")
            identity, trust = self.parts.identity, self.parts.trust.current
            keys = [PublicKey(k.suite, k.public) for k in trust.signing_keys(identity.party)]
            if not valid_signatures(document, keys, plane=identity.plane, suites=self.parts.suites):
                raise ArchiveList(file=path.name, detail="not signed by this party")
            body = read_body(document, Archive)
            named = document_hash(identity.suite, identity.plane, "archive", document.body)
            found.append((path.with_suffix(".journal"), body, named))
        return found

    def rows(
        self,
        path: Path,
        archive: Archive,
        *,
        newest_first: bool = False,
        since_ms: int = 0,
        until_ms: int = 0,
    ) -> Iterator[tuple[Kept, ArchivedRow]]:
        """A chunk in memory at a time. Chunks outside of the times are not opened. Raises
        ArchiveChunk, JournalRow."""
        at, places = 0, []
        for chunk in archive.chunks:
            places.append((at, chunk))
            at += chunk.size_bytes
        with self._open(path) as file:
            if os.fstat(file.fileno()).st_size != at:
                raise ArchiveChunk(detail=f"{path.name} has another length")
            for offset, chunk in reversed(places) if newest_first else places:
                if chunk.until_ms < since_ms or (until_ms and chunk.from_ms >= until_ms):
                    continue
                file.seek(offset)
                found = list(self._opened(path, chunk, file.read(chunk.size_bytes)))
                yield from reversed(found) if newest_first else found

    def _open(self, path: Path) -> Any:
        try:
            return path.open("rb")
        except OSError as error:
            raise ArchiveChunk(detail=f"{path.name}: {error.strerror}") from None

    def _opened(
        self, path: Path, chunk: Chunk, sealed: bytes
    ) -> Iterator[tuple[Kept, ArchivedRow]]:
        identity = self.parts.identity
        if identity.suite.hash(sealed) != chunk.hash:
            raise ArchiveChunk(detail=f"{path.name}, rows from {chunk.first}: other bytes")
        about = chunk_place(identity.plane, identity.party, chunk.first)
        for seq, kept in enumerate(
            open_chunk(identity.suite, self._key, about, sealed), chunk.first
        ):
            row = Kept.from_leaf(kept.leaf)
            if row.seq != seq:
                raise JournalRow(detail=f"row {row.seq} in the place of {seq}")
            yield row, kept

    @property
    def _key(self) -> bytes:
        identity = self.parts.identity
        return archive_key(identity.suite, identity.plane, identity.party, identity.store_key)

    def verify(self) -> tuple[int, int]:
        """Every list, chunk and row, from the first: (archives, rows). Raises ArchiveList,
        ArchiveChunk, JournalRow."""
        suite = self.parts.identity.suite
        tree, before = Frontier(suite.hash), b""
        found = self.lists()
        for path, archive, named in found:
            if (archive.first, archive.previous) != (tree.size, before):
                raise ArchiveList(file=path.name, detail="it does not follow the one before")
            tree = tree.extend(
                leaf_hash(suite.hash, kept.leaf) for _, kept in self.rows(path, archive)
            )
            if (tree.size, tree.root()) != (archive.last + 1, archive.root):
                raise ArchiveList(file=path.name, detail="its rows give another root")
            before = named
        return len(found), tree.size

    # --- making ---

    def make_due(self, conn: Connection, now_ms: int) -> list[Path]:
        """An archive of each month that is over, oldest first. Raises StoreError."""
        made = []
        while (path := self._make_next(conn, now_ms)) is not None:
            made.append(path)
        return made

    def _make_next(self, conn: Connection, now_ms: int) -> Path | None:
        lists = self.lists()
        first = lists[-1][1].last + 1 if lists else 0
        size = journal_rows.frontier(conn, self.parts.identity.suite).size
        row = conn.execute(select(journal.c.time_ms).where(journal.c.seq == first)).first()
        if row is None:
            return None
        month = day_of(row.time_ms).replace(day=1)
        ends_ms = moment_ms(_next(month), 0)
        if now_ms < ends_ms:
            return None
        end = min(number_at(conn, ends_ms, size), first + CHUNK_ROWS * MAX_CHUNKS)
        previous = lists[-1][2] if lists else b""
        return self._write(conn, month, first, max(end, first + 1), previous)

    def _write(self, conn: Connection, month: date, first: int, end: int, previous: bytes) -> Path:
        identity = self.parts.identity
        name = f"{month:%Y-%m}-{first:016d}"
        path = self.place / f"{name}.journal"
        try:
            self.place.mkdir(mode=0o700, exist_ok=True)
            chunks = self._write_chunks(conn, path, first, end)
            body = Archive(
                plane=identity.plane,
                party=identity.party,
                month=f"{month:%Y-%m}",
                first=first,
                last=end - 1,
                root=journal_rows.frontier_at(conn, identity.suite, end).root(),
                previous=previous,
                kept_until_ms=self._kept_until_ms(month),
                chunks=tuple(chunks),
            )
            listed = sign_document(
                "archive", body, suite=identity.suite, plane=identity.plane,
                signers=[identity.signer],
            )  # fmt: skip
            # The list last: a file without one is not an archive yet, and is made again.
            write_whole(path.with_suffix(".list"), listed, mode=0o400)
        except OSError as error:
            raise StoreError(detail=f"{path}: {error.strerror}") from None
        return path

    def _write_chunks(self, conn: Connection, path: Path, first: int, end: int) -> list[Chunk]:
        """Into `path`, whole or not at all. Raises OSError."""
        descriptor, temporary = tempfile.mkstemp(prefix=".", dir=self.place)
        try:
            with open(descriptor, "wb") as file:
                chunks = []
                for at in range(first, end, CHUNK_ROWS):
                    chunk, sealed = self._chunk(conn, at, min(at + CHUNK_ROWS, end))
                    file.write(sealed)
                    chunks.append(chunk)
                file.flush()
                os.fchmod(file.fileno(), 0o400)
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return chunks

    def _kept_until_ms(self, month: date) -> int:
        name = self.parts.trust.current.profile
        years = profile_named(name).sharing.record_years if name else DEFAULT_YEARS
        ends = _next(month)
        return moment_ms(ends.replace(year=ends.year + years), 0)

    def _chunk(self, conn: Connection, first: int, end: int) -> tuple[Chunk, bytes]:
        identity = self.parts.identity
        query = select(journal).where(journal.c.seq >= first, journal.c.seq < end)
        rows = [_kept(row) for row in conn.execute(query.order_by(journal.c.seq))]
        about = chunk_place(identity.plane, identity.party, first)
        kept = [each for each, _ in rows]
        sealed = seal_chunk(identity.suite, self._key, about, kept, self.parts.rand)
        times = [time_ms for _, time_ms in rows]
        chunk = Chunk(
            first, len(rows), min(times), max(times), len(sealed), identity.suite.hash(sealed)
        )
        return chunk, sealed


def _kept(row: Row[Any]) -> tuple[ArchivedRow, int]:
    leaf = journal_rows.read_row(row).leaf_bytes()
    return ArchivedRow(leaf, bytes(row.framing or b"")), row.time_ms


def _next(month: date) -> date:
    days = calendar.monthrange(month.year, month.month)[1]
    return date.fromordinal(month.toordinal() + days)

"""journal.archive…: sealed months, made on their own, searched by auditors; and bodies erased by
people, with a reason that the journal keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, and_, exists, select, update

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import StopReason
from ortoo_protocol.core.ids import check_feed, check_hex_id
from ortoo_protocol.core.journal import Row, State
from ortoo_protocol.core.verify import decode_header
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.journal.archives import Archives
from ortoo_protocol.station.served import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import (
    erasures,
    feed_out_items,
    feed_out_unsent,
    outbox,
    outbox_envelopes,
)

LOOK_S = 3_600.0
FIRST_LOOK_S = 120.0
MOST_LOOKED = 200_000
MOST_SHOWN = 500
ERASED = "body.erased"


@dataclass(frozen=True)
class ArchiveMethods:
    """`folder`: the party's."""

    station: Station
    folder: Path

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "journal.archives": self.listed,
            "journal.archive": self.archive,
            "journal.archive-search": self.search,
            "journal.archive-verify": self.verify,
            "journal.erase": self.erase,
            "journal.erasures": self.erasures,
        }

    @property
    def archives(self) -> Archives:
        return Archives(self.folder, self.station.parts)

    async def run(self) -> None:
        """A loop: each month is archived when it is over."""
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            await self.archive()
            await asyncio.sleep(LOOK_S)

    async def listed(self) -> dict[str, Any]:
        found = await asyncio.to_thread(self.archives.lists)
        return {
            "archives": [
                {
                    "file": str(path),
                    "month": archive.month,
                    "first": archive.first,
                    "last": archive.last,
                    "root": archive.root.hex(),
                    "size_bytes": sum(chunk.size_bytes for chunk in archive.chunks),
                    "kept_until_ms": archive.kept_until_ms,
                }
                for path, archive, _ in found
            ]
        }

    async def archive(self) -> dict[str, Any]:
        """Now, every month that is over and has none yet."""
        now_ms = self.station.parts.clock()
        made = await self.station.read_long(lambda conn: self.archives.make_due(conn, now_ms))
        return {"made": [str(path) for path in made]}

    async def verify(self) -> dict[str, Any]:
        """Every archive from the first row on. Raises ArchiveError, JournalRow."""
        count, rows = await asyncio.to_thread(self.archives.verify)
        return {"archives": count, "rows": rows}

    async def search(
        self,
        kind: str = "",
        party: str = "",
        flow: str = "",
        since_ms: int = 0,
        until_ms: int = 0,
        before: int = 0,
        count: int = 50,
    ) -> dict[str, Any]:
        """Archived rows, the newest first; `flow` is a case, grant or feed. `next_before` goes on
        from there, 0 at the end: a page looks at MOST_LOOKED rows at most."""
        return await asyncio.to_thread(
            self._search, kind, party, flow, since_ms, until_ms, before, max(1, min(count, 500))
        )

    def _search(
        self,
        kind: str,
        party: str,
        flow: str,
        since_ms: int,
        until_ms: int,
        before: int,
        count: int,
    ) -> dict[str, Any]:
        archives, rows, looked = self.archives, list[dict[str, Any]](), 0
        for path, archive, _ in reversed(archives.lists()):
            if before and archive.first >= before:
                continue
            for row, _kept in archives.rows(
                path, archive, newest_first=True, since_ms=since_ms, until_ms=until_ms
            ):
                if before and row.seq >= before:
                    continue
                if len(rows) == count or looked == MOST_LOOKED:
                    return {"rows": rows, "next_before": row.seq + 1}
                looked += 1
                if (
                    since_ms <= row.time_ms
                    and (not until_ms or row.time_ms < until_ms)
                    and (not kind or row.kind == kind)
                    and (not flow or row.flow == flow)
                    and (not party or party in (row.sender, _addressee(row)))
                ):
                    rows.append(_shown(row))
        return {"rows": rows, "next_before": 0}

    async def erase(
        self, reason: str, by: str, feed: str = "", last: int = 0, letter: str = ""
    ) -> dict[str, Any]:
        """The bodies of the items of `feed`, which this party publishes, up to item `last`, or the
        body of one settled letter. Numbers, hashes and signatures stay, so chains, proofs and
        reconciliation do; who did it and why is kept and stands in the journal. What has not left
        yet stays. Raises CodecIdentifier, StopReason."""
        if not reason.strip() or not by.strip():
            raise StopReason()
        if letter:
            named = bytes.fromhex(check_hex_id(letter))
            return await self.station.write(lambda tx: _erase_letter(tx, named, reason, by))
        check_feed(feed)
        return await self.station.write(lambda tx: _erase_items(tx, feed, last, reason, by))

    async def erasures(self) -> dict[str, Any]:
        """What people erased, the newest first."""

        def read(conn: Connection) -> list[dict[str, Any]]:
            query = select(erasures).order_by(erasures.c.time_ms.desc()).limit(MOST_SHOWN)
            return [dict(row._mapping) for row in conn.execute(query)]

        return {"erasures": await self.station.read(read)}


def _erase_items(tx: Tx, feed: str, last: int, reason: str, by: str) -> dict[str, Any]:
    items, unsent = feed_out_items, feed_out_unsent
    same = and_(*(unsent.c[name] == items.c[name] for name in ("feed", "incarnation", "seq")))
    here = (items.c.feed == feed) & (items.c.seq <= last) & items.c.raw.is_not(None)
    gone = update(items).where(here, ~exists().where(same)).values(raw=None)
    return _marked(tx, f"{feed}:{last}", tx.conn.execute(gone).rowcount, reason, by, feed)


def _erase_letter(tx: Tx, letter: bytes, reason: str, by: str) -> dict[str, Any]:
    settled = select(outbox.c.number).where(outbox.c.id == letter, outbox.c.settled_ms.is_not(None))
    gone = outbox_envelopes.delete().where(outbox_envelopes.c.number.in_(settled))
    return _marked(tx, letter.hex(), tx.conn.execute(gone).rowcount, reason, by, "")


def _marked(tx: Tx, what: str, count: int, reason: str, by: str, flow: str) -> dict[str, Any]:
    """The leaf has the hash of what is kept of it."""
    act = tx.new_id()
    row = {"act": act.hex(), "what": what, "count": count, "reason": reason, "by": by}
    tx.conn.execute(erasures.insert().values({**row, "time_ms": tx.now_ms}))
    said = tx.suite.hash(encode([row["act"], what, count, reason, by, tx.now_ms]))
    tx.journal_local(act, ERASED, said, State.APPLIED, flow=flow)
    return row


def _addressee(row: Row) -> str:
    return decode_header(row.header).destination if row.header else ""


def _shown(row: Row) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "time_ms": row.time_ms,
        "direction": row.direction.name.lower(),
        "kind": row.kind,
        "sender": row.sender,
        "addressee": _addressee(row),
        "flow": row.flow,
        "envelope": row.envelope_id.hex(),
        "state": row.state.name.lower(),
        "error": row.error,
    }

"""Two stations of which one serves files and the other fetches them, over a broker in memory."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ortoo_node import catalog
from ortoo_node.files import transfers
from ortoo_node.folders import Folder, TableOptions
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.journal import Direction
from ortoo_protocol.core.journal import Row as JournalRow
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store import journal_rows
from tests.node.kit import Node, entry, open_node, running
from tests.support.stations import Kit, give, terms, until_read

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0009"
FEED = f"{PROVIDER}.files"
PURPOSE = "工作参考"  # of support.stations.terms
ENDED = ("done", "refused", "failed", "cancelled")


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)  # noqa: S311


def put(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def files_entry(**more: Any) -> dict[str, Any]:
    made = entry(PROVIDER, CODE, feed=FEED, files=True, **more)
    del made["items"]
    return made


@dataclass
class Pair:
    kit: Kit
    provider: Node
    reader: Node
    grant: GrantTerms

    @property
    def shared(self) -> Path:
        """Where the provider's department puts files."""
        return self.kit.folder / "front" / "in"

    @property
    def taken(self) -> Path:
        return self.kit.folder / "taken"

    async def publish(self) -> Any:
        return await self.provider.call("publish", resource=CODE, source="front-end", table="**/*")

    async def listed(self) -> dict[str, Any]:
        answer = await self.reader.call("file.list", resource=CODE, purpose=PURPOSE)
        return {each["name"]: each for each in answer["files"]}

    async def list_has(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while name not in found:
            found = await self.listed()
        return dict(found[name])

    async def begin(self, name: str, to: str = "") -> str:
        target = self.taken / (to or name)
        answer = await self.reader.call(
            "file.get", resource=CODE, name=name, to=str(target), purpose=PURPOSE
        )
        return str(answer["transfer"])

    async def ended(self, transfer: str, within_s: float = 30) -> dict[str, Any]:
        read = partial(_has_ended, transfer)
        await until_read(self.reader.app.station, read, within_s)
        return dict(await self.reader.call("file.transfer", transfer=transfer))

    async def get(self, name: str, to: str = "") -> dict[str, Any]:
        return await self.ended(await self.begin(name, to))

    async def end_grant(self, node: Node) -> None:
        """As the node does on grant.ended, without the hub."""

        def job(tx: Tx) -> None:
            row = grants_held.row(tx, self.grant.grant)
            tx.conn.execute(
                grants_held.grants.update()
                .where(grants_held.grants.c.grant == row.grant)
                .values(ended_ms=tx.now_ms)
            )

        await node.app.station.write(job)

    async def journal(self, node: Node, kind: str) -> list[JournalRow]:
        rows = await node.app.station.read(lambda conn: list(journal_rows.rows(conn)))
        return [row for row in rows if row.kind == kind]


def _has_ended(transfer: str, conn: Any) -> bool:
    return transfers.find(conn, transfer).state in ENDED


@asynccontextmanager
async def pair(folder: Path, files: dict[str, bytes], **more: Any) -> AsyncIterator[Pair]:
    """`files` are published, and the reader has a grant."""
    kit = Kit(folder)
    front = Folder(name="front-end", path=folder / "front", settle_s=0)
    keep = TableOptions(table="kept", keep_deleted=True)
    sink = Folder(name="out", path=folder / "reader-front", settle_s=0, tables=(keep,))
    front.read_path.mkdir(parents=True)
    sink.write_path.mkdir(parents=True)
    (folder / "taken").mkdir()
    for name, content in files.items():
        put(front.read_path, name, content)
    provider = open_node(kit, PROVIDER, folders=(front,))
    reader = open_node(kit, READER, folders=(sink,), **more)
    grant = msgspec.structs.replace(terms(PROVIDER, READER, FEED), resource=CODE)
    made = Pair(kit, provider, reader, grant)
    kit.join(PROVIDER, READER, FEED)
    async with running(kit, provider, reader):
        await provider.call("catalog.add", entry=files_entry())
        await made.publish()
        mine = await provider.app.station.read(lambda conn: catalog.entry(conn, CODE))
        await provider.app.station.write(lambda tx: give(tx, grant))
        await reader.app.station.write(lambda tx: _receive(tx, mine, grant))
        yield made


def _receive(tx: Tx, mine: Entry, grant: GrantTerms) -> None:
    catalog.store(tx, mine, 1, tx.now_ms)
    grants_held.keep(tx, grant, encode(grant))


SENT, RECEIVED = Direction.SENT, Direction.RECEIVED

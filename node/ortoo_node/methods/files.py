"""file.*: which files a granted resource has, fetching them, and how far that is (批量下载)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from ortoo_node import catalog
from ortoo_node.app import NodeApp
from ortoo_node.files import listing, transfers
from ortoo_node.files.fetching import Fetcher
from ortoo_node.files.listing import Listed
from ortoo_node.files.transfers import Wanted
from ortoo_node.use import purpose as purposes
from ortoo_protocol.core.errors import (
    FileNone,
    FileTaken,
    FileTarget,
    FileUnknown,
    GrantUnknown,
)
from ortoo_protocol.core.files import are_file_items
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import paging
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx

LISTING_S = 20.0  # how long a list is waited for that has never come
LOOK_S = 0.1


@dataclass
class FileMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "file.list": self.listed,
            "file.get": self.get,
            "file.transfers": self.transfers,
            "file.transfer": self.transfer,
            "file.cancel": self.cancel,
        }

    async def listed(self, resource: str, purpose: str, grant: str | None = None) -> dict[str, Any]:
        """Raises CatalogUnknown, FileNone, GrantUnknown, UsePurpose."""
        terms = await self._follow(resource, purpose, grant)
        files = await self._until(terms.feed, lambda found: found is not None)
        return {
            "resource": resource,
            "grant": terms.grant,
            "feed": terms.feed,
            "complete": files is not None,
            "files": [asdict(each) for each in files or ()],
        }

    async def get(
        self, resource: str, name: str, to: str, purpose: str, grant: str | None = None
    ) -> dict[str, Any]:
        """Begin to fetch a file, or go on with it; returns at once.

        Raises CatalogUnknown, FileNone, GrantUnknown, UsePurpose, FileUnknown, FileTarget,
        FileTaken.
        """
        target = check_target(to)
        terms = await self._follow(resource, purpose, grant)
        found = await self._until(terms.feed, bool, name)
        if not found:
            raise FileUnknown(feed=terms.feed, file=name)
        file = found[0]
        if await asyncio.to_thread(target.is_dir):
            target = target / Path(name).name
        if await asyncio.to_thread(target.exists):
            raise FileTaken(path=target)
        wanted = Wanted(
            resource, terms.feed, terms.grant, name, file.sha256, file.size_bytes, target
        )
        return await self.transfer(await self.app.files.fetcher.begin(wanted))

    async def transfers(
        self, alive: bool = False, limit: int = paging.MOST, offset: int = 0
    ) -> dict[str, Any]:
        """The newest first, from `offset` on; `total`: how many there are."""
        query = transfers.in_order(only_alive=alive)
        rows, total = await self.app.station.read(
            lambda conn: paging.page(conn, query, limit, offset)
        )
        shown = [show_transfer(self.app.files.fetcher, row) for row in rows]
        return {"transfers": shown, "total": total}

    async def transfer(self, transfer: str) -> dict[str, Any]:
        """Raises FileTransferUnknown."""
        row = await self.app.station.read(partial(transfers.find, transfer=transfer))
        return show_transfer(self.app.files.fetcher, row)

    async def cancel(self, transfer: str) -> dict[str, Any]:
        """Raises FileTransferUnknown."""
        await self.app.files.fetcher.cancel(transfer)
        return await self.transfer(transfer)

    async def _follow(self, resource: str, purpose: str, grant: str | None) -> GrantTerms:
        def job(tx: Tx) -> GrantTerms:
            terms = _terms(tx, resource, purpose, grant)
            listing.follow(tx, terms)
            return terms

        return await self.app.station.write(job)

    async def _until(
        self,
        feed: str,
        enough: Callable[[list[Listed] | None], bool],
        name: str | None = None,
    ) -> list[Listed] | None:
        """What is listed; a list that was never there is waited for a while."""
        read = partial(listing.files_of, self.app.settings.folder, feed, name=name)
        found = await asyncio.to_thread(read)
        if found is None:
            end_s = asyncio.get_running_loop().time() + LISTING_S
            while not enough(found) and asyncio.get_running_loop().time() < end_s:
                await asyncio.sleep(LOOK_S)
                found = await asyncio.to_thread(read)
        return found


def check_target(to: str) -> Path:
    """Raises FileTarget."""
    target = Path(to)
    if not target.is_absolute():
        raise FileTarget(path=to, detail="not an absolute path")
    return target


def show_transfer(fetcher: Fetcher, row: Row[Any]) -> dict[str, Any]:
    """A transfer as it is now, for people and programs."""
    done_bytes = min(fetcher.done_chunks(row) * row.chunk_bytes, row.size_bytes)
    bytes_a_s = fetcher.bytes_a_s(row)
    return {
        "transfer": row.transfer,
        "resource": row.resource,
        "feed": row.feed,
        "grant": row.grant,
        "subscription": row.subscription,
        "file": row.name,
        "sha256": row.sha256,
        "target": row.target,
        "size_bytes": row.size_bytes,
        "done_bytes": done_bytes,
        "bytes_a_s": bytes_a_s,
        "left_s": (row.size_bytes - done_bytes) // bytes_a_s if bytes_a_s else None,
        "state": row.state,
        "error": {"code": row.error, "what": row.error, "cure": "", "facts": {}}
        if row.error
        else None,
        "began_ms": row.began_ms,
        "changed_ms": row.changed_ms,
    }


def _terms(tx: Tx, resource: str, wanted: str, grant: str | None) -> GrantTerms:
    """`granted`, of a resource of files."""
    if not are_file_items(catalog.entry(tx.conn, resource).items):
        raise FileNone(resource=resource)
    return granted(tx, resource, wanted, grant)


def granted(tx: Tx, resource: str, wanted: str, grant: str | None) -> GrantTerms:
    """The named grant of this station, or the newest live one of the resource for this purpose.
    Raises GrantUnknown, UsePurpose."""
    found = purposes.find(
        tx.conn,
        party=tx.party,
        resource=resource,
        purpose=wanted,
        grant=grant,
        department=None,
        now_ms=tx.now_ms,
        rules=profile_named(tx.trust.profile).sharing,
    )
    if found is None:
        raise GrantUnknown(grant=resource)
    return found

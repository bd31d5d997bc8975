"""All that a station does about files, put together: handlers, the short way, loops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from ortoo_node import catalog
from ortoo_node.files import orders
from ortoo_node.files.fetching import Fetcher
from ortoo_node.files.making import Maker
from ortoo_node.files.serving import FileServer
from ortoo_node.files.sink import FileSink, Subscribed
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks.folder.place import Place
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.files import are_file_items
from ortoo_protocol.core.verify import Opened
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.context import Handler, Swift, Tx
from ortoo_protocol.station.ports import Sink
from ortoo_protocol.station.station import Station

THREADS = 2


@dataclass
class Files:
    """Made before the station, which is made of its handlers; `serve` gives it the station.

    Two threads of its own: sealing and hashing must not stand in line behind a slow sink.
    """

    executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, "files")
    )
    _made: tuple[FileServer, Fetcher, Maker] | None = None
    _around: tuple[Station, NodeSettings] | None = None

    def serve(
        self, station: Station, settings: NodeSettings, changed: Callable[[str], Awaitable[object]]
    ) -> None:
        """`changed`: publish this resource again, its folder is not as it was."""
        fetcher = Fetcher(station, self.executor)
        made = settings.folder / "made"
        server = FileServer(
            station, settings.folder_named, made, self.executor, fetcher.receiver.take, changed
        )
        maker = Maker(station, made)
        self._made, self._around = (server, fetcher, maker), (station, settings)

    @property
    def server(self) -> FileServer:
        return self._all()[0]

    @property
    def fetcher(self) -> Fetcher:
        return self._all()[1]

    @property
    def maker(self) -> Maker:
        return self._all()[2]

    def _all(self) -> tuple[FileServer, Fetcher, Maker]:
        if self._made is None:
            raise RuntimeError("a file letter before the station is there")
        return self._made

    def _at(self) -> tuple[Station, NodeSettings]:
        if self._around is None:
            raise RuntimeError("a file letter before the station is there")
        return self._around

    def handlers(self) -> Mapping[str, Handler]:
        def on_ask(tx: Tx, opened: Opened[Shape]) -> None:
            self.server.on_ask(tx, opened)

        def on_manifest(tx: Tx, opened: Opened[Shape]) -> None:
            self.fetcher.on_manifest(tx, opened)

        def on_refusal(tx: Tx, opened: Opened[Shape]) -> None:
            self.fetcher.on_refusal(tx, opened)

        def on_chunk(tx: Tx, opened: Opened[Shape]) -> None:
            self.fetcher.receiver.on_chunk(tx, opened)

        def on_order(tx: Tx, opened: Opened[Shape]) -> None:
            self.maker.on_order(tx, opened)

        def on_made(tx: Tx, opened: Opened[Shape]) -> None:
            self.fetcher.on_made(tx, opened)

        return {
            "file.ask": on_ask,
            "file.manifest": on_manifest,
            "file.refusal": on_refusal,
            "file.chunk": on_chunk,
            "file.order": on_order,
            "file.made": on_made,
            "file.not-made": orders.on_not_made,
        }

    def swift(self) -> Mapping[str, Swift]:
        async def take(raws: Sequence[bytes]) -> Collection[int]:
            return await self.fetcher.receiver.take(raws)

        return {"file.chunk": take}

    async def sink_of(self, row: Row[Any]) -> Sink | None:
        """The sink of a subscription whose rows become files; None: it takes rows."""
        station, settings = self._at()
        folder = settings.folder_named(row.sink)
        found = await station.read(lambda conn: catalog.find(conn, row.resource))
        if folder is None or not folder.write or found is None:
            return None
        if not are_file_items(unpack(found.entry).items):
            return None
        about = Subscribed(row.subscription, row.resource, row.feed, row.grant)
        keep = folder.table_options_of(row.table).keep_deleted
        return FileSink(Place(folder, row.table), self.fetcher, about, keep)

    def loops(self) -> Sequence[Callable[[], Awaitable[None]]]:
        return self.server.run, self.fetcher.run, self.maker.run

    async def close(self) -> None:
        """After the loops have ended."""
        await asyncio.to_thread(self.executor.shutdown, wait=True, cancel_futures=True)

"""A station as the node builds it, with its grants put in place: settings, store, keys, loops."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ortoo_node import app as node_app
from ortoo_node.app import NodeApp
from ortoo_node.files.desk import Files
from ortoo_node.folders import Folder
from ortoo_node.methods import NodeMethods
from ortoo_node.publishing import Publisher
from ortoo_node.queries.desk import Queries
from ortoo_node.settings import Database, NodeSettings
from ortoo_node.store import NODE
from ortoo_protocol.bus.amqp import AmqpAddress, AmqpBus
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.keys import key_id
from ortoo_protocol.station import grants_held, trusting
from ortoo_protocol.station.common_methods import CommonMethods
from ortoo_protocol.station.context import Identity, SettledLetter, Tx
from ortoo_protocol.station.launch import calm_collector, keep_freed_memory
from ortoo_protocol.station.settings import StationTable, Timing
from ortoo_protocol.station.station import Station, Surroundings, make_station
from ortoo_protocol.station.store.migrate import STATION
from ortoo_protocol.station.store.store import create_store, open_store
from tests.bench.region import WideRegion, agreed

LOOK_S = 0.02
CHECKED = {"compiled_by": "甲", "secrecy_checked_by": "乙", "approved_by": "丙"}


class OpenedStation:
    """`grants`: (provider, reader, feed) triples, which both sides of a grant are opened with."""

    def __init__(
        self,
        folder: str,
        party: str,
        parties: Sequence[str],
        offset_ms: int,
        broker: dict[str, Any],
        source: str = "",
        sink: str = "",
        joined: Sequence[Sequence[str]] = (),
        front: str = "",
    ) -> None:
        self.folder, self.party = Path(folder), party
        self.region = WideRegion(tuple(parties))
        self.offset_ms = offset_ms
        self.bus = AmqpBus(AmqpAddress(**{**broker, "ca_file": Path(broker["ca_file"])}))
        self.sink = self.folder / "sink.sqlite" if not sink else Path(sink)
        self.settings = NodeSettings(
            station=StationTable(
                party=party, plane=self.region.plane, name=party, folder=self.folder
            ),
            sources=(Database(name="source", url=f"sqlite:///{source}"),) if source else (),
            sinks=(Database(name="sink", url=f"sqlite:///{self.sink}"),),
            folders=(Folder(name="front", path=Path(front), settle_s=0),) if front else (),
        )
        self.joined = [agreed(p, r, f, number) for number, (p, r, f) in enumerate(joined, 1)]
        self.files, self.queries = Files(), Queries(self.settings)
        self.station: Station
        self.app: NodeApp
        self.running: asyncio.Task[None] | None = None

    # --- the node's own methods, as its command line calls them ---

    async def call(self, method: str, params: dict[str, Any]) -> Any:
        return await self.methods[method](**params)

    # --- life ---

    async def open(self) -> None:
        logging.basicConfig(level=logging.WARNING)
        keep_freed_memory()  # both as the daemon does
        calm_collector()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.station = self._make()
        publisher = Publisher(self.station, self.settings)
        self.app = NodeApp(self.station, self.settings, publisher, self.files, self.queries)
        common = CommonMethods(self.station, self.settings, "bench", self.app.now_ms())
        self.methods = dict(NodeMethods(self.app, common, asyncio.Event()).as_mapping())
        await self.app.start()
        self.running = asyncio.create_task(self.station.run(self.app.loops))
        waiting = asyncio.create_task(self.station.wire.online.wait())
        await asyncio.wait({waiting, self.running}, return_when=asyncio.FIRST_COMPLETED)
        if self.running.done():
            self.running.result()
        for each in self.joined:
            await self.station.write(lambda tx, each=each: keep_grant(tx, each))

    async def close(self) -> None:
        if self.running is not None:
            self.running.cancel()
            await asyncio.gather(self.running, return_exceptions=True)
            await self.app.files.close()
            await self.app.end()
            await self.app.queries.close()
            await self.station.close()

    def _make(self) -> Station:
        region, path = self.region, self.folder / "store.sqlite"
        owners = (STATION, NODE)
        create_store(path, self.party, region.plane, owners)
        store = open_store(path, self.party, region.plane, owners)
        trust = region.trust()
        with store.writing.begin() as conn:
            trusting.save(conn, trust)
        around = Surroundings(
            store=store,
            trust=trust,
            bus=self.bus,
            suites=region.suites,
            clock=lambda: time.time_ns() // 1_000_000 + self.offset_ms,
            rand=os.urandom,
            timing=Timing(),
        )
        hooks = node_app.hooks(self.files, self.queries)
        self._node_settled = hooks.settled
        return make_station(self._identity(), around, replace(hooks, settled=self.on_settled))

    def on_settled(self, tx: Tx, letter: SettledLetter) -> None:
        """What became of a letter; a role may look, and passes the others on."""
        self._node_settled(tx, letter)

    def _identity(self) -> Identity:
        region, suite, party = self.region, self.region.suite, self.party
        signer, seed = region.signer(party), region.wrap_seed(party)
        return Identity(
            party=party,
            name=party,
            plane=region.plane,
            suite=suite,
            signer=signer,
            signing_key_id=key_id(suite, region.plane, "sign", signer.public),
            wrap_seeds={key_id(suite, region.plane, "wrap", suite.wrap_public(seed)): seed},
            store_key=suite.hash(region.seed(f"{party} store"))[: suite.key_bytes],
        )


def keep_grant(tx: Tx, granted: GrantTerms) -> None:
    """A grant that lets letters pass, without a feed that is read."""
    grants_held.keep(tx, granted, encode(granted))

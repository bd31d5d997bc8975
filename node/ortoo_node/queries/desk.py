"""Both sides of online query at one station, put together."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from ortoo_node.queries.offers import Offers
from ortoo_node.queries.provider import Provider
from ortoo_node.queries.reader import Reader
from ortoo_node.queries.record import Notes
from ortoo_node.settings import NodeSettings
from ortoo_protocol.core.errors import StoreError
from ortoo_protocol.station.context import Answered, Handler
from ortoo_protocol.station.station import Station

_log = logging.getLogger(__name__)


@dataclass
class Queries:
    """`handlers` before there is a station, `attach` once there is, `run` beside its loops, `close`
    when they have ended and the store still stands."""

    settings: NodeSettings
    offers: Offers = field(init=False)
    provider: Provider = field(init=False)
    reader: Reader = field(default_factory=Reader)
    notes: Notes = field(init=False)

    def __post_init__(self) -> None:
        self.offers = Offers(self.settings)
        self.provider = Provider(self.offers)

    def handlers(self) -> Mapping[str, Handler]:
        return {**self.provider.handlers(), **self.reader.handlers()}

    def answers(self) -> Mapping[str, Answered]:
        return self.reader.answers()

    def attach(self, station: Station) -> None:
        self.notes = Notes(station.database)
        self.provider.attach(self.notes)
        self.reader.attach(station, self.notes)

    async def run(self) -> None:
        await self.notes.run()

    async def close(self) -> None:
        """What is still to be noted is noted."""
        self.offers.close()
        try:
            await self.notes.flush()
        except StoreError as error:
            _log.error("%s", error)

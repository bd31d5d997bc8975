"""What may be asked under a grant, as its provider says it; remembered for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial

from ortoo_node.queries.granted import Known
from ortoo_node.queries.waiting import Asks
from ortoo_protocol.core.queries import QueryDescribe, QuerySignature
from ortoo_protocol.station.context import Pen

DESCRIBED_S = 300.0  # what a provider offers is asked for again after this long
Signatures = tuple[QuerySignature, ...]


@dataclass(frozen=True)
class Describing:
    asks: Asks
    grants: Known
    _remembered: dict[str, tuple[float, Signatures]] = field(default_factory=dict)

    async def describe(self, grant: str, *, fresh: bool) -> Signatures:
        """Raises GrantError, QueryError; QuerySilent when the provider does not answer in time."""
        remembered = self._remembered.get(grant)
        if remembered is not None and not fresh and time.monotonic() - remembered[0] < DESCRIBED_S:
            return remembered[1]
        terms, pen = await self.grants.held(grant), Pen(self.asks.parts)
        body = QueryDescribe(ask=pen.new_id().hex(), grant=grant)
        waiting, _ = self.asks.send(pen, body, terms)
        try:
            await self.asks.until(
                waiting,
                lambda: waiting.described is not None,
                partial(self.asks.repeat, waiting),
            )
        finally:
            self.asks.forget(waiting)
        found = waiting.described or ()
        self._remembered[grant] = time.monotonic(), found
        return found

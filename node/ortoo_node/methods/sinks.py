"""sink.list, sink.test: what subscriptions may write to, and whether it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_node import endpoints, trying
from ortoo_node.app import NodeApp
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.control_client import error_to


@dataclass
class SinkMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {"sink.list": self.listed, "sink.test": self.test}

    async def listed(self) -> dict[str, Any]:
        """Those of the settings: `kind`, and where each is, without secrets."""
        found = await asyncio.to_thread(endpoints.sinks, self.app.settings)
        return {"sinks": [shown(each) for each in found]}

    async def test(self, name: str) -> dict[str, Any]:
        """Whether it can be written, now; writes nothing. Raises SettingsLacking, DatabaseUrl,
        SettingsSecret, SinkError."""
        await asyncio.to_thread(trying.sink, self.app.settings, name)
        return {"name": name}


def shown(one: endpoints.Endpoint) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "address": one.address,
        "error": None if one.error is None else error_to(one.error),
    }

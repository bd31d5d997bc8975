"""The port through which the hub programs the broker of its plane."""

from __future__ import annotations

from typing import Protocol

from ortoo_protocol.core.topology import Actual, Change


class BrokerAdmin(Protocol):
    """Errors of every call: BrokerAdminUnreachable, -Tls, -Login, -Refused."""

    async def claim(self, name: str) -> None:
        """Call the broker `name` (topology.broker_name). BusPlane when it serves another plane."""
        ...

    async def read(self) -> Actual:
        """What stands on the broker now, foreign things included."""
        ...

    async def apply(self, change: Change) -> None:
        """Take one step of a plan. A step taken twice is no error."""
        ...

    async def close_connections(self, user: str) -> int:
        """Close the live connections of `user`, as after a change of what he may do.

        Returns how many were seen; connections opened at this very moment may not be counted.
        """
        ...

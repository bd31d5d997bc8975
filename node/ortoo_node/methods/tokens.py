"""token.new, token.list, token.rotate, token.revoke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ortoo_node import tokens
from ortoo_node.app import NodeApp
from ortoo_protocol.station.common_methods import Method


@dataclass
class TokenMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "token.new": self.new,
            "token.list": self.listed,
            "token.rotate": self.rotate,
            "token.revoke": self.revoke,
        }

    async def new(
        self, department: str, scopes: list[str], days: int = 365, application: str = ""
    ) -> dict[str, Any]:
        """The text is in this answer and nowhere else."""
        row, text = await self.app.station.write(
            lambda tx: tokens.make(tx, department, scopes, days, application)
        )
        return {**self._shown(row), "text": text}

    async def rotate(self, token: str, overlap_hours: int = 24, days: int = 365) -> dict[str, Any]:
        """A new text for the same program; `token` opens for so many hours more."""
        row, text = await self.app.station.write(
            lambda tx: tokens.rotate(tx, token, overlap_hours, days)
        )
        return {**self._shown(row), "text": text, "replaces": token}

    async def listed(self) -> dict[str, Any]:
        rows = await self.app.station.read(tokens.listed)
        return {"tokens": [self._shown(row) for row in rows]}

    async def revoke(self, token: str) -> dict[str, Any]:
        await self.app.station.write(lambda tx: tokens.revoke(tx, token))
        return {"token": token, "state": "revoked"}

    def _shown(self, row: Any) -> dict[str, Any]:
        names = ("token", "family", "department", "application")
        times = ("created_ms", "expires_ms", "revoked_ms", "used_ms")
        return {
            **{name: getattr(row, name) for name in (*names, *times)},
            "scopes": row.scopes.split(),
            "state": _state(row, self.app.now_ms()),
        }


def _state(row: Any, now_ms: int) -> str:
    if row.revoked_ms is not None:
        return "revoked"
    return "expired" if row.expires_ms <= now_ms else "active"

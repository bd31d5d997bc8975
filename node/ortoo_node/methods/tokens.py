"""token.new, token.list, token.revoke."""

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
            "token.revoke": self.revoke,
        }

    async def new(self, department: str, scope: str, days: int = 365) -> dict[str, Any]:
        """The text is in this answer and nowhere else."""
        name, text, expires_ms = await self.app.station.write(
            lambda tx: tokens.make(tx, department, scope, days)
        )
        return {"token": name, "text": text, "expires_ms": expires_ms, "scope": scope}

    async def listed(self) -> dict[str, Any]:
        rows = await self.app.station.read(tokens.listed)
        now_ms = self.app.now_ms()
        return {"tokens": [{**_shown(row), "state": _state(row, now_ms)} for row in rows]}

    async def revoke(self, token: str) -> dict[str, Any]:
        await self.app.station.write(lambda tx: tokens.revoke(tx, token))
        return {"token": token, "state": "revoked"}


def _shown(row: Any) -> dict[str, Any]:
    names = ("token", "department", "scope", "created_ms", "expires_ms", "revoked_ms", "used_ms")
    return {name: getattr(row, name) for name in names}


def _state(row: Any, now_ms: int) -> str:
    if row.revoked_ms is not None:
        return "revoked"
    return "expired" if row.expires_ms <= now_ms else "active"

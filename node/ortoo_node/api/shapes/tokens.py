"""The token that asks."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_node.api.shapes.common import Told


@dataclass(frozen=True)
class TokenShown(Told):
    token: str
    application: str
    department: str
    scopes: list[str]
    expires_ms: int
    calls_a_minute: int

"""Grants (授权): what the department may read, and what it lets others read."""

from __future__ import annotations

from dataclasses import dataclass

from ortoo_node.api.shapes.common import Told


@dataclass(frozen=True)
class GrantShown(Told):
    grant: str
    case: str
    resource: str
    resource_name: str
    feed: str
    provider: str
    reader: str
    reader_department: str
    items: list[str]
    row_filter: str
    masks: dict[str, str]
    mode: str
    purpose: str
    from_ms: int
    until_ms: int
    conditions: str
    state: str
    reason: str | None
    ended_ms: int | None


@dataclass(frozen=True)
class GrantsPage(Told):
    grants: list[GrantShown]
    next: str | None

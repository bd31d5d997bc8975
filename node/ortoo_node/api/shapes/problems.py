"""Errors as they are told: RFC 9457, with the stable code and the facts it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ortoo_node.api.shapes.common import Told


@dataclass(frozen=True)
class Problem(Told):
    """`code` is stable; `title` says what happened, `detail` what to do."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Trouble(Told):
    """An error that stands in an answer, as the station's commands show it."""

    code: str
    what: str
    cure: str
    facts: dict[str, Any]

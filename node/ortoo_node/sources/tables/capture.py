"""How changes of a table are found: what was asked for, and the mark that a reading leaves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ortoo_node.captures import How
from ortoo_protocol.core.feeds import Column

DAY_S = 86_400


@dataclass(frozen=True)
class Capture:
    """`watermark`: the column. `overlap`: how far below the highest value reading begins again, in
    seconds of a moment, in units of a number. At the latest after `whole_every_s` the whole table
    is compared: that finds what no capture saw."""

    how: How = How.AUTO
    watermark: str = ""
    overlap: int = 600
    whole_every_s: int = DAY_S


@dataclass(frozen=True)
class Mark:
    """What a reading leaves for the next. `whole_ms`: when the whole table was compared last.

    `shape` tells columns and key apart: under others, every row has to be looked at anew.
    """

    how: How
    shape: str
    whole_ms: int
    at: dict[str, Any] = field(default_factory=dict)

    def write(self) -> str:
        return json.dumps(
            {"how": self.how, "shape": self.shape, "whole_ms": self.whole_ms, "at": self.at},
            separators=(",", ":"),
            ensure_ascii=False,
        )


def read_mark(text: str, how: How, shape: str) -> Mark | None:
    """None: the beginning, or left by another way of reading."""
    if not text:
        return None
    try:
        found = json.loads(text)
        mark = Mark(How(found["how"]), found["shape"], int(found["whole_ms"]), found["at"])
    except (ValueError, KeyError, TypeError):
        return None
    return mark if (mark.how, mark.shape) == (how, shape) else None


def how_of(text: str) -> str:
    """The way that left this mark; "" for sources that are no tables."""
    if not text:
        return How.WHOLE.value
    try:
        return str(How(json.loads(text)["how"]).value)
    except (ValueError, KeyError, TypeError):
        return ""


def shape_of(columns: Sequence[Column], key: Sequence[str], more: str = "") -> str:
    said = json.dumps([[[c.name, c.type, c.length] for c in columns], list(key), more])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def whole_is_due(mark: Mark | None, capture: Capture, now_ms: int) -> bool:
    """Also when the clock went back behind the last time."""
    if mark is None:
        return True
    return not 0 <= now_ms - mark.whole_ms < capture.whole_every_s * 1000

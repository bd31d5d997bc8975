"""A publisher in a dozen lines: what it holds after each reading, as a real one would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ortoo_node.sources import Source


@dataclass
class Follower:
    """`held` is the table as readers would have it; the key is the first column."""

    open: Callable[[], Source]
    held: dict[Any, tuple[Any, ...]] = field(default_factory=dict)
    mark: str = ""
    read: int = 0
    whole: bool = False

    def follow(self, *, keep: bool = True) -> int:
        """One reading; how many rows came. Without `keep` the publisher dies before its commit."""
        with closing(self.open()) as source:
            source.check()
            reading = source.read(self.mark)
            rows = {row[0]: tuple(row) for row in reading.rows}
            gone = [tuple(key) for key in reading.deletes()]
            mark = reading.mark()
        if keep:
            self.whole = reading.whole
            self.held = rows if reading.whole else {**self.held, **rows}
            for key in gone:
                self.held.pop(key[0], None)
            self.mark = mark
        return len(rows)

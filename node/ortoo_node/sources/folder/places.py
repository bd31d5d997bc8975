"""Which line of which file a row of a reading came from, for those who have to mend it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from ortoo_node.sources.folder.rows import shown

MOST_RUNS = 100_000


@dataclass
class Places:
    """Rows whose lines follow each other are one run: an ordinary file is a few of them."""

    _firsts: list[int] = field(default_factory=list)
    _runs: list[tuple[str, int]] = field(default_factory=list)
    _rows: int = 0

    def note(self, line: int, name: str) -> None:
        """The next row (from 1) stands in `line` of `name`; 0: it stands for all of it."""
        self._rows += 1
        run = (name, line - self._rows)
        if (not self._runs or self._runs[-1] != run) and len(self._runs) < MOST_RUNS:
            self._firsts.append(self._rows)
            self._runs.append(run)

    def where(self, row: int) -> str:
        at = bisect_right(self._firsts, row) - 1
        if at < 0:
            return ""
        name, offset = self._runs[at]
        line = row + offset
        return f"{shown(name)}:{line}" if line else shown(name)

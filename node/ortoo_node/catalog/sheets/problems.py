"""What is wrong with a file of entries: each problem with its cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ortoo_node.catalog.sheets.grid import ref
from ortoo_protocol.core.errors import OrtooError

MOST_PROBLEMS = 2_000  # that are kept; more are counted


@dataclass(frozen=True)
class Problem:
    """`row` and `place` (from 0) of the cell, row 0 for a file that has none. `path`: where in a
    JSON file."""

    error: OrtooError
    row: int = 0
    place: int = 0
    heading: str = ""
    resource: str = ""
    path: str = ""

    @property
    def where(self) -> str:
        return ref(self.row, self.place) if self.row else self.path


@dataclass
class Problems:
    """Collected in the order in which they are found."""

    _kept: list[Problem] = field(default_factory=list)
    _cells: set[tuple[int, int]] = field(default_factory=set)
    count: int = 0

    def add(self, problem: Problem) -> None:
        self.count += 1
        if problem.row:
            self._cells.add((problem.row, problem.place))
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(problem)

    def has(self, problem: Problem) -> bool:
        """Whether something is wrong with its cell already."""
        return (problem.row, problem.place) in self._cells

    def __iter__(self) -> Iterator[Problem]:
        """By row and column."""
        return iter(sorted(self._kept, key=lambda each: (each.row, each.place)))

    def __len__(self) -> int:
        return self.count

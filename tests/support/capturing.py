"""A publisher in a dozen lines: what it holds after each reading, as a real one would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from ortoo_node.sources import Source
from ortoo_node.sources.tables import Place
from ortoo_protocol.core.feeds import Column
from tests.support.department import Department

COLUMNS = (Column("id", "I", 0), Column("name", "C", 20))
PARTY = "s150700"
START_MS = 1_790_000_000_000


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


def place(department: Department, table: str = "people") -> Place:
    return Place(department.url, table, COLUMNS, ("id",), PARTY, START_MS)


def table_of(department: Department) -> dict[int, tuple[object, ...]]:
    return {row[0]: row for row in department.rows("SELECT id, name FROM people")}


@pytest.fixture
def people(department: Department) -> Department:
    if department.dialect == "sqlite":
        department.rows("PRAGMA journal_mode = WAL")
    department.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    return department

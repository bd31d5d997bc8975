"""Digests and tables of the demo's departments, checked against SQLite's own words."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from ortoo_demo import world
from ortoo_demo.departments import TableAt, changing, create, create_table, digest, insert
from ortoo_demo.world import SYNTHETIC, rows_of

ROWS = [("b", "东街街道", 2, None), ("a", '含"引号"与\\', -1, 1.5)]


@pytest.fixture
def table(tmp_path: Path) -> TableAt:
    at = TableAt(tmp_path / "department.sqlite", "t", ("k",), ("k", "name", "n"))
    create(at.database)
    create_table(at, ["TEXT", "TEXT", "INTEGER"], [row[:3] for row in ROWS])
    return at


def test_digest_is_that_of_the_sorted_json_lines() -> None:
    lines = '["a","含\\"引号\\"与\\\\",-1,1.5]\n["b","东街街道",2,null]\n'
    assert digest(ROWS) == hashlib.sha256(lines.encode()).hexdigest()


def test_digest_is_what_sqlite_and_a_shell_would_compute(table: TableAt) -> None:
    with sqlite3.connect(table.database) as db:
        lines = sorted(
            line.encode() for (line,) in db.execute("SELECT json_array(k, name, n) FROM t")
        )
    db.close()
    assert table.digest() == hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


def test_digest_does_not_hang_on_order_but_on_every_value() -> None:
    assert digest(reversed(ROWS)) == digest(ROWS)
    assert digest([ROWS[0], ("a", *ROWS[1][1:3], 1.25)]) != digest(ROWS)
    assert digest(ROWS[:1]) != digest(ROWS)


def test_missing_table_and_column_have_no_rows(table: TableAt) -> None:
    assert len(table.rows()) == 2
    assert TableAt(table.database, "none", ("k",), ("k",)).rows() == []
    assert TableAt(table.database, "t", ("k",), ("k", "no_such_column")).rows() == []
    assert TableAt(table.database.with_name("none"), "t", ("k",), ("k",)).rows() == []


def test_a_change_is_whole_or_not_at_all(table: TableAt) -> None:
    before = table.digest()
    with pytest.raises(sqlite3.IntegrityError), changing(table.database) as db:
        insert(db, table, [("c", "新", 3), ("a", "重复", 4)])
    assert table.digest() == before


@pytest.mark.parametrize("cast", [world.extranet(), world.intranet()], ids=lambda c: c.plane)
def test_tables_are_real_or_marked_synthetic(cast: world.Cast) -> None:
    counts = {"townships": 1_225, "counties": 108}
    assert len(rows_of(cast.everybody)) == counts[cast.everybody.slug]
    for resource in (cast.households, cast.ended):
        rows = rows_of(resource)
        assert len({row[0] for row in rows}) == resource.count
        assert all(row[resource.columns.index("mark")] == SYNTHETIC for row in rows)
    assert set(cast.granted_items) < set(cast.households.columns)
    fresh = {row[0] for row in cast.fresh}
    assert len(fresh) == len(cast.fresh)
    assert not fresh & {row[0] for row in rows_of(cast.everybody)}

"""Changes found by a column that rises: equal moments, late commits, the future, no value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortoo_node.sources.tables import Capture, How, open_table
from ortoo_node.sources.tables.capture import DAY_S
from ortoo_protocol.core.errors import SourceColumns, SourceWatermark
from tests.support.capturing import START_MS, Follower, people, place, table_of
from tests.support.department import Department

__all__ = ["people"]  # the fixture


@pytest.fixture
def dated(department: Department) -> Department:
    if department.dialect == "sqlite":
        department.rows("PRAGMA journal_mode = WAL")
    kind = "DATETIME(6)" if department.dialect == "mysql" else "TIMESTAMP"
    department.run(
        f"CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), at {kind} NULL)",
        "INSERT INTO people VALUES (1, 'a', '2026-09-01 08:00:00'), (2, 'b', NULL)",
    )
    return department


def rising(department: Department, overlap: int = 60, **more: object) -> Follower:
    at = place(department)
    capture = Capture(How.WATERMARK, watermark=str(more.get("by", "at")), overlap=overlap)
    return Follower(lambda: open_table(at, capture))


def put(department: Department, number: int, when: str | None) -> None:
    department.run("INSERT INTO people VALUES (:id, 'x', :at)", rows=[{"id": number, "at": when}])


def test_a_watermark_rises(dated: Department) -> None:
    follower = rising(dated)
    assert follower.follow() == 2
    assert follower.whole
    dated.run("INSERT INTO people VALUES (3, 'c', '2026-09-01 09:00:00')")
    assert follower.follow() == 3  # the one at the mark, the one without a value, the new one
    assert not follower.whole
    assert follower.follow() == 2
    assert follower.held == table_of(dated)


def test_equal_moments(dated: Department) -> None:
    follower = rising(dated, overlap=0)
    put(dated, 3, "2026-09-01 09:00:00.000001")
    follower.follow()
    for number in range(4, 9):
        put(dated, number, "2026-09-01 09:00:00.000001")
        follower.follow()
    assert follower.held == table_of(dated)


def test_late_within_the_overlap(dated: Department) -> None:
    follower = rising(dated, overlap=60)
    put(dated, 3, "2026-09-01 09:00:00")
    follower.follow()
    put(dated, 4, "2026-09-01 08:59:01")
    put(dated, 5, None)
    follower.follow()
    assert follower.held == table_of(dated)


def test_later_than_the_overlap_is_found_by_the_comparison(dated: Department) -> None:
    follower = rising(dated, overlap=60)
    put(dated, 3, "2026-09-01 09:00:00")
    follower.follow()
    put(dated, 4, "2026-09-01 08:00:00")
    dated.run("DELETE FROM people WHERE id = 1")
    follower.follow()
    assert set(follower.held) == {1, 2, 3}
    late = replace(place(dated), now_ms=START_MS + DAY_S * 1000)
    capture = Capture(How.WATERMARK, watermark="at", overlap=60)
    follower.open = lambda: open_table(late, capture)
    follower.follow()
    assert follower.held == table_of(dated)


def test_rows_dated_in_the_future(dated: Department) -> None:
    """One clock gone wrong hides nothing that is written until then."""
    put(dated, 3, "2099-01-01 00:00:00")
    follower = rising(dated)
    follower.follow()
    put(dated, 4, "2026-09-01 08:00:01")
    follower.follow()
    assert follower.held == table_of(dated)


def test_only_rows_in_the_future_or_without_a_value(dated: Department) -> None:
    dated.run("DELETE FROM people")
    follower = rising(dated)
    follower.follow()
    put(dated, 3, "2099-01-01 00:00:00")
    put(dated, 4, None)
    follower.follow()
    follower.follow()
    assert follower.held == table_of(dated)


def test_a_number_as_the_watermark(people: Department) -> None:
    people.run("DELETE FROM people")
    at = place(people)
    capture = Capture(How.WATERMARK, watermark="id", overlap=2)
    follower = Follower(lambda: open_table(at, capture))
    follower.follow()
    people.run("INSERT INTO people VALUES (10, 'x'), (20, 'y')")
    follower.follow()
    people.run("INSERT INTO people VALUES (18, 'late'), (17, 'too late')")
    assert follower.follow() == 2
    assert set(follower.held) == {10, 18, 20}


def test_a_date_as_the_watermark(department: Department) -> None:
    department.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), at DATE)",
        "INSERT INTO people VALUES (1, 'a', '2026-09-01'), (2, 'b', '2026-08-01')",
    )
    follower = rising(department)
    follower.follow()
    department.run("INSERT INTO people VALUES (3, 'c', '2026-08-31'), (4, 'd', '2026-09-01')")
    assert follower.follow() == 3
    assert follower.held == table_of(department)


def test_a_time_of_day_is_no_watermark(maria: Department) -> None:
    maria.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20), at TIME)",
        "INSERT INTO people VALUES (1, 'a', '08:00:00')".replace(":", r"\:"),
    )
    with pytest.raises(SourceWatermark):
        rising(maria).follow()


@pytest.mark.parametrize("by", ["name", "nobody"])
def test_columns_that_are_no_watermark(dated: Department, by: str) -> None:
    with pytest.raises((SourceWatermark, SourceColumns)):
        rising(dated, by=by).follow()


def test_a_transaction_longer_than_the_overlap(pg: Department) -> None:
    """PostgreSQL tells that it was still writing, so its rows are waited for."""
    pg.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, at TIMESTAMPTZ)",
        "INSERT INTO people VALUES (1, 'a', '2026-09-01 08:00Z')".replace(":", r"\:"),
    )
    follower = rising(pg, overlap=0)
    follower.follow()
    early = pg.hold(r"INSERT INTO people VALUES (2, 'early', '2026-09-01 08\:30Z')")
    for hour in range(9, 13):
        at = f"2026-09-01 {hour:02}:00Z"
        pg.run("INSERT INTO people VALUES (:hour, 'x', :at)", rows=[{"hour": hour, "at": at}])
        follower.follow()
    early.commit()
    early.close()
    follower.follow()
    assert follower.held == table_of(pg)
    follower.follow()
    assert follower.follow() == 1  # and then the beginning moves on

"""Changes of tables, captured in every way, on every database that allows it: nothing is lost by
deletes, changed keys, truncation, late commits, or a crash between read and publish."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from ortoo_node.databases import dialect_of
from ortoo_node.sources import Source
from ortoo_node.sources.tables import Capture, How, Place, open_table
from ortoo_node.sources.tables.capture import DAY_S
from ortoo_node.sources.tables.choice import choose, possibilities, primary_key
from ortoo_node.sources.tables.prepare import apply, removal, statements
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.errors import (
    SourceColumns,
    SourceError,
    SourceForbidden,
    SourceShared,
    SourceUnprepared,
)
from ortoo_protocol.core.feeds import Column
from tests.support.capturing import (
    COLUMNS,
    PARTY,
    START_MS,
    Follower,
    people,
    place,
    table_of,
)
from tests.support.department import Department
from tests.support.postgres import PASSWORD

__all__ = ["people"]  # the fixture


def prepare(at: Place, how: How) -> None:
    with closing(TableReader(at.url, at.table, at.columns, at.key)) as reader:
        engine = dialect_of(reader.url).writer(reader.url, 5.0)
        try:
            apply(engine, statements(reader, how, at.party))
        finally:
            engine.dispose()


def unprepare(at: Place, how: How) -> None:
    with closing(TableReader(at.url, at.table, at.columns, at.key)) as reader:
        engine = dialect_of(reader.url).writer(reader.url, 5.0)
        try:
            apply(engine, removal(reader, how, at.party))
        finally:
            engine.dispose()


@pytest.fixture
def slot_of(pg: Department) -> Iterator[Department]:
    """A database whose slots are dropped afterwards, or it could not be."""
    pg.run(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20))",
        "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    yield pg
    pg.run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
        "WHERE database = current_database()"
    )


class CaptureContract:
    """Subclasses give `captured`: a table people(id, name) with three rows, prepared; and `how`."""

    how: How

    @pytest.fixture
    def captured(self, people: Department) -> Department:
        prepare(place(people), self.how)
        return people

    @pytest.fixture
    def follower(self, captured: Department) -> Follower:
        at = place(captured)
        return Follower(lambda: open_table(at, Capture(self.how)))

    def test_the_first_reading_is_whole(self, follower: Follower, captured: Department) -> None:
        assert follower.follow() == 3
        assert follower.whole
        assert follower.held == table_of(captured)

    def test_what_changed_comes_alone(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        follower.follow()  # a slot shows once more what was written since it was made
        captured.run(
            "INSERT INTO people VALUES (4, 'd')",
            "UPDATE people SET name = 'B' WHERE id = 2",
            "DELETE FROM people WHERE id = 1",
        )
        assert follower.follow() == 2
        assert not follower.whole
        assert follower.held == table_of(captured) == {2: (2, "B"), 3: (3, "c"), 4: (4, "d")}
        assert follower.follow() == 0

    def test_a_changed_key_is_two_keys(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        captured.run("UPDATE people SET id = 9 WHERE id = 1")
        follower.follow()
        assert follower.held == table_of(captured)
        assert set(follower.held) == {2, 3, 9}

    def test_it_came_back(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        captured.run("DELETE FROM people WHERE id = 1", "INSERT INTO people VALUES (1, 'again')")
        follower.follow()
        assert follower.held == table_of(captured)

    def test_a_crash_between_read_and_publish(
        self, follower: Follower, captured: Department
    ) -> None:
        follower.follow()
        captured.run("DELETE FROM people WHERE id = 1", "INSERT INTO people VALUES (4, 'd')")
        follower.follow(keep=False)
        captured.run("UPDATE people SET name = 'D' WHERE id = 4")
        follower.follow(keep=False)
        follower.follow(keep=False)
        follower.follow()
        assert follower.held == table_of(captured)

    def test_a_crash_in_the_first_reading(self, follower: Follower, captured: Department) -> None:
        follower.follow(keep=False)
        captured.run("DELETE FROM people WHERE id = 1")
        follower.follow()
        assert follower.held == table_of(captured)
        captured.run("DELETE FROM people WHERE id = 2")
        follower.follow()
        assert follower.held == table_of(captured)

    def test_what_is_committed_later(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        early = captured.hold("INSERT INTO people VALUES (10, 'early')")
        captured.run("INSERT INTO people VALUES (11, 'late')")
        follower.follow()
        follower.follow()
        assert follower.held == table_of(captured)
        early.commit()
        early.close()
        follower.follow()
        assert follower.held == table_of(captured)
        assert 10 in follower.held

    def test_a_restored_store(self, follower: Follower, captured: Department) -> None:
        """Its mark is older than what the department's database still remembers."""
        follower.follow()
        old = replace(follower, held=dict(follower.held))
        captured.run("DELETE FROM people WHERE id = 1")
        follower.follow()
        captured.run("INSERT INTO people VALUES (4, 'd')")
        follower.follow()
        follower.follow()
        old.follow()
        assert old.held == table_of(captured)

    def test_a_restored_database(self, follower: Follower, captured: Department) -> None:
        """The mark is further on than anything that the department's database knows."""
        follower.follow()
        captured.run("DELETE FROM people WHERE id = 1")
        follower.follow()
        at = json.loads(follower.mark)
        at["at"] = {name: value + (1 << 40) for name, value in at["at"].items()}
        follower.mark = json.dumps(at)
        captured.run("INSERT INTO people VALUES (4, 'd')")
        follower.follow()
        assert follower.whole
        assert follower.held == table_of(captured)
        captured.run("INSERT INTO people VALUES (5, 'e')", "DELETE FROM people WHERE id = 4")
        follower.follow()
        assert not follower.whole
        assert follower.held == table_of(captured)

    def test_the_whole_table_now_and_then(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        at = replace(place(captured), now_ms=START_MS + DAY_S * 1000)
        follower.open = lambda: open_table(at, Capture(self.how))
        follower.follow()
        assert follower.whole
        follower.follow()
        assert not follower.whole
        at = replace(at, now_ms=START_MS)  # the clock went back
        follower.open = lambda: open_table(at, Capture(self.how))
        follower.follow()
        assert follower.whole

    def test_other_columns_are_a_new_beginning(
        self, follower: Follower, captured: Department
    ) -> None:
        follower.follow()
        captured.run("ALTER TABLE people ADD COLUMN age INTEGER", "UPDATE people SET age = 7")
        at = replace(place(captured), columns=(*COLUMNS, Column("age", "I", 0)))
        follower.open = lambda: open_table(at, Capture(self.how))
        follower.follow()
        assert follower.whole
        assert follower.held[1] == (1, "a", 7)

    def test_a_column_that_went(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        captured.run("ALTER TABLE people DROP COLUMN name")
        with pytest.raises(SourceColumns):
            follower.follow()

    def test_auto_takes_it(self, captured: Department) -> None:
        assert choose(place(captured), Capture()) is self.how
        taken = replace(place(captured), taken="307001/000009")
        assert choose(taken, Capture()) is How.WHOLE
        with pytest.raises(SourceShared, match="307001/000009"):
            open_table(taken, Capture(self.how))

    def test_taken_away_again(self, follower: Follower, captured: Department) -> None:
        before = captured.tables()
        unprepare(place(captured), self.how)
        with pytest.raises(SourceUnprepared):
            follower.follow()
        assert choose(place(captured), Capture()) is How.WHOLE
        prepare(place(captured), self.how)
        assert captured.tables() == before
        follower.follow()


class TestChangeLog(CaptureContract):
    how = How.LOG

    def test_what_is_committed_later(self, follower: Follower, captured: Department) -> None:
        if captured.dialect != "sqlite":  # which has one writer at a time
            super().test_what_is_committed_later(follower, captured)

    def test_the_log_is_emptied(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        captured.run("UPDATE people SET name = 'x'")
        follower.follow()
        follower.follow()
        log = f"ortoo_log_{PARTY}_people"
        assert captured.rows(f"SELECT COUNT(*) FROM {log}") == [(0,)]  # noqa: S608 - own name

    def test_odd_names(self, department: Department) -> None:
        quote = "`" if department.dialect == "mysql" else '"'
        table, key = "户 籍'%s;--", 'k"%'
        department.run(
            f"CREATE TABLE {_q(table, quote)} ({_q(key, quote)} INTEGER PRIMARY KEY, name TEXT)"
        )
        columns = (Column(key, "I", 0), Column("name", "C", 0))
        at = Place(department.url, table, columns, (key,), PARTY, START_MS)
        prepare(at, How.LOG)
        follower = Follower(lambda: open_table(at, Capture(How.LOG)))
        follower.follow()
        department.run(f"INSERT INTO {_q(table, quote)} VALUES (1, 'x')")  # noqa: S608 - own name
        assert follower.follow() == 1
        department.run(f"DELETE FROM {_q(table, quote)}")  # noqa: S608 - own name
        follower.follow()
        assert follower.held == {}

    def test_a_long_name_and_two_key_columns(self, department: Department) -> None:
        table = "t" * 60
        department.run(
            f"CREATE TABLE {table} (a VARCHAR(9) NOT NULL, b INTEGER NOT NULL, c TEXT, "
            "PRIMARY KEY (b, a))"
        )
        columns = (Column("a", "C", 9), Column("b", "I", 0), Column("c", "C", 0))
        at = Place(department.url, table, columns, ("a", "b"), PARTY, START_MS)
        prepare(at, How.LOG)
        follower = Follower(lambda: open_table(at, Capture(How.LOG)))
        follower.follow()
        department.run(f"INSERT INTO {table} VALUES ('x', 1, 'one')")  # noqa: S608 - own name
        follower.follow()
        assert follower.held == {"x": ("x", 1, "one")}
        department.run(f"UPDATE {table} SET a = 'y'")  # noqa: S608 - own name
        follower.follow()
        assert follower.held == {"y": ("y", 1, "one")}


def _q(name: str, quote: str) -> str:
    return (quote + name.replace(quote, quote * 2) + quote).replace(":", r"\:")


class TestSlot(CaptureContract):
    how = How.SLOT

    @pytest.fixture
    def people(self, slot_of: Department) -> Department:
        return slot_of

    def test_truncation(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        captured.run("TRUNCATE people", "INSERT INTO people VALUES (7, 'g')")
        follower.follow()
        assert follower.held == {7: (7, "g")}

    def test_what_is_rolled_back(self, follower: Follower, captured: Department) -> None:
        follower.follow()
        follower.follow()
        held = captured.hold("INSERT INTO people VALUES (10, 'x')")
        held.rollback()
        held.close()
        assert follower.follow() == 0

    def test_the_slot_lets_the_log_go(self, follower: Follower, captured: Department) -> None:
        """What is published need not be kept, and neither what other tables write."""
        query = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name LIKE 'ortoo%'"
        captured.run("CREATE TABLE other (x INTEGER)")
        follower.follow()
        before = captured.rows(query)
        captured.run("INSERT INTO other SELECT generate_series(1, 1000)")
        follower.follow()
        follower.follow()
        assert captured.rows(query) > before

    def test_long_values_that_did_not_change(
        self, follower: Follower, captured: Department
    ) -> None:
        """Values stored out of line are not in the log: rows are read from the table."""
        captured.run(
            "ALTER TABLE people ALTER COLUMN name TYPE TEXT",
            "ALTER TABLE people ADD COLUMN n INTEGER",
            "UPDATE people SET name = (SELECT string_agg(md5(x::text), '') "
            "FROM generate_series(1, 1000) x) WHERE id = 1".replace("::", r"\:\:"),
        )
        follower.follow()
        captured.run("UPDATE people SET n = 5 WHERE id = 1")
        follower.follow()
        assert follower.held == table_of(captured)

    def test_a_key_that_the_log_does_not_tell(
        self, follower: Follower, captured: Department
    ) -> None:
        """Rows are found by another column: its values say nothing about our key."""
        captured.run(
            "ALTER TABLE people ADD COLUMN own SERIAL",
            "CREATE UNIQUE INDEX own_index ON people (own)",
            "ALTER TABLE people REPLICA IDENTITY USING INDEX own_index",
        )
        follower.follow()
        captured.run("DELETE FROM people WHERE id = 1")
        follower.follow()
        assert follower.whole
        assert follower.held == table_of(captured)

    def test_a_table_without_a_key_is_left_alone(self, pg: Department) -> None:
        """A publication would keep the department from changing its rows."""
        pg.run("CREATE TABLE people (id INTEGER, name TEXT)")
        state = {each.how: (each.state, each.why) for each in possibilities(place(pg), Capture())}
        assert state[How.SLOT] == ("not possible", "its primary key does not hold the key items")


# --- logs on PostgreSQL ---------------------------------------------------------------------------


def test_truncation_is_logged(pg: Department) -> None:
    pg.run("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    pg.run("INSERT INTO people VALUES (1, 'a')")
    prepare(place(pg), How.LOG)
    follower = Follower(lambda: open_table(place(pg), Capture(How.LOG)))
    follower.follow()
    pg.run("TRUNCATE people")
    follower.follow()
    assert (follower.whole, follower.held) == (True, {})
    pg.run("INSERT INTO people VALUES (2, 'b')")
    follower.follow()
    assert not follower.whole


def test_triggers_that_were_disabled(pg: Department) -> None:
    pg.run("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    prepare(place(pg), How.LOG)
    pg.run("ALTER TABLE people DISABLE TRIGGER USER")
    with pytest.raises(SourceUnprepared, match="triggers"):
        open_table(place(pg), Capture(How.LOG)).check()
    assert choose(place(pg), Capture()) is How.WHOLE


def test_users_without_rights(pg: Department) -> None:
    """The department's own user fills the log without seeing it; the station's reads and claims."""
    name = pg.url.rpartition("/")[2]
    pg.run(
        f"CREATE ROLE {name}_office LOGIN PASSWORD '{PASSWORD}'",
        f"CREATE ROLE {name}_ortoo LOGIN PASSWORD '{PASSWORD}'",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)",
        f"GRANT INSERT, UPDATE ON people TO {name}_office",
    )
    station = replace(place(pg), url=pg.url.replace("//postgres:", f"//{name}_ortoo:"))
    with closing(TableReader(station.url, "people", COLUMNS, ("id",))) as reader:
        sql = statements(reader, How.LOG, PARTY)
    pg.run(*(statement.replace(":", r"\:") for statement in sql))  # by the administrator
    follower = Follower(lambda: open_table(station, Capture(How.LOG)))
    follower.follow()
    office = Department(pg.url.replace("//postgres:", f"//{name}_office:"))
    office.run("INSERT INTO people VALUES (1, 'a')")
    follower.follow()
    assert follower.held == {1: (1, "a")}
    pg.run(f"REVOKE DELETE ON ortoo_log_{PARTY}_people FROM {name}_ortoo")
    office.run("INSERT INTO people VALUES (2, 'b')")
    with pytest.raises(SourceForbidden):
        follower.follow()


def test_prepare_asks_nobody(pg: Department) -> None:
    """Where a user may not make slots, that is said, and the SQL is for somebody else."""
    name = pg.url.rpartition("/")[2]
    pg.run(
        f"CREATE ROLE {name}_weak LOGIN PASSWORD '{PASSWORD}'",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)",
        f"GRANT SELECT ON people TO {name}_weak",
    )
    weak = replace(place(pg), url=pg.url.replace("//postgres:", f"//{name}_weak:"))
    state = {each.how: each for each in possibilities(weak, Capture())}
    assert state[How.SLOT].state == "possible"
    assert "administrator" in state[How.SLOT].why
    with pytest.raises(Exception, match="permission denied"):
        prepare(weak, How.SLOT)


# --- what is possible -----------------------------------------------------------------------------


def test_what_a_table_allows(people: Department) -> None:
    found = possibilities(place(people), Capture(watermark="name"))
    state = {each.how: each.state for each in found}
    assert state == {
        How.SLOT: "possible" if people.dialect == "postgresql" else "not possible",
        How.LOG: "possible",
        How.WATERMARK: "not possible",  # names are no moments
        How.WHOLE: "usable",
    }
    assert choose(place(people), Capture(watermark="id")) is How.WATERMARK
    assert choose(place(people), Capture(watermark="nobody")) is How.WHOLE
    people.run("CREATE VIEW few AS SELECT id, name FROM people")
    view = {each.how: each.state for each in possibilities(place(people, "few"), Capture())}
    assert (view[How.SLOT], view[How.LOG]) == ("not possible", "not possible")


def test_primary_keys(people: Department) -> None:
    assert primary_key(people.url, "people") == ("id",)
    people.run("CREATE VIEW few AS SELECT id FROM people")
    with pytest.raises(SourceError):
        primary_key(people.url, "few")


# --- other hands --------------------------------------------------------------------------------


def test_two_readings_at_once_take_turns(pg: Department) -> None:
    """Two claims of one log: each key is in one batch, and none is lost."""
    pg.run("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    prepare(place(pg), How.LOG)
    follower = Follower(lambda: open_table(place(pg), Capture(How.LOG)))
    follower.follow()
    pg.run("INSERT INTO people SELECT x, 'n' FROM generate_series(1, 500) x")
    others = [replace(follower, held={}) for _ in range(3)]
    threads = [threading.Thread(target=other.follow) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    follower.follow()
    assert follower.held == table_of(pg)


Open = Callable[[], Source]


def test_a_source_that_vanishes_mid_read(pg: Department) -> None:
    """Nothing half-read has a mark: the next reading begins where the last whole one did."""
    pg.run("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
    pg.run("INSERT INTO people SELECT x, 'n' FROM generate_series(1, 20000) x")
    prepare(place(pg), How.LOG)
    follower = Follower(lambda: open_table(place(pg), Capture(How.LOG)))
    with closing(follower.open()) as source:
        reading = source.read("")
        next(reading.rows)
        pg.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(SourceError):
            list(reading.rows)
    assert follower.follow() == 20_000

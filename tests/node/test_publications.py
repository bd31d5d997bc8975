"""Publications that run by themselves: at intervals, told by the database, with back-off, from a
function; and what is said about them."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from ortoo_node.publishing import listening, plans
from ortoo_node.settings import Database, FunctionTable
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.errors import (
    PublicationOption,
    SettingsLacking,
    SourceCall,
    SourceError,
    SourceMissing,
    SourceShared,
    SourceUnreachable,
)
from ortoo_protocol.station import shadow
from tests.node.kit import Node, entry, fill, open_node, running
from tests.support.department import Department
from tests.support.stations import Kit, until_read

PARTY = "s150700"
CODE, OTHER = "3070101/0001", "3070101/0002"
CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
PEOPLE = "CREATE TABLE people (id VARCHAR(12) PRIMARY KEY, name VARCHAR(50), income INTEGER)"


async def state(node: Node, code: str = CODE) -> dict[str, Any]:
    listed = await node.call("publication.list")
    return next(one for one in listed["publications"] if one["resource"] == code)


async def until_state(node: Node, code: str = CODE, **wanted: object) -> dict[str, Any]:
    """Wait until the publication says so."""

    def says(conn: Connection) -> bool:
        found = [one for one in plans.listed(conn) if one["resource"] == code]
        return bool(found) and all(found[0][name] == value for name, value in wanted.items())

    await until_read(node.app.station, says)
    return await state(node, code)


async def rows_of(node: Node, feed: str = f"{PARTY}.dibao") -> int:
    return await node.app.station.read(lambda conn: len(list(shadow.rows(conn, feed))))


async def until_rows(node: Node, count: int, feed: str = f"{PARTY}.dibao") -> None:
    await until_read(node.app.station, lambda conn: len(list(shadow.rows(conn, feed))) == count)


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute(statement)


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


@pytest.fixture
def slots(pg: Department) -> Iterator[Department]:
    yield pg
    pg.run(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
        "WHERE database = current_database()"
    )


async def test_at_intervals(kit: Kit) -> None:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 10)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call(
            "publication.set", resource=CODE, source="business", table="people", every_s=1
        )
        await until_rows(node, 10)
        change(node.source, "DELETE FROM people WHERE id > '00004'")
        await until_rows(node, 5)
        said = await until_state(node, rows=5, error=None)
        assert (said["how"], said["source"], said["table"]) == ("whole", "business", "people")
        assert said["next_ms"] > said["began_ms"]
        await node.call("publication.set", resource=CODE, every_s=0)
        assert (await state(node))["next_ms"] == 0


async def test_by_hand_as_before(kit: Kit) -> None:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 3)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="business", table="people")
        said = await state(node)
        assert (said["rows"], said["upserts"], said["next_ms"]) == (3, 3, 0)
        change(node.source, "INSERT INTO people VALUES (NULL, 'x', 1)")
        await node.call("publish", resource=CODE)
        said = await state(node)
        assert (said["rows"], said["rejected"], said["rejects"]) == (4, 1, 1)


async def test_failures_show_and_pass(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "BACK_OFF_S", 0.05)
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 10)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call(
            "publication.set", resource=CODE, source="business", table="people", every_s=1
        )
        await until_rows(node, 10)
        change(node.source, "ALTER TABLE people RENAME TO humans")
        said = await until_state(node, failures=3)
        assert said["error"]["code"] == "source.missing"
        assert "people" in said["error"]["what"]
        assert said["error"]["cure"]
        assert said["rows"] == 10  # of the run that ended well
        assert await rows_of(node) == 10
        change(node.source, "ALTER TABLE humans RENAME TO people")
        change(node.source, "DELETE FROM people WHERE id = '00000'")
        await until_rows(node, 9)
        await until_state(node, failures=0, error=None)


async def test_the_pauses_grow(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 1)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="business", table="people")
        change(node.source, "DROP TABLE people")
        station, pauses = node.app.station, []
        for _ in range(12):
            now_ms = station.parts.clock()
            await station.write(
                lambda tx: plans.failed(tx, CODE, SourceMissing(name="business", table="people"))
            )
            row = await station.read(
                lambda conn: conn.exec_driver_sql(
                    "SELECT next_ms FROM publication_runs"
                ).scalar_one()
            )
            pauses.append((row - now_ms) / 1000)
    assert all(2.4 * 2**n <= pause for n, pause in enumerate(pauses[:9]))
    assert max(pauses) <= plans.LONGEST_S + 5


async def test_schema_drift_is_named_and_loses_nothing(kit: Kit) -> None:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 10)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="business", table="people")
        change(node.source, "ALTER TABLE people RENAME COLUMN income TO salary")
        with pytest.raises(Exception, match=r"source\.columns.*income"):
            await node.call("publish", resource=CODE)
        assert await rows_of(node) == 10
        change(node.source, "ALTER TABLE people RENAME COLUMN salary TO income")
        change(node.source, "UPDATE people SET income = 'none' WHERE id = '00003'")
        published = await node.call("publish", resource=CODE)
        assert published["rejected"] == 1


async def test_followed_by_notify(
    kit: Kit, pg: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change log's triggers tell, and nothing waits for an interval."""
    monkeypatch.setattr(listening, "FIRST_S", 0.05)
    pg.run(PEOPLE, "INSERT INTO people VALUES ('1', 'a', 1), ('2', 'b', 2)")
    node = _with_pg(kit, pg)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        checked = await node.call("source.check", name="pg", table="people")
        assert {one["how"]: one["state"] for one in checked["captures"]}["log"] == "possible"
        made = await node.call("source.prepare", name="pg", table="people", apply=True)
        assert made["applied"]
        assert any("pg_notify" in statement for statement in made["sql"])
        assert (await node.call("source.check", name="pg", table="people"))["best"] == "log"
        await node.call("publication.set", resource=CODE, source="pg", table="people", follow=True)
        await until_rows(node, 2)
        pg.run("INSERT INTO people VALUES ('3', 'c', 3)")
        await until_rows(node, 3)
        pg.run("DELETE FROM people WHERE id <> '3'")
        await until_rows(node, 1)
        said = await until_state(node, deletes=2)
        assert (said["how"], said["capture"], said["rows"]) == ("log", "auto", 0)
        pg.run(CUT)
        pg.run("INSERT INTO people VALUES ('9', 'while nobody listened', 9)")
        await until_rows(node, 2)


async def test_followed_again_when_the_database_is_back(
    kit: Kit, pg: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it told while it let nobody in is found as soon as it does, however long the pauses of
    failed runs have become."""
    monkeypatch.setattr(plans, "BACK_OFF_S", plans.LONGEST_S)
    monkeypatch.setattr(listening, "FIRST_S", 0.05)
    pg.run(PEOPLE, "INSERT INTO people VALUES ('1', 'a', 1)")
    node = _with_pg(kit, pg)
    name = pg.rows("SELECT current_database()")[0][0]
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("source.prepare", name="pg", table="people", apply=True)
        await node.call("publication.set", resource=CODE, source="pg", table="people", follow=True)
        await until_rows(node, 1)
        inside = pg.hold("SELECT 1")
        inside.commit()
        try:
            _admin(pg, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            inside.exec_driver_sql(CUT)
            inside.exec_driver_sql("INSERT INTO people VALUES ('2', 'nobody was told', 2)")
            inside.commit()
            with pytest.raises(SourceError):
                await node.call("publish", resource=CODE)
            assert (await state(node))["next_ms"] > node.app.now_ms() + 1_000_000
            assert await rows_of(node) == 1
        finally:
            inside.close()
            _admin(pg, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await until_rows(node, 2)
        await until_state(node, failures=0, error=None)


def _admin(pg: Department, statement: str) -> None:
    """In another database of the same server."""
    dsn = pg.url.rpartition("/")[0] + "/postgres"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_by_a_slot(kit: Kit, slots: Department) -> None:
    slots.run(PEOPLE, "INSERT INTO people VALUES ('1', 'a', 1), ('2', 'b', 2)")
    node = _with_pg(kit, slots)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("source.prepare", name="pg", table="people", capture="slot", apply=True)
        await node.call("publish", resource=CODE, source="pg", table="people")
        assert (await state(node))["how"] == "slot"
        slots.run("UPDATE people SET name = 'A' WHERE id = '1'", "DELETE FROM people WHERE id='2'")
        published = await node.call("publish", resource=CODE)
        assert (published["rows"], published["upserts"], published["deletes"]) == (1, 1, 1)
        await node.call(
            "source.prepare", name="pg", table="people", capture="slot", remove=True, apply=True
        )
        slots.run("DELETE FROM people")
        await node.call("publish", resource=CODE)
        assert ((await state(node))["how"], await rows_of(node)) == ("whole", 0)


async def test_one_log_serves_one_resource(kit: Kit, pg: Department) -> None:
    pg.run(PEOPLE, "INSERT INTO people VALUES ('1', 'a', 1)")
    node = _with_pg(kit, pg)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("catalog.add", entry=entry(PARTY, OTHER, feed=f"{PARTY}.other"))
        await node.call("source.prepare", name="pg", table="people", apply=True)
        for code in (CODE, OTHER):
            await node.call("publish", resource=code, source="pg", table="people")
        assert (await state(node))["how"] == "log"
        assert (await state(node, OTHER))["how"] == "whole"
        await node.call("publication.set", resource=OTHER, capture="log")
        with pytest.raises(SourceShared):
            await node.call("publish", resource=OTHER)
        pg.run("DELETE FROM people")
        await node.call("publication.set", resource=OTHER, capture="whole")
        for code in (CODE, OTHER):
            assert (await node.call("publish", resource=code))["deletes"] == 1


async def test_what_is_refused(kit: Kit) -> None:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 1)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        with pytest.raises(SettingsLacking):
            await node.call("publication.set", resource=CODE)
        given = {"resource": CODE, "source": "business", "table": "people"}
        for wrong in (
            {"capture": "magic"},
            {"capture": "watermark"},
            {"every_s": -1},
            {"overlap": 1 << 40},
            {"follow": True},
        ):
            with pytest.raises(PublicationOption):
                await node.call("publication.set", **given, **wrong)
        with pytest.raises(PublicationOption):
            await node.call(
                "source.prepare", name="business", table="people", capture="whole", apply=True
            )
        with pytest.raises(SourceMissing):
            await node.call("source.check", name="business", table="nobody", key=["id"])


async def test_a_source_that_vanishes_mid_read(
    kit: Kit, pg: Department, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is right and may leave; nothing that was not read counts as deleted."""
    pg.run(PEOPLE, "INSERT INTO people SELECT x, 'a', 1 FROM generate_series(1, 20000) x")
    node = _with_pg(kit, pg)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="pg", table="people")
        pg.run("UPDATE people SET name = 'b'", "DELETE FROM people WHERE income > 0 AND id < '2'")
        with monkeypatch.context() as patched:
            patched.setattr(TableReader, "stream", _cut_off(pg, after=5_000))
            with pytest.raises(SourceUnreachable):
                await node.call("publish", resource=CODE)
        assert await rows_of(node) == 20_000
        said = await state(node)
        assert (said["error"]["code"], said["failures"]) == ("source.unreachable", 1)
        published = await node.call("publish", resource=CODE)
        left = pg.rows("SELECT COUNT(*) FROM people")[0][0]
        assert (await rows_of(node), published["deletes"]) == (left, 20_000 - left)


def _cut_off(pg: Department, after: int) -> Any:
    """A reading whose connection is ended by the database's administrator on the way."""
    stream = TableReader.stream

    def cut(self: TableReader, *query: Any) -> Iterator[Any]:
        for number, row in enumerate(stream(self, *query)):
            if number == after:
                pg.run(CUT)
            yield row

    return cut


# --- functions --------------------------------------------------------------------------------


def function(tmp_path: Path, text: str, call: str = "gauges:read") -> FunctionTable:
    folder = tmp_path / f"functions-{abs(hash(text))}"
    folder.mkdir()
    name = f"gauges_{abs(hash(text))}"
    (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return FunctionTable(name="gauges", call=call.replace("gauges", name), folder=folder)


async def test_a_function_gives_rows(kit: Kit, tmp_path: Path) -> None:
    given = function(
        tmp_path,
        """
        def read(wanted):
            assert wanted.columns == ("id", "name", "income")
            assert (wanted.table, wanted.key, wanted.mark) == ("river", ("id",), "")
            yield {"income": 3, "id": "1"}
            yield ("2", "b", 4)
        """,
    )
    node = open_node(kit, PARTY, online=False, functions=(given,))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        published = await node.call("publish", resource=CODE, source="gauges", table="river")
        assert (published["rows"], published["upserts"]) == (2, 2)


def endings(folder: Path) -> list[str]:
    """Of files that functions made when a reading was published."""
    return sorted(path.name.split(".", 2)[2] for path in folder.rglob("*.done"))


async def test_a_function_that_keeps_a_mark(kit: Kit, tmp_path: Path) -> None:
    given = function(
        tmp_path,
        """
        from pathlib import Path

        from ortoo_node.sources import Reading

        def read(wanted):
            at = int(wanted.mark or 0)
            return Reading(
                iter([(str(at), "x", at)]),
                whole=False,
                deletes=lambda: [(str(at - 2),)] if at >= 2 else [],
                mark=lambda: str(at + 1),
                done=lambda: Path(f"{__file__}.{at}.done").touch(),
            )
        """,
    )
    node = open_node(kit, PARTY, online=False, functions=(given,))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        for count in (1, 2, 2, 2):
            await node.call("publish", resource=CODE, source="gauges", table="river")
            assert await rows_of(node) == count
    assert endings(tmp_path) == ["0.done", "1.done", "2.done", "3.done"]


@pytest.mark.parametrize(
    "text",
    [
        "def read(wanted): raise ValueError(wanted.table)",
        "def read(wanted): return None",
        "def read(wanted):\n    yield ('1', 'a', 1)\n    raise RuntimeError",
        "def read(wanted): return [7]",
        "def read(wanted): return ['ab1']",
        "def read(wanted): return [('1', 'a', 1), None, ('2', 'b', 2)]",
        "def read(wanted): return ['abc']",
        "read = 5",
        "x = 1",
        "import nothing_of_this_name",
        "def read(:",
    ],
)
async def test_functions_that_fail(kit: Kit, tmp_path: Path, text: str) -> None:
    node = open_node(kit, PARTY, online=False, functions=(function(tmp_path, text),))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        with pytest.raises(SourceCall):
            await node.call("publish", resource=CODE, source="gauges", table="river")


async def test_an_entry_point_that_is_not_there(kit: Kit) -> None:
    named = FunctionTable(name="gauges", call="nobody")
    node = open_node(kit, PARTY, online=False, functions=(named,))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        with pytest.raises(SourceCall, match=r"ortoo\.sources"):
            await node.call("publish", resource=CODE, source="gauges", table="river")


async def test_only_the_settings_name_functions(kit: Kit) -> None:
    """A name that comes over the socket is looked up; it is never imported."""
    node = open_node(kit, PARTY, online=False)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        with pytest.raises(SettingsLacking):
            await node.call("publish", resource=CODE, source="os:listdir", table="/")


# --- crashes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["log", "slot"])
def test_killed_between_read_and_publish(
    kit: Kit, slots: Department, how: str, tmp_path: Path
) -> None:
    """SIGKILL of the station's process when the source has been read and nothing is published."""
    slots.run(PEOPLE, "INSERT INTO people VALUES ('1', 'a', 1), ('2', 'b', 2)")

    async def begin() -> None:
        node = _with_pg(kit, slots)
        async with running(kit, node):
            await node.call("catalog.add", entry=entry(PARTY, CODE))
            await node.call("source.prepare", name="pg", table="people", capture=how, apply=True)
            for _ in range(2):
                await node.call("publish", resource=CODE, source="pg", table="people")

    async def end() -> None:
        node = _with_pg(kit, slots)
        async with running(kit, node):
            published = await node.call("publish", resource=CODE)
            assert (published["upserts"], published["deletes"]) == (1, 1)
            assert (await state(node))["how"] == how

    async def die(at: str) -> None:
        node = _with_pg(kit, slots)
        async with running(kit, node):

            async def killed(*_: object) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

            from ortoo_node.publishing import publisher

            setattr(publisher._Run, at, killed)
            await node.call("publish", resource=CODE)

    asyncio.run(begin())
    slots.run("DELETE FROM people WHERE id = '1'", "INSERT INTO people VALUES ('3', 'c', 3)")
    for at in ("rows", "_only_what_differs"):
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(die(at))
            finally:
                os._exit(9)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL
    asyncio.run(end())


def _with_pg(kit: Kit, pg: Department) -> Node:
    return open_node(kit, PARTY, online=False, sources=(Database(name="pg", url=pg.url),))

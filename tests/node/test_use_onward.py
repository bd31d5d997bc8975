"""What was received is not passed on: under no name, in no form, whichever came first."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from ortoo_node.folders import Folder
from ortoo_node.settings import Database
from ortoo_node.use import places
from ortoo_node.use.words import ANY, names_in
from ortoo_protocol.core.errors import UseOnward
from tests.node.files_kit import pair as files_pair
from tests.node.files_kit import put
from tests.node.kit import FORM, PEOPLE, Node, entry, fill, open_node, running
from tests.support.department import Department
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY, READER = "s150700", "s150200"
CODE, OTHER = "3070101/0001", "3070101/0002"
OWN = DEPARTMENTS[PARTY][0]


@asynccontextmanager
async def station(folder: Path, **more: Any) -> AsyncIterator[tuple[Node, str]]:
    """Two resources; the first can be subscribed to under the grant that is returned. The source
    `back` is the database that the sink `shared` writes."""
    kit = Kit(folder)
    back = Database(name="back", url=f"sqlite:///{folder / PARTY / 'sink.sqlite'}")
    sources = (back, *more.pop("sources", ()))
    node = open_node(kit, PARTY, online=False, sources=sources, **more)
    fill(node.source, 20)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        await node.call("catalog.add", entry=entry(PARTY, OTHER, share_type=2, feed=f"{PARTY}.b"))
        await node.call("publish", resource=CODE, source="business", table="people")
        case = (await node.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
        granted = await node.call("request.grant", case=case, items=[], **PEOPLE)
        yield node, str(granted["grant"])


async def subscribe(node: Node, sink: str = "shared", table: str = "taken") -> None:
    await node.call(
        "subscribe", resource=CODE, department=OWN, sink=sink, table=table, purpose=FORM["purpose"]
    )


async def received(node: Node) -> None:
    await subscribe(node)
    await until(lambda: len(node.rows("taken")) == 20)


def sql(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as conn:
        for statement in statements:
            conn.execute(statement)


async def test_a_sink_becomes_no_source_and_the_refusal_cites_article_and_grant(
    tmp_path: Path,
) -> None:
    async with station(tmp_path) as (node, grant):
        await received(node)
        with pytest.raises(UseOnward) as refused:
            await node.call("publish", resource=OTHER, source="back", table="TAKEN")
        assert refused.value.facts["grant"] == grant
        assert refused.value.facts["article"] == "Measures art. 20"
        with pytest.raises(UseOnward):
            await node.call("publication.set", resource=OTHER, source="back", table="taken")
        with pytest.raises(UseOnward):
            await node.call("catalog.attach", resource=OTHER, source="back", table="taken", by="丁")
        assert (await node.call("publication.list"))["publications"][0]["resource"] == CODE
        # A table of the same database that shows nothing of it may be published.
        sql(node.sink, "CREATE TABLE own (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        await node.call("publish", resource=OTHER, source="back", table="own")


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE VIEW v AS SELECT id, name, income FROM taken"],
        [
            'CREATE VIEW u AS SELECT * FROM "Taken" WHERE income > 3',
            "CREATE VIEW v AS SELECT * FROM u",
        ],
        [
            "CREATE TABLE v (id TEXT PRIMARY KEY, name TEXT, income INTEGER)",
            "CREATE TRIGGER t AFTER INSERT ON taken BEGIN"
            " INSERT INTO v VALUES (new.id, new.name, new.income); END",
        ],
    ],
    ids=["view", "view over a view", "trigger"],
)
async def test_nor_does_what_is_derived_from_it(tmp_path: Path, statements: list[str]) -> None:
    async with station(tmp_path) as (node, _grant):
        await received(node)
        sql(node.sink, *statements)
        with pytest.raises(UseOnward):
            await node.call("publish", resource=OTHER, source="back", table="v")


async def test_a_view_that_comes_later_stops_the_next_publication(tmp_path: Path) -> None:
    async with station(tmp_path) as (node, _grant):
        await received(node)
        sql(node.sink, "CREATE TABLE own (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        await node.call("publish", resource=OTHER, source="back", table="own")
        sql(node.sink, "DROP TABLE own", "CREATE VIEW own AS SELECT id, name, income FROM taken")
        with pytest.raises(UseOnward):
            await node.call("publish", resource=OTHER)


async def test_a_source_becomes_no_sink(tmp_path: Path) -> None:
    async with station(tmp_path) as (node, _grant):
        sql(
            node.sink,
            "CREATE TABLE base (id TEXT PRIMARY KEY, name TEXT, income INTEGER)",
            "CREATE VIEW shown AS SELECT * FROM base",
        )
        await node.call("publish", resource=OTHER, source="back", table="shown")
        with pytest.raises(UseOnward):
            await subscribe(node, table="base")
        assert (await node.call("subscription.list"))["subscriptions"] == []
        await subscribe(node, table="elsewhere")


async def test_another_name_of_the_same_file_is_the_same_table(tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.sqlite"
    named = Database(name="linked", url=f"sqlite:///{other}")
    async with station(tmp_path, sources=(named,)) as (node, _grant):
        await received(node)
        os.link(node.sink, other)
        with pytest.raises(UseOnward):
            await node.call("publish", resource=OTHER, source="linked", table="taken")


async def test_a_query_over_it_is_not_offered(tmp_path: Path) -> None:
    declared = {
        "code": "by-income",
        "name": "按收入查",
        "resource": OTHER,
        "source": "back",
        "sql": "SELECT t.id FROM own AS o JOIN taken t ON t.id = o.id",
        "columns": [{"column": "id"}],
    }
    async with station(tmp_path) as (node, _grant):
        await received(node)
        sql(node.sink, "CREATE TABLE own (id TEXT PRIMARY KEY)")
        with pytest.raises(UseOnward):
            await node.call("query.declare", given=declared)
        text = {**declared, "sql": "SELECT id FROM own WHERE id <> 'taken' -- taken"}
        await node.call("query.declare", given=text)


async def test_a_query_that_was_there_first_keeps_its_table_from_being_a_sink(
    tmp_path: Path,
) -> None:
    async with station(tmp_path) as (node, _grant):
        sql(node.sink, "CREATE TABLE own (id TEXT PRIMARY KEY)")
        declared = {
            "code": "all",
            "name": "查全部",
            "resource": OTHER,
            "source": "back",
            "sql": "SELECT id FROM own",
            "columns": [{"column": "id"}],
        }
        await node.call("query.declare", given=declared)
        with pytest.raises(UseOnward):
            await subscribe(node, table="own")
        await node.call("query.withdraw", code="all")
        await subscribe(node, table="own")


async def test_rows_stay_received_when_the_subscription_has_ended(tmp_path: Path) -> None:
    async with station(tmp_path) as (node, grant):
        await received(node)
        await node.call("grant.end", grant=grant, reason="目的已达成", by="丁")
        with pytest.raises(UseOnward):
            await node.call("publish", resource=OTHER, source="back", table="taken")


async def test_a_folder_that_leads_into_a_sinks_folder(tmp_path: Path) -> None:
    out = Folder(name="out", path=tmp_path / "out", read="", settle_s=0)
    back = Folder(name="linked", path=tmp_path / "in", write="", settle_s=0)
    out.write_path.mkdir(parents=True)
    back.path.mkdir()
    back.read_path.symlink_to(out.write_path)
    async with station(tmp_path, folders=(out, back)) as (node, _grant):
        await subscribe(node, sink="out", table="taken")
        with pytest.raises(UseOnward):
            await node.call("publish", resource=OTHER, source="linked", table="taken/*.csv")


async def test_a_copy_of_a_fetched_file_is_set_aside(tmp_path: Path) -> None:
    reader_folder = Folder(name="own", path=tmp_path / "own", settle_s=0)
    reader_folder.read_path.mkdir(parents=True)
    async with files_pair(tmp_path, {"a.pdf": b"theirs"}) as made:
        assert (await made.get("a.pdf"))["state"] == "done"
        put(reader_folder.read_path, "renamed.pdf", b"theirs")
        put(reader_folder.read_path, "b.pdf", b"ours")
        node = made.reader
        publisher = node.app.publisher
        publisher.settings = _with(node, reader_folder)
        publisher.onward.settings = publisher.settings
        files = entry(READER, "3020101/0001", feed=f"{READER}.own", files=True)
        del files["items"]
        await node.call("catalog.add", entry=files)
        published = await node.call("publish", resource="3020101/0001", source="own", table="*")
        assert (published["upserts"], published["rejected"]) == (1, 1)
        (reject,) = (await node.call("reject.list", resource="3020101/0001"))["rejects"]
        assert reject["error"] == UseOnward.code


def _with(node: Node, folder: Folder) -> Any:
    import msgspec

    settings = node.app.settings
    return msgspec.structs.replace(settings, folders=(*settings.folders, folder))


def test_one_server_under_two_names_and_views_of_views(pg: Department) -> None:
    """PostgreSQL says itself which cluster and database it is."""
    pg.run(
        "CREATE TABLE taken (id INTEGER PRIMARY KEY)",
        "CREATE VIEW one AS SELECT id AS renamed FROM taken",
        "CREATE MATERIALIZED VIEW two AS SELECT renamed FROM one",
        "CREATE TABLE copied (id INTEGER PRIMARY KEY)",
        "CREATE FUNCTION carry() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO copied VALUES (new.id); RETURN new; END $$",
        "CREATE TRIGGER carry AFTER INSERT ON taken FOR EACH ROW EXECUTE FUNCTION carry()",
    )
    url = make_url(pg.url)
    other = url.set(host="localhost" if url.host == "127.0.0.1" else "127.0.0.1")
    one = places.of_table(pg.url, "taken")
    two = places.of_table(other.render_as_string(hide_password=False), "public.Taken")
    assert one.server.startswith("postgresql ")
    assert one.address != two.address
    assert one.is_same(two)
    assert not one.is_same(places.of_table(pg.url, "copied"))
    assert "taken" in places.behind(pg.url, frozenset({"two"}))
    assert "taken" not in places.behind(pg.url, frozenset({"copied"}))
    assert "copied" in places.copied_to(pg.url, "taken")
    pg.run(
        "CREATE TABLE parent (id INTEGER)",
        "ALTER TABLE taken INHERIT parent",
        "CREATE TABLE ruled (id INTEGER)",
        "CREATE RULE r AS ON INSERT TO copied DO ALSO INSERT INTO ruled VALUES (new.id)",
        "CREATE FUNCTION reading() RETURNS SETOF integer LANGUAGE sql AS"
        " $$ SELECT id FROM taken $$",
        "CREATE VIEW through AS SELECT * FROM reading()",
    )
    lies = places.copied_to(pg.url, "taken")
    assert {"copied", "parent", "ruled"} <= lies
    assert not lies & {"through", "one", "two"}
    assert "taken" in places.behind(pg.url, frozenset({"through"}))


def test_names_of_a_statement() -> None:
    found = names_in("""SELECT "Order"."x", `b`, [c] FROM s.t -- not_this
        /* nor that */ WHERE y = 'nor "this"' AND z = 'it''s'""")
    assert {"order", "x", "b", "c", "s", "t", "y", "z"} <= found
    assert not found & {"not_this", "that", "this", "it"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '--' AS x, t.* FROM taken t",
        """SELECT 1 AS "/*", t.* FROM taken t WHERE 1 = 1 /* */""",
        "SELECT '\\'' AS x, t.* FROM taken t WHERE y = ''",  # MySQL
        "SELECT 5--(SELECT max(id) FROM taken)",  # MySQL: twice minus
        "SELECT 1 # '\n FROM taken # '",  # MySQL
        "SELECT * FROM /*!50000 taken */",  # MySQL
        "SELECT $$'$$, t.* FROM taken t -- '",  # PostgreSQL
        "SELECT 1 /* /* */ ' */, t.* FROM taken t -- '",  # PostgreSQL
        "SELECT x[(SELECT max(id) FROM taken)] FROM own",  # PostgreSQL
        "SELECT query_to_xml('SELECT * FROM taken', true, true, '')",  # PostgreSQL
        "SELECT * FROM 'taken'",  # SQLite
        "SELECT * FROM own, 'Taken'",
        "SELECT * FROM main.'taken'",
        "SELECT * FROM [taken]",
        'SELECT * FROM "TAKEN"',
        "SELECT * FROM `taken`",
    ],
)
def test_no_quote_hides_a_name(sql: str) -> None:
    assert "taken" in names_in(sql)


def test_a_name_in_escapes_may_be_any() -> None:
    assert ANY in names_in(r'SELECT * FROM U&"\0074aken"')


async def test_ways_round_by_the_database_itself(tmp_path: Path) -> None:
    """One received table, and what a person with a database tool could make of it."""
    link, folder = tmp_path / "link.sqlite", tmp_path / "folder"
    sink = tmp_path / PARTY / "sink.sqlite"
    relative = relative_to_here(sink)
    sources = tuple(
        Database(name=name, url=f"sqlite:///{path}")
        for name, path in {
            "link": link,
            "in-folder": folder / "sink.sqlite",
            "dots": f"{sink.parent}/../{PARTY}/./sink.sqlite",
            "relative": relative,
        }.items()
    )
    ways = {
        "trigger to a trigger": (
            "CREATE TABLE a (id, name, income)",
            "CREATE TABLE v1 (id TEXT PRIMARY KEY, name TEXT, income INTEGER)",
            "CREATE TRIGGER t1 AFTER INSERT ON taken BEGIN"
            " INSERT INTO a VALUES (new.id, new.name, new.income); END",
            "CREATE TRIGGER t2 AFTER INSERT ON a BEGIN"
            " INSERT INTO v1 VALUES (new.id, new.name, new.income); END",
        ),
        "view over what a trigger fills": ("CREATE VIEW v2 AS SELECT * FROM v1",),
        "a text for a name": ("CREATE VIEW v3 AS SELECT * FROM 'taken'",),
        "a comment that is none": ("CREATE VIEW v4 AS SELECT '--' AS x, t.* FROM taken t",),
        "text search": ("CREATE VIRTUAL TABLE v5 USING fts5(id, name, content='taken')",),
        "full outer": ("CREATE VIEW v6 AS WITH x AS (SELECT * FROM Taken) SELECT * FROM x",),
    }
    async with station(tmp_path, sources=sources) as (node, _grant):
        await received(node)
        link.symlink_to(sink)
        folder.symlink_to(sink.parent, target_is_directory=True)
        for statements in ways.values():
            sql(node.sink, *statements)
        tried = [("back", f"v{number}") for number in range(1, len(ways) + 1)]
        tried += [(each.name, "taken") for each in sources]
        for source, table in tried:
            with pytest.raises(UseOnward):
                await node.call("publish", resource=OTHER, source=source, table=table)
        declared = {
            "code": "q", "name": "查", "resource": OTHER, "source": "back",
            "sql": "SELECT id FROM v1", "columns": [{"column": "id"}],
        }  # fmt: skip
        with pytest.raises(UseOnward):
            await node.call("query.declare", given=declared)
        sql(node.sink, "CREATE TABLE own (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        await node.call("publish", resource=OTHER, source="back", table="own")


async def test_a_copy_is_named_though_nobody_saw_it_made(tmp_path: Path) -> None:
    """By `CREATE TABLE … AS SELECT`, and in another database; a table of the department's own that
    has other people in it is not."""
    elsewhere = Database(name="elsewhere", url=f"sqlite:///{tmp_path / 'copy.sqlite'}")
    async with station(tmp_path, sources=(elsewhere,)) as (node, grant):
        await received(node)
        with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
            copy.execute("CREATE TABLE own (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
            copy.executemany("INSERT INTO own VALUES (?, ?, ?)", node.rows("taken"))
        sql(
            node.sink,
            "CREATE TABLE copied AS SELECT * FROM taken",
            "CREATE TABLE other AS SELECT 'x' || id AS id, name, income FROM taken",
        )
        for source, table, named in (
            ("elsewhere", "own", True),
            ("back", "copied", True),
            ("back", "other", False),
        ):
            await node.call("publication.set", resource=OTHER, source=source, table=table)
            findings = (await node.call("doctor"))["findings"]
            found = [each["error"]["facts"] for each in findings if each["check"] == "use"]
            assert [each["grant"] for each in found] == ([grant] if named else [])
            assert all((each["same"], each["looked"]) == (20, 20) for each in found)


def relative_to_here(path: Path) -> str:
    return os.path.relpath(path)


async def test_two_orders_at_once_do_not_pass_each_other(tmp_path: Path) -> None:
    async with station(tmp_path) as (node, _grant):
        sql(node.sink, "CREATE TABLE taken (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        ends = await asyncio.gather(
            node.call("publish", resource=OTHER, source="back", table="taken"),
            subscribe(node),
            return_exceptions=True,
        )
        assert [isinstance(end, UseOnward) for end in ends].count(True) == 1

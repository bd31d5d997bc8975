"""What sources look like, proposed items, attached resources, and what differs."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.dialects import mysql, postgresql

from ortoo_node.catalog import attachment
from ortoo_node.catalog.drift import Drift, compare, proposed
from ortoo_node.folders import FileOptions, Folder
from ortoo_node.settings import Database, FunctionTable, NodeSettings
from ortoo_node.sources.describe import SourceColumn, describe, item_type
from ortoo_protocol.core.catalog import Item
from ortoo_protocol.core.errors import (
    CatalogAttachment,
    CatalogOwner,
    CatalogUnknown,
    QueryUnknown,
    SettingsLacking,
    SourceFile,
    SourceMissing,
    SourceUndescribed,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.station.settings import StationTable
from tests.node.kit import Node, entry, fill, open_node, running
from tests.support import hubs
from tests.support.postgres import PrivatePostgres
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

PARTY, CODE = "s150700", "307001/000001"
ITEM = Item(name="编号", column="id", type="C", length=12, share_type=1, key=True)

# --- what a source looks like -------------------------------------------------------------------


def settings(folder: Path, **more: Any) -> NodeSettings:
    return NodeSettings(
        station=StationTable(party=PARTY, plane=Plane.EXTRANET, folder=folder),
        sources=(Database(name="business", url=f"sqlite:///{folder / 'source.sqlite'}"),),
        **more,
    )


def test_a_table_and_a_view(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "source.sqlite") as conn:
        conn.execute(
            "CREATE TABLE t (id VARCHAR(18) NOT NULL, at TIMESTAMP, day DATE, n NUMERIC(10, 2),"
            " i INTEGER, ok BOOLEAN, note TEXT, raw BLOB, r FLOAT, PRIMARY KEY (id))"
        )
        conn.execute("CREATE VIEW v AS SELECT id, note FROM t")
    found = describe(settings(tmp_path), "business", "t")
    assert found.kind == "table"
    assert [(each.name, each.type, each.length, each.key) for each in found.columns] == [
        ("id", "C", 18, True),
        ("at", "T", 0, False),
        ("day", "D", 0, False),
        ("n", "N", 10, False),
        ("i", "I", 0, False),
        ("ok", "L", 0, False),
        ("note", "M", 0, False),
        ("raw", "G", 0, False),
        ("r", "F", 0, False),
    ]
    view = describe(settings(tmp_path), "business", "v")
    assert [each.name for each in view.columns] == ["id", "note"]
    assert not any(each.key for each in view.columns)
    with pytest.raises(SourceMissing):
        describe(settings(tmp_path), "business", "none")
    with pytest.raises(SettingsLacking):
        describe(settings(tmp_path), "none", "t")


@pytest.mark.parametrize(
    ("of", "letter", "length"),
    [
        (sa.BigInteger(), "I", 0),
        (sa.Double(), "B", 0),
        (sa.Float(), "F", 0),
        (sa.Numeric(18, 2), "N", 18),
        (sa.String(), "C", 0),
        (sa.String(1 << 30), "C", 0),
        (sa.Enum("a", "b"), "C", 1),
        (postgresql.UUID(), "C", 0),
        (postgresql.JSONB(), "M", 0),
        (postgresql.MONEY(), "Y", 0),
        (postgresql.BYTEA(), "G", 0),
        (postgresql.TIMESTAMP(), "T", 0),
        (postgresql.INTERVAL(), "", 0),
        (mysql.LONGTEXT(), "M", 0),
        (mysql.TINYINT(), "I", 0),
        (mysql.DATETIME(), "T", 0),
        (mysql.YEAR(), "I", 0),
        (mysql.DOUBLE(), "B", 0),
        (mysql.BIT(), "L", 0),
    ],
    ids=repr,
)
def test_types_of_databases(of: Any, letter: str, length: int) -> None:
    assert item_type(of) == (letter, length)


def test_comments_become_names(postgres: PrivatePostgres, tmp_path: Path) -> None:
    with postgres.database() as url:
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as conn:
            conn.execute(sa.text("CREATE TABLE t (id varchar(18) PRIMARY KEY, n text, m text)"))
            conn.execute(sa.text("COMMENT ON COLUMN t.id IS '家庭编号\n第二行'"))
            conn.execute(sa.text("COMMENT ON COLUMN t.n IS '家庭编号'"))
        engine.dispose()
        given = replace(settings(tmp_path), sources=(Database(name="pg", url=url),))
        items = proposed(describe(given, "pg", "public.t").columns)
    assert items == [
        {"name": "家庭编号", "column": "id", "type": "C", "length": 18, "key": True},
        {"name": "n", "column": "n", "type": "M"},
        {"name": "m", "column": "m", "type": "M"},
    ]


def test_files_of_a_folder(tmp_path: Path) -> None:
    folder = Folder(name="front", path=tmp_path / "front", settle_s=0)
    folder.read_path.mkdir(parents=True)
    given = settings(tmp_path, folders=(folder,))
    with pytest.raises(SourceMissing):
        describe(given, "front", "*.csv")
    table = "低保名单;;\n编号;姓名;月收入\n1;甲;3\n"
    (folder.read_path / "a.csv").write_bytes(table.encode("gb18030"))
    found = describe(given, "front", "*.csv")
    assert (found.kind, [each.name for each in found.columns]) == (
        "folder",
        ["编号", "姓名", "月收入"],
    )
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["表一"])
    sheet.append(["编号", "姓名", None, "姓名"])
    raw = io.BytesIO()
    book.save(raw)
    (folder.read_path / "b.xlsx").write_bytes(raw.getvalue())
    assert [each.name for each in describe(given, "front", "*.xlsx").columns] == ["编号", "姓名"]
    (folder.read_path / "c.xlsx").write_bytes(b"no workbook")
    with pytest.raises(SourceFile):
        describe(given, "front", "c.xlsx")
    options = (FileOptions(pattern="*.csv", header_row=1, op_column="姓名"),)
    named = settings(tmp_path, folders=(replace(folder, files=options),))
    assert [each.name for each in describe(named, "front", "*.csv").columns] == ["低保名单"]


def test_a_function_says_nothing(tmp_path: Path) -> None:
    function = FunctionTable(name="f", call="os:getcwd")
    with pytest.raises(SourceUndescribed):
        describe(settings(tmp_path, functions=(function,)), "f", "x")


# --- comparing ----------------------------------------------------------------------------------

COLUMN = SourceColumn("id", "C", 12, key=True)


@pytest.mark.parametrize(
    ("item", "columns", "found"),
    [
        ({}, [COLUMN], []),
        ({}, [SourceColumn("id", "M")], []),  # a view has no key
        ({}, [SourceColumn("编号", "C", 12)], []),  # a file is headed by the item's name
        ({}, [SourceColumn("id")], []),  # a folder says no types
        ({}, [SourceColumn("id", "C", 18, key=True)], [("length", "C(12)", "C(18)")]),
        ({"length": 0}, [SourceColumn("id", "C", 18, key=True)], []),
        ({}, [SourceColumn("id", "I", key=True)], [("type", "C(12)", "I")]),
        ({"type": "N"}, [SourceColumn("id", "I", key=True)], []),
        ({}, [COLUMN, SourceColumn("new", "D")], [("new", "", "D")]),
        ({}, [SourceColumn("other", "C", 12)], [("missing", "C(12)", ""), ("new", "", "C(12)")]),
        (
            {},
            [COLUMN, SourceColumn("id2", "C", key=True)],
            [("new", "", "C"), ("key", "id", "id, id2")],
        ),
    ],
)
def test_where_catalog_and_source_differ(
    item: dict[str, Any], columns: list[SourceColumn], found: list[tuple[str, str, str]]
) -> None:
    drift = compare([replace(ITEM, **item)], columns)
    assert [(each.kind, each.entry, each.source) for each in drift] == found


# --- at a station -------------------------------------------------------------------------------


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def opened(kit: Kit) -> Node:
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 1)
    return node


async def test_attached_and_compared(kit: Kit) -> None:
    node = opened(kit)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        assert (await node.call("catalog.drift"))["places"] == []
        with pytest.raises(CatalogAttachment):
            await node.call("catalog.drift", resource=CODE, now=True)
        with pytest.raises(SourceMissing):
            await node.call("catalog.attach", resource=CODE, source="business", table="x", by="甲")
        with pytest.raises(CatalogUnknown):
            await node.call("catalog.attach", resource="3/9", source="business", table="x", by="甲")
        place = {"resource": CODE, "source": "business", "table": "people"}
        assert (await node.call("catalog.attach", **place, by="甲"))["drift"] == []
        assert "catalog" not in await checks(node)

        with sqlite3.connect(node.source) as conn:
            conn.execute("ALTER TABLE people RENAME COLUMN income TO wage")
        (found,) = (await node.call("catalog.drift", resource=CODE, now=True))["places"]
        assert [(each["kind"], each["column"]) for each in found["drift"]] == [
            ("missing", "income"),
            ("new", "wage"),
        ]
        assert "catalog" in await checks(node)
        with sqlite3.connect(node.source) as conn:
            conn.execute("DROP TABLE people")
        await node.call("catalog.drift", now=True)
        (found,) = (await node.call("catalog.drift"))["places"]
        assert (found["drift"], found["error"]["code"]) == ([], "source.missing")

        await node.call("catalog.stop", code=CODE, reason="机构改革", by="甲", approver="丁")
        (found,) = (await node.call("catalog.drift", now=True))["places"]
        assert (found["drift"], found["error"]) == ([], None)
        await node.call("catalog.detach", resource=CODE)
        assert (await node.call("catalog.drift"))["places"] == []
        with pytest.raises(CatalogAttachment):
            await node.call("catalog.detach", resource=CODE)


async def checks(node: Node) -> set[str]:
    findings = (await node.call("doctor"))["findings"]
    return {each["check"] for each in findings if each["level"] != "ok"}


async def test_what_is_published_is_looked_at_by_itself(kit: Kit) -> None:
    node = opened(kit)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="business", table="people")
        with sqlite3.connect(node.source) as conn:
            conn.execute("ALTER TABLE people ADD COLUMN extra TEXT")
        await node.app.attachments.check_due()
        (found,) = (await node.call("catalog.drift"))["places"]
        assert [each["kind"] for each in found["drift"]] == ["new"]
        # Not again before its time.
        with sqlite3.connect(node.source) as conn:
            conn.execute("ALTER TABLE people ADD COLUMN more TEXT")
        await node.app.attachments.check_due()
        (found,) = (await node.call("catalog.drift"))["places"]
        assert len(found["drift"]) == 1
        node.app.attachments.every_s = 0
        await node.app.attachments.check_due()
        (found,) = (await node.call("catalog.drift"))["places"]
        assert len(found["drift"]) == 2


async def test_the_loop_looks(kit: Kit) -> None:
    node = opened(kit)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await node.call("publish", resource=CODE, source="business", table="people")
        node.app.attachments.every_s = 0

        async def looked() -> bool:
            await node.app.attachments.check_due()
            found = (await node.call("catalog.drift"))["places"]
            return bool(found and found[0]["time_ms"])

        assert await looked()


async def test_a_query_is_compared_too(kit: Kit) -> None:
    node = opened(kit)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        await node.call("catalog.add", entry=entry(PARTY, "307001/000002", feed=f"{PARTY}.two"))
        with pytest.raises(QueryUnknown):
            await node.call("catalog.attach", resource=CODE, query="none", by="甲")
        query = {
            "code": "by-id",
            "name": "按编号查",
            "resource": CODE,
            "source": "business",
            "sql": "SELECT id, name FROM people WHERE id = :id",
            "parameters": [{"name": "id", "title": "编号", "type": "C", "length": 12}],
            "columns": [{"column": "id"}, {"column": "name"}],
        }
        await node.call("query.declare", given=query)
        found = await node.call("catalog.attach", resource=CODE, query="by-id", by="甲")
        assert [(each["kind"], each["column"]) for each in found["drift"]] == [
            ("missing", "income")
        ]
        with pytest.raises(QueryUnknown):
            await node.call("catalog.attach", resource="307001/000002", query="by-id", by="甲")


async def test_others_resources_are_not_attached(kit: Kit) -> None:
    node = opened(kit)
    foreign = hubs.entry(
        provider="s152900", department=DEPARTMENTS["s152900"][0], feed="s152900.x", code=CODE
    )
    async with running(kit, node):
        place = attachment.Place(CODE, attachment.TABLE, "business", "people")

        def job(tx: Any) -> None:
            attachment.mirror.store(tx, foreign, 1, 1)
            attachment.attach(tx, place, "甲")

        with pytest.raises(CatalogOwner):
            await node.app.station.write(job)


async def test_items_are_proposed_for_a_draft(kit: Kit) -> None:
    node = opened(kit)
    async with running(kit, node):
        found = await node.call("catalog.propose", source="business", table="people")
        assert [(each["column"], each["type"], each.get("key")) for each in found["items"]] == [
            ("id", "M", True),
            ("name", "M", None),
            ("income", "I", None),
        ]
        fields = {
            "name": "低保对象名单",
            "department": DEPARTMENTS[PARTY][0],
            "items": [{"name": "姓名", "name_en": "name", "share_type": 2}],
        }
        saved = await node.call("catalog.draft.save", entry=fields, by="甲")
        draft = saved["draft"]["draft"]
        await node.call("catalog.propose", source="business", table="people", draft=draft, by="戊")
        shown = await node.call("catalog.draft.show", draft=draft)
        assert [each["name"] for each in shown["entry"]["items"]] == ["id", "姓名", "income"]
        assert shown["entry"]["items"][1]["share_type"] == 2
        assert shown["draft"]["compiled_by"] == "戊"


def test_drift_is_a_value() -> None:
    assert Drift("new", "x", "", "C").view() == {
        "kind": "new",
        "column": "x",
        "entry": "",
        "source": "C",
    }


async def test_a_folder_whose_files_were_read_and_taken_away_differs_in_nothing(kit: Kit) -> None:
    front = kit.folder / "front"
    for name in ("in", "done"):
        (front / name).mkdir(parents=True)
    folder = Folder(name="front", path=front, done="done", settle_s=0)
    node = open_node(kit, PARTY, online=False, folders=(folder,))
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        (front / "in" / "a.csv").write_text("id,name,income\n1,甲,2\n", encoding="utf-8")
        await node.call("publish", resource=CODE, source="front", table="*.csv")
        assert [each.name for each in (front / "done").iterdir()] == ["a.csv"]
        (found,) = (await node.call("catalog.drift", now=True))["places"]
        assert (found["drift"], found["error"]) == ([], None)
        assert "catalog" not in await checks(node)

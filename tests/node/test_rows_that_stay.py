"""Rows that may not leave, at every door: empty and double keys, what is too wide, too large. Each
is set aside by name, and nobody else waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ortoo_node.folders import FileOptions, Folder
from ortoo_node.publishing import publisher
from ortoo_node.settings import Database
from ortoo_protocol.core.batches import MOST_PART_BYTES
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.row_codec import RowCodec, columns_of
from tests.node.api_kit import bearer, with_programs
from tests.node.api_kit import serving as served
from tests.node.kit import FORM, Node, entry, open_node, running
from tests.support.department import Department
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
TABLE = "CREATE TABLE people (id VARCHAR(40), name TEXT, income DOUBLE PRECISION)"
ROWS = [
    ("1", "甲", 1),
    (None, "no key", 2),
    ("2", "乙", 3),
    ("1", "甲 again", 4),
    ("0123456789abc", "a key longer than its item", 5),
    ("3", "长" * 51, 6),
    ("4", "丁", 1.5),
    ("5", "戊", 7),
]
GOOD = [("1", "甲", 1), ("2", "乙", 3), ("5", "戊", 7)]
WRONG = {
    2: ("rows.empty", "id"),
    4: ("rows.key", ""),
    5: ("rows.length", "id"),
    6: ("rows.length", "name"),
    7: ("rows.value", "income"),
}


def fill(department: Department, *rows: tuple[Any, ...]) -> None:
    given = [{"id": key, "name": name, "income": income} for key, name, income in rows]
    department.run("INSERT INTO people VALUES (:id, :name, :income)", rows=given)


@asynccontextmanager
async def station(
    folder: Path, *sources: Database, front: Path | None = None
) -> AsyncIterator[Node]:
    """A department reads what its own station publishes."""
    folders = ()
    if front is not None:
        (front / "in").mkdir(parents=True)
        log = FileOptions(pattern="log*.csv", whole=False)
        folders = (Folder(name="front-end", path=front, settle_s=0, files=(log,)),)
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False, sources=sources, folders=folders)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        yield node


async def read(node: Node) -> None:
    await node.call("subscribe", resource=CODE, department=OWN, sink="shared", table="here", **FORM)


async def publish(node: Node, source: str = "other", table: str = "people") -> dict[str, Any]:
    return dict(await node.call("publish", resource=CODE, source=source, table=table))


async def aside(node: Node) -> dict[int, tuple[str, str]]:
    found = (await node.call("reject.list", resource=CODE))["rejects"]
    return {one["row"]: (one["error"], one["column"]) for one in found}


@pytest.mark.parametrize("table", ["people", "seen"])
async def test_of_a_table_and_of_a_view(tmp_path: Path, department: Department, table: str) -> None:
    department.run(TABLE, "CREATE VIEW seen AS SELECT * FROM people")
    fill(department, *ROWS)
    async with station(tmp_path, Database(name="other", url=department.url)) as node:
        for _ in range(2):  # into an empty feed, and compared with what it holds
            published = await publish(node, table=table)
            assert (published["rows"], published["rejected"]) == (8, 5)
            assert await aside(node) == WRONG
        await read(node)
        await until(lambda: node.rows("here") == GOOD)
        # A key that was good and is empty now: nobody can tell whose row that is.
        department.run("UPDATE people SET id = NULL WHERE id = '5'")
        department.run("DELETE FROM people WHERE name = '甲 again'")
        published = await publish(node, table=table)
        assert (published["deletes"], published["rejected"]) == (1, 5)
        await until(lambda: node.rows("here") == GOOD[:2])
        assert [code for code, _ in (await aside(node)).values()].count("rows.empty") == 2
        department.run("UPDATE people SET id = '9' WHERE name IN ('戊')")
        assert (await publish(node, table=table))["upserts"] == 1
        await until(lambda: node.rows("here") == [*GOOD[:2], ("9", "戊", 7)])


@pytest.mark.parametrize("kind", ["sqlite", "pg"])
async def test_by_a_change_log(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    """Of a table whose database keeps no key: one empty key stops no reading."""
    department: Department = request.getfixturevalue(kind)
    department.run(TABLE)
    if kind == "sqlite":
        department.rows("PRAGMA journal_mode = WAL")
    fill(department, ROWS[0], ROWS[7])
    async with station(tmp_path, Database(name="other", url=department.url)) as node:
        await node.call(
            "source.prepare", name="other", table="people", key=["id"], capture="log", apply=True
        )
        await publish(node)
        await read(node)
        await until(lambda: len(node.rows("here")) == 2)
        fill(department, *ROWS[1:7])
        department.run("DELETE FROM people WHERE name = '甲'")
        published = await publish(node)
        shown = (await node.call("publication.list"))["publications"][0]
        assert (shown["how"], published["rejected"]) == ("log", 4)
        codes = sorted(code for code, _ in (await aside(node)).values())
        assert codes == ["rows.empty", "rows.length", "rows.length", "rows.value"]
        await until(
            lambda: node.rows("here") == [("1", "甲 again", 4), ("2", "乙", 3), ("5", "戊", 7)]
        )
        department.run("UPDATE people SET id = NULL WHERE id = '5'")
        department.run("DELETE FROM people WHERE id = '0123456789abc'")
        published = await publish(node)
        assert (published["deletes"], published["rejected"]) == (1, 2)
        await until(lambda: [row[0] for row in node.rows("here")] == ["1", "2"])
        department.run("UPDATE people SET id = '6' WHERE name = '戊'")
        await publish(node)
        await until(lambda: [row[0] for row in node.rows("here")] == ["1", "2", "6"])


@pytest.mark.parametrize("at_once", [3, publisher.ROWS_AT_ONCE])
async def test_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """By file and line, however far from each other the two rows of a key are."""
    monkeypatch.setattr(publisher, "ROWS_AT_ONCE", at_once)
    front = tmp_path / "front"
    text = "编号,姓名,月收入\n" + "".join(f"{key or ''},{name},{n}\n" for key, name, n in ROWS)
    async with station(tmp_path, front=front) as node:
        for name, upserts in (("1.csv", 3), ("2.csv", 0)):
            (front / "in" / name).write_text(text, encoding="gb18030")
            published = await publish(node, "front-end", "*.csv")
            assert (published["upserts"], published["rejected"]) == (upserts, 5)
            found = (await node.call("reject.list", resource=CODE))["rejects"]
            told = {one["detail"].partition(": ")[0]: one["error"] for one in found}
            assert told == {f"{name}:{row + 1}": code for row, (code, _) in WRONG.items()}


async def test_of_a_push(tmp_path: Path) -> None:
    """By place in the body. The last word on a key counts there."""
    kit = Kit(tmp_path)
    node = with_programs(open_node(kit, PARTY, online=False))
    async with served(kit, node) as client:
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        body = [{"upsert": {"id": key, "name": name, "income": n}} for key, name, n in ROWS]
        answer = await client.post(
            f"/resources/{CODE}/rows", json=body, headers=await bearer(node, f"push:{CODE}")
        )
        told = {one["row"]: (one["code"], one["column"]) for one in answer.json()["rejects"]}
        assert told == {row - 1: wrong for row, wrong in WRONG.items() if row != 4}
        assert answer.json()["accepted"] == 4


async def test_rows_as_large_as_may_be_and_larger(tmp_path: Path) -> None:
    """An item holds one row at least; what is more than that is set aside, also on its way into a
    snapshot and a reader's table."""
    items = [
        {"name": "编号", "column": "id", "type": "C", "length": 12, "key": True},
        {"name": "正文", "column": "body", "type": "C", "length": 1_000_000},
    ]
    source = tmp_path / "other.sqlite"
    kit = Kit(tmp_path)
    node = open_node(
        kit, PARTY, online=False, sources=(Database(name="other", url=f"sqlite:///{source}"),)
    )
    columns = (Column("id", "C", 12), Column("body", "C", 1_000_000))
    codec = RowCodec(TableSchema(number=1, columns=columns, key=("id",)))
    (part,) = codec.upserts(columns_of([("2", "x" * 200_000)]))
    fits = 200_000 + MOST_PART_BYTES - len(part)
    sizes = {"1": 10, "2": fits, "3": fits + 1, "4": 400_000, "5": 200_000, "6": 200_000}
    with sqlite3.connect(source) as conn:
        conn.execute("CREATE TABLE people (id TEXT, body TEXT)")
        rows = [(key, "x" * size) for key, size in sizes.items()]
        conn.executemany("INSERT INTO people VALUES (?, ?)", rows)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, items=items))
        published = await publish(node)
        assert await aside(node) == {3: ("rows.too-large", ""), 4: ("rows.too-large", "")}
        assert (published["upserts"], published["rejected"]) == (4, 2)
        await read(node)
        whole = [(key, "x" * sizes[key]) for key in ("1", "2", "5", "6")]
        await until(lambda: node.rows("here") == whole)
        with sqlite3.connect(source) as conn:
            conn.execute("UPDATE people SET body = 'small' WHERE id IN ('2', '4')")
            conn.execute("UPDATE people SET body = body || 'y' WHERE id = '5'")
        await publish(node)
        await until(
            lambda: [len(body) for _, body in node.rows("here")] == [10, 5, 5, 200_001, 200_000]
        )

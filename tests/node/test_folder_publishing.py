"""From a front-end machine's folder through the gate into a feed, and out of it at a reader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ortoo_node.folders import FileOptions, Folder
from ortoo_node.publishing import rejects
from ortoo_node.sources.folder import source
from ortoo_protocol.core.errors import SettingsLacking, SourceFileLine
from tests.node.kit import FORM, Node, entry, fill, open_node, running
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
HEAD = "编号,姓名,月收入\n"
LOG = FileOptions(pattern="log*.csv", whole=False, op_column="操作")


class Station:
    """A station with a folder, whose resource one of its own departments reads."""

    def __init__(self, kit: Kit, front: Path) -> None:
        self.front = front / "in"
        self.front.mkdir(parents=True)
        folder = Folder(name="front-end", path=front, settle_s=0, files=(LOG,))
        self.node: Node = open_node(kit, PARTY, online=False, folders=(folder,))

    async def begin(self) -> None:
        await self.node.call("catalog.add", entry=entry(PARTY, CODE))

    async def subscribe(self) -> None:
        await self.node.call(
            "subscribe", resource=CODE, department=OWN, sink="shared", table="dibao", **FORM
        )

    def put(self, name: str, content: str, mtime: int) -> None:
        file = self.front / name
        file.write_bytes(content.encode("gb18030"))
        os.utime(file, (mtime, mtime))

    async def publish(self, table: str) -> Any:
        return await self.node.call("publish", resource=CODE, source="front-end", table=table)

    async def rejects(self) -> list[tuple[str, str]]:
        rows = await self.node.app.station.read(lambda conn: rejects.listed(conn, CODE))
        return [(row.error, row.detail) for row in reversed(rows)]


@pytest.fixture
def kit(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


async def test_whole_files(kit: Kit, tmp_path: Path) -> None:
    station = Station(kit, tmp_path / "front")
    async with running(kit, station.node):
        await station.begin()
        station.put("1.csv", HEAD + "1,甲,１００\n2,乙,200\n3,丙,300\n", 1)
        first = await station.publish("*.csv")
        assert (first["upserts"], first["deletes"], first["rejected"]) == (3, 0, 0)
        await station.subscribe()
        await until(lambda: len(station.node.rows("dibao")) == 3)
        again = await station.publish("*.csv")
        assert (again["upserts"], again["deletes"], again["seq"]) == (0, 0, first["seq"])

        # A row of the gate's is named by its line; the one that is gone is deleted.
        station.put("2.csv", HEAD + "1,甲,150\n3,丙,300\n4,丁,很多\n", 2)
        second = await station.publish("*.csv")
        assert (second["upserts"], second["deletes"], second["rejected"]) == (1, 1, 1)
        ((code, detail),) = await station.rejects()
        assert code == "rows.value"
        assert detail.startswith("2.csv:4: ")
        await until(lambda: station.node.rows("dibao") == [("1", "甲", 150), ("3", "丙", 300)])

        # With a row that cannot be read nobody knows what is absent: nothing is deleted.
        station.put("3.csv", HEAD + "1,甲,160\n3,丙\n", 3)
        third = await station.publish("*.csv")
        assert (third["upserts"], third["deletes"], third["rejected"]) == (1, 0, 1)
        assert (await station.rejects())[-1][0] == "source.row-width"

        station.put("4.csv", HEAD + '1,甲,160\n3,"丙,300\n', 4)
        with pytest.raises(SourceFileLine):
            await station.publish("*.csv")
        await until(lambda: station.node.rows("dibao") == [("1", "甲", 160), ("3", "丙", 300)])


async def test_changes_in_order(kit: Kit, tmp_path: Path) -> None:
    station = Station(kit, tmp_path / "front")
    head = "操作," + HEAD
    async with running(kit, station.node):
        await station.begin()
        station.put("log1.csv", head + ",1,甲,1\n,2,乙,1\n,1,甲,2\n", 1)
        station.put("log2.csv", head + ",1,甲,3\nD,2,,\n,3,丙,3\nD,9,,\n", 1)
        first = await station.publish("log*.csv")
        # The last row of a key counts, and is no defect: these are changes.
        assert (first["rows"], first["deletes"], first["rejected"]) == (5, 1, 0)
        await station.subscribe()
        await until(lambda: station.node.rows("dibao") == [("1", "甲", 3), ("3", "丙", 3)])
        station.put("log3.csv", head + "D,1,,\n,1,甲,4\n,3,丙,5\nD,3,,\n坏,4,丁,1\n", 1)
        second = await station.publish("log*.csv")
        assert (second["deletes"], second["rejected"]) == (1, 1)
        await until(lambda: station.node.rows("dibao") == [("1", "甲", 4)])
        assert (await station.rejects())[-1][0] == "source.row-op"
        third = await station.publish("log*.csv")
        assert third["seq"] == second["seq"]


async def test_a_crash_between_reading_and_publishing(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are on their way and the mark is not: the next reading gives them again, and the
    comparison with the shadow publishes only what is missing."""
    station = Station(kit, tmp_path / "front")
    station.put("log1.csv", "操作," + HEAD + "".join(f",{n},人,{n}\n" for n in range(9_000)), 1)

    class Crash(Exception):
        pass

    lines = source.READERS[".csv"]

    def breaking(copy: Any, asked: Any) -> Any:
        for number, line in enumerate(lines(copy, asked)):
            if number == 5_000:
                raise Crash
            yield line

    async with running(kit, station.node):
        await station.begin()
        with monkeypatch.context() as patched:
            patched.setitem(source.READERS, ".csv", breaking)  # type: ignore[arg-type]
            with pytest.raises(Crash):
                await station.publish("log*.csv")
        again = await station.publish("log*.csv")
        assert again["rows"] == 9_000
        assert again["upserts"] == 9_000 - 4_096
        await station.subscribe()
        await until(lambda: len(station.node.rows("dibao")) == 9_000)


async def test_files_are_listed_with_their_reasons(kit: Kit, tmp_path: Path) -> None:
    station = Station(kit, tmp_path / "front")
    async with running(kit, station.node):
        await station.begin()
        station.put("log1.csv", "操作," + HEAD + ",1,甲,1\n", 1)
        station.put("log2.csv", "操作,编号\n,1\n", 1)
        await station.publish("log*.csv")
        station.put("log3.csv", "", 1)
        answer = await station.node.call("folder.files", resource=CODE)
        assert [(one["file"], one["state"]) for one in answer["files"]] == [
            ("log1.csv", "read"),
            ("log2.csv", "failed"),
            ("log3.csv", "ready"),
        ]
        error = answer["files"][1]["error"]
        assert error["code"] == "source.file-columns"
        assert error["facts"]["columns"] == "姓名 (name), 月收入 (income)"


async def test_only_folders_have_files(kit: Kit, tmp_path: Path) -> None:
    station = Station(kit, tmp_path / "front")
    fill(station.node.source, 1)
    async with running(kit, station.node):
        await station.begin()
        with pytest.raises(SettingsLacking):
            await station.node.call("folder.files", resource=CODE)
        await station.node.call("publish", resource=CODE, source="business", table="people")
        with pytest.raises(SettingsLacking):
            await station.node.call("folder.files", resource=CODE)

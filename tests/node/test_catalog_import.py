"""Import and export as people do them: commands, a real control socket, a station's own store."""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from ortoo_node.cli import app
from ortoo_node.methods.catalog import sheets as methods
from ortoo_protocol.cli.exits import Exit
from ortoo_protocol.core.errors import ImportFull, ImportGone, ImportOrder
from ortoo_protocol.station.control import ControlServer
from tests.node.kit import Node, open_node, running
from tests.node.sheet_kit import ITEM, RESOURCE, book, put, read_file, row
from tests.support.service import settings_folder
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
OWN = DEPARTMENTS[PARTY][0]
MINE = {**RESOURCE, "信息资源提供方代码": OWN}
REAL = Path(__file__).parents[2] / "deploy/ortoo_demo/data/inner-mongolia-catalog.csv"


class Desk:
    """Somebody at the station's command line."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node = node
        self.folder = folder

    async def run(self, *arguments: str | Path) -> Result:
        command = ["-c", str(self.folder), "catalog", *map(str, arguments)]
        env = {"ORTOO_LANG": "zh_CN"}
        return await asyncio.to_thread(CliRunner().invoke, app, command, env=env)

    async def json(self, *arguments: str | Path) -> Any:
        ended = await self.run(*arguments, "--json")
        assert ended.exit_code == 0, ended.output
        return json.loads(ended.stdout)

    async def drafts(self) -> list[dict[str, Any]]:
        listed = await self.node.call("catalog.draft.list")
        found: list[dict[str, Any]] = listed["drafts"]
        return found


@asynccontextmanager
async def at_desk(folder: Path) -> AsyncIterator[Desk]:
    (folder / "region").mkdir()
    kit = Kit(folder / "region")
    node = open_node(kit, PARTY, online=False)
    desk = Desk(node, settings_folder(folder / "plain", PARTY))
    server = ControlServer(desk.folder / "control.sock", node.methods)
    async with running(kit, node):
        await server.start()
        try:
            yield desk
        finally:
            await server.close()


async def test_a_workbook_becomes_drafts(tmp_path: Path) -> None:
    second = {**MINE, "信息资源名称": "低保信息", "信息资源代码": "307001"}
    file = put(tmp_path, book(row(MINE, ITEM), row(second, ITEM), row(ITEM, 信息项名称="金额")))
    async with at_desk(tmp_path) as desk:
        answer = await desk.json("import", file, "--by", "张三")
        assert (answer["resources"], answer["items"], len(answer["saved"])) == (2, 3, 2)
        drafts = {each["name"]: each for each in await desk.drafts()}
        assert drafts["婚姻登记信息"]["code"] == "307001150700/000001"
        assert drafts["低保信息"]["code"] == "307001"  # a class: filing gives the number
        assert {each["state"] for each in drafts.values()} == {"drafting"}
        assert {each["compiled_by"] for each in drafts.values()} == {"张三"}
    assert not any("问题" in name for name in os.listdir(tmp_path))


async def test_nothing_is_half_imported(tmp_path: Path) -> None:
    """One problem in the last resource, known to the station alone."""
    strange = {**MINE, "信息资源名称": "别处的", "信息资源代码": "307001150700/000002"}
    strange["信息资源提供方代码"] = DEPARTMENTS["s150200"][0]
    file = put(tmp_path, book(row(MINE, ITEM), row(strange, ITEM)))
    async with at_desk(tmp_path) as desk:
        ended = await desk.run("import", file, "--by", "张三")
        assert ended.exit_code == Exit.REFUSED
        assert "1 个问题" in ended.stderr
        assert "F3" in ended.stdout
        assert "信息资源提供方代码" in ended.stdout
        assert await desk.drafts() == []
        marked = openpyxl.load_workbook(tmp_path / "目录-问题.xlsx")
        assert marked["信息资源目录"]["F3"].comment.text
        assert marked["问题汇总"]["B5"].value == "F3"


@pytest.mark.parametrize(
    ("cells", "cell", "said"),
    [
        ({"信息资源提供方": "呼伦贝尔市公安局"}, "D2", "该代码属于呼伦贝尔市民政局"),
        ({"信息资源代码": "399"}, "C2", "至少六位"),
        ({"信息资源代码": "346001"}, "C2", "方案"),
        ({"信息资源代码": "307001150200/000001"}, "C2", "归 s150200 使用"),
        ({"信息资源代码": "307001150700/1"}, "C2", "顺序号"),
    ],
)
async def test_what_the_station_alone_knows(
    tmp_path: Path, cells: dict[str, Any], cell: str, said: str
) -> None:
    """While it can still be mended in its cell, not when it is filed."""
    file = put(tmp_path, book(row({**MINE, **cells}, ITEM)))
    async with at_desk(tmp_path) as desk:
        ended = await desk.run("import", file, "--by", "张三")
        assert ended.exit_code == Exit.REFUSED
        assert cell in ended.stdout
        assert said in ended.stdout.replace("\n", "")
        assert "1 个问题" in ended.stderr
        for name in ("民政局", "呼伦贝尔民政局", None):
            called = put(tmp_path, book(row({**MINE, "信息资源提供方": name}, ITEM)))
            await desk.json("import", called, "--by", "张三", "--check")


async def test_a_copy_that_was_mended_comes_in(tmp_path: Path) -> None:
    file = put(tmp_path, book(row(MINE, ITEM, 数据长度=0)))
    async with at_desk(tmp_path) as desk:
        assert (await desk.run("import", file, "--by", "张三")).exit_code == Exit.REFUSED
        copy = tmp_path / "目录-问题.xlsx"
        marked = openpyxl.load_workbook(copy)
        marked["信息资源目录"]["U2"] = 40
        marked.save(copy)
        assert (await desk.json("import", copy, "--by", "张三"))["resources"] == 1
        assert len(await desk.drafts()) == 1


async def test_check_alone_writes_nothing(tmp_path: Path) -> None:
    file = put(tmp_path, book(row(MINE, ITEM)))
    async with at_desk(tmp_path) as desk:
        answer = await desk.json("import", file, "--by", "张三", "--check")
        assert (answer["resources"], answer["saved"]) == (1, [])
        assert await desk.drafts() == []


async def test_problems_for_scripts(tmp_path: Path) -> None:
    file = put(tmp_path, book(row(MINE, ITEM, 数据类型="钱", 更新周期="每世纪")))
    async with at_desk(tmp_path) as desk:
        target = tmp_path / "m.xlsx"
        ended = await desk.run("import", file, "--by", "张三", "--json", "--marked", target)
        assert ended.exit_code == Exit.REFUSED
        found = json.JSONDecoder().raw_decode(ended.stdout)[0]["problems"]
        assert [(each["cell"], each["error"]["code"]) for each in found] == [
            ("T2", "catalog.cell-choice"),
            ("AB2", "catalog.cell-choice"),
        ]
        assert target.exists()
        again = await desk.run("import", file, "--by", "张三", "--marked", target)
        assert again.exit_code == Exit.SETUP  # a file that is there is not written over


async def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    async with at_desk(tmp_path) as desk:
        ended = await desk.run("import", put(tmp_path, b"PK nothing"), "--by", "张三")
        assert ended.exit_code == Exit.REFUSED
        assert "代码：catalog.sheet" in ended.stderr
        # Nothing stays behind: as many imports as there may be begin after it.
        for _ in range(8):
            await desk.node.call("catalog.import.begin")


async def test_the_real_catalog_of_a_city_is_published_and_goes_out_again(tmp_path: Path) -> None:
    """What the demo brings for Hulunbuir, as if all its departments were one."""
    rows = list(csv.reader(REAL.read_text("utf-8").splitlines()))
    place, name = (rows[1].index(each) for each in ("信息资源提供方代码", "信息资源提供方"))
    chosen, mine = rows[:2], False
    for cells in rows[2:]:
        mine = cells[place].startswith("11150700") if cells[0] else mine
        if mine:
            cells[place], cells[name] = OWN if cells[0] else "", ""
            chosen.append(cells)
    file = tmp_path / "呼伦贝尔.csv"
    with file.open("w", newline="", encoding="gb18030") as out:
        csv.writer(out).writerows(chosen)
    async with at_desk(tmp_path) as desk:
        answer = await desk.json("import", file, "--by", "编目员甲", "--publish")
        assert answer["resources"] == 48
        listed = (await desk.node.call("catalog.list", mine=True))["entries"]
        assert len(listed) == 48
        assert await desk.drafts() == []
        for out_name in ("a.xlsx", "a.csv", "a.json", "a.jsonld"):
            wrote = await desk.json("export", tmp_path / out_name, "--mine")
            assert wrote["entries"] == 48
        national = tmp_path / "国家.json"
        await desk.json("export", national, "--form", "national")
        assert json.loads(national.read_text())["资源数量"] == 48
        opened = await desk.json("export", tmp_path / "b.json", "--open")
        assert 0 < opened["entries"] < 48
        one = await desk.json("export", tmp_path / "c.csv", "--code", listed[0]["code"])
        assert one["entries"] == 1
        for out_name in ("a.xlsx", "a.csv", "a.json"):
            again = await desk.json("import", tmp_path / out_name, "--by", "编目员甲", "--check")
            assert again["resources"] == 48


async def test_files_are_not_written_over(tmp_path: Path) -> None:
    async with at_desk(tmp_path) as desk:
        file = tmp_path / "模板.xlsx"
        await desk.json("template", file)
        for command in (("template", file), ("export", file)):
            assert (await desk.run(*command)).exit_code == Exit.SETUP
        assert (await desk.run("export", tmp_path / "x.doc")).exit_code == Exit.USAGE


# --- the methods themselves ---------------------------------------------------------------------


async def test_parts_come_in_order_and_no_import_waits_for_ever(tmp_path: Path) -> None:
    async with at_desk(tmp_path) as desk:
        call = desk.node.call
        number = (await call("catalog.import.begin"))["number"]
        with pytest.raises(ImportOrder):
            await call("catalog.import.add", number=number, after=1, resources=[])
        with pytest.raises(ImportGone):
            await call("catalog.import.check", number=number + 1)
        for _ in range(7):
            await call("catalog.import.begin")
        with pytest.raises(ImportFull):
            await call("catalog.import.begin")
        await call("catalog.import.end", number=number)
        await call("catalog.import.begin")


async def test_the_station_believes_no_client(tmp_path: Path) -> None:
    """Resources that no command has looked at: the rules are asked again."""
    async with at_desk(tmp_path) as desk:
        call = desk.node.call
        number = (await call("catalog.import.begin"))["number"]
        fields = {"name": "a", "department": OWN, "abstract": "b", "share_type": 2, "items": []}
        await call("catalog.import.add", number=number, after=0, resources=[fields])
        answer = await call("catalog.import.save", number=number, by="张三")
        assert answer["saved"] == []
        codes = {each["error"]["code"] for each in answer["problems"]}
        assert codes == {"catalog.basis", "catalog.items"}


async def test_what_fails_while_saving_undoes_what_was_saved(tmp_path: Path) -> None:
    """The second resource is being reviewed, so its draft is closed to its compiler."""
    second = {**MINE, "信息资源名称": "低保信息", "信息资源代码": "307001150700/000002"}
    async with at_desk(tmp_path) as desk:
        one = put(tmp_path, book(row(second, ITEM)), "一.xlsx")
        await desk.json("import", one, "--by", "张三")
        draft = (await desk.drafts())[0]["draft"]
        await desk.node.call("catalog.step", draft=draft, act="review", by="李四")
        both = put(tmp_path, book(row(MINE, ITEM), row(second, ITEM)), "二.xlsx")
        ended = await desk.run("import", both, "--by", "张三")
        assert ended.exit_code == Exit.REFUSED
        assert "C3" in ended.stdout
        assert [each["name"] for each in await desk.drafts()] == ["低保信息"]


async def test_pages_of_a_harvest_hold_each_entry_once(tmp_path: Path) -> None:
    rows = [
        row({**MINE, "信息资源名称": f"资源{n}", "信息资源代码": f"307001150700/{n:06d}"}, ITEM)
        for n in range(1, 8)
    ]
    async with at_desk(tmp_path) as desk:
        file = put(tmp_path, book(*rows))
        people = {"compiled_by": "甲", "secrecy_checked_by": "乙", "approved_by": "丙"}
        for draft in read_file(file).drafts:
            await desk.node.call("catalog.add", entry={**draft.fields, **people})
        found: list[str] = []
        after, pages = "", 0
        while True:
            page = await desk.node.call(
                "catalog.harvest", base="https://data.example", after=after, size=3
            )
            catalog, collection = page["@graph"]
            found += [each["dct:identifier"] for each in catalog["dcat:dataset"]]
            pages += 1
            following = collection.get("hydra:next")
            if following is None:
                break
            after = found[-1]
            assert following.endswith(f"after={after.replace('/', '%2F')}")
        assert (len(found), len(set(found)), pages) == (7, 7, 3)


def test_parts_fit_into_a_request() -> None:
    from ortoo_node.catalog.sheets.joining import PART_BYTES
    from ortoo_protocol.station.control_client import MAX_REQUEST_BYTES

    assert PART_BYTES + (64 << 10) < MAX_REQUEST_BYTES
    assert methods.MOST_PAGE == 1_000

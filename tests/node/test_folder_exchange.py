"""Feeds into folders of front-end machines, through a station's engine: order, back-pressure."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from ortoo_node.folders import Folder, TableOptions
from tests.node.kit import FORM, Node, entry, open_node, running
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
HEAD = "id,name,income\n"


def folders(front: Path) -> tuple[Folder, ...]:
    tables = (
        TableOptions(table="slow", most_files=2),
        TableOptions(table="current", mode="whole", every_s=0),
    )
    for name in ("in", "out"):
        (front / name).mkdir(parents=True)
    return (Folder(name="front-end", path=front, settle_s=0, tables=tables),)


def take(folder: Path) -> list[str]:
    """What the department's program does: files away, in order of their names."""
    names = sorted(file.name for file in folder.glob("*.csv"))
    for name in names:
        (folder / name).unlink()
    return names


async def publish(node: Node, front: Path, number: int) -> None:
    (front / "in" / "people.csv").write_text(f"{HEAD}1,甲,{number}\n")
    await node.call("publish", resource=CODE, source="front-end", table="people.csv")


async def subscribe(node: Node, table: str) -> None:
    await node.call(
        "subscribe", resource=CODE, department=OWN, sink="front-end", table=table, **FORM
    )


async def state(node: Node, table: str) -> Any:
    listed = await node.call("subscription.list")
    return next(row for row in listed["subscriptions"] if row["table"] == table)


async def test_only_the_folder_that_nobody_empties_waits(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    front = tmp_path / "front"
    node = open_node(kit, PARTY, online=False, folders=folders(front))
    out = front / "out"
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE))
        await publish(node, front, 0)
        for table in ("slow", "quick", "current"):
            await subscribe(node, table)
        await until(lambda: (out / "current" / "current.csv").exists())
        await until(lambda: len(list((out / "slow").glob("*-snapshot.csv"))) == 1)
        await until(lambda: len(list((out / "quick").glob("*-snapshot.csv"))) == 1)

        for number in range(1, 5):
            await publish(node, front, number)
        await until(lambda: len(list((out / "quick").glob("*.csv"))) == 5)
        await until(lambda: "1,甲,4" in (out / "current" / "current.csv").read_text())
        assert len(list((out / "slow").glob("*.csv"))) == 2
        waiting = await state(node, "slow")
        assert (waiting["state"], waiting["error"]["code"]) == ("failed", "sink.waiting")
        assert (await state(node, "quick"))["error"] is None

        seen: list[str] = []

        def emptied() -> bool:
            seen.extend(take(out / "slow"))
            return len(seen) == 5

        await until(emptied)
        assert seen == sorted(seen) == sorted(file.name for file in (out / "quick").glob("*.csv"))
        newest = max((out / "quick").glob("*.csv"))
        rows = list(csv.DictReader(newest.read_text().splitlines()))
        assert rows == [{"op": "U", "id": "1", "name": "甲", "income": "4"}]

"""A station's application in the test process: real store, real databases, broker in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_node import app as node_app
from ortoo_node.app import NodeApp
from ortoo_node.files.desk import Files
from ortoo_node.folders import Folder
from ortoo_node.methods import NodeMethods
from ortoo_node.publishing import Publisher
from ortoo_node.queries.desk import Queries
from ortoo_node.services import Service
from ortoo_node.settings import Database, FunctionTable, NodeSettings
from ortoo_node.store import NODE
from ortoo_protocol.bus.port import Bus
from ortoo_protocol.station.common_methods import CommonMethods, Method
from ortoo_protocol.station.notify.settings import NotifyTable
from ortoo_protocol.station.settings import StationTable
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS


@dataclass
class Node:
    app: NodeApp
    methods: dict[str, Method]
    source: Path
    sink: Path

    async def call(self, method: str, **params: Any) -> Any:
        return await self.methods[method](**params)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """What the department sees."""
        with sqlite3.connect(self.sink) as conn:
            try:
                query = f"SELECT * FROM {table} ORDER BY 1"  # noqa: S608  # a name from the test itself
                return conn.execute(query).fetchall()
            except sqlite3.OperationalError:
                return []


def open_node(
    kit: Kit,
    party: str,
    *,
    online: bool = True,
    folders: tuple[Folder, ...] = (),
    sources: tuple[Database, ...] = (),
    functions: tuple[FunctionTable, ...] = (),
    services: tuple[Service, ...] = (),
    bus: Bus | None = None,
    notify: NotifyTable | None = None,
) -> Node:
    folder = kit.folder / party
    folder.mkdir(exist_ok=True)
    source, sink = folder / "source.sqlite", folder / "sink.sqlite"
    settings = NodeSettings(
        station=StationTable(party=party, plane=kit.region.plane, name=party, folder=folder),
        sources=(Database(name="business", url=f"sqlite:///{source}"), *sources),
        sinks=(Database(name="shared", url=f"sqlite:///{sink}"),),
        folders=folders,
        functions=functions,
        services=services,
        notify=notify or NotifyTable(),
    )
    files, queries = Files(), Queries(settings)
    hooks = node_app.hooks(files, queries)
    station = kit.open(party, hooks, bus=bus, migrations=(NODE,), online=online)
    app = NodeApp(station, settings, Publisher(station, settings), files, queries)
    common = CommonMethods(station, settings, "test", kit.clock())
    methods = NodeMethods(app, common, asyncio.Event())
    return Node(app, dict(methods.as_mapping()), source, sink)


@asynccontextmanager
async def running(kit: Kit, *nodes: Node) -> AsyncIterator[None]:
    for node in nodes:
        await node.app.start()
    loops = {node.app.station.party: node.app.loops for node in nodes}
    async with kit.running(*(node.app.station for node in nodes), also=loops):
        try:
            yield
        finally:
            for node in nodes:
                await node.app.queries.close()
                await node.app.notifier.close()


def entry(party: str, code: str, share_type: int = 1, **more: Any) -> dict[str, Any]:
    """An entry file's fields for a table people(id, name, income)."""
    return {
        "code": code,
        "name": "低保对象名单",
        "department": DEPARTMENTS[party][0],
        "abstract": "享受最低生活保障的家庭（合成数据）",
        "items": [
            {"name": "编号", "column": "id", "type": "C", "length": 12, "key": True},
            {"name": "姓名", "column": "name", "type": "C", "length": 50},
            {"name": "月收入", "column": "income", "type": "I", "length": 10},
        ],
        "share_type": share_type,
        "basis": "《社会救助暂行办法》" if share_type != 1 else "",
        "compiled_by": "甲",
        "secrecy_checked_by": "乙",
        "approved_by": "丙",
        "feed": f"{party}.dibao",
        **more,
    }


def fill(path: Path, count: int) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        rows = [(f"{n:05}", f"人{n}", n) for n in range(count)]
        conn.executemany("INSERT INTO people VALUES (?, ?, ?)", rows)


PEOPLE = {"handler": "经办人", "approver": "审批人"}
FORM = {
    "purpose": "工作参考",
    "basis": "《内蒙古自治区政务信息资源共享管理暂行办法》第十九条",
    "scenario": "救助核对",
    "handler": "申请人",
    "approver": "申请审批人",
}

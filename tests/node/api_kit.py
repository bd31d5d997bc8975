"""A station with its programming interface on a free port, and programs that use it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec

from ortoo_node.api.server import http_listener
from ortoo_node.interfaces import Http, Pull, Webhook
from ortoo_node.store.tables import api_tokens
from ortoo_protocol.station.context import Tx
from tests.node.kit import FORM, Node, entry, open_node
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
OTHER = "11150700MB0000001E"
PULLS = (Pull(name="fetched", page_kb=4),)


def with_programs(
    node: Node,
    *,
    http: Http | None = None,
    webhooks: Sequence[Webhook] = (),
    pulls: Sequence[Pull] = PULLS,
) -> Node:
    """Settings as an administrator would extend them."""
    settings = msgspec.structs.replace(
        node.app.settings,
        http=http or Http(port=0),
        webhooks=tuple(webhooks),
        pulls=tuple(pulls),
    )
    node.app.settings = node.app.reading.settings = settings
    node.app.publisher.onward.settings = settings
    return node


def open_station(kit: Kit, **more: Any) -> Node:
    return with_programs(open_node(kit, PARTY, online=False), **more)


@asynccontextmanager
async def serving(
    kit: Kit, node: Node, authority: Path | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """`node` runs with its server; a client without a token that believes `authority`."""
    assert node.app.settings.http is not None
    server = http_listener(node.app, node.app.settings.http, node.methods)
    server.open()
    loops = {PARTY: (*node.app.loops, server.run)}
    await node.app.start()
    tls = node.app.settings.http.cert_file
    base = f"{server.url}/api/v1"
    context = ssl.create_default_context(cafile=None if tls is None else str(authority))
    try:
        async with (
            kit.running(node.app.station, also=loops),
            httpx.AsyncClient(base_url=base, trust_env=False, timeout=20, verify=context) as client,
        ):
            yield client
            await node.app.end()
    finally:
        server.close()


async def bearer(node: Node, *scopes: str, days: int = 1, department: str = OWN) -> dict[str, str]:
    made = await node.call("token.new", department=department, scopes=list(scopes), days=days)
    return {"authorization": f"Bearer {made['text']}"}


async def subscribe(node: Node, sink: str, table: str = "people") -> str:
    """The station's own resource, to another place of it."""
    case = (await node.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
    people = {"handler": "经办人", "approver": "审批人"}
    await node.call("request.grant", case=case, items=[], **people)
    made = await node.call(
        "subscribe", resource=CODE, department=OWN, sink=sink, table=table, purpose=FORM["purpose"]
    )
    return str(made["subscription"])


async def add_entry(node: Node, **more: Any) -> None:
    await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2, **more))


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert (found["code"], found["status"]) == (code, status)
    assert found["title"]
    assert found["detail"]
    return found


def folder_of(kit: Kit) -> Path:
    return kit.folder / PARTY


async def foreign_bearer(node: Node, *scopes: str) -> dict[str, str]:
    """A program of another department of this station."""
    header = await bearer(node, *scopes)
    name = header["authorization"].split("_")[1]

    def move(tx: Tx) -> None:
        here = api_tokens.c.token == name
        tx.conn.execute(api_tokens.update().where(here).values(department=OTHER))

    await node.app.station.write(move)
    return header


@asynccontextmanager
async def served(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """The interface of a station that runs already."""
    with_programs(node)
    assert node.app.settings.http is not None
    server = http_listener(node.app, node.app.settings.http, node.methods)
    server.open()
    task = asyncio.create_task(server.run())
    base = f"{server.url}/api/v1"
    try:
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=20) as client:
            yield client
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        server.close()

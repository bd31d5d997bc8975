"""Notices at a running station: from a deadline to a person, with a channel that is dead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.station import clocks, dispatching, grants_held
from ortoo_protocol.station.clocks.methods import view
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.notify.settings import GatewayTable, MailTable, NotifyTable
from ortoo_protocol.station.settings import write_secret
from ortoo_protocol.station.store.tables import outbox
from tests.node.kit import Node, open_node, running
from tests.support.gateways import hanging_server, http_gateway
from tests.support.hubs import PROVIDER, READER
from tests.support.programs import SECRET_TEXT
from tests.support.stations import Kit, terms, until, until_read
from tests.support.trust import DEPARTMENTS

OWN = DEPARTMENTS[PROVIDER][0]
DAY_MS = 86_400_000
JIA = {"name": "甲", "phone": "13900000001", "mail": "jia@example.cn"}


def late(node: Node, number: int) -> Any:
    """Start a clock that has been over for weeks."""

    def job(tx: Tx) -> dict[str, Any]:
        clock = clocks.start(
            tx, f"case:{number}", "answer", Term("Measures art. 19", 5), party=PROVIDER,
            department=OWN, opened_ms=tx.now_ms - 30 * DAY_MS,
        )  # fmt: skip
        return view(clock)

    return node.app.station.write(job)


def lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def test_a_dead_channel_delays_neither_the_others_nor_the_exchange(tmp_path: Path) -> None:
    kit, folder = Kit(tmp_path), tmp_path / "notices"
    write_secret(tmp_path / "secret", SECRET_TEXT)
    kit.join(PROVIDER, READER, f"{PROVIDER}.x")
    granted = terms(READER, PROVIDER, f"{READER}.x")
    with hanging_server() as (port, connections), http_gateway() as gateway:
        gateway.answers = [(503, {}), (503, {})]
        sms = GatewayTable("sms", "sms", gateway.url, secret_file=tmp_path / "secret")
        mail = MailTable(host="127.0.0.1", port=port, sender="ortoo@example.cn", timeout_s=60)
        notify = NotifyTable(folder=folder, mail=mail, webhooks=(sms,), retry_first_s=0.05)
        node, other = open_node(kit, PROVIDER, notify=notify), open_node(kit, READER)
        async with running(kit, node, other):
            await node.call("contact.set", department=OWN, unit="数据科", by="己", a=JIA)
            for station in (node.app.station, other.app.station):
                await station.write(lambda tx: grants_held.keep(tx, granted, encode(granted)))
            await late(node, 1)
            await until(connections)  # the mail is on its way, and will be for a minute
            await until(lambda: any("答复" in each["title"] for each in lines(folder)))
            await until(lambda: len(gateway.seen) >= 3)  # tried again after two refusals

            _, letters = await node.app.station.write(
                lambda tx: dispatching.send(tx, granted.grant, b"letter", subject="函")
            )
            settled = outbox.select().where(outbox.c.id == letters[0], outbox.c.state == "accepted")
            await until_read(node.app.station, lambda conn: conn.execute(settled).all(), 10)
            listed = await node.call("notify.list", state="waiting")
            assert {each["channel"] for each in listed["deliveries"]} >= {"mail"}
            assert connections() == 1

            todo = await node.call("todo.list", person="甲")
            assert {each["subject"] for each in todo["clocks"]} >= {"case:1"}
            assert todo["on_duty"] == {OWN: ["甲"]}
        mobile = gateway.bodies()[-1]["mobile"]
    assert mobile == JIA["phone"]
    assert node.app.notifier.channels


async def test_a_test_and_what_doctor_says(tmp_path: Path) -> None:
    kit, folder = Kit(tmp_path), tmp_path / "notices"
    write_secret(tmp_path / "secret", SECRET_TEXT)
    with http_gateway() as gateway:
        gateway.answers = [(404, {})] * 2
        own = GatewayTable("own", "ortoo", gateway.url, secret_file=tmp_path / "secret")
        notify = NotifyTable(folder=folder, webhooks=(own,), retry_first_s=3_600)
        node = open_node(kit, PROVIDER, online=False, notify=notify)
        async with running(kit, node):
            await node.call("contact.set", department=OWN, unit="数据科", by="己", a=JIA)
            found = (await node.call("notify.test", person="甲"))["channels"]
            assert [each["channel"] for each in found] == ["file", "own"]
            assert found[0]["error"] is None
            assert found[1]["error"]["code"] == "notice.refused"
            assert lines(folder)[0]["templates"] == ["test"]

            await late(node, 1)

            async def trouble() -> list[dict[str, Any]]:
                findings = (await node.call("doctor"))["findings"]
                return [each for each in findings if each["check"] == "notices"]

            while not await trouble():
                await until_read(
                    node.app.station, lambda conn: any(row.attempts for row in _all(conn))
                )
            assert (await trouble())[0]["error"]["code"] == "notice.waiting"
            count = (await node.call("notify.retry"))["count"]
            assert count >= 1
            await until_read(
                node.app.station, lambda conn: all(row.state == "sent" for row in _all(conn))
            )
            assert await trouble() == []


def _all(conn: Any) -> Any:
    from ortoo_protocol.station.notify.queue import in_order

    return conn.execute(in_order("")).all()

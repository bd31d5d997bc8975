"""A notice and a submission between a hub's process and a station, on a real broker over TLS."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.core.supervision.notices import Event
from ortoo_protocol.station.context import Hooks
from ortoo_protocol.station.supervision import hooks, notices, submitting
from tests.support.founded import Founded, founded, member
from tests.support.hubs import PROVIDER
from tests.support.stations import until_read

SUBJECT = notices.SUBJECT


def stands(region: Founded, method: str, key: str, state: str) -> Any:
    more = {"settled": True} if method == "notice.list" else {}
    return lambda: [one["state"] for one in region.call(method, **more)[key]] == [state]


async def test_supervision_over_a_real_broker(tmp_path: Path, broker: PrivateBroker) -> None:
    with founded(tmp_path / "hub", broker) as region:
        await asyncio.to_thread(region.start)
        keys = (await asyncio.to_thread(region.admit, PROVIDER))[PROVIDER]
        trust, road = await asyncio.to_thread(region.welcome, PROVIDER, keys)
        own = Hooks(hooks.handlers(), hooks.on_settled, clock=hooks.clocks())
        station = member(tmp_path, keys, trust, road, region.broker.ca_file, own)
        task = asyncio.create_task(station.run())
        try:
            await asyncio.wait_for(station.wire.online.wait(), 20)
            issued = await asyncio.to_thread(
                lambda: region.call(
                    "notice.issue", subject=PROVIDER, violation=3, title="题", found="超期",
                    demands="更新", days=5, handler="甲", approver="乙",
                )
            )  # fmt: skip
            number = issued["notice"]

            def come(conn: Connection) -> bool:
                return notices.SUBJECT in notices.sides(conn, number)

            await until_read(station, come)
            await station.write(
                lambda tx: notices.by_subject(tx, number, Event.ANSWER, "已更新", "丁", "戊")
            )
            answered = stands(region, "notice.list", "notices", "answered")
            await asyncio.to_thread(region.until, answered)
            opened = await asyncio.to_thread(
                lambda: region.call("report.open", period="2026H1", days=5, by="甲")
            )
            (submission,) = opened["submissions"]

            def called(conn: Connection) -> bool:
                return SUBJECT in submitting.sides(conn, submission)

            await until_read(station, called)
            written = {"implementation": "已落实", "effect": "已使用"}
            await station.write(
                lambda tx: submitting.fill(tx, submission, {"entries": 1}, {}, written, "丁")
            )
            await station.write(lambda tx: submitting.submit(tx, submission, "丁", "戊"))
            there = stands(region, "report.list", "submissions", "submitted")
            await asyncio.to_thread(region.until, there)
            await asyncio.to_thread(
                lambda: region.call(
                    "report.decide", submission=submission, outcome="accept", by="甲"
                )
            )

            def archived(conn: Connection) -> bool:
                row = submitting.find(conn, SUBJECT, submission)
                return bool(row.state == "accepted" and row.hash)

            await until_read(station, archived)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await station.close()
        assert await asyncio.to_thread(region.stop) == 0

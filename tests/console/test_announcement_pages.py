"""Announcements by clicks: made, replaced and withdrawn at the hub, read at a station."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.gazette import Announcement
from ortoo_protocol.station import gazette
from tests.console.hub_kit import region
from tests.console.kit import Visitor, front
from tests.node.kit import open_node, running
from tests.support.stations import Kit

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
DAY_MS = 86_400_000


async def asked(visitor: Visitor, method: str, query: str = "", **typed: object) -> str:
    await visitor.get(f"/act/{method}{query}")
    answer = await visitor.post(f"/act/{method}", **typed)
    return urlsplit(str(answer.headers["location"])).path


async def test_the_region_announces_by_a_form(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house):
        async with house.visitor("sun") as visitor:
            assert "/act/announcement" not in await visitor.get("/announcements")
            await visitor.get("/act/announcement.issue", 403)
        async with house.visitor("zhao") as visitor:
            common = {"text": HOSTILE, "level": "urgent", "until_ms": "2199-01-01"}
            one = await asked(
                visitor, "announcement.issue", title=HOSTILE, leagues=["150700"], **common
            )
            page = await visitor.get(one)
            assert "<script>alert" not in page
            assert "<img" not in page
            assert "呼伦贝尔市" in page
            assert "赵敏" in page
            assert "<script>alert" not in await visitor.get("/announcements")
            await visitor.get("/act/announcement.issue")
            early = {**common, "title": "止于始前", "until_ms": "2001-01-01"}
            refused = await visitor.post("/act/announcement.issue", 422, **early)
            assert "announcement.invalid" in refused.text
            assert "止于始前" in refused.text, "what was typed stands in it again"
            long = await visitor.post("/act/announcement.issue", 422, **common, title="题" * 101)
            assert "announcement.invalid" in long.text
            new = await asked(
                visitor,
                "announcement.issue",
                f"?replaces={one.rpartition('/')[2]}",
                replaces=one.rpartition("/")[2],
                title="检修改期",
                **common,
            )
            assert f'href="{new}"' in await visitor.get(one)
            assert "/act/announcement" not in visitor.pages[-1]
            await asked(
                visitor,
                "announcement.withdraw",
                f"?announcement={new.rpartition('/')[2]}",
                announcement=new.rpartition("/")[2],
                reason="取消检修",
            )
            assert "取消检修" in await visitor.get(new)
            assert "检修改期" not in await visitor.get("/announcements")
            assert "检修改期" in await visitor.get("/announcements?ended=1")
            await visitor.get(f"/announcements/{9:032x}", 404)


async def test_people_at_a_station_read_them(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, "s150700")
    now_ms = node.app.now_ms()
    made = [
        Announcement(
            announcement=f"{number:032x}",
            title=f"第{number}号",
            text=HOSTILE,
            level="information",
            from_ms=now_ms - 2 * DAY_MS,
            until_ms=now_ms + (DAY_MS if number else -DAY_MS),
            leagues=("150100",) if number == 1 else (),
            by="赵敏",
        )
        for number in range(61)
    ]
    async with running(kit, node), front(node) as console:
        await console.person("wang", "王芳", Role.CONTACT)
        await node.app.station.write(
            lambda tx: [gazette.put(tx, one, one.from_ms) for one in made] and None
        )
        async with console.visitor("wang") as visitor:
            page = await visitor.get("/")
            assert page.count('<a href="/announcements/') == 20
            assert page.count("未阅") == 20
            assert "第60号" in page
            assert 'href="/announcements"' in page
            listed = await visitor.get("/announcements?page=2")
            assert listed.count('<a href="/announcements/') == 9, "59 count here now"
            assert "第1号" not in listed
            assert "第0号" in await visitor.get("/announcements?ended=1&page=2")
            assert "第1号" in await visitor.get("/announcements?ended=1&others=1&page=2")
            one = f"/announcements/{60:032x}"
            assert "<script>alert" not in await visitor.get(one)
            await visitor.post("/act/announcement.read", announcement=f"{60:032x}")
            page = await visitor.get(one)
            assert "您已阅" in page
            assert "/act/announcement.read" not in page
            assert (await visitor.get("/")).count("未阅") == 19
            await visitor.post("/act/announcement.read", 404, announcement=f"{99:032x}")

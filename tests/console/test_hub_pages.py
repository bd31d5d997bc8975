"""The hub's console: what stands in its pages, and what is done from them."""

from __future__ import annotations

import base64
import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import update

from ortoo_hub.console import tiles
from ortoo_protocol.core.cases import CaseStep
from ortoo_protocol.core.catalog.divisions import LEAGUES
from ortoo_protocol.core.corrections import CorrectionRaised
from ortoo_protocol.core.supervision.half_years import half_year_of
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.corrections import keeping
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.supervision_tables import leads
from tests.console.hub_kit import region
from tests.console.kit import Visitor
from tests.support.hubs import PROVIDER, READER, RESOURCE, answer
from tests.support.trust import HUB


async def test_the_map_shows_each_league_in_words_and_the_flows(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house), house.visitor("zhao") as visitor:
        page = await visitor.get("/")
        for code, name in LEAGUES.items():
            tile = (
                rf'<a href="/leagues/{code}" class="tile \w+">\s*<rect [^>]*>\s*<text [^>]*>(.+?)<'
            )
            found = re.search(tile, page)
            assert found is not None
            assert found[1] == name.rstrip("市盟")
            assert page.count(f'href="/leagues/{code}"') == 2  # in the map, and in the table
        assert page.count("<path class=") == 1
        assert 'class="flow flow-1"' in page
        assert "style=" not in page
        league = await visitor.get("/leagues/150700")
        assert "s150700" in league
        await visitor.get("/leagues/150799", 404)


async def test_the_wall_has_no_menu_and_needs_an_account(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house):
        async with house.visitor() as stranger:
            assert (await stranger.client.get("/wall")).status_code == 303
        async with house.visitor("zhao") as visitor:
            page = await visitor.get("/wall")
            assert 'class="menu"' not in page
            assert page.count('class="tile ') == len(LEAGUES)
            async with visitor.client.stream("GET", "/live/wall") as stream:
                async for line in stream.aiter_lines():
                    if 'class="map"' in line:
                        break


def test_tiles_lie_apart_and_within_the_drawing() -> None:
    assert set(tiles.PLACES) == set(LEAGUES)
    assert len(set(tiles.PLACES.values())) == len(LEAGUES)
    leagues = [{"league": code, "health": "well"} for code in LEAGUES]
    for tile in tiles.tiles(leagues):
        assert 0 <= tile.x <= tiles.WIDTH - tiles.TILE_WIDTH
        assert 0 <= tile.y <= tiles.HEIGHT - tiles.TILE_HEIGHT


def test_lines_join_both_directions_and_grow_by_tenfolds() -> None:
    def flow(one: str, other: str, letters: int, grants: int = 0) -> dict[str, object]:
        return {"from": one, "to": other, "letters": letters, "grants": grants}

    found = tiles.lines(
        [
            flow("150100", "150200", 60, 1),
            flow("150200", "150100", 40, 2),
            flow("150100", "150100", 9),
            flow("150100", "152900", 0, 1),
            flow("150100", "150700", 10**9),
        ]
    )
    assert [(line.other, line.letters, line.grants, line.width) for line in found] == [
        ("包头", 100, 3, 3),
        ("呼伦贝尔", 10**9, 0, tiles.WIDEST),
        ("阿拉善", 0, 1, 0),
    ]


PAGES = (
    "/", "/catalog", "/catalog/conflicts", "/catalog/refused", f"/catalog/entries/{RESOURCE}",
    "/due", "/cases", "/cases?state=granted", "/cases-differing", f"/cases/{2:032x}",
    "/coordination", "/demands", "/demands?state=open", "/supervision", "/supervision?state=",
    "/supervision/notices", "/supervision/submissions", "/supervision/years", "/directory",
    "/keys", f"/directory/{PROVIDER}", "/reconciliation", "/traffic", "/traffic?span=year",
    "/grants", "/grants?state=&provider=s150700&reader=s150200", f"/grants/{1:032x}",
    "/corrections", "/corrections?overdue=1&party=s150700", "/announcements",
    "/calendar", "/calendar/2026", "/contacts", f"/contacts?party={PROVIDER}", "/wall",
)  # fmt: skip


async def test_every_page_stands_in_both_languages(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house), house.visitor("zhao") as visitor:
        for path in PAGES:
            page = await visitor.get(path)
            assert page.count("<h1>") == 1, path
            assert "style=" not in page, path
        await visitor.client.get("/language/en?next=/")
        for path in PAGES:
            assert 'lang="en"' in await visitor.get(path)
        unknown = (f"/grants/{9:032x}", f"/corrections/{9:032x}")
        for path in ("/calendar/1999", "/directory/s159999", f"/cases/{9:032x}", *unknown):
            await visitor.get(path, 404)


HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def asked(visitor: Visitor, method: str, query: str = "", **typed: Any) -> str:
    """Fill in the form of an action as a person does; where it led."""
    await visitor.get(f"/act/{method}{query}")
    answer = await visitor.post(f"/act/{method}", **typed)
    return str(answer.headers["location"])


async def shown(visitor: Visitor, method: str, query: str = "", **typed: Any) -> str:
    """The same, of an answer that is seen once."""
    await visitor.get(f"/act/{method}{query}")
    return (await visitor.post(f"/act/{method}", 200, **typed)).text


async def test_a_lead_becomes_a_notice_that_is_revoked(tmp_path: Path) -> None:
    async with region(tmp_path) as (running, house):
        async with house.visitor("sun") as visitor:
            found = {"subject": PROVIDER, "violation": "2", "text": HOSTILE}
            lead = urlsplit(await asked(visitor, "supervise.enter", **found)).path
            page = await visitor.get(lead)
            assert "<script>alert" not in page
            assert "&lt;script&gt;alert" in page
            assert "/act/supervise.decide" not in page  # sun may not decide
            await visitor.get("/act/supervise.decide", 403)
        async with house.visitor("zhao") as visitor:
            number = lead.rpartition("/")[2]
            await running.hub.station.write(lambda tx: reopen(tx, number))
            assert "/act/supervise.decide" in await visitor.get(lead)
            await asked(visitor, "supervise.decide", lead=number, outcome="confirm", reason="属实")
            page = await visitor.get(lead)
            assert "赵敏" in page
            assert "/act/notice.issue" in page
            notice = urlsplit(
                await asked(
                    visitor,
                    "notice.issue",
                    f"?leads={number}&subject={PROVIDER}&violation=2",
                    subject=PROVIDER,
                    violation="2",
                    title="关于及时提供数据的通报",
                    found="逾期未提供",
                    demands="立即提供",
                    days="10",
                    leads=number,
                    handler="李四",
                )
            ).path
            assert "逾期未提供" in await visitor.get(notice)
            await asked(
                visitor,
                "notice.act",
                f"?notice={notice.rpartition('/')[2]}",
                notice=notice.rpartition("/")[2],
                event="revoke",
                text="有误",
                handler="李四",
            )
            assert "有误" in await visitor.get(notice)
            assert "/act/notice.act" not in visitor.pages[-1]
            assert "关于及时提供数据的通报" in await visitor.get("/supervision/notices?settled=1")


def reopen(tx: Tx, lead: str) -> None:
    """As a rule leaves one: to be decided. What people enter is confirmed by it."""
    tx.conn.execute(update(leads).where(leads.c.lead == lead).values(state="open"))


async def test_submissions_are_called_for_and_a_year_is_frozen(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house), house.visitor("zhao") as visitor:
        period = half_year_of(house.accounts.station.parts.clock())
        await asked(visitor, "report.open", period=period, days="15")
        page = await visitor.get(f"/supervision/submissions?period={period}")
        (first, *_) = re.findall(r'"(/supervision/submissions/[0-9a-f]+)"', page)
        assert "尚未报送" in await visitor.get(first)
        chased = first.rpartition("/")[2]
        await asked(visitor, "report.decide", submission=chased, outcome="chase", reason="请尽快")
        assert "请尽快" in await visitor.get(first)
        year = period[:4]
        await asked(visitor, "report.year", year=year)
        assert "赵敏" in await visitor.get(f"/supervision/years/{year}/1")
        file = await visitor.client.get(f"/supervision/years/{year}/1/file")
        assert file.json()["year"] == int(year)
        made = urlsplit(await asked(visitor, "supervise.evaluate", period=period)).path
        assert "一致" in await visitor.get(made)


async def test_members_are_suspended_in_a_directory_that_others_sign(tmp_path: Path) -> None:
    async with region(tmp_path) as (running, house):
        async with house.visitor("zhao") as visitor:
            assert "/act/member.suspend" not in await visitor.get(f"/directory/{PROVIDER}")
            await visitor.get("/act/member.suspend", 403)
        async with house.visitor("qian") as visitor:
            page = await shown(visitor, "member.token", party="s150100", days="7")
            assert "不再显示" in page
            assert "/act/member.suspend" in await visitor.get(f"/directory/{PROVIDER}")
            await asked(visitor, "member.suspend", party=PROVIDER, reason=HOSTILE)
            page = await visitor.get(f"/directory/{PROVIDER}")
            assert "/act/member.restore" in page
            assert "<script>alert" not in page
            page = await shown(visitor, "directory.propose")
            document = re.search(r"base64,([^\"]+)\"", page)
            assert document is not None
            signed = base64.b64decode(html.unescape(document[1]))
            await visitor.get("/act/directory.publish")
            unsigned = {"document": ("next.doc", signed)}
            answer = await visitor.client.post(
                "/act/directory.publish",
                data={"csrf": csrf(visitor)},
                files=unsigned,
                headers={"sec-fetch-site": "same-origin"},
            )
            assert answer.status_code == 422  # nobody signed it
            assert running.hub.station.parts.trust.current.directory_version == 1


async def test_days_feeds_and_what_the_authority_may_rule(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house):
        async with house.visitor("qian", timeout=60) as visitor:
            await asked(visitor, "reconcile", feed=f"{HUB}.catalog")
            assert f"{HUB}.catalog" in await visitor.get("/reconciliation")
        async with house.visitor("zhao") as visitor:
            await asked(visitor, "calendar.set", day="2026-07-15", kind="off", name="那达慕")
            assert "那达慕" in await visitor.get("/calendar/2026")
            file = await visitor.client.get("/calendar/2026/file")
            assert "2026-07-15,off,那达慕" in file.text
            await visitor.get("/act/calendar.import")
            answer = await visitor.client.post(
                "/act/calendar.import",
                data={"csrf": csrf(visitor), "source": "通知"},
                files={"days": ("2026.csv", file.content)},
                headers={"sec-fetch-site": "same-origin"},
            )
            assert answer.headers["location"].startswith("/calendar/2026")
            assert "coordination.rule" not in await visitor.get(f"/cases/{1:032x}")


async def test_a_dispute_is_ruled_by_two_people(tmp_path: Path) -> None:
    async with region(tmp_path) as (running, house):
        provider, reader = running.stations
        refusal = answer(2, outcome="refused", reason="不符合共享条件", grant="", items=())
        assert await running.sent(provider, READER, refusal) == ("accepted", "")
        steps = (
            (reader, PROVIDER, "negotiate"),
            (provider, READER, "disagree"),
            (reader, PROVIDER, "disagree"),
            (reader, PROVIDER, "coordinate"),
        )
        for station, to, event in steps:
            step = CaseStep(
                case=f"{2:032x}", event=event, reason="双方意见不一", missing=(),
                handler="甲", approver="丙",
            )  # fmt: skip
            assert await running.sent(station, to, step) == ("accepted", ""), event
        async with house.visitor("zhao") as visitor:
            assert f"/cases/{2:032x}" in await visitor.get("/coordination")
            assert "coordination.rule" in await visitor.get(f"/cases/{2:032x}")
            await asked(
                visitor,
                "coordination.rule",
                f"?case={2:032x}",
                case=f"{2:032x}",
                event="decide",
                reason="情况属实",
                handler="李四",
            )
            page = await visitor.get(f"/cases/{2:032x}")
            assert "情况属实" in page
            assert "李四, 赵敏" in page


async def test_cases_come_in_pages(tmp_path: Path) -> None:
    async with region(tmp_path) as (running, house):
        call = running.call["case.list"]
        both = await call()
        assert (len(both["cases"]), both["total"]) == (2, 2)
        second = await call(limit=1, offset=1)
        assert ([each["case"] for each in second["cases"]], second["total"]) == (
            [both["cases"][1]["case"]],
            2,
        )
        assert (await call("granted", limit=0))["total"] == 1
        async with house.visitor("zhao") as visitor:
            assert await visitor.get("/cases?page=2")


def csrf(visitor: Visitor) -> str:
    found = re.findall(r'name="csrf" value="([^"]+)"', visitor.pages[-1])
    return str(found[-1])


async def test_a_grant_stands_with_its_scope_and_case_and_is_suspended(tmp_path: Path) -> None:
    async with region(tmp_path) as (_, house):
        async with house.visitor("qian") as visitor:
            page = await visitor.get(f"/grants/{1:032x}")
            assert "/act/grant" not in page  # who operates does not decide
        async with house.visitor("zhao") as visitor:
            listed = await visitor.get("/grants")
            assert f'href="/grants/{1:032x}"' in listed
            assert f'href="/grants/{1:032x}"' not in await visitor.get("/grants?state=ended")
            assert f'href="/grants/{1:032x}"' not in await visitor.get(f"/grants?reader={PROVIDER}")
            page = await visitor.get(f"/grants/{1:032x}")
            for part in (RESOURCE, PROVIDER, READER, "/cases/", "/act/grant.suspend"):
                assert part in page, part
            typed = {"grant": f"{1:032x}", "reason": HOSTILE, "evidence": "审计发现", "days": "5"}
            await asked(visitor, "grant.suspend", f"?grant={1:032x}", **typed)
            page = await visitor.get(f"/grants/{1:032x}")
            assert "<script>alert" not in page
            assert "审计发现" in page
            assert "/act/grant.resume" in page
            assert "/act/grant.suspend" not in page
            suspended = await visitor.get("/grants?state=suspended")
            assert f'href="/grants/{1:032x}"' in suspended


async def test_corrections_of_the_region_are_marked_when_overdue(tmp_path: Path) -> None:
    async with region(tmp_path) as (running, house):
        now_ms = running.hub.station.parts.clock()
        body = CorrectionRaised(
            correction=f"{7:032x}",
            grant=f"{1:032x}",
            resource=RESOURCE,
            provider=PROVIDER,
            provider_department="11150700MB0000000G",
            reader=READER,
            reader_department="11150200MB0000000N",
            about="accuracy",
            found_ms=now_ms,
            late=False,
            by="王芳",
            fields=0,
        )

        def late(tx: Tx) -> None:
            keeping.raised(tx, body)
            mine = clocks.c.subject == keeping.subject(body.correction)
            tx.conn.execute(update(clocks).where(mine).values(due_ms=now_ms - 1))

        async with house.visitor("zhao") as visitor:
            assert body.correction not in await visitor.get("/corrections?overdue=1")
            await running.hub.station.write(late)
            for path in ("/corrections", "/corrections?overdue=1", f"/corrections?party={READER}"):
                assert f'href="/corrections/{body.correction}"' in await visitor.get(path)
                assert 'class="chip late"' in visitor.pages[-1]
            page = await visitor.get(f"/corrections/{body.correction}")
            assert f'href="/grants/{1:032x}"' in page
            assert "王芳" in page

"""The pages of law at a station: requests, corrections and what else has a clock."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_protocol.core.accounts.roles import Role
from tests.console.kit import Front, Visitor, front
from tests.node.kit import FORM, Node, entry, fill, open_node, running
from tests.support.hubs import until_true
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS

PARTY = "s150700"
CODE = "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
SCRIPT = "<script>alert(1)</script>"
HANDLER = "经办人"


@dataclass
class Desk:
    """A station of two people: 王芳 decides, 李强 asks."""

    node: Node
    front: Front
    kit: Kit

    async def asked(self, **more: Any) -> str:
        made = await self.node.call(
            "request.apply", resource=CODE, department=OWN, **{**FORM, **more}
        )
        return str(made["case"])

    async def granted(self) -> str:
        made = await self.node.call(
            "request.grant", case=await self.asked(), items=[], handler=HANDLER, approver="审批人"
        )
        return str(made["grant"])


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    kit = Kit(folder)
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 9)
    async with running(kit, node), front(node) as made:
        await made.person("wang", "王芳", Role.APPROVER)
        await made.person("li", "李强", Role.SUBSCRIBER)
        await node.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        await node.call("publish", resource=CODE, source="business", table="people")
        yield Desk(node, made, kit)


def safe(page: str) -> str:
    """A page in which nothing that people typed became a tag."""
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    return page


async def acted(visitor: Visitor, method: str, status: int = 303, /, **typed: Any) -> str:
    """Open the form, send it, and follow to the page that is led to."""
    given = {name: typed[name] for name in ("case", "correction", "grant") if name in typed}
    await visitor.get(f"/act/{method}?" + "&".join(f"{k}={v}" for k, v in given.items()))
    answer = await visitor.post(f"/act/{method}", status, **typed)
    return await visitor.get(answer.headers["location"]) if status == 303 else answer.text


# --- requests -----------------------------------------------------------------------------------


async def test_an_open_clock_is_a_bar_and_a_closed_one_says_when(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        case = await at.asked(scenario=HOSTILE, contact=HOSTILE)
        page = safe(await visitor.get(f"/cases/{case}"))
        clocks = (await at.node.call("request.show", case=case))["clocks"]
        assert [each["closed_ms"] for each in clocks] == [None]
        assert clocks[0]["due_ms"] > clocks[0]["opened_ms"]
        assert page.count("<meter") == 1
        assert clocks[0]["day"] in page
        page = await acted(visitor, "request.refuse", case=case, reason=HOSTILE, handler=HANDLER)
        assert "已拒绝" in safe(page)
        answered = (await at.node.call("request.show", case=case))["clocks"]
        assert page.count("<meter") == sum(each["closed_ms"] is None for each in answered)


async def test_cases_of_one_paper_lead_to_each_other(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        other = "3070101/0002"
        await at.node.call(
            "catalog.add", entry=entry(PARTY, other, share_type=2, feed=f"{PARTY}.other")
        )
        made = await at.node.call(
            "request.apply", resource=[CODE, other], department=OWN, **FORM,
            attachments=[{"name": f"{HOSTILE}.pdf", "content": "JVBERi0xLjQ="}],
        )  # fmt: skip
        first, second = (each["case"] for each in made["cases"])
        page = safe(await visitor.get(f"/cases/{first}"))
        assert f'href="/cases/{second}"' in page
        listed = await visitor.get(f"/cases?group={made['group']}")
        assert {first, second} == set(re.findall(r'href="/cases/([0-9a-f]{32})"', listed))
        scan = await visitor.client.get(f"/cases/{first}/attachments/0")
        assert scan.content == b"%PDF-1.4"
        assert scan.headers["content-disposition"].startswith("attachment")


async def test_many_cases_stand_on_pages_and_are_found_by_state(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        made = {await at.asked(draft=True, purpose=f"用途{n}") for n in range(60)}
        submitted = await at.asked()
        found = await at.node.call("request.list", limit=7, offset=56)
        assert (len(found["cases"]), found["total"]) == (5, 61)
        seen: set[str] = set()
        for number in (1, 2):
            page = await visitor.get(f"/cases?page={number}&state=draft")
            here = set(re.findall(r'href="/cases/([0-9a-f]{32})"', page))
            assert len(here) == (50, 10)[number - 1]
            assert not here & seen
            seen |= here
        assert seen == made
        assert "page=3" not in page
        page = await visitor.get("/cases?state=submitted")
        assert re.findall(r'href="/cases/([0-9a-f]{32})"', page) == [submitted]
        assert "没有符合条件的申请" in await visitor.get(
            "/cases?state=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
        )
        safe(visitor.pages[-1])


async def test_of_two_who_decide_at_once_the_second_is_told_the_state(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as at,
        at.front.visitor("wang") as first,
        at.front.visitor("wang") as second,
    ):
        case = await at.asked()
        for one in (first, second):
            await one.get(f"/act/request.grant?case={case}")
        items = ["id", "name"]
        answers = await asyncio.gather(
            *(
                one.client.post(
                    "/act/request.grant",
                    data={"case": case, "items": items, "handler": HANDLER, "csrf": _csrf(one)},
                    headers={"sec-fetch-site": "same-origin"},
                )
                for one in (first, second)
            )
        )
        assert sorted(each.status_code for each in answers) == [303, 422]
        (told,) = (each.text for each in answers if each.status_code == 422)
        assert "case.move" in told
        assert "同意共享" in told
        assert (await at.node.call("grant.list"))["grants"].__len__() == 1
        events = (await at.node.call("request.show", case=case))["events"]
        assert [each["event"] for each in events].count("grant") == 1


async def test_a_form_that_was_opened_before_the_case_moved_does_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        case = await at.asked()
        await visitor.get(f"/act/request.grant?case={case}")
        await at.node.call("request.withdraw", case=case, reason="不再需要", handler=HANDLER)
        answer = await visitor.post(
            "/act/request.grant", 422, case=case, items=["id", "name"], handler=HANDLER
        )
        assert "case.move" in answer.text
        assert "已撤回" in answer.text
        assert f'href="/cases/{case}"' in answer.text, "a way back to what it is now"
        assert (await at.node.call("grant.list", active=False))["grants"] == []


async def test_an_unknown_case_and_one_of_others_look_alike(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    here, there = open_node(kit, PARTY, online=False), open_node(kit, "s150200", online=False)
    fill(here.source, 1)
    async with running(kit, here, there), front(there) as made:
        await here.call("catalog.add", entry=entry(PARTY, CODE, share_type=2))
        foreign = (await here.call("request.apply", resource=CODE, department=OWN, **FORM))["case"]
        await made.person("wang", "王芳", Role.APPROVER)
        async with made.visitor("wang") as visitor:
            said = set()
            for case in (foreign, "0" * 32, "no-such"):
                for path in (f"/cases/{case}", f"/cases/{case}/papers/application"):
                    said.add((await visitor.get(path, 404)).replace(case, "…"))
                await visitor.get(f"/cases/{case}/attachments/0", 404)
            texts = {re.sub(r"next=[^\"]*", "", each) for each in said}
            assert len(texts) == 1


def _csrf(visitor: Visitor) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', visitor.pages[-1])[-1]


# --- corrections --------------------------------------------------------------------------------


async def test_a_row_is_doubted_answered_and_closed_by_pages(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as at,
        at.front.visitor("li") as reader,
        at.front.visitor("wang") as provider,
    ):
        grant = await at.granted()
        assert "暂无校核事项" in await reader.get("/corrections")
        await reader.get(f"/act/correction.raise?grant={grant}")
        answer = await reader.client.post(
            "/act/correction.raise",
            data={
                "csrf": _csrf(reader), "grant": grant, "about": "wrong", "key": "id=00003",
                "seen": f"name={HOSTILE}", "expected": "name=人叁", "text": HOSTILE,
                "found_ms": "2026-01-02",
            },
            files={"evidence": (f"{HOSTILE}.pdf", b"scan", "application/pdf")},
            headers={"sec-fetch-site": "same-origin"},
        )  # fmt: skip
        assert answer.status_code == 303, answer.text
        (one,) = (await at.node.call("correction.list"))["corrections"]
        number = one["correction"]
        page = safe(await reader.get(answer.headers["location"]))
        assert f"/corrections/{number}" in page

        page = safe(await provider.get(f"/corrections/{number}"))
        assert "依法提供有效证明" in page or "证明" in page
        assert "/act/correction.answer" in page
        assert page.count("<meter") == 1
        assert "/act/correction.withdraw" not in page, "that is the reader's"
        paper = await provider.client.get(f"/corrections/{number}/papers/detail")
        assert paper.content == b"scan"
        await provider.get(f"/corrections/{number}/papers/evidence", 404)

        page = await acted(
            provider, "correction.answer", correction=number, outcome="passed",
            reason=HOSTILE, source="某局", handler=HANDLER,
        )  # fmt: skip
        assert "已转数源部门" in safe(page)
        again = await acted(
            provider, "correction.answer", 422, correction=number, outcome="right",
            reason="无误", handler=HANDLER,
        )  # fmt: skip
        assert "correction.move" in again
        page = await acted(reader, "correction.close", correction=number)
        assert "已认可答复" in page
        assert "证明" not in page, "it is closed: the notice goes"
        assert "暂无校核事项" in await reader.get("/corrections")
        assert number in await reader.get("/corrections?closed=1")


async def test_evidence_is_held_to_its_bounds_and_an_unknown_correction_is_not_there(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at, at.front.visitor("li") as reader:
        grant = await at.granted()
        await reader.get("/corrections/nothing", 404)
        await reader.get(f"/act/correction.raise?grant={grant}")
        answer = await reader.client.post(
            "/act/correction.raise",
            data={"csrf": _csrf(reader), "grant": grant, "about": "wrong", "key": "id=1",
                  "text": "存疑", "found_ms": "2026-01-02"},
            files={"evidence": ("big.bin", bytes((512 << 10) + 1))},
            headers={"sec-fetch-site": "same-origin"},
        )  # fmt: skip
        assert answer.status_code == 422
        assert (await at.node.call("correction.list", all=True))["total"] == 0


# --- coordination -------------------------------------------------------------------------------


async def test_the_stations_authority_decides_a_dispute_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        assert "没有待协调事项" in await visitor.get("/coordination")
        case = await at.asked()
        call = at.node.call
        people = {"handler": HANDLER, "approver": "审批人"}
        await call("request.refuse", case=case, reason=HOSTILE, **people)
        await call("request.negotiate", case=case, reason=HOSTILE, **people)
        for side in ("applicant", "provider"):
            await call("request.disagree", case=case, reason="未达成一致", side=side, **people)
        await call("request.coordinate", case=case, reason=HOSTILE, **people)
        page = safe(await visitor.get("/coordination"))
        assert f"/act/coordination.rule?case={case}" in page
        assert "/act/coordination.rule" in await visitor.get(f"/cases/{case}")
        form = safe(await visitor.get(f"/act/coordination.rule?case={case}"))
        assert 'value="decide"' in form
        assert 'value="extend"' not in form, "nobody asked for more time"
        ruling = {"case": case, "event": "decide", "reason": "应予共享", "handler": HANDLER}
        await visitor.post("/act/coordination.rule", **ruling)
        visitor.pages.append(form)
        late = await visitor.post("/act/coordination.rule", 422, **{**ruling, "event": "uphold"})
        assert "case.move" in late.text
        assert (await call("request.show", case=case))["case"]["state"] == "decided"
        assert "没有待协调事项" in await visitor.get("/coordination")


# --- demands ------------------------------------------------------------------------------------


async def test_a_demand_is_published_assigned_and_declined_by_pages(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as at,
        at.front.visitor("li") as asks,
        at.front.visitor("wang") as decides,
    ):
        page = await acted(
            asks, "demand.ask", title=HOSTILE, department=OWN, purpose="救助核对",
            contact="电话", content=HOSTILE, items="身份证号\n姓名", approved_by="审批人",
            secrecy_checked_by="乙", basis=FORM["basis"],
        )  # fmt: skip
        safe(page)
        (row,) = (await at.node.call("demand.list"))["demands"]
        assert list(row["items"]) == ["身份证号", "姓名"]
        path = f"/demands/{row['provider']}/{row['number']}"
        assert f'href="{path}"' in safe(await asks.get("/demands"))
        assert "/act/demand.assign" not in await asks.get(path), "that takes the right to decide"
        whose = {"provider": row["provider"], "number": row["number"], "handler": HANDLER}
        page = await acted(decides, "demand.assign", department=OWN, **whose)
        assert page.count("<meter") == 1
        assert "/act/demand.assign" not in page
        page = await acted(decides, "demand.decline", reason=HOSTILE, **whose)
        assert "/act/demand.take" not in safe(page)
        again = await acted(decides, "demand.take", 422, **whose)
        assert "case.demand-move" in again
        await decides.get(f"/demands/{row['provider']}/none", 404)


# --- contacts, to do, notices, days -------------------------------------------------------------


async def test_contacts_are_set_confirmed_handed_over_and_stand_in(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.front.person("zhao", "赵敏", Role.CONTACT)
        case = await at.asked()
        async with at.front.visitor("zhao") as visitor:
            page = await acted(
                visitor, "contact.set", department=OWN, unit=SCRIPT, a_name="赵敏",
                a_phone="13900000001", b_name="孙丽", b_mail="sun@example.cn",
            )  # fmt: skip
            assert "13900000001" in safe(page)
            page = await visitor.get("/todo")
            assert f'href="/cases/{case}"' in page
            assert page.count("<meter") == 2, "the case, and confirming the contacts"
            assert "/todo" in await visitor.get("/")
            until = {"person": "赵敏", "until_ms": "2099-01-01", "reason": HOSTILE}
            page = await acted(visitor, "contact.away", department=OWN, **until)
            assert "孙丽" in await visitor.get(f"/todo?department={OWN}")
            page = await acted(visitor, "contact.back", department=OWN, person="赵敏")
            await acted(visitor, "contact.confirm", department=OWN)
            page = await acted(
                visitor, "contact.handover", department=OWN, role="a", t_name=SCRIPT,
                t_phone="13900000002", reason=HOSTILE,
            )  # fmt: skip
            assert f'href="/cases/{case}"' in safe(page), "what was open is listed"
            assert "您未登记" in await visitor.get("/todo")
            safe(await visitor.get("/contacts"))
            await visitor.get("/contacts/none", 404)


async def test_notices_and_days_say_what_is_missing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        assert "未配置通知渠道" in await visitor.get("/notices")
        assert "/act/notify.retry" not in visitor.pages[-1]
        assert "尚无 1999 年安排" in await visitor.get("/calendar?year=1999")
        await at.front.person("chen", "陈刚", Role.SYSTEM_ADMIN)
        async with at.front.visitor("chen") as admin:
            assert "/act/notify.retry" in await admin.get("/notices")
            await acted(admin, "notify.retry")
            assert "未配置通知渠道" in await acted(admin, "notify.test", 200)


# --- use, supervision ---------------------------------------------------------------------------


async def test_use_is_recorded_looked_at_and_ended_by_pages(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as at,
        at.front.visitor("li") as reader,
        at.front.visitor("wang") as provider,
    ):
        grant = await at.granted()
        assert f"/grants/{grant}/use" in await reader.get(f"/grants/{grant}")
        page = await acted(reader, "use.record", grant=grant, scenario=HOSTILE, effect=HOSTILE)
        assert "&lt;script&gt;alert(1)" in safe(page)
        assert "/act/use.require" not in page, "that is the provider's"
        page = safe(await acted(provider, "use.ask", grant=grant, reason=HOSTILE))
        assert "查阅" in page
        days = {"requirements": HOSTILE, "days": "5"}
        safe(await acted(provider, "use.require", grant=grant, **days))
        page = safe(await acted(reader, "use.dispose", grant=grant, why="met"))
        assert "使用目的已实现" in page
        done = {"what": "表", "how": "删除", "evidence": HOSTILE}
        page = safe(await acted(reader, "use.destroyed", grant=grant, **done))
        again = await acted(reader, "use.destroyed", 422, grant=grant, **done)
        assert "disposal" in again
        assert "暂无对外提供" in await reader.get("/onward")
        await reader.get("/grants/none/use", 404)


async def test_a_lead_becomes_a_notice_that_is_answered_and_closed(tmp_path: Path) -> None:
    async with desk(tmp_path) as at, at.front.visitor("wang") as visitor:
        assert "没有线索" in await visitor.get("/supervision")
        page = await acted(visitor, "supervise.enter", subject=OWN, violation="3", text=HOSTILE)
        lead = (await at.node.call("supervise.leads"))["leads"][0]["lead"]
        again = await acted(
            visitor, "supervise.decide", 422, lead=lead, outcome="confirm", reason="是"
        )
        assert "supervision.move" in again, "what people entered is confirmed already"
        page = await visitor.get(f"/supervision/leads/{lead}")
        assert "/act/notice.issue?" in safe(page)
        page = await acted(
            visitor, "notice.issue", subject=OWN, violation="3", title=HOSTILE, found=HOSTILE,
            demands=HOSTILE, days="10", handler=HANDLER, leads=lead,
        )  # fmt: skip
        assert page.count("<meter") == 1
        (row, *_) = (await at.node.call("notice.list"))["notices"]
        safe(await visitor.get("/supervision/notices"))

        async def both() -> bool:
            return len((await at.node.call("notice.list"))["notices"]) == 2

        await until_true(both)
        act = {"notice": row["notice"], "handler": HANDLER}
        safe(await acted(visitor, "notice.act", event="answer", text=HOSTILE, **act))
        again = await acted(visitor, "notice.act", 422, event="acknowledge", **act)
        assert "supervision.move" in again
        await visitor.get("/supervision/notices/none", 404)


async def test_a_half_year_is_called_filled_and_submitted(tmp_path: Path) -> None:
    async with (
        desk(tmp_path) as at,
        at.front.visitor("wang") as decides,
        at.front.visitor("li") as writes,
    ):
        page = await acted(decides, "report.open", period="2026H1", days="10", note=HOSTILE)
        safe(page)

        async def both() -> bool:
            return len((await at.node.call("report.list"))["submissions"]) == 2

        await until_true(both)
        number = (await at.node.call("report.list"))["submissions"][0]["submission"]
        await writes.get(f"/act/report.fill?submission={number}")
        await writes.post(
            "/act/report.fill", submission=number, implementation=HOSTILE, effect="良好"
        )
        await decides.get(f"/act/report.submit?submission={number}")
        await decides.post("/act/report.submit", submission=number, handler=HANDLER)

        async def arrived() -> bool:
            return "良好" in safe(await decides.get(f"/supervision/submissions/{number}"))

        await until_true(arrived)
        safe(await decides.get("/supervision/facts"))
        page = await acted(decides, "supervise.evaluate", period="2026H1")
        assert "结果一致" in safe(page)
        safe(await decides.get("/supervision/evaluations"))
        await decides.get("/supervision/submissions/none", 404)

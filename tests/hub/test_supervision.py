"""The hub supervises leagues: leads with evidence, written notices, submissions, the year."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, select, update

from ortoo_hub.cases.notary import EXPIRED
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.errors import (
    SupervisionField,
    SupervisionLate,
    SupervisionMove,
    SupervisionReason,
    SupervisionSubject,
)
from ortoo_protocol.core.merkle import leaf_hash
from ortoo_protocol.core.supervision.notices import Event, NoticeIssued, NoticeMoved
from ortoo_protocol.core.supervision.submissions import Passage, SubmissionDecided, SubmissionSent
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.supervision_tables import notices, submissions
from ortoo_protocol.station.store.tables import catalog_index, journal, outbox
from ortoo_protocol.station.supervision.findings import for_doctor
from ortoo_protocol.station.supervision.methods.scores import Given, GivenIndicator
from ortoo_protocol.station.supervision.methods.submissions import Stated
from ortoo_protocol.station.supervision.notices import by_authority, by_subject, moves_of
from tests.node.kit import FORM, PEOPLE, entry
from tests.support import made_year
from tests.support.hubs import ended, terms, until_true
from tests.support.stations import until_read
from tests.support.supervised import Supervised, supervised
from tests.support.trust import DEPARTMENTS, HUB, STATIONS

PROVIDER, READER, THIRD = STATIONS
TWO = {"handler": "督查员", "approver": "主任"}
WRITTEN = {"implementation": "编制目录 1 条。", "effect": "减少群众提交材料。"}


async def listed(region: Supervised, share_type: int = 2) -> str:
    """An entry of the provider's that hub and reader have."""
    code = "307001/000001"
    fields = entry(PROVIDER, code, share_type, cycle="每日")
    await region.nodes[PROVIDER].call("catalog.add", entry=fields)

    async def there() -> bool:
        found = await region.nodes[READER].call("catalog.search", text=code)
        return bool(found["entries"])

    await until_true(there)
    return code


async def stale(region: Supervised) -> None:
    """As if the provider had carried nothing for long."""

    def job(tx: Tx) -> None:
        tx.conn.execute(
            update(catalog_index).values(carried_ms=tx.now_ms - 9 * 86_400_000, carried_seq=4)
        )

    await region.hub.hub.station.write(job)


async def facts_of(region: Supervised, party: str) -> dict[str, int]:
    found = await region.ask("supervise.facts", subject=party)
    facts: dict[str, int] = found["subjects"][0]["facts"]
    return facts


async def test_facts_of_leagues(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        code = await listed(region)
        for answer in ("refuse", "grant"):
            made = await region.nodes[READER].call(
                "request.apply", resource=code, department=DEPARTMENTS[READER][0], **FORM
            )

            async def come(case: str = made["case"]) -> bool:
                found = await region.nodes[PROVIDER].call("request.list")
                return case in {one["case"] for one in found["cases"]}

            await until_true(come)
            more: dict[str, Any] = {"reason": "依据不足"} if answer == "refuse" else {"items": []}
            await region.nodes[PROVIDER].call(
                f"request.{answer}", case=made["case"], **PEOPLE, **more
            )

            async def told(case: str = made["case"]) -> bool:
                """Asked again before that, it would be joined to the open case."""
                found = await region.nodes[READER].call("request.show", case=case)
                return bool(found["case"]["state"] in ("refused", "granted"))

            await until_true(told)

        async def answered() -> bool:
            found = await facts_of(region, PROVIDER)
            return found["decided"] == 2 and found["grants_given"] == 1

        await until_true(answered)
        provider, reader = await facts_of(region, PROVIDER), await facts_of(region, READER)
        assert (provider["entries"], provider["conditional"], provider["items"]) == (1, 1, 3)
        assert (provider["asked"], provider["granted"], provider["refused"]) == (2, 1, 1)
        assert provider["granted_permille"] == 500
        assert provider["answer_p90_ms"] >= provider["answer_median_ms"] >= 0
        assert "rows_published" not in provider, "the hub cannot see rows, and does not say zero"
        assert (reader["applied"], reader["applied_granted"], reader["grants_held"]) == (2, 1, 1)
        assert (await facts_of(region, THIRD))["asked"] == 0
        everybody = await region.ask("supervise.facts")
        assert [one["party"] for one in everybody["subjects"]] == sorted(STATIONS)
        of_provider = next(one for one in everybody["subjects"] if one["party"] == PROVIDER)
        assert of_provider["reasons"] == [{"reason": "依据不足", "count": 1}]


async def test_a_lead_is_found_proved_and_decided_by_people(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        await listed(region)
        await stale(region)
        touched = (await region.ask("supervise.look"))["leads"]
        assert (await region.ask("supervise.look"))["leads"] == [], "nothing new, nothing joined"
        found = {one["rule"]: one for one in (await region.ask("supervise.leads"))["leads"]}
        assert {one["lead"] for one in found.values()} <= set(touched)
        lead = found["data-stale"]
        assert (lead["party"], lead["violation"], lead["article"]) == (
            PROVIDER,
            3,
            "Measures art. 36 (3)",
        )
        # The two leagues without any entry.
        none = [one for one in (await region.ask("supervise.leads"))["leads"]]
        assert sorted(one["party"] for one in none if one["rule"] == "catalog-none") == [
            READER,
            THIRD,
        ]
        shown = await region.ask("supervise.lead", lead=lead["lead"])
        (evidence,) = shown["evidence"]
        assert evidence["ref"] == "307001/000001@4"
        assert len(evidence["body_hash"]) == 64, "the signed item of the provider's feed"
        with pytest.raises(SupervisionReason):
            await region.ask(
                "supervise.decide", lead=lead["lead"], outcome="dismiss", reason="", by="甲"
            )
        decided = await region.ask(
            "supervise.decide",
            lead=lead["lead"],
            outcome="confirm",
            reason="已核实",
            by="督查员",
            intent="多次催促后仍隐瞒",
        )
        assert (decided["state"], decided["intent"]) == ("confirmed", "多次催促后仍隐瞒")
        assert (await region.ask("supervise.look"))["leads"] == [], "decided is not raised again"

        def worse(tx: Tx) -> None:
            tx.conn.execute(update(catalog_index).values(carried_seq=5))

        await region.hub.hub.station.write(worse)
        (again,) = (await region.ask("supervise.look"))["leads"]
        assert again != lead["lead"], "what is new after the decision is a lead of its own"
        assert (await facts_of(region, PROVIDER))["leads_confirmed"] == 1


async def test_what_only_people_can_say(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        entered = await region.ask(
            "supervise.enter", subject=THIRD, violation=6, text="拒不配合检查", by="督查员"
        )
        assert (entered["state"], entered["rule"], entered["violation"]) == (
            "confirmed",
            "entered",
            6,
        )
        for wrong, error in (
            ({"subject": "s159999"}, SupervisionSubject),
            ({"subject": DEPARTMENTS[THIRD][0]}, SupervisionSubject),
            ({"violation": 9}, SupervisionField),
            ({"text": " "}, SupervisionReason),
        ):
            given: dict[str, Any] = {"subject": THIRD, "violation": 6, "text": "x", "by": "y"}
            with pytest.raises(error):
                await region.ask("supervise.enter", **{**given, **wrong})


async def issued(region: Supervised, **changes: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "subject": PROVIDER,
        "violation": 3,
        "number": "内数通〔2026〕3号",
        "title": "关于数据未及时更新的通报",
        "found": "1 个资源超过更新周期两倍。",
        "demands": "限期更新，并书面报告。",
        "days": 10,
        **TWO,
        **changes,
    }
    made: dict[str, Any] = await region.ask("notice.issue", **wanted)
    return made


async def test_a_notice_from_lead_to_end(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        await listed(region)
        await stale(region)
        await region.ask("supervise.look")
        found = {one["rule"]: one for one in (await region.ask("supervise.leads"))["leads"]}
        lead = found["data-stale"]["lead"]
        with pytest.raises(SupervisionMove):
            await issued(region, leads=[lead])  # nobody has confirmed it yet
        await region.ask("supervise.decide", lead=lead, outcome="confirm", reason="属实", by="甲")
        with pytest.raises(SupervisionField):
            await issued(region, subject=THIRD, leads=[lead])
        notice = await issued(region, leads=[lead])
        number = notice["notice"]
        assert (await region.ask("supervise.lead", lead=lead))["lead"]["state"] == "noticed"
        got = await region.notice(PROVIDER, "issued")
        assert (got["due_ms"], got["article"], got["days"]) == (
            notice["due_ms"],
            "Measures art. 36 (3)",
            10,
        )
        provider = region.nodes[PROVIDER]
        shown = await provider.call("notice.show", notice=number)
        assert [one["ref"] for one in shown["evidence"]] == ["307001/000001@4"]
        assert got["next"] == ["acknowledge", "answer"]
        await provider.call("notice.act", notice=number, event="acknowledge", handler="收文员")
        await region.at_hub("notice.list", "acknowledged")
        answer = {"text": "已更新", "handler": "丁", "approver": "戊"}
        await provider.call("notice.act", notice=number, event="answer", **answer)
        await region.at_hub("notice.list", "answered")
        await region.ask(
            "notice.act", notice=number, event="return", handler="督查员", text="仍有一项"
        )
        await region.notice(PROVIDER, "returned")
        await provider.call("notice.act", notice=number, event="answer", **answer)
        await region.at_hub("notice.list", "answered")
        await region.ask("notice.act", notice=number, event="verify", text="已核实销号", **TWO)
        ended = await region.notice(PROVIDER, "verified")
        assert (ended["late"], ended["next"]) == (False, [])
        here = (await region.ask("notice.show", notice=number))["moves"]
        there = (await provider.call("notice.show", notice=number))["moves"]
        events = ["issue", "acknowledge", "answer", "return", "answer", "verify"]
        assert [one["event"] for one in here] == [one["event"] for one in there] == events
        assert all(one["stands"] for one in there)
        assert [one["time_ms"] for one in here if one["event"] == "answer"] == [
            one["time_ms"] for one in there if one["event"] == "answer"
        ], "the authority's time is the time on both sides"
        facts = await facts_of(region, PROVIDER)
        assert (facts["notices"], facts["notices_due"], facts["notices_mended"]) == (1, 1, 1)


async def test_moves_that_cross_end_in_one_state(tmp_path: Path) -> None:
    """The authority escalates while the answer is on its way: its order is the order."""
    async with supervised(tmp_path) as region:
        number = (await issued(region))["notice"]
        await region.notice(PROVIDER, "issued")
        provider = region.nodes[PROVIDER].app.station
        async with region.hub_away() as hub:
            await provider.write(
                lambda tx: by_subject(tx, number, Event.ANSWER, "已改", "丁", "戊")
            )
            assert (await region.notice(PROVIDER, "answered"))["notice"] == number
            await hub.write(lambda tx: by_authority(tx, number, Event.ESCALATE, "逾期", "甲", "乙"))
        assert (await region.at_hub("notice.list", "escalated"))["notice"] == number
        await region.notice(PROVIDER, "escalated")

        def settled(conn: Connection) -> bool:
            return [row.letter for row in moves_of(conn, "subject", number)] == [b"", b""]

        await until_read(provider, settled)
        shown = await region.nodes[PROVIDER].call("notice.show", notice=number)
        assert [one["event"] for one in shown["moves"]] == ["issue", "escalate"]
        answer = {"text": "已更新", "handler": "丁", "approver": "戊"}
        await region.nodes[PROVIDER].call("notice.act", notice=number, event="answer", **answer)
        await region.at_hub("notice.list", "answered")


async def test_what_is_not_rectified_in_time_is_a_lead(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        number = (await issued(region))["notice"]

        def over(tx: Tx) -> None:
            tx.conn.execute(update(notices).values(due_ms=tx.now_ms - 1))

        await region.hub.hub.station.write(over)
        await region.ask("supervise.look")
        found = {one["rule"]: one for one in (await region.ask("supervise.leads"))["leads"]}
        lead = found["rectify-late"]
        assert (lead["violation"], lead["party"]) == (5, PROVIDER)
        (evidence,) = (await region.ask("supervise.lead", lead=lead["lead"]))["evidence"]
        assert (evidence["kind"], evidence["ref"]) == ("notice", number)

        def leaf(tx: Tx) -> str:
            row = tx.conn.execute(select(journal).where(journal.c.seq == evidence["leaf"])).one()
            assert (row.flow, row.kind) == (number, "notice.issued")
            return leaf_hash(tx.suite.hash, journal_rows.read_row(row).leaf_bytes()).hex()

        assert await region.hub.hub.station.write(leaf) == evidence["hash"]
        facts = await facts_of(region, PROVIDER)
        assert (facts["notices_due"], facts["notices_mended"]) == (1, 0)
        (finding,) = await for_doctor(region.hub.hub.station)
        assert (finding["level"], finding["error"]["code"]) == ("warning", SupervisionLate.code)
        assert finding["error"]["facts"]["subject"] == PROVIDER


async def test_the_hub_leaves_departments_to_their_station(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        with pytest.raises(SupervisionSubject):
            await issued(region, subject=DEPARTMENTS[PROVIDER][0])
        with pytest.raises(SupervisionSubject):
            await region.nodes[READER].call(
                "notice.issue",
                subject=DEPARTMENTS[PROVIDER][0],
                violation=3,
                title="题",
                found="事",
                demands="改",
                days=3,
                **TWO,
            )


async def test_a_submission_from_call_to_archive(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        await listed(region)
        opened = await region.ask("report.open", period="2026H1", days=10, by="组织推进组")
        assert len(opened["submissions"]) == len(STATIONS)
        twice = await region.ask("report.open", period="2026H1", days=10, by="组织推进组")
        assert twice["submissions"] == [], "a period is opened once for each"
        provider = region.nodes[PROVIDER]

        async def called() -> bool:
            return bool((await provider.call("report.list"))["submissions"])

        await until_true(called)
        (mine,) = (await provider.call("report.list"))["submissions"]
        number = mine["submission"]
        with pytest.raises(SupervisionField):
            await provider.call("report.submit", submission=number, handler="丁", approver="戊")
        await region.ask(
            "report.decide", submission=number, outcome="chase", by="组织推进组", reason="请尽快"
        )
        filled = await provider.call("report.fill", submission=number, by="丁", passages=WRITTEN)
        figures = {one[0]: one for one in filled["draft"]["figures"]}
        assert figures["entries"][1:] == [1, 1, ""], "prefilled from what the station counts"
        assert "rows_published" in figures, "a league states what the hub cannot see"
        await provider.call("report.submit", submission=number, handler="丁", approver="戊")
        first = await region.at_hub("report.list", "submitted")
        with pytest.raises(SupervisionReason):
            await region.ask("report.decide", submission=number, outcome="return", by="组织推进组")
        await region.ask(
            "report.decide", submission=number, outcome="return", by="组织推进组", reason="补充效果"
        )

        async def back() -> bool:
            return (await provider.call("report.list"))["submissions"][0]["state"] == "returned"

        await until_true(back)
        stated = {"entries": Stated(2, "一条尚在审核")}
        await provider.call("report.fill", submission=number, by="丁", stated=stated)
        await provider.call("report.submit", submission=number, handler="丁", approver="戊")
        second = await region.at_hub("report.list", "submitted")
        assert (second["round"], second["first_ms"]) == (2, first["first_ms"])
        await region.ask("report.decide", submission=number, outcome="accept", by="组织推进组")

        async def accepted() -> bool:
            return (await provider.call("report.list"))["submissions"][0]["state"] == "accepted"

        await until_true(accepted)
        archived = await region.ask("report.show", submission=number)
        mine_now = await provider.call("report.show", submission=number)
        assert archived["submission"]["hash"] == mine_now["submission"]["hash"] != ""
        assert archived["sent"] == mine_now["sent"]
        assert ["entries", 1, 2, "一条尚在审核"] in archived["sent"]["figures"]
        with pytest.raises(SupervisionMove):
            await region.ask(
                "report.decide", submission=number, outcome="return", by="甲", reason="再改"
            )
        with pytest.raises(SupervisionMove):
            await provider.call("report.fill", submission=number, by="丁")

        def journalled(tx: Tx) -> bool:
            kept = tx.conn.execute(
                select(submissions).where(submissions.c.submission == number)
            ).one()
            row = tx.conn.execute(select(journal).where(journal.c.envelope_id == kept.letter)).one()
            return bool(row.kind == "submission.sent" and tx.suite.hash(kept.body) == kept.hash)

        assert await region.hub.hub.station.write(journalled)
        events = [one["event"] for one in mine_now["events"]]
        assert events[0] == "open"
        assert "chase" in events
        assert events[-1] == "accept"


async def test_evaluation_is_kept_and_comes_out_the_same(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        await listed(region)
        first = await region.ask("supervise.evaluate", by="考评组")
        assert first["same"]
        assert {one["party"] for one in first["ranked"]} == set(STATIONS)
        given = Given(
            indicators=(GivenIndicator("size", 10, "entries", 0, 1, "目录数量"),),
            bounds={"data-stale": 0},
        )
        put = await region.ask(
            "supervise.standard.put", standard=given, by="考评组", reason="新办法"
        )
        assert put == {"version": 1}
        second = await region.ask("supervise.evaluate", by="考评组")
        assert (second["standard"], second["ranked"][0]["party"]) == (1, PROVIDER)
        assert [one["total"] for one in second["ranked"]] == [100_000, 0, 0]
        assert [one["rank"] for one in second["ranked"]] == [1, 2, 2]
        before = await region.ask("supervise.evaluation", evaluation=first["evaluation"])
        assert (before["same"], before["standard"]) == (True, 0)
        standard = await region.ask("supervise.standard")
        assert [one["by"] for one in standard["history"]] == ["考评组"]
        await stale(region)
        await region.ask("supervise.look")
        rules = {one["rule"] for one in (await region.ask("supervise.leads"))["leads"]}
        assert "data-stale" not in rules, "a bound of 0 puts a rule out of use"


async def test_the_years_report_is_frozen(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        await listed(region)
        year = int((await region.ask("supervise.facts"))["period"][:4])
        first = await region.ask("report.year", year=year, by="组织推进组")
        await issued(region)
        second = await region.ask("report.year", year=year, by="组织推进组")
        assert (first["version"], second["version"]) == (1, 2)
        again = await region.ask("report.year.show", year=year, version=1)
        assert again == first
        assert (len(first["report"]["notices"]), len(second["report"]["notices"])) == (0, 1)
        assert len(first["report"]["months"]) == 12
        assert first["report"]["total"]["entries"] == 1
        made = made_year.answer()["report"]
        assert second["report"].keys() == made.keys(), "what the page's tests draw has its shape"
        for part in ("subjects", "months", "notices"):
            assert second["report"][part][0].keys() == made[part][0].keys()
        json.dumps(second)
        with pytest.raises(SupervisionField):
            await region.ask("report.year", year=year + 1, by="组织推进组")


async def test_supply_that_ended_without_filing_is_a_lead(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:

        def gone(tx: Tx) -> None:
            for number, filing in ((1, ""), (2, EXPIRED)):
                granted = terms(number)
                grants_held.keep(tx, granted, encode(granted))
                ended_ = ended(number, filing="", reason=filing or "不再提供", ended_ms=tx.now_ms)
                grants_held.end(tx, ended_)

        await region.hub.hub.station.write(gone)
        assert (await facts_of(region, PROVIDER))["unfiled_ends"] == 1, "what expired needs none"
        await region.ask("supervise.look")
        found = {one["rule"]: one for one in (await region.ask("supervise.leads"))["leads"]}
        lead = found["sharing-ended"]
        assert (lead["party"], lead["violation"], lead["matters"]) == (PROVIDER, 2, 1)


# --- attacks ------------------------------------------------------------------------------------


async def refused(region: Supervised, party: str, to: str, body: Shape) -> str:
    """The code with which a letter of `party` comes back."""
    station = region.nodes[party].app.station
    letter = await station.write(lambda tx: send(tx, to, body))

    def outcome(conn: Connection) -> Any:
        query = select(outbox.c.state, outbox.c.error).where(outbox.c.id == letter)
        return next((row for row in conn.execute(query) if row.state != "waiting"), None)

    await until_read(station, outcome)
    row = await station.read(outcome)
    assert row.state == "refused"
    return str(row.error)


async def test_nobody_else_moves_a_notice(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        number = (await issued(region))["notice"]
        await region.notice(PROVIDER, "issued")

        def moved(event: str, place: int = 1) -> NoticeMoved:
            return NoticeMoved(
                notice=number, place=place, event=event, text="x", handler="甲", approver="乙"
            )

        own = await region.ask("notice.show", notice=number)
        body = own["notice"]
        forged = NoticeIssued(
            notice="9" * 32, number="", party=PROVIDER, department="", violation=3,
            article=body["article"], title="题", found="事", demands="改", days=3, due_ms=1,
            leads=(), evidence=(), handler="甲", approver="乙",
        )  # fmt: skip
        attempts = {
            "a league answers another's": (READER, HUB, moved("answer")),
            "a league verifies its own": (PROVIDER, HUB, moved("verify")),
            "a league moves a place too far": (PROVIDER, HUB, moved("answer", 2)),
            "a league returns what another answered": (READER, PROVIDER, moved("return")),
            "a league issues one to another": (READER, PROVIDER, forged),
            "a league issues one to the hub": (READER, HUB, forged),
        }
        found = {name: await refused(region, *given) for name, given in attempts.items()}
        assert found == {
            "a league answers another's": "envelope.sender",
            "a league verifies its own": "supervision.unknown",
            "a league moves a place too far": "supervision.order",
            "a league returns what another answered": "envelope.kind",
            "a league issues one to another": "envelope.kind",
            "a league issues one to the hub": "envelope.sender",
        }
        assert (await region.ask("notice.show", notice=number))["notice"]["state"] == "issued"


async def test_nobody_else_submits(tmp_path: Path) -> None:
    async with supervised(tmp_path) as region:
        opened = await region.ask("report.open", period="2026H1", days=5, by="甲", subjects=[THIRD])
        (number,) = opened["submissions"]
        sent = SubmissionSent(
            submission=number,
            round=1,
            figures=(),
            passages=(Passage("implementation", "x"), Passage("effect", "y")),
            handler="甲",
            approver="乙",
        )
        decided = SubmissionDecided(
            submission=number, round=0, outcome="chased", reason="", hash=b"", by="甲"
        )
        assert await refused(region, READER, HUB, sent) == "envelope.sender"
        assert await refused(region, THIRD, HUB, replace(sent, round=2)) == "supervision.order"
        assert await refused(region, READER, THIRD, decided) == "envelope.kind"
        assert await refused(region, THIRD, HUB, decided) == "supervision.unknown"
        (kept,) = (await region.ask("report.list"))["submissions"]
        assert (kept["state"], kept["round"]) == ("open", 0)

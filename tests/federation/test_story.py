"""The whole affair under each rule profile, on real stations with their hub: an entry of the
catalog, a request with completion, a dispute that the authority decides, a grant, its use, a
correction, passing on, the end, what supervision says of it. What differs stands in `Law`, as the
texts of the law have it, not as the code does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest

from ortoo_hub.supervision.sources import SOURCES
from ortoo_protocol.core import errors
from ortoo_protocol.station.supervision.methods import supervision_methods
from tests.federation.exchange import CODE, DEPARTMENT, PROVIDER, READER, Exchange, exchange
from tests.federation.test_onward_consent import DERIVED, asking, derived
from tests.node.kit import FORM, PEOPLE, entry
from tests.support.hubs import until_true

CHINA = timezone(timedelta(hours=8))
TWO = {"handler": "甲", "approver": "丙"}
GROUND = {"ground_kind": "法律", "ground": "《中华人民共和国社会保险法》第九十二条"}
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Law:
    """Days are working days; None: the article names none."""

    profile: str
    catalog: str  # what an entry lacks that says too little of its conditions or basis
    answer: tuple[str, int]
    extension_days: int  # 0: there is none
    ground: Mapping[str, str]  # what a refusal cites
    negotiation: tuple[str, int | None]
    coordination: tuple[str, int | None]
    government: bool  # 本级人民政府 decides last
    delivery: tuple[str, int | None]
    doubt: tuple[str, int]
    doubt_is_late: bool  # reported on the eighth working day after it was found
    use: str
    onward: str  # the clause for a consent
    stopping_negotiated: bool
    disposal: str
    late_answer: str
    year: str
    bare: Mapping[str, Any] = field(default_factory=dict)  # an entry that is refused


LAWS = (
    Law(
        profile="NM2018",
        catalog="Measures art. 14",
        answer=("Measures art. 19", 10),
        extension_days=0,
        ground=NOTHING,
        negotiation=("Measures art. 19", 10),
        coordination=("Measures art. 19", 30),
        government=False,
        delivery=("Measures art. 19", None),
        doubt=("Measures art. 21", 10),
        doubt_is_late=True,
        use="Measures art. 20",
        onward="",
        stopping_negotiated=False,
        disposal="Decree 809 art. 27",
        late_answer="Measures art. 36 (2)",
        year="Measures art. 32",
        bare={"basis": ""},
    ),
    Law(
        profile="SC2025",
        catalog="Decree 809 art. 15",
        answer=("Decree 809 art. 21", 10),
        extension_days=10,
        ground=GROUND,
        negotiation=("Decree 809 art. 28", None),
        coordination=("Decree 809 art. 28", None),
        government=True,
        delivery=("Decree 809 art. 22", 20),
        doubt=("Decree 809 art. 26", 10),
        doubt_is_late=False,
        use="Decree 809 art. 25",
        onward="Decree 809 art. 25",
        stopping_negotiated=True,
        disposal="Decree 809 art. 27",
        late_answer="Decree 809 art. 39 (4), (7)",
        year="Decree 809 art. 38",
        bare={"share_condition": "", "purposes": []},
    ),
)


@dataclass
class Story:
    region: Exchange
    law: Law

    async def hub(self, method: str, **params: Any) -> Any:
        return await self.region.hub.call[method](**params)

    async def supervise(self, method: str, **params: Any) -> Any:
        methods = supervision_methods(self.region.hub.hub.station, SOURCES)
        return await methods[method](**params)

    async def stands(self, case: str, state: str) -> None:
        """At applicant, provider and hub."""
        shows = (
            (self.region.reader.call, "request.show"),
            (self.region.provider.call, "request.show"),
            (self.hub, "case.show"),
        )
        for call, method in shows:

            async def so(call: Any = call, method: str = method) -> bool:
                try:
                    found = await call(method, case=case)
                except errors.CaseUnknown:
                    return False
                return bool(found["case"]["state"] == state)

            await until_true(so)

    async def due(self, case: str, duty: str, term: tuple[str, int | None], more: int = 0) -> None:
        """The same last day at both sides and at the hub; no clock where the article names none."""
        article, days = term
        day = None if days is None else self.last_day(days + more).isoformat()
        wanted = [] if days is None else [(article, day)]
        for call, method in (
            (self.region.provider.call, "request.show"),
            (self.region.reader.call, "request.show"),
            (self.hub, "case.show"),
        ):
            shown = await call(method, case=case)
            found = [each for each in shown["clocks"] if each["duty"] == duty]
            assert [(each["article"], each["day"]) for each in found] == wanted

    def last_day(self, days: int) -> date:
        """Of so many working days from today, which does not count (chinesecalendar)."""
        day = self.today()
        while days:
            day += timedelta(days=1)
            days -= chinese_calendar.is_workday(day)
        return day

    def today(self) -> date:
        return datetime.fromtimestamp(self.region.kit.clock() / 1000, CHINA).date()

    async def apply(self, purpose: str) -> str:
        made = await self.region.reader.call(
            "request.apply", resource=CODE, department=DEPARTMENT, **{**FORM, "purpose": purpose}
        )
        await self.stands(made["case"], "submitted")
        return str(made["case"])


@pytest.mark.parametrize("law", LAWS, ids=[law.profile for law in LAWS])
async def test_from_the_catalog_to_the_years_report(tmp_path: Path, law: Law) -> None:
    async with exchange(tmp_path, profile=law.profile, granted=False) as region:
        story = Story(region, law)
        await _catalog(story)
        case = await _request(story)
        await _dispute(story)
        await _use(story, case)
        await _correction(story)
        await _onward(story)
        await _end(story)
        await _supervision(story)


async def _catalog(story: Story) -> None:
    """An entry that says too little is not published, and the article is cited."""
    bare = entry(PROVIDER, "3070101/0009", 2, feed=f"{PROVIDER}.bare")
    if story.law.profile == "SC2025":
        bare |= {"grade": "一般", "personal": True, "impact_checked_by": "丁"}
    with pytest.raises(errors.OrtooError) as refused:
        await story.region.provider.call("catalog.add", entry={**bare, **story.law.bare})
    assert story.law.catalog in str(refused.value)


async def _request(story: Story) -> str:
    """Returned once for completion, while which no day counts; then granted."""
    region, law = story.region, story.law
    case = await story.apply("工作参考")
    await story.due(case, "answer", law.answer)
    await region.provider.call("request.return", case=case, missing=["盖章的申请表"], **TWO)
    await story.stands(case, "returned")
    await region.reader.call("request.complete", case=case, note="已补充")
    await story.stands(case, "completed")
    await region.provider.call("request.accept", case=case, handler="甲")
    await story.stands(case, "accepted")
    ask = {"case": case, "reason": "涉及多个系统", **TWO}
    if law.extension_days:
        await region.provider.call("request.extend", **ask)

        async def asked() -> bool:
            return bool((await story.hub("coordination.list"))["cases"])

        await until_true(asked)
        await story.hub("coordination.rule", case=case, event="extend", reason="同意", **TWO)
        await story.stands(case, "extended")
        await story.due(case, "answer", law.answer, law.extension_days)
    else:
        with pytest.raises(errors.CaseRule):
            await region.provider.call("request.extend", **ask)
    given = await region.provider.call("request.grant", case=case, items=[], **PEOPLE)
    region.grant = given["grant"]
    await story.stands(case, "granted")
    await region.everywhere("active")
    await story.due(case, "delivery", law.delivery)
    return case


async def _dispute(story: Story) -> None:
    """Refused, not agreed on, and decided by the authority."""
    region, law = story.region, story.law
    case = await story.apply("年度统计")
    no = {"case": case, "reason": "超出职责", **TWO}
    if law.ground:
        with pytest.raises(errors.CaseGround):
            await region.provider.call("request.refuse", **no)
    await region.provider.call("request.refuse", **no, **law.ground)
    await story.stands(case, "refused")
    why = {"case": case, "reason": "确为履职所需", **TWO}
    await region.reader.call("request.negotiate", **why)
    await story.stands(case, "negotiating")
    await story.due(case, "negotiation", law.negotiation)
    await region.reader.call("request.disagree", **why)
    await region.provider.call("request.disagree", **why)

    async def both() -> bool:
        """The applicant knows of it."""
        events = (await region.reader.call("request.show", case=case))["events"]
        return [one["event"] for one in events].count("disagree") == 2

    await until_true(both)
    await region.reader.call("request.coordinate", **why)
    await story.stands(case, "coordinating")
    await story.due(case, "coordination", law.coordination)
    refer = {"case": case, "event": "refer", "reason": "报请决定", **TWO}
    if law.government:
        await story.hub("coordination.rule", **refer)
        await story.stands(case, "referred")
    else:
        with pytest.raises(errors.CaseRule):
            await story.hub("coordination.rule", **refer)
    await story.hub("coordination.rule", case=case, event="decide", reason="应当共享", **TWO)
    await story.stands(case, "decided")
    await region.provider.call("request.grant", case=case, items=[], **PEOPLE)
    await story.stands(case, "granted")


async def _use(story: Story, case: str) -> None:
    """Rows come for the granted purpose and for no other; the authority looks at the records."""
    region = story.region
    with pytest.raises(errors.UsePurpose) as refused:
        await region.reader.call(
            "subscribe", resource=CODE, department=DEPARTMENT, sink="shared", table="people",
            purpose="另作他用",
        )  # fmt: skip
    assert refused.value.facts["article"] == story.law.use
    await derived(region, story.law.profile)
    assert (await region.reader.call("request.show", case=case))["case"]["grant"] == region.grant
    await region.reader.call(
        "use.record", grant=region.grant, by="丁", scenario="资格核对", effect="少跑一趟"
    )
    await story.hub("use.ask", grant=region.grant, reason="督查", by="己")

    async def shown() -> bool:
        records = (await story.hub("grant.show", grant=region.grant))["records"]
        return bool(records[0]["answer"])

    await until_true(shown)


async def _correction(story: Story) -> None:
    """Found long ago, answered with the row itself."""
    region, law = story.region, story.law
    found_ms = region.kit.clock()
    day = story.today()
    worked = 0
    while worked < 8:
        worked += chinese_calendar.is_workday(day)
        day -= timedelta(days=1)
        found_ms -= 86_400_000
    raised = await region.reader.call(
        "correction.raise", grant=region.grant, key={"id": "00003"}, expected={"name": "人叁"},
        text="姓名有误", found_ms=found_ms, by="丁", about="wrong",
    )  # fmt: skip
    assert raised["correction"]["late"] is law.doubt_is_late
    number = raised["correction"]["correction"]

    async def whole() -> bool:
        listed = (await region.provider.call("correction.list"))["corrections"]
        if not listed:
            return False
        detail = await region.provider.call("correction.show", correction=number)
        return detail["detail"] is not None

    await until_true(whole)
    due = (await region.provider.call("clock.list"))["clocks"]
    (clock,) = (one for one in due if one["duty"] == "correction")
    article, days = law.doubt
    assert (clock["article"], clock["day"]) == (article, story.last_day(days).isoformat())
    region.change("UPDATE people SET name = '人叁' WHERE id = '00003'")
    await region.publish()
    await region.provider.call(
        "correction.answer", correction=number, outcome="corrected", reason="已更正", **TWO
    )

    async def closed() -> bool:
        return bool(
            (await story.hub("correction.show", correction=number))["correction"]["state"]
            == "closed"
        )

    await until_true(closed)
    assert ("00003", "人叁", 3) in region.reader.rows("people")


async def _onward(story: Story) -> None:
    region, law = story.region, story.law
    publish = {"resource": DERIVED, "source": "back", "table": "checked"}
    with pytest.raises(errors.UseOnward) as refused:
        await region.reader.call("publish", **publish)
    assert refused.value.facts["article"] == law.use
    if not law.onward:
        with pytest.raises(errors.OnwardClause):
            await region.reader.call("onward.ask", **asking(region))
        return
    onward = (await region.reader.call("onward.ask", **asking(region)))["onward"]

    async def arrived() -> bool:
        return bool((await region.provider.call("onward.list"))["onward"])

    await until_true(arrived)
    await region.provider.call("onward.answer", onward=onward, consented=True, **TWO)

    async def consented() -> bool:
        (one,) = (await region.reader.call("onward.list"))["onward"]
        assert one["clause"] == law.onward
        return bool(one["state"] == "consented")

    await until_true(consented)
    assert (await region.reader.call("publish", **publish))["upserts"] == 10


async def _end(story: Story) -> None:
    """The service ends, and what was received is destroyed as its provider asks."""
    region, law = story.region, story.law
    why = {"grant": region.grant, "reason": "业务系统下线", "by": "丙"}
    if law.stopping_negotiated:
        with pytest.raises(errors.EndingNotNegotiated):
            await region.provider.call("grant.end", **why)
        await region.provider.call("grant.announce", at_ms=region.kit.clock() + 86_400_000, **why)

        async def announced() -> bool:
            shown = await region.reader.call("grant.show", grant=region.grant)
            return bool(shown["endings"])

        await until_true(announced)
        await region.reader.call("grant.answer", grant=region.grant, agreed=True, by="丁")

        async def agreed() -> bool:
            shown = await region.provider.call("grant.show", grant=region.grant)
            return bool(shown["endings"][0]["state"] == "agreed")

        await until_true(agreed)
    await region.provider.call("grant.end", **why)
    await region.everywhere("ended")
    await region.provider.call(
        "use.require", grant=region.grant, requirements="删除全部副本", days=5, by="丙"
    )

    async def required() -> bool:
        shown = await region.reader.call("grant.show", grant=region.grant)
        return shown["disposal"] is not None

    await until_true(required)
    due = (await region.reader.call("clock.list"))["clocks"]
    (clock,) = (one for one in due if one["duty"] == "disposal")
    assert (clock["article"], clock["day"]) == (law.disposal, story.last_day(5).isoformat())
    await region.reader.call("use.destroyed", grant=region.grant, by="丁", drop=True)
    assert region.reader.rows("people") == []


async def _supervision(story: Story) -> None:
    """The half-year's submission and the year's report have it all."""
    region, law = story.region, story.law
    period = f"{story.today().year}H{1 if story.today().month < 7 else 2}"
    facts = (await story.supervise("supervise.facts", subject=PROVIDER))["subjects"][0]["facts"]
    assert (facts["asked"], facts["granted"], facts["refused"]) == (2, 1, 1)  # as answered
    assert (facts["answers_due"], facts["answers_late"]) == (2, 0)
    await story.supervise(
        "supervise.enter", subject=PROVIDER, violation=2, text="逾期答复", by="己"
    )
    (lead,) = (await story.supervise("supervise.leads", state="confirmed"))["leads"]
    assert lead["article"] == law.late_answer
    await story.supervise("report.open", period=period, days=10, by="己")

    async def called() -> bool:
        return bool((await region.reader.call("report.list"))["submissions"])

    await until_true(called)
    (own,) = (await region.reader.call("report.list"))["submissions"]
    written = {"implementation": "已落实。", "effect": "少跑一趟。"}
    await region.reader.call("report.fill", submission=own["submission"], by="丁", passages=written)
    await region.reader.call("report.submit", submission=own["submission"], **TWO)

    async def submitted() -> bool:
        found = (await story.supervise("report.list"))["submissions"]
        return any(each["party"] == READER and each["state"] == "submitted" for each in found)

    await until_true(submitted)
    await story.supervise("report.decide", submission=own["submission"], outcome="accept", by="己")
    made = await story.supervise("report.year", year=story.today().year, by="己")
    assert law.year in str(made)

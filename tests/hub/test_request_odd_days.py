"""Bad input and odd days of share requests: each ends in one state everywhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event

from ortoo_hub import cases as hub_cases
from ortoo_hub.cases import ruling
from ortoo_node import cases
from ortoo_node.cases import disputing
from ortoo_protocol.core.cases import Answer, Event, Side, State
from ortoo_protocol.core.errors import (
    CaseAttachment,
    CaseEarly,
    CaseGround,
    CaseMove,
    CaseRule,
    CaseUnconditional,
)
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_readers, grants
from tests.support.hubs import PROVIDER, RESOURCE, until_true
from tests.support.requests_rig import (
    CLOSED_RESOURCE,
    OPEN_RESOURCE,
    PEOPLE,
    Requests,
    requests,
)
from tests.support.stations import until

PDF = b"%PDF-1.7\n" + bytes(700_000)


async def test_a_request_for_a_resource_just_stopped(tmp_path: Path) -> None:
    """The applicant's catalog does not say so yet: the case ends with the reason, at all three."""
    async with requests(tmp_path) as rig:
        await rig.running.stop_hub()
        await rig.provider.call(
            "catalog.stop", code=RESOURCE, reason="机构改革", by="王五", approver="赵六"
        )
        case = await rig.apply()
        await rig.running.restart_hub()

        async def over() -> bool:
            states = set(await rig.states(case))
            return states in ({"ended"}, {"rejected", ""})

        await until_true(over)
        assert await rig.differing() == []


async def test_stopping_a_resource_ends_what_is_open(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.ACCEPTED)
        await rig.provider.call(
            "catalog.stop", code=RESOURCE, reason="机构改革", by="王五", approver="赵六"
        )
        await rig.all_hold(case, State.ENDED)
        shown = await rig.reader.call("request.show", case=case)
        assert shown["case"]["reason"] == "机构改革"


async def test_a_grant_expires_in_flight(tmp_path: Path) -> None:
    """Its last moment passes while its letters wait for the hub."""
    async with requests(tmp_path) as rig:
        clock = rig.provider.app.now_ms
        until_ms = clock() + 2_500
        case = await rig.apply(until_ms=until_ms)
        await rig.all_hold(case, State.SUBMITTED)
        await rig.running.stop_hub()
        await rig.do(Event.GRANT, case)
        await until(lambda: clock() > until_ms)
        await rig.running.restart_hub()

        async def over() -> bool:
            await rig.look_at_the_date()
            return set(await rig.states(case)) == {"expired"}

        await until_true(over)
        await rig.all_hold(case, State.EXPIRED)
        assert await live_grants(rig) == 0
        assert await rig.differing() == []


async def test_what_is_over_is_not_looked_at_again(tmp_path: Path) -> None:
    """Grants are kept as signed and grow for ever; the look at the date is bounded by what is in
    force."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.EXPIRED)
        hub, statements = rig.hub, []

        def looking(tx: Tx) -> None:
            def noted(_conn: object, _cursor: object, statement: str, *_: object) -> None:
                statements.append(statement)

            event.listen(tx.conn, "before_cursor_execute", noted)
            hub_cases.expire(tx)
            event.remove(tx.conn, "before_cursor_execute", noted)

        await hub.write(looking)
        assert len(statements) == 1, statements
        (row,) = await hub.read(lambda conn: [hub_cases.find(conn, case)])
        assert row is not None
        assert row.state == "expired"


async def live_grants(rig: Requests) -> int:
    def read(tx: Tx) -> int:
        return len(tx.conn.execute(grants.select().where(grants_held.live(tx.now_ms))).all())

    stations = (rig.provider.app.station, rig.reader.app.station, rig.hub)
    return sum([await station.write(read) for station in stations])


async def test_clocks_that_disagree_by_a_day(tmp_path: Path) -> None:
    """The applicant's calendar says that the negotiation is over, the hub's that it is not: the
    hub's word stands, and the step is taken back."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.NEGOTIATING)
        with pytest.raises(CaseEarly):
            await rig.do(Event.COORDINATE, case)
        await rig.shorten(rig.reader.app.station, case, "negotiation")
        await rig.do(Event.COORDINATE, case)
        await rig.all_hold(case, State.NEGOTIATING)
        shown = await rig.reader.call("request.show", case=case)
        assert [e["error"] for e in shown["events"] if e["status"] == "refused"] == ["case.early"]
        await rig.run_out(case, "negotiation")
        await rig.do(Event.COORDINATE, case)
        await rig.all_hold(case, State.COORDINATING)


async def test_the_deadline_is_the_same_everywhere(tmp_path: Path) -> None:
    """It runs from the notary's receipt, also where the letter came much later."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.ACCEPTED)
        due = [
            (await rig.due(node.app.station, case))["answer"] for node in (rig.reader, rig.provider)
        ]
        assert len(set(due)) == 1


async def test_an_answer_after_escalation(tmp_path: Path) -> None:
    """The answer was overdue, the applicant negotiates; the late refusal does not count, a late
    yes does."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        await rig.run_out(case, "answer")
        await rig.running.stop_hub()
        await rig.do(Event.NEGOTIATE, case)
        await rig.running.restart_hub()
        refusal = Answer(
            case=case, outcome="refused", reason="不符合条件", grant="", items=(),
            handler=PEOPLE[0], approver=PEOPLE[1],
        )  # fmt: skip
        await rig.all_hold(case, State.NEGOTIATING)
        assert await rig.send(Side.PROVIDER, refusal) == ("refused", "case.move")
        await rig.all_hold(case, State.NEGOTIATING)
        await rig.do(Event.GRANT, case)
        await rig.all_hold(case, State.GRANTED)


async def test_a_refusal_crosses_the_escalation(tmp_path: Path) -> None:
    """Whichever the hub takes first, all three hold a state of the negotiation."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        await rig.run_out(case, "answer")
        await rig.running.stop_hub()
        await rig.do(Event.NEGOTIATE, case)
        await rig.do(Event.REFUSE, case)
        await rig.running.restart_hub()
        await rig.all_hold(case, State.NEGOTIATING)
        assert await rig.differing() == []


async def test_the_decision_reaches_an_offline_provider_later(tmp_path: Path) -> None:
    """Taken while the provider's station is away; it opens nothing, and obliges when it comes."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.COORDINATING)
        await rig.unplug(PROVIDER)
        await rig.hub.write(lambda tx: ruling.rule(tx, case, Event.DECIDE, "应当共享", *PEOPLE))

        async def decided() -> bool:
            states = await rig.states(case)
            return (states[0], states[2]) == ("decided", "decided")

        await until_true(decided)
        assert (await rig.states(case))[1] == "coordinating"
        assert await live_grants(rig) == 0
        await rig.plug(PROVIDER)
        await rig.all_hold(case, State.DECIDED)
        assert await live_grants(rig) == 0
        await rig.do(Event.GRANT, case)
        await rig.all_hold(case, State.GRANTED)


async def test_what_is_unconditional_cannot_be_refused(tmp_path: Path) -> None:
    """Neither here nor over the wire; the article is cited."""
    async with requests(tmp_path) as rig:
        case = await rig.apply(OPEN_RESOURCE)
        await rig.all_hold(case, State.GRANTED)  # taken directly (art. 19)
        scopes = [f"code = '{n}'" for n in range(cases.MAX_OWN_SCOPES + 1)]
        for row_filter in scopes:
            case = await rig.apply(OPEN_RESOURCE, row_filter=row_filter)
        await rig.all_hold(case, State.SUBMITTED)
        with pytest.raises(CaseUnconditional, match=r"art\. 19"):
            await rig.do(Event.REFUSE, case)
        refusal = Answer(
            case=case, outcome="refused", reason="不便提供", grant="", items=(),
            handler=PEOPLE[0], approver=PEOPLE[1],
        )  # fmt: skip
        assert await rig.send(Side.PROVIDER, refusal) == ("refused", "case.unconditional")
        await rig.all_hold(case, State.SUBMITTED)


async def test_a_withdrawal_crosses_a_grant_and_was_first(tmp_path: Path) -> None:
    """The grant is fenced and ended on the provider's side: nothing of it is left anywhere."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        await rig.unplug(PROVIDER)
        await rig.do(Event.GRANT, case)
        await rig.do(Event.WITHDRAW, case)

        async def withdrawn() -> bool:
            return (await rig.states(case))[2] == "withdrawn"

        await until_true(withdrawn)
        assert (await rig.states(case))[1] == "granted"
        await rig.plug(PROVIDER)
        await rig.all_hold(case, State.WITHDRAWN)
        assert await live_grants(rig) == 0

        rows = await rig.provider.app.station.write(
            lambda tx: tx.conn.execute(feed_readers.select()).all()
        )
        assert [row.fence for row in rows] == [0]
        assert await rig.differing() == []


async def test_a_grant_crosses_a_withdrawal_and_was_first(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        await rig.unplug(rig.reader.app.station.party)
        await rig.do(Event.WITHDRAW, case)
        await rig.do(Event.GRANT, case)

        async def granted() -> bool:
            return (await rig.states(case))[2] == "granted"

        await until_true(granted)
        assert (await rig.states(case))[0] == "withdrawn"
        await rig.plug(rig.reader.app.station.party)
        await rig.all_hold(case, State.GRANTED)
        assert await rig.differing() == []


async def test_what_is_not_shared_begins_with_negotiation(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.apply(CLOSED_RESOURCE)
        await rig.all_hold(case, State.NEGOTIATING)
        with pytest.raises(CaseMove):
            await rig.do(Event.REFUSE, case)
        for side in (Side.APPLICANT, Side.PROVIDER):
            await rig.do(Event.DISAGREE, case, side)
            await rig.all_hold(case, State.NEGOTIATING)
        await rig.do(Event.COORDINATE, case)
        await rig.all_hold(case, State.COORDINATING)
        waiting = (await rig.running.call["coordination.list"]())["cases"]
        assert [(one["case"], one["waits_for"]) for one in waiting] == [(case, "coordination")]


async def test_profiles_know_different_steps(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.SUBMITTED)
        with pytest.raises(CaseRule):
            await rig.do(Event.ASK_EXTENSION, case)
        case = await rig.reach(State.COORDINATING)
        with pytest.raises(CaseRule):
            await rig.do(Event.REFER, case)


async def test_the_decree_asks_for_a_ground(tmp_path: Path) -> None:
    async with requests(tmp_path, "SC2025") as rig:
        case = await rig.reach(State.SUBMITTED)
        with pytest.raises(CaseGround):
            await rig.provider.call(
                "request.refuse", case=case, reason="不便", handler="甲", approver="乙"
            )
        await rig.do(Event.REFUSE, case)
        await rig.all_hold(case, State.REFUSED)


async def test_the_answers_clock_stands_still_while_it_is_completed(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.RETURNED)
        for node in (rig.reader, rig.provider):
            shown = await node.call("request.show", case=case)
            assert [clock["state"] for clock in shown["clocks"]] == ["paused"]
        await rig.do(Event.COMPLETE, case)
        await rig.all_hold(case, State.COMPLETED)
        shown = await rig.provider.call("request.show", case=case)
        assert [clock["state"] for clock in shown["clocks"]] == ["running"]
        with pytest.raises(CaseMove):  # once
            await rig.do(Event.RETURN, case)


async def test_the_same_asked_twice_is_one_case(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        first = await rig.reader.app.station.write(lambda tx: cases.apply(tx, rig.wish()))
        again = await rig.reader.app.station.write(lambda tx: cases.apply(tx, rig.wish()))
        assert first == again
        await rig.all_hold(first, State.SUBMITTED)
        held = await rig.application(first)
        other = "7" * 32
        twin = msgspec.structs.replace(held, case=other)
        assert await rig.send(Side.APPLICANT, twin) == ("refused", "case.same")


async def test_conditions_are_accepted_before_anything_is_read(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.OFFERED)
        assert await live_grants(rig) == 0
        rows = await rig.provider.app.station.write(
            lambda tx: tx.conn.execute(feed_readers.select()).all()
        )
        assert rows == []
        await rig.do(Event.AGREE, case)
        await rig.all_hold(case, State.GRANTED)
        assert await live_grants(rig) == 3


async def test_conditions_that_are_not_accepted(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.OFFERED)
        await rig.do(Event.WITHDRAW, case)
        await rig.all_hold(case, State.WITHDRAWN)
        with pytest.raises(CaseMove):
            await rig.do(Event.AGREE, case)
        assert await live_grants(rig) == 0


async def test_scans_come_after_the_application_that_names_them(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        files = [("申请表.pdf", PDF)]
        case = await rig.reader.app.station.write(lambda tx: cases.apply(tx, rig.wish(), files))
        await rig.all_hold(case, State.SUBMITTED)

        async def whole(call: object) -> bool:
            try:
                found = await call(case=case, position=0)  # type: ignore[operator]
            except CaseAttachment:
                return False
            return bool(found["size_bytes"] == len(PDF))

        methods = (rig.provider.methods["request.attachment"], rig.running.call["case.attachment"])
        for method in methods:
            await until_true(lambda m=method: whole(m))
        with pytest.raises(CaseAttachment):
            await rig.reader.app.station.write(
                lambda tx: cases.apply(tx, rig.wish(purpose="另一用途"), [("a.exe", b"MZ")])
            )


async def test_one_paper_for_several_resources(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        answer = await rig.reader.call(
            "request.apply",
            resource=[RESOURCE, CLOSED_RESOURCE],
            department=rig.wish().department,
            purpose="业务协同",
            basis="职责",
            scenario="核对",
            handler=PEOPLE[0],
            approver=PEOPLE[1],
        )
        numbers = [one["case"] for one in answer["cases"]]
        await rig.all_hold(numbers[0], State.SUBMITTED)
        await rig.all_hold(numbers[1], State.NEGOTIATING)
        listed = await rig.provider.call("request.list", group=answer["group"])
        assert {one["case"] for one in listed["cases"]} == set(numbers)


async def test_a_draft_is_nobodys_affair(tmp_path: Path) -> None:
    async with requests(tmp_path) as rig:
        case = await rig.reader.app.station.write(lambda tx: cases.draft(tx, rig.wish()))
        assert await rig.states(case) == ("draft", "", "")
        await rig.reader.call("request.submit", case=case)
        await rig.all_hold(case, State.SUBMITTED)


async def test_a_difference_is_named_on_both_sides(tmp_path: Path) -> None:
    """As a fault in one of the programs would make it."""
    async with requests(tmp_path) as rig:
        case = await rig.reach(State.ACCEPTED)
        await rig.falsify(case, "granted")
        found = await rig.reader.call("request.compare")
        assert found["differing"] == [{"case": case, "here": "granted", "there": "accepted"}]
        at_hub = (await rig.running.call["case.differing"]())["cases"]
        assert [(one["case"], one["state"], one["said"]) for one in at_hub] == [
            (case, "accepted", "granted")
        ]
        doctor = (await rig.reader.call("doctor"))["findings"]
        codes = [one["error"]["code"] for one in doctor if one["check"] == "cases"]
        assert codes == ["case.differs"]


async def test_the_stations_own_authority_coordinates_two_of_its_departments(
    tmp_path: Path,
) -> None:
    async with requests(tmp_path) as rig:
        wish = rig.wish(department=(await rig.own_department(PROVIDER)))
        station = rig.provider.app.station
        case = await station.write(lambda tx: cases.apply(tx, wish))

        async def take(event: Event, side: Side) -> None:
            await station.write(lambda tx: disputing.say(tx, case, event, "理由", *PEOPLE, side))

        await station.write(lambda tx: cases.answer_no(tx, case, "不符合条件", *PEOPLE))
        await take(Event.NEGOTIATE, Side.APPLICANT)
        await take(Event.DISAGREE, Side.APPLICANT)
        with pytest.raises(CaseEarly):
            await take(Event.COORDINATE, Side.APPLICANT)
        await take(Event.DISAGREE, Side.PROVIDER)
        await take(Event.COORDINATE, Side.APPLICANT)
        waiting = (await rig.provider.call("coordination.list"))["cases"]
        assert [one["case"] for one in waiting] == [case]
        await rig.provider.call(
            "coordination.rule",
            case=case,
            event="decide",
            reason="应当共享",
            handler="甲",
            approver="乙",
        )
        granted = await rig.provider.call(
            "request.grant", case=case, items=[], handler="甲", approver="乙"
        )
        assert granted["state"] == "granted"
        assert (await rig.states(case))[2] == ""  # no affair of the hub's

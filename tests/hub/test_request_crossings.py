"""Letters that overtake one another, one crossing a test: what `test_request_orders` found, told
so that a reader can follow it. Each ends in one state at applicant, provider and hub."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from sqlalchemy import Connection

from ortoo_hub.cases import notary
from ortoo_node import cases
from ortoo_node.cases import store
from ortoo_node.store.tables import catalog
from ortoo_protocol.core.cases import Attachment, Event, Side, State
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import CaseAttachment, GrantScope
from ortoo_protocol.station import clocks, grants_held
from ortoo_protocol.station.cases import attachments
from ortoo_protocol.station.clocks import running
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants
from tests.support.hubs import PROVIDER, READER, RESOURCE
from tests.support.post_office import PostOffice, post_office
from tests.support.requests_rig import OPEN_RESOURCE, end_terms, held_application
from tests.support.trust import HUB

PDF = b"%PDF-1.7\n" + bytes(1_000)
APPLICATION, RECORDS, RECEIPT = "case.application", "case.records", "receipt.hub"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostOffice]:
    """One for all: each test has a case of its own."""
    async with post_office(tmp_path_factory.mktemp("office"), "SC2025") as found:
        yield found


async def held(office: PostOffice, case: str) -> tuple[str, str, str]:
    await office.settle()
    return await office.rig.states(case)


async def test_a_withdrawal_overtakes_its_application(office: PostOffice) -> None:
    case = await office.rig.apply()
    await office.carry(APPLICATION)  # at the hub, which passes it on
    await office.lose(APPLICATION, PROVIDER)
    await office.rig.do(Event.WITHDRAW, case)
    await office.carry("case.withdrawal", "case.withdrawal")
    assert (await office.rig.states(case))[1] == ""  # it waits for the case
    assert await held(office, case) == ("withdrawn",) * 3


async def test_the_end_of_a_grant_overtakes_the_grant(office: PostOffice) -> None:
    """On its way to the hub, and on its way to the reader."""
    for first, then in (("grant.issued", "grant.ended"), ("grant.ended", "grant.issued")):
        case = await office.rig.apply()
        await office.settle()
        await office.rig.do(Event.GRANT, case)
        await office.rig.do(Event.END, case)
        await office.carry(first, then, first, to=HUB)
        await office.carry("grant.ended", "grant.issued", "grant.ended", to=READER)
        assert await held(office, case) == ("ended",) * 3
        assert await live(office, case) == [0, 0, 0]


async def test_the_end_of_a_grant_that_did_not_come_to_be(office: PostOffice) -> None:
    case = await office.rig.apply()
    await office.settle()
    await office.rig.do(Event.GRANT, case)
    await office.rig.do(Event.END, case)
    await office.rig.do(Event.WITHDRAW, case)
    await office.carry("case.withdrawal", "grant.ended", "grant.issued", to=HUB)
    assert await held(office, case) == ("withdrawn",) * 3


async def test_a_withdrawal_crosses_the_end_of_an_offer(office: PostOffice) -> None:
    """The end reaches the applicant while its own withdrawal still counts there; the withdrawal
    is taken back later, and the end must not have been forgotten."""
    case = await office.rig.apply()
    await office.settle()
    await office.rig.do(Event.OFFER, case)
    await office.carry("case.answer", "grant.issued", to=HUB)
    await office.rig.do(Event.END, case)
    await office.rig.do(Event.WITHDRAW, case)
    await office.carry("grant.ended", to=HUB)
    await office.carry("case.answer", "grant.issued", "grant.ended", to=READER)
    assert await held(office, case) == ("ended",) * 3


async def test_an_end_crosses_the_last_day(office: PostOffice) -> None:
    """The provider ends a grant whose term the hub has seen to be over."""
    case = await office.rig.apply()
    await office.settle()
    await office.rig.do(Event.GRANT, case)
    await office.settle()
    await office.rig.do(Event.END, case)
    for station in (office.rig.hub, office.rig.reader.app.station):
        await station.write(lambda tx: end_terms(tx, case))
    await office.rig.look_at_the_date()
    assert await held(office, case) == ("expired",) * 3


async def test_a_record_that_comes_late_moves_the_clocks_as_if_in_time(office: PostOffice) -> None:
    """First known that the answer was given, then that it was asked for."""
    case = await office.rig.apply()
    await office.carry(APPLICATION)
    await office.lose(RECORDS, READER)
    await office.carry(APPLICATION, to=PROVIDER)
    await office.rig.do(Event.REFUSE, case)
    assert await held(office, case) == ("refused",) * 3
    for station in office.stations:
        assert await states_of_clocks(office, station.party, case) == [("answer", "met")]


async def test_what_was_late_before_it_was_known_to_stand_still(office: PostOffice) -> None:
    """A station that was away: its clock strikes before it reads that the application had been
    returned in time."""
    case = await office.rig.apply()
    await office.settle()
    await office.rig.do(Event.RETURN, case)
    await office.carry("case.step", to=HUB)
    due_ms = (await office.rig.due(office.rig.reader.app.station, case))["answer"]

    def month_later(tx: Tx) -> None:
        tx.now_ms = due_ms + 1
        running.strike(tx)

    await office.rig.reader.app.station.write(month_later)
    assert await states_of_clocks(office, READER, case) == [("answer", "late")]
    await office.settle()
    for station in office.stations:
        assert await states_of_clocks(office, station.party, case) == [("answer", "paused")]
    await office.rig.do(Event.COMPLETE, case)
    await office.settle()
    due = [(await office.rig.due(each, case))["answer"] for each in office.stations[:2]]
    assert due == [due_ms] * 2


async def test_the_last_day_ends_with_its_last_millisecond(office: PostOffice) -> None:
    """A step of 23:59:59.999 is in time, one of 24:00 is not, at whichever side it is known."""
    for early_ms, state in ((1, "met"), (0, "late")):
        case = await office.rig.apply()
        await office.settle()
        provider = office.rig.provider.app.station
        due_ms = (await office.rig.due(provider, case))["answer"]
        local = due_ms + 8 * 3_600_000
        assert local % 86_400_000 == 0

        def stop(tx: Tx, name: str = f"case:{case}", at_ms: int = due_ms - early_ms) -> None:
            clocks.stop(tx, name, "answer", at_ms)

        await provider.write(stop)
        assert await states_of_clocks(office, PROVIDER, case) == [("answer", state)]


async def test_a_refused_step_and_the_record_of_the_next(office: PostOffice) -> None:
    """The record of the second signature comes before the word that the first was refused."""
    case = await office.rig.apply()
    await office.rig.do(Event.SIGN, case, Side.APPLICANT)
    await office.carry("case.step", to=HUB)  # no such case there yet
    await office.lose(RECEIPT, READER)
    await office.carry(APPLICATION)
    await office.rig.do(Event.SIGN, case, Side.APPLICANT)
    await office.carry("case.step", RECORDS)
    assert await held(office, case) == ("submitted",) * 3

    def signed(conn: Connection) -> list[tuple[str, bool]]:
        rows = store.events_of(conn, case)
        return [(row.status, bool(row.noted)) for row in rows if row.event == "sign"]

    found = await office.rig.reader.app.station.read(signed)
    assert found == [("refused", False), ("counted", True)]


async def test_a_completion_that_the_hub_refuses_did_not_happen(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text and scans are again those that provider and hub hold; what is granted then is what was
    asked for first."""
    reader = office.rig.reader.app.station
    wish, scan = office.rig.wish(purpose="行政依据"), PDF + b"1"
    case = await reader.write(lambda tx: cases.apply(tx, wish, [("申请表.pdf", scan)]))
    await office.settle()
    await office.rig.do(Event.RETURN, case)
    await office.settle()
    other = {"purpose": "工作参考"}
    with monkeypatch.context() as patch:
        patch.setattr(notary, "_check_items", _refuse)
        files = [("另一份.pdf", PDF + b"22")]
        await reader.write(lambda tx: cases.complete(tx, case, other, files, "已补充"))
        assert await scans(office, case) == [PDF + b"22", scan, scan]
        assert await held(office, case) == ("returned",) * 3
    assert await scans(office, case) == [scan] * 3
    asked = await reader.read(lambda conn: held_application(conn, case))
    assert (asked.purpose, asked.attachments[0].name) == ("行政依据", "申请表.pdf")
    await office.rig.do(Event.COMPLETE, case)
    await office.settle()
    await office.rig.do(Event.GRANT, case)
    assert await held(office, case) == ("granted",) * 3
    assert await live(office, case) == [1, 1, 1]


async def test_a_late_part_of_a_scan_that_was_replaced(office: PostOffice) -> None:
    """It is not taken for one of the new scan, whose own parts would then find the place taken."""
    reader = office.rig.reader.app.station
    old, new = PDF + b"1", PDF + b"2"
    wish = office.rig.wish(purpose="业务协同")
    case = await reader.write(lambda tx: cases.apply(tx, wish, [("申请表.pdf", old)]))
    await office.carry(APPLICATION, APPLICATION, RECEIPT, RECEIPT)
    await office.collect()
    late = [each for each in office.bag if each.kind == "case.attachment"]
    office.bag = [each for each in office.bag if each not in late]
    await office.rig.do(Event.RETURN, case)
    await office.carry("case.step", "case.step")
    files = [("申请表.pdf", new)]
    await reader.write(lambda tx: cases.complete(tx, case, {}, files, "已补充"))
    await office.carry("case.completion", "case.completion")
    assert late
    office.bag[:0] = late
    await office.settle()
    assert await scans(office, case) == [new] * 3


async def test_a_scan_of_another_kind_than_was_signed(office: PostOffice) -> None:
    """Its hash is right; it is shown as what it is not."""
    reader = office.rig.reader.app.station
    page = b"<script>alert(1)</script>"

    def apply(tx: Tx) -> str:
        case = cases.draft(tx, office.rig.wish(purpose="数据校核"))
        attachments.keep_own(tx, case, [page])
        scan = Attachment("a.pdf", "application/pdf", len(page), tx.suite.hash(page))
        asked = replace(held_application(tx.conn, case), attachments=(scan,))
        store.put(tx, case, application=encode(asked))
        cases.submit(tx, case)
        return case

    case = await reader.write(apply)
    await office.settle()
    for method in (
        office.rig.provider.methods["request.attachment"],
        office.rig.running.call["case.attachment"],
    ):
        with pytest.raises(CaseAttachment, match="application/pdf"):
            await method(case=case, position=0)


def _refuse(*_: object) -> None:
    raise GrantScope(detail="it asks for items that the resource does not have")


async def scans(office: PostOffice, case: str) -> list[bytes]:
    """The first scan, at applicant, provider and hub."""
    methods = (
        office.rig.reader.methods["request.attachment"],
        office.rig.provider.methods["request.attachment"],
        office.rig.running.call["case.attachment"],
    )
    found = [await method(case=case, position=0) for method in methods]
    return [base64.b64decode(each["content"]) for each in found]


# --- an application that its provider cannot take -----------------------------------------------


async def test_what_can_never_be_granted_is_not_asked(office: PostOffice) -> None:
    for changes in ({"items": ("name",)}, {"row_filter": "code = 1"}):
        with pytest.raises(GrantScope):
            await office.rig.apply(OPEN_RESOURCE, **changes)


async def test_an_application_that_its_provider_cannot_take(office: PostOffice) -> None:
    """Another implementation asks for what cannot be granted; the hub took it."""
    reader = office.rig.reader.app.station
    case = await reader.write(lambda tx: cases.draft(tx, office.rig.wish(OPEN_RESOURCE)))

    def spoil(tx: Tx) -> None:
        held = replace(held_application(tx.conn, case), items=("name",))
        store.put(tx, case, application=encode(held))
        cases.submit(tx, case)

    await reader.write(spoil)
    assert await held(office, case) == ("ended",) * 3
    shown = await office.rig.reader.call("request.show", case=case)
    assert shown["case"]["reason"] == "grant.scope"


async def test_an_application_for_what_its_provider_does_not_know(tmp_path: Path) -> None:
    """Its store was set back to before the entry was published."""
    this = catalog.c.code == RESOURCE
    async with post_office(tmp_path, "SC2025") as office:
        provider = office.rig.provider.app.station
        await provider.write(lambda tx: tx.conn.execute(catalog.delete().where(this)))
        case = await office.rig.apply()
        assert await held(office, case) == ("ended",) * 3


async def test_an_application_that_its_provider_refuses_all_the_same(office: PostOffice) -> None:
    """As a member of an older version does, or one that knows the number already."""
    case = await office.rig.apply()
    await office.carry(APPLICATION, to=HUB)

    at_hub = await office.rig.application(case)

    def known(tx: Tx) -> None:
        store.open_case(
            tx, at_hub, store.PROVIDER, READER, PROVIDER, share_type=2, provider_department=""
        )
        store.put(tx, case, state=State.ENDED.value)

    await office.rig.provider.app.station.write(known)
    states = await held(office, case)
    assert (states[0], states[2]) == ("withdrawn", "withdrawn")


# --- helpers ------------------------------------------------------------------------------------


async def live(office: PostOffice, case: str) -> list[int]:
    def count(tx: Tx) -> int:
        rows = tx.conn.execute(grants.select().where(grants_held.live(tx.now_ms))).all()
        return sum(grants_held.terms_of(row).case == case for row in rows)

    return [await station.write(count) for station in office.stations]


async def states_of_clocks(office: PostOffice, party: str, case: str) -> list[tuple[str, str]]:
    station = next(each for each in office.stations if each.party == party)
    found = await station.read(lambda conn: clocks.of(conn, f"case:{case}"))
    return [(each.duty, each.state) for each in found]

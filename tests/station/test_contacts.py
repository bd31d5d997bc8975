"""Contacts of departments: set, confirmed, handed over, reported; who has the duty now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ortoo_protocol.core.errors import (
    ContactAbsence,
    ContactInvalid,
    ContactMissing,
    ContactPerson,
    ContactStale,
    ContactUnknown,
    TrustDepartment,
)
from ortoo_protocol.core.law.contacts import A, B, Handover, Person, check_report
from ortoo_protocol.core.law.instants import END_OF_TIME_MS
from ortoo_protocol.core.law.profiles import NM2018
from ortoo_protocol.station import clocks, todo
from ortoo_protocol.station.clocks import running
from ortoo_protocol.station.contacts import duty, keeping
from tests.station.test_clocks import TEN, Law, at
from tests.support.desk import Desk, Refused
from tests.support.trust import DEPARTMENTS, HUB

PARTY = "s150700"
OWN = DEPARTMENTS[PARTY][0]
JIA = Person("甲", "0470-8217001", "jia@example.cn", "")
YI = Person("乙", "13900000002", "", "")
BING = Person("丙", "", "bing@example.cn", "")


@pytest.fixture
def law(tmp_path: Any) -> Law:
    return Law(tmp_path)


@pytest.fixture
def desk(law: Law) -> Iterator[Desk]:
    made = Desk(law, PARTY)
    yield made
    made.close()


@pytest.fixture
def hub(law: Law) -> Iterator[Desk]:
    from ortoo_protocol.station.context import Hooks

    made = Desk(law, HUB, Hooks(handlers={"contact.report": keeping.take}))
    yield made
    made.close()


def put(desk: Desk, a: Person = JIA, b: Person | None = YI) -> keeping.Contact:
    return desk.do(lambda tx: keeping.put(tx, OWN, "数据科", a, b, "己"))


def on_duty(desk: Desk, now_ms: int) -> list[str]:
    found = desk.do(lambda tx: duty.on_duty(tx.conn, PARTY, OWN, now_ms))
    return [each.name for each in found]


def findings(desk: Desk, *parties: str) -> list[type]:
    found = desk.do(lambda tx: keeping.findings(tx.conn, tx.trust, parties))
    return [type(each) for each in found]


def test_set_and_confirmed(desk: Desk, law: Law) -> None:
    assert findings(desk, PARTY) == [ContactMissing]
    made = put(desk)
    assert (made.report.number, made.report.confirmed_ms) == (1, law.now_ms)
    law.now_ms = at("2026-09-21")
    again = desk.do(lambda tx: keeping.confirm(tx, OWN, "己"))
    assert (again.report.number, again.report.confirmed_ms) == (2, law.now_ms)
    assert (again.report.a, again.report.b) == (JIA, YI)
    assert findings(desk, PARTY) == []
    assert len(desk.letters("contact.report", HUB)) == 2
    before, now = desk.do(lambda tx: clocks.of(tx.conn, keeping.subject_of(PARTY, OWN)))
    assert (before.state, now.state, now.days) == ("met", "running", NM2018.sharing.contacts.days)


def test_nobody_confirms(desk: Desk, law: Law) -> None:
    put(desk)
    law.now_ms = at("2027-03-01")
    desk.do(running.strike)
    assert findings(desk, PARTY) == [ContactStale]
    assert findings(desk, "s150200") == [ContactMissing]
    law.now_ms = at("2026-10-20")  # with a directory that lives
    desk.do(lambda tx: keeping.confirm(tx, OWN, "己"))
    assert findings(desk, PARTY) == []


def test_addresses_change_persons_are_handed_over(desk: Desk, law: Law) -> None:
    put(desk, b=None)
    moved = Person("甲", "0470-8217009", "", "https://10.1.2.3/n")
    assert put(desk, a=moved, b=YI).report.a == moved
    assert put(desk, a=moved, b=None).report.b == YI, "left out is not taken away"
    with pytest.raises(ContactPerson):
        put(desk, a=BING)
    for subject in ("case:2", "case:1"):
        desk.do(
            lambda tx, s=subject: clocks.start(
                tx, s, "answer", TEN, party=PARTY, department=OWN, opened_ms=law.now_ms
            )
        )
    handed = desk.do(lambda tx: keeping.hand_over(tx, OWN, A, BING, "己", "调岗"))
    assert (handed.report.a, handed.report.b) == (BING, YI)
    (done,) = desk.do(lambda tx: keeping.handovers(tx.conn, PARTY, OWN))
    assert done == handed.report.handover
    assert (done.before, done.after, done.by, done.reason) == ("甲", "丙", "己", "调岗")
    assert set(done.matters) == {"case:1", "case:2"}
    with pytest.raises(ContactPerson):
        desk.do(lambda tx: keeping.hand_over(tx, OWN, A, BING, "己"))
    with pytest.raises(ContactInvalid):  # A and B are two persons
        desk.do(lambda tx: keeping.hand_over(tx, OWN, B, BING, "己"))
    with pytest.raises(ContactUnknown):
        desk.do(lambda tx: keeping.hand_over(tx, DEPARTMENTS["s150200"][0], A, BING, "己"))


def test_only_own_departments(desk: Desk) -> None:
    other = DEPARTMENTS["s150200"][0]
    with pytest.raises(TrustDepartment):
        desk.do(lambda tx: keeping.put(tx, other, "科", JIA, YI, "己"))
    assert desk.letters("contact.report") == []


@pytest.mark.parametrize(
    ("unit", "a", "b", "by"),
    [
        ("", JIA, YI, "己"),
        ("x" * 101, JIA, YI, "己"),
        ("科", JIA, YI, " "),
        ("科", Person("", "1234", "", ""), YI, "己"),
        ("科", Person("甲", "", "", ""), YI, "己"),
        ("科", Person("甲", "打这个号码", "", ""), YI, "己"),
        ("科", Person("甲", "", "a@b@c", ""), YI, "己"),
        ("科", Person("甲", "", "a@b\nBcc: x@y", ""), YI, "己"),
        ("科", Person("甲", "1234", "", "ftp://x/y"), YI, "己"),
        ("科", JIA, Person("甲", "1234", "", ""), "己"),
        ("科", JIA, Person("乙", "", "no address", ""), "己"),
    ],
)
def test_what_is_no_contact(desk: Desk, unit: str, a: Person, b: Person, by: str) -> None:
    with pytest.raises(ContactInvalid):
        desk.do(lambda tx: keeping.put(tx, OWN, unit, a, b, by))
    assert desk.do(lambda tx: keeping.listed(tx.conn)) == []


def test_a_hand_over_is_bounded(desk: Desk) -> None:
    from msgspec.structs import replace

    report = put(desk).report
    good = Handover(A, "甲", "丙", 1, "己", "", ("case:1",))
    check_report(replace(report, handover=good))
    for wrong in (
        {"role": "c"},
        {"before": ""},
        {"reason": "x" * 1_001},
        {"matters": ("case:1",) * 201},
        {"matters": ("x" * 97,)},
    ):
        with pytest.raises(ContactInvalid):
            check_report(replace(report, handover=replace(good, **wrong)))


# --- at the hub ---------------------------------------------------------------------------------


def test_the_hub_holds_what_was_reported(desk: Desk, hub: Desk, law: Law) -> None:
    assert findings(hub, PARTY) == [ContactMissing]
    put(desk)
    desk.do(lambda tx: keeping.hand_over(tx, OWN, A, BING, "己"))
    first, second = desk.letters("contact.report", HUB)
    hub.take(second)
    with pytest.raises(Refused) as refused:
        hub.take(first)
    assert refused.value.code == "contact.old"
    (held,) = hub.do(lambda tx: keeping.listed(tx.conn))
    assert (held.party, held.report.a.name, held.report.number) == (PARTY, "丙", 2)
    (done,) = hub.do(lambda tx: keeping.handovers(tx.conn, PARTY, OWN))
    assert done.after == "丙"
    assert findings(hub, PARTY) == []
    law.now_ms = at("2027-03-01")
    hub.do(running.strike)
    assert findings(hub, PARTY) == [ContactStale]


def test_nobody_reports_for_others(hub: Desk, law: Law, tmp_path: Any) -> None:
    from msgspec.structs import replace

    from ortoo_protocol.station.sending import send

    other = Desk(law, "s150200")
    report = other.do(
        lambda tx: keeping.put(tx, DEPARTMENTS["s150200"][0], "科", JIA, YI, "己")
    ).report
    forged = replace(report, department=OWN)
    other.do(lambda tx: send(tx, HUB, forged))
    with pytest.raises(Refused) as refused:
        hub.take(other.letters("contact.report", HUB)[-1])
    assert refused.value.code == "trust.department"
    other.close()


# --- A and B ------------------------------------------------------------------------------------


def test_b_stands_in_while_a_is_away(desk: Desk, law: Law) -> None:
    put(desk)
    now, gone, back = law.now_ms, at("2026-09-21"), at("2026-09-25")
    assert on_duty(desk, now) == ["甲"]
    desk.do(lambda tx: duty.away(tx, OWN, "甲", gone, back, "己", "出差"))
    assert [on_duty(desk, ms) for ms in (gone - 1, gone, back - 1, back)] == [
        ["甲"], ["乙"], ["乙"], ["甲"],
    ]  # fmt: skip
    desk.do(lambda tx: duty.away(tx, OWN, "乙", gone, back, "己"))
    assert on_duty(desk, gone) == ["甲"], "somebody has to have it"
    assert desk.do(lambda tx: duty.departments_of(tx.conn, PARTY, "甲", gone)) == (OWN,)
    assert desk.do(lambda tx: duty.departments_of(tx.conn, PARTY, "乙", gone)) == ()


def test_back_before_the_time(desk: Desk, law: Law) -> None:
    put(desk)
    desk.do(lambda tx: duty.away(tx, OWN, "甲", law.now_ms, at("2026-10-25"), "己"))
    law.now_ms = at("2026-09-22")
    assert on_duty(desk, law.now_ms) == ["乙"]
    desk.do(lambda tx: duty.back(tx, OWN, "甲"))
    assert on_duty(desk, law.now_ms) == ["甲"]
    with pytest.raises(ContactAbsence):
        desk.do(lambda tx: duty.back(tx, OWN, "甲"))


@pytest.mark.parametrize("name", ["甲", " 甲", "甲\u3000", "甲\u200b"])
def test_nobody_stands_in_for_themselves(desk: Desk, law: Law, name: str) -> None:
    """However it is written: from the beginning, or by a hand-over of either role."""
    oneself = Person(name, "13900000009", "", "")
    with pytest.raises(ContactInvalid):
        put(desk, b=oneself)
    put(desk)
    for role, error in ((B, ContactInvalid), (A, ContactPerson)):
        with pytest.raises(error):
            desk.do(lambda tx, r=role: keeping.hand_over(tx, OWN, r, oneself, "己"))


def test_a_circle_of_absences_ends_with_a(desk: Desk, law: Law) -> None:
    """A is away and B has it; B goes, too, in the middle; A comes back, and B is still away."""
    put(desk)
    days = [at(f"2026-09-{day}") for day in (21, 22, 23, 24)]
    desk.do(lambda tx: duty.away(tx, OWN, "甲", days[0], days[2], "己"))
    desk.do(lambda tx: duty.away(tx, OWN, "乙", days[1], days[3], "己"))
    assert [on_duty(desk, day) for day in days] == [["乙"], ["甲"], ["甲"], ["甲"]]


def test_who_left_in_mid_clock_has_nothing_to_do(desk: Desk, law: Law) -> None:
    """Away, then replaced: what was open is the successor's at once, and the absence with it is
    nobody's; B had it in between."""
    put(desk)
    subject, opened = "case:1", law.now_ms
    desk.do(
        lambda tx: clocks.start(
            tx, subject, "answer", TEN, party=PARTY, department=OWN, opened_ms=opened
        )
    )
    desk.do(lambda tx: duty.away(tx, OWN, "甲", law.now_ms, at("2026-12-31"), "己"))

    def to_do(person: str) -> list[str]:
        found = desk.do(lambda tx: todo.of_person(tx.conn, PARTY, person, law.now_ms))
        return [each.subject for each in found if each.duty == "answer"]

    assert (to_do("甲"), to_do("乙")) == ([], [subject])
    desk.do(lambda tx: keeping.hand_over(tx, OWN, A, BING, "己"))
    assert (to_do("丙"), to_do("乙")) == ([subject], [])
    with pytest.raises(ContactUnknown):
        to_do("甲")
    (handed,) = desk.do(lambda tx: keeping.handovers(tx.conn, PARTY, OWN))
    assert handed.matters == (subject,)


def test_absences_that_make_no_sense(desk: Desk, law: Law) -> None:
    put(desk, b=None)
    for person, from_ms, until_ms, by, error in (
        ("丁", law.now_ms, at("2026-10-01"), "己", ContactUnknown),
        ("甲", law.now_ms, law.now_ms, "己", ContactAbsence),
        ("甲", at("2026-10-02"), at("2026-10-01"), "己", ContactAbsence),
        ("甲", law.now_ms, at("2026-10-01"), "", ContactAbsence),
        ("甲", law.now_ms, END_OF_TIME_MS, "己", ContactAbsence),
    ):
        with pytest.raises(error):
            desk.do(lambda tx, g=(person, from_ms, until_ms, by): duty.away(tx, OWN, *g))
    desk.do(lambda tx: duty.away(tx, OWN, "甲", law.now_ms, at("2026-10-01"), "己"))
    assert on_duty(desk, law.now_ms) == ["甲"], "there is no B"
    assert desk.do(lambda tx: duty.on_duty(tx.conn, "s150200", OWN, law.now_ms)) == ()

"""Notices, digests and to-do lists: to whom, how often, and what becomes of trouble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ortoo_hub.calendar import known_years, seed_year
from ortoo_protocol.core.errors import ContactUnknown, NoticeFailed
from ortoo_protocol.core.law.contacts import Person
from ortoo_protocol.core.law.profiles import Term
from ortoo_protocol.i18n import ENGLISH, translator
from ortoo_protocol.station import clocks, todo
from ortoo_protocol.station.clocks import running, taking
from ortoo_protocol.station.contacts import duty, keeping
from ortoo_protocol.station.context import Hooks
from ortoo_protocol.station.notify import digest, queue, telling
from ortoo_protocol.station.notify.channel import Outgoing
from ortoo_protocol.station.notify.queue import DROPPED, FAILED, SENT, WAITING, Delivery
from ortoo_protocol.station.notify.settings import NotifyTable
from ortoo_protocol.station.notify.templates import MOST_LINES, TEMPLATES, said
from ortoo_protocol.station.store.notice_tables import notice_deliveries, notices
from tests.station.test_clocks import Law, at
from tests.support.desk import Desk
from tests.support.trust import DEPARTMENTS, HUB

PARTY = "s150700"
OWN = DEPARTMENTS[PARTY][0]
BOSS = DEPARTMENTS[HUB][0]
JIA = Person("甲", "13900000001", "jia@example.cn", "")
YI = Person("乙", "13900000002", "yi@example.cn", "")
TABLE = NotifyTable(authority=OWN)
ENGLISH_TEXTS = translator(ENGLISH)


@dataclass
class Mail:
    """A channel of the port that reaches whoever has an address of this kind."""

    name: str = "mail"
    kind: str = "mail"
    sent: list[Outgoing] = field(default_factory=list)

    def reach(self, phone: str, mail: str, webhook: str) -> str | None:
        return {"mail": mail, "phone": phone}[self.kind] or None

    async def send(self, message: Outgoing) -> None:
        self.sent.append(message)

    async def close(self) -> None:
        """Nothing."""


@dataclass
class File(Mail):
    name: str = "file"

    def reach(self, phone: str, mail: str, webhook: str) -> str | None:
        return ""


CHANNELS = (Mail(), File())


@pytest.fixture
def law(tmp_path: Path) -> Law:
    return Law(tmp_path)


@pytest.fixture
def desk(law: Law) -> Iterator[Desk]:
    made = Desk(law, PARTY, Hooks(clock={"": telling.on_clock}))
    made.do(lambda tx: taking.put(tx, map(seed_year, known_years())))
    made.do(lambda tx: keeping.put(tx, OWN, "数据科", JIA, YI, "己"))
    made.do(lambda tx: clocks.cancel(tx, keeping.subject_of(PARTY, OWN), keeping.DUTY, 1))
    yield made
    made.close()


def start(desk: Desk, subject: str = "case:1", days: int | None = 5) -> None:
    opened_ms = desk.kit.clock()
    desk.do(
        lambda tx: clocks.start(
            tx, subject, "answer", Term("Measures art. 19", days),
            party=PARTY, department=OWN, opened_ms=opened_ms,
        )
    )  # fmt: skip


def tell(desk: Desk, count: int = 1, **to: Any) -> None:
    values = {"title": "题", "text": "超期" if "authority" in to else "文"}
    for _ in range(count):
        desk.do(lambda tx: telling.tell(tx, "text", values, **(to or {"department": OWN})))


def route(desk: Desk, table: NotifyTable = TABLE) -> None:
    while desk.do(lambda tx: queue.route(tx, table, CHANNELS)):
        pass


def deliveries(desk: Desk, channel: str = "mail") -> list[tuple[str, str]]:
    return [
        (row.person, row.state) for row in desk.rows(notice_deliveries) if row.channel == channel
    ]


def due(desk: Desk, channel: str = "mail") -> Delivery | int | None:
    return desk.do(lambda tx: queue.next_due(tx.conn, channel, tx.now_ms, PARTY, ENGLISH_TEXTS))


def delivery(desk: Desk, channel: str = "mail") -> Delivery:
    found = due(desk, channel)
    assert isinstance(found, Delivery)
    return found


# --- to whom ------------------------------------------------------------------------------------


def test_whoever_has_the_duty_by_every_channel_that_reaches_them(desk: Desk, law: Law) -> None:
    tell(desk)
    route(desk)
    assert deliveries(desk) == deliveries(desk, "file") == [("甲", WAITING)]
    desk.do(lambda tx: duty.away(tx, OWN, "甲", law.now_ms, at("2026-10-01"), "己"))
    tell(desk)
    tell(desk, department=OWN, person="甲")
    tell(desk, authority=True)
    tell(desk, department=BOSS)
    tell(desk)
    route(desk)
    assert deliveries(desk)[1:] == [("乙", WAITING)] * 3 + [("甲", WAITING)]
    assert [person for person, _ in deliveries(desk, "file")[1:]] == ["乙"] * 3 + ["甲", ""]


def test_an_authority_that_is_not_named(desk: Desk) -> None:
    tell(desk, authority=True)
    route(desk, NotifyTable())
    assert (deliveries(desk), deliveries(desk, "file")) == ([], [("", WAITING)])


def test_clocks_tell(desk: Desk, law: Law) -> None:
    start(desk)
    law.now_ms = at("2026-09-21")
    desk.do(running.strike)
    route(desk)
    first = delivery(desk).message
    assert first.title == "Due on 2026-09-24: answer"
    assert "3 working days are left" in first.text
    assert first.address == JIA.mail
    law.now_ms = at("2026-09-25")
    desk.do(running.strike)
    route(desk)
    templates = [row.template for row in desk.rows(notices)]
    assert templates == ["clock.warn", "clock.late", "clock.escalated"]


@pytest.mark.parametrize(
    ("here", "whose", "department", "told"),
    [
        (PARTY, PARTY, OWN, ["clock.late", "clock.escalated"]),
        (PARTY, PARTY, "", ["clock.late"]),
        (PARTY, "s150200", DEPARTMENTS["s150200"][0], []),
        (HUB, "s150200", DEPARTMENTS["s150200"][0], ["clock.escalated"]),
        (HUB, HUB, "", ["clock.late"]),
    ],
)
def test_who_hears_that_it_is_late(
    law: Law, here: str, whose: str, department: str, told: list[str]
) -> None:
    desk = Desk(law, here, Hooks(clock={"": telling.on_clock}))
    desk.do(
        lambda tx: clocks.start(
            tx, "case:1", "answer", Term("a", 1), party=whose,
            department=department, opened_ms=tx.now_ms,
        )
    )  # fmt: skip
    law.now_ms = at("2026-10-25")
    desk.do(running.strike)
    assert [row.template for row in desk.rows(notices)] == told
    desk.close()


# --- how much -----------------------------------------------------------------------------------


def test_many_at_once_are_one_message(desk: Desk, law: Law) -> None:
    """A month off: 50 overdue answers are one mail, not fifty."""
    for number in range(50):
        start(desk, f"case:{number:02}")
    law.now_ms = at("2026-10-25")
    desk.do(running.strike)
    route(desk)
    assert len(deliveries(desk)) == 1
    message = delivery(desk).message
    assert message.title == "50 notices", "who is of the authority too hears of each once"
    lines = message.text.splitlines()
    assert len(lines) == MOST_LINES + 2
    assert lines[-1] == f"and {50 - MOST_LINES} more"


def test_a_queue_is_bounded(desk: Desk) -> None:
    small = NotifyTable(waiting=10)
    for _ in range(12):
        tell(desk)
        route(desk, small)
    states = [state for _, state in deliveries(desk)]
    assert (states.count(WAITING), states.count(DROPPED)) == (10, 2)
    (mail,) = [one for one in desk.do(lambda tx: queue.troubles(tx.conn)) if one[0] == "mail"]
    assert mail[1:3] == (0, 2)


# --- trouble ------------------------------------------------------------------------------------


def test_back_off_and_giving_up(desk: Desk, law: Law) -> None:
    tell(desk)
    route(desk)
    waits = []
    error = NoticeFailed(channel="mail", detail="SMTP 451")
    began_ms = law.now_ms
    while isinstance(found := due(desk), Delivery):
        given = found
        waits.append(desk.do(lambda tx, d=given: queue.in_vain(tx, d, error, TABLE)))
        law.now_ms += waits[-1]
    assert waits[:4] == [30_000, 60_000, 120_000, 240_000]
    assert max(waits) == 3_600_000
    assert (law.now_ms - began_ms) / 86_400_000 == pytest.approx(TABLE.keep_days, abs=0.1)
    assert deliveries(desk) == [("甲", FAILED)]
    (trouble,) = desk.do(lambda tx: queue.troubles(tx.conn))
    assert trouble == ("mail", 0, 1, "SMTP 451")
    assert isinstance(due(desk, "file"), Delivery), "the other channel has no trouble"
    assert desk.do(queue.again) == 2
    assert isinstance(due(desk), Delivery)


def test_sent_once_over_restarts(desk: Desk, law: Law) -> None:
    tell(desk)
    desk.restart()
    route(desk)
    first = delivery(desk)
    desk.restart()
    assert delivery(desk).message == first.message, "the same id when it was not settled"
    desk.do(lambda tx: queue.sent(tx, first))
    desk.restart()
    assert due(desk) is None
    assert deliveries(desk) == [("甲", SENT)]
    route(desk)
    assert len(desk.rows(notice_deliveries)) == 2


def test_what_is_over_is_forgotten(desk: Desk, law: Law) -> None:
    tell(desk, 2)
    route(desk)
    one = delivery(desk)
    desk.do(lambda tx: queue.sent(tx, one))
    law.now_ms += 8 * 86_400_000
    desk.do(lambda tx: queue.forget(tx, 7))
    assert len(desk.rows(notices)) == 2, "what waits still needs its texts"
    for channel in ("mail", "file", "file"):
        given = delivery(desk, channel)
        desk.do(lambda tx, d=given: queue.sent(tx, d))
    law.now_ms += 8 * 86_400_000
    desk.do(lambda tx: queue.forget(tx, 7))
    assert desk.rows(notices) == desk.rows(notice_deliveries) == []


# --- texts --------------------------------------------------------------------------------------


def test_every_template_is_said_in_both_languages() -> None:
    values = {
        **{
            "duty": "answer",
            "subject": "case:1",
            "day": "2026-10-09",
            "article": "Measures art. 19",
        },
        **{"party": PARTY, "department": OWN, "left": 3, "count": 2, "late": 1},
        **{"title": "{题}", "text": "{文}"},
    }
    for name in TEMPLATES:
        for language in ("zh_CN", "en"):
            found = said(translator(language), name, values)
            assert "<" not in found.title + found.text, (name, found)
    chinese = said(translator("zh_CN"), "clock.warn", values)
    assert "《办法》第十九条" in chinese.text
    assert said(ENGLISH_TEXTS, "text", values).title == "{题}", "braces of a text are its own"
    assert said(ENGLISH_TEXTS, "of a later version", {"a": 1}).text == "a: 1"


# --- digest -------------------------------------------------------------------------------------


def digests(desk: Desk, law: Law, day: str, hour: int) -> list[tuple[str, int]]:
    """The digests that are made then, and how many matters each lists."""
    law.now_ms = at(day, hour)
    before = len(desk.rows(notices))
    desk.do(lambda tx: digest.make(tx, 8))
    made = desk.rows(notices)[before:]
    return [(row.person, row.values.count('"subject"')) for row in made]


def test_a_digest_a_day(desk: Desk, law: Law) -> None:
    law.now_ms = at("2026-09-20", 6)
    start(desk, "case:1")
    start(desk, "case:2", None)
    assert digests(desk, law, "2026-09-21", 7) == []
    assert digests(desk, law, "2026-09-21", 8) == [("甲", 2)]
    desk.restart()
    assert digests(desk, law, "2026-09-21", 9) == []
    start(desk, "case:3")
    assert digests(desk, law, "2026-09-21", 23) == [], "what comes later waits for tomorrow"
    assert digests(desk, law, "2026-09-22", 14) == [("甲", 3)], "off at eight, on at two"
    assert digests(desk, law, "2026-09-25", 9) == [], "a holiday"
    assert digests(desk, law, "2026-10-10", 9) == [("甲", 3)], "a Saturday that is worked"
    route(desk)
    last = [row for row in desk.rows(notices) if row.template == "digest"][-1]
    assert '"late":2' in last.values


def test_nobody_gets_an_empty_digest(desk: Desk, law: Law) -> None:
    assert digests(desk, law, "2026-09-21", 9) == []
    start(desk)
    assert digests(desk, law, "2026-09-21", 10) == []
    assert digests(desk, law, "2026-09-22", 10) == [("甲", 1)]


def test_b_gets_the_digest_of_a(desk: Desk, law: Law) -> None:
    start(desk)
    desk.do(lambda tx: duty.away(tx, OWN, "甲", at("2026-09-22"), at("2026-09-23", 0), "己"))
    assert digests(desk, law, "2026-09-21", 9) == [("甲", 1)]
    assert digests(desk, law, "2026-09-22", 9) == [("乙", 1)]
    assert digests(desk, law, "2026-09-23", 9) == [("甲", 1)]


# --- to do --------------------------------------------------------------------------------------


def test_to_do(desk: Desk, law: Law) -> None:
    start(desk, "case:1", 10)
    start(desk, "case:2", 5)
    start(desk, "case:3", None)

    def of(person: str) -> list[str]:
        found = desk.do(lambda tx: todo.of_person(tx.conn, PARTY, person, law.now_ms))
        return [each.subject for each in found]

    everything = ["case:2", "case:1", "case:3"]
    assert (of("甲"), of("乙")) == (everything, [])
    desk.do(lambda tx: duty.away(tx, OWN, "甲", law.now_ms, at("2026-09-22"), "己"))
    assert (of("甲"), of("乙")) == ([], everything)
    law.now_ms = at("2026-09-22")
    assert (of("甲"), of("乙")) == (everything, [])
    with pytest.raises(ContactUnknown):
        of("丁")
    found = desk.do(lambda tx: todo.of_department(tx.conn, PARTY, OWN))
    assert [each.day for each in found[:2]] == [date(2026, 9, 24), date(2026, 10, 9)]
    assert desk.do(lambda tx: todo.of_department(tx.conn, PARTY, BOSS)) == []


def test_duties_of_the_authority(desk: Desk, law: Law) -> None:
    """A clock without a department is the authority's: its people are told and see it."""
    opened_ms = law.now_ms
    desk.do(
        lambda tx: clocks.start(
            tx, "case:9", "coordination", Term("Measures art. 19", 5), party=PARTY,
            department="", opened_ms=opened_ms,
        )
    )  # fmt: skip

    def of(authority: str) -> list[str]:
        found = desk.do(lambda tx: todo.of_person(tx.conn, PARTY, "甲", law.now_ms, authority))
        return [each.subject for each in found]

    assert (of(OWN), of(BOSS)) == (["case:9"], [])
    law.now_ms = at("2026-09-21")
    desk.do(running.strike)
    desk.do(lambda tx: digest.make(tx, 8, OWN))
    law.now_ms = at("2026-09-25")
    desk.do(running.strike)
    told = [(row.template, row.authority) for row in desk.rows(notices)]
    assert told == [("clock.warn", True), ("digest", False), ("clock.late", True)]

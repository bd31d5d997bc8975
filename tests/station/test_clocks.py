"""The law's clocks at one station: started, warned, late, once each, whatever happens between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ortoo_hub.calendar import known_years, seed_year
from ortoo_protocol.core.errors import (
    CalendarInvalid,
    CalendarOld,
    ClockExtension,
    ClockPause,
    ClockUnknown,
    TrustExpired,
)
from ortoo_protocol.core.law import profiles
from ortoo_protocol.core.law.clock import moment_ms
from ortoo_protocol.core.law.profiles import NM2018, Pause, Term
from ortoo_protocol.core.law.workdays import CalendarYear, NamedDay
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import clocks
from ortoo_protocol.station.clocks import Clock, keeping, running, taking
from ortoo_protocol.station.context import Hooks, Tx
from tests.support.desk import Desk
from tests.support.stations import Kit
from tests.support.trust import DEPARTMENTS, Region

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "protocol", "hub", "node")),
}
PARTY = "s150700"
DEPARTMENT = DEPARTMENTS[PARTY][0]
TEN = Term("Measures art. 19", 10)


def at(day: str, hour: int = 9, minute: int = 0) -> int:
    """A local time in China, in ms."""
    return moment_ms(date.fromisoformat(day), hour * 60 + minute)


@dataclass
class Law(Kit):
    """A station whose clock the test sets."""

    region: Region = field(default_factory=lambda: Region(now_ms=at("2026-09-18")))
    now_ms: int = at("2026-09-18")
    told: list[tuple[str, str, str]] = field(default_factory=list)
    refuse: bool = False

    def clock(self) -> int:
        return self.now_ms

    def hook(self, _tx: Tx, clock: Clock, stage: str) -> None:
        if self.refuse:
            raise TrustExpired(document="directory", expired="-")
        self.told.append((clock.subject, clock.duty, stage))


@pytest.fixture
def law(tmp_path: Path) -> Law:
    return Law(tmp_path)


@pytest.fixture
def desk(law: Law) -> Iterator[Desk]:
    made = Desk(law, PARTY, Hooks(clock={"answer": law.hook}))
    made.do(lambda tx: taking.put(tx, map(seed_year, known_years())))
    yield made
    made.close()


def start(desk: Desk, term: Term = TEN, subject: str = "case:1", duty: str = "answer") -> Clock:
    opened_ms = desk.kit.clock()
    return desk.do(
        lambda tx: clocks.start(
            tx, subject, duty, term, party=PARTY, department=DEPARTMENT, opened_ms=opened_ms
        )
    )


def strike(desk: Desk, law: Law, day: str, hour: int = 9, minute: int = 0) -> list[str]:
    """The stages that are told at that time."""
    law.now_ms = at(day, hour, minute)
    before = len(law.told)
    while not desk.do(running.strike):
        pass
    return [stage for _, _, stage in law.told[before:]]


def only(desk: Desk, subject: str = "case:1") -> Clock:
    (found,) = desk.do(lambda tx: clocks.of(tx.conn, subject))
    return found


def history(desk: Desk, clock: Clock) -> list[str]:
    return [row.event for row in desk.do(lambda tx: clocks.events(tx.conn, clock.clock))]


def test_a_deadline_and_its_end(desk: Desk, law: Law) -> None:
    made = start(desk)
    assert (made.day, made.provisional, made.state) == (date(2026, 10, 9), False, "running")
    assert made.due_ms == at("2026-10-10", 0)
    assert start(desk) == made, "the same duty of the same subject has one clock"
    last_ms = made.due_ms - 1
    met = desk.do(lambda tx: clocks.stop(tx, "case:1", "answer", last_ms))
    assert met is not None
    assert (met.state, met.closed_ms) == ("met", last_ms)
    assert desk.do(lambda tx: clocks.stop(tx, "case:1", "answer", last_ms)) is None
    assert start(desk).clock != made.clock, "a closed one is not opened again"


def test_warned_twice_then_late_once_each(desk: Desk, law: Law) -> None:
    start(desk)
    said = []
    for day in ("09-18", "09-29", "09-30", "10-08", "10-08", "10-09", "10-09"):
        said.append((day, strike(desk, law, f"2026-{day}")))
    # Three working days before Fri 10-09: Thu 10-08, Wed 09-30, Tue 09-29.
    assert said == [
        ("09-18", []),
        ("09-29", ["warn"]),
        ("09-30", []),
        ("10-08", ["warn"]),
        ("10-08", []),
        ("10-09", []),
        ("10-09", []),
    ]
    assert strike(desk, law, "2026-10-09", 23, 59) == []
    assert strike(desk, law, "2026-10-10", 0) == ["late"]
    assert strike(desk, law, "2026-11-10") == []
    found = only(desk)
    assert (found.state, found.closed_ms, found.escalated_ms) == ("late", None, at("2026-10-10", 0))
    assert history(desk, found) == ["started", "warn", "warn", "late"]
    assert desk.do(lambda tx: clocks.late(tx.conn, law.now_ms)) == [found]


def test_restarts_say_nothing_twice(desk: Desk, law: Law) -> None:
    start(desk)
    assert strike(desk, law, "2026-09-29") == ["warn"]
    desk.restart()
    assert strike(desk, law, "2026-09-29", 10) == []
    assert strike(desk, law, "2026-10-10") == ["late"]
    desk.restart()
    assert strike(desk, law, "2026-10-11") == []


def test_a_month_off(desk: Desk, law: Law) -> None:
    """Each is told once, as what it has come to, in the order in which they were due; more than one
    transaction holds."""
    for number in range(running.AT_ONCE + 20):
        start(desk, Term("a", 1 + number % 7), f"case:{number:03}")
    start(desk, Term("a", 25), "case:later")
    strike(desk, law, "2026-10-27")
    late = [subject for subject, _, stage in law.told if stage == "late"]
    assert len(late) == len(set(late)) == running.AT_ONCE + 20
    days = [1 + int(subject[-3:]) % 7 for subject in late]
    assert days == sorted(days)
    assert [(s, stage) for s, _, stage in law.told if stage != "late"] == [("case:later", "warn")]


def test_an_answer_that_was_in_time_after_all(desk: Desk, law: Law) -> None:
    """Its letter came after the escalation; the notary's time counts."""
    start(desk)
    assert strike(desk, law, "2026-10-12") == ["late"]
    met = desk.do(lambda tx: clocks.stop(tx, "case:1", "answer", at("2026-10-09", 23)))
    assert met is not None
    assert (met.state, met.escalated_ms is not None) == ("met", True)
    start(desk, subject="case:2")
    late = desk.do(lambda tx: clocks.stop(tx, "case:2", "answer", at("2027-01-09")))
    assert late is not None
    assert late.state == "late"


def test_promptly(desk: Desk, law: Law) -> None:
    made = start(desk, Term("Decree 809 art. 26", None))
    assert (made.day, made.due_ms, made.state) == (None, None, "running")
    assert strike(desk, law, "2030-01-01") == []
    stopped = desk.do(lambda tx: clocks.stop(tx, "case:1", "answer", law.now_ms))
    assert stopped is not None
    assert stopped.state == "met"


def test_cancelled(desk: Desk, law: Law) -> None:
    start(desk)
    found = desk.do(lambda tx: clocks.cancel(tx, "case:1", "answer", law.now_ms))
    assert found is not None
    assert found.state == "cancelled"
    assert strike(desk, law, "2026-12-01") == []
    assert desk.do(lambda tx: clocks.cancel(tx, "case:1", "answer", law.now_ms)) is None
    assert desk.do(lambda tx: clocks.due(tx.conn)) == []


def test_extended_once_by_no_more_than_the_article_allows(desk: Desk) -> None:
    start(desk, Term("Decree 809 art. 21", 10, extension_days=10))
    for days in (0, 11):
        with pytest.raises(ClockExtension):
            desk.do(lambda tx, days=days: clocks.extend(tx, "case:1", "answer", days))
    longer = desk.do(lambda tx: clocks.extend(tx, "case:1", "answer", 10))
    assert longer.day == date(2026, 10, 22)
    with pytest.raises(ClockExtension):
        desk.do(lambda tx: clocks.extend(tx, "case:1", "answer", 1))
    with pytest.raises(ClockUnknown):
        desk.do(lambda tx: clocks.extend(tx, "case:9", "answer", 1))


def test_an_extension_takes_the_warning_back(desk: Desk, law: Law) -> None:
    start(desk, Term("a", 10, extension_days=10))
    assert strike(desk, law, "2026-09-30") == ["warn"]
    desk.do(lambda tx: clocks.extend(tx, "case:1", "answer", 10))
    assert law.told[-1][2] == "moved"
    assert strike(desk, law, "2026-10-10") == []
    assert strike(desk, law, "2026-10-19") == ["warn"]


def test_pausing(desk: Desk, law: Law) -> None:
    """Working days after the day of the pause, up to the day it ends, do not count."""
    start(desk)
    law.now_ms = at("2026-09-22")
    desk.do(lambda tx: clocks.pause(tx, "case:1", "answer", law.now_ms))
    assert strike(desk, law, "2026-11-01") == []
    assert only(desk).state == "paused"
    with pytest.raises(ClockPause):
        desk.do(lambda tx: clocks.pause(tx, "case:1", "answer", law.now_ms))
    law.now_ms = at("2026-09-28")
    resumed = desk.do(lambda tx: clocks.resume(tx, "case:1", "answer", law.now_ms))
    # 23, 24, 28 September: 25 is 中秋节.
    assert (resumed.day, resumed.state) == (date(2026, 10, 13), "running")
    with pytest.raises(ClockPause):
        desk.do(lambda tx: clocks.resume(tx, "case:1", "answer", law.now_ms))
    law.now_ms = at("2026-09-29")
    desk.do(lambda tx: clocks.pause(tx, "case:1", "answer", law.now_ms))
    same = desk.do(lambda tx: clocks.resume(tx, "case:1", "answer", law.now_ms))
    assert same.day == date(2026, 10, 13), "who resumes on the same day has won nothing"


def test_the_rules_say_what_pauses(desk: Desk, law: Law, monkeypatch: pytest.MonkeyPatch) -> None:
    start(desk, duty="rectify")
    with pytest.raises(ClockPause):
        desk.do(lambda tx: clocks.pause(tx, "case:1", "rectify", law.now_ms))
    rules = replace(NM2018, sharing=replace(NM2018.sharing, pauses=(Pause("x", "rectify", "a"),)))
    monkeypatch.setattr(keeping, "profile_named", lambda _name: rules)
    with pytest.raises(ClockPause):
        desk.do(lambda tx: clocks.pause(tx, "case:1", "rectify", law.now_ms, "completion"))
    desk.do(lambda tx: clocks.pause(tx, "case:1", "rectify", law.now_ms, "x"))
    assert only(desk).state == "paused"


def test_close_of_business(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(NM2018, sharing=replace(NM2018.sharing, closes_min=17 * 60 + 30))
    monkeypatch.setattr(keeping, "profile_named", lambda _name: rules)
    made = start(desk)
    assert made.due_ms == at("2026-10-09", 17, 30)


def test_another_profile_is_other_data(desk: Desk, law: Law, monkeypatch: Any) -> None:
    monkeypatch.setattr(Trust, "profile", "SC2025")
    made = start(desk, profiles.SC2025.sharing.answer)
    assert (made.article, made.extension_days) == ("Decree 809 art. 21", 10)


# --- calendars ----------------------------------------------------------------------------------


def year_2027(version: int = 1, *days: NamedDay) -> CalendarYear:
    named = days or (NamedDay("2027-01-01", False, "元旦"), NamedDay("2027-01-03", True, "调休"))
    return CalendarYear(year=2027, version=version, source="国办", by="甲", days=named)


def test_a_year_that_nobody_has_named_yet(desk: Desk, law: Law) -> None:
    law.now_ms = at("2026-12-25")
    made = start(desk)
    assert (made.day, made.provisional) == (date(2027, 1, 8), True)
    law.now_ms = at("2026-12-28")
    desk.do(lambda tx: taking.put(tx, [year_2027()]))
    found = only(desk)  # Friday the 1st is off, Sunday the 3rd is worked: the same day, certain now
    assert (found.day, found.provisional, law.told) == (date(2027, 1, 8), False, [])
    nadam = NamedDay("2027-01-05", False, "那达慕")
    desk.do(lambda tx: taking.put(tx, [year_2027(2, NamedDay("2027-01-01", False, "元旦"), nadam)]))
    found = only(desk)
    assert found.day == date(2027, 1, 12)
    assert law.told == [("case:1", "answer", "moved")]
    assert history(desk, found) == ["started", "moved", "moved"]
    details = [row.detail for row in desk.do(lambda tx: clocks.events(tx.conn, found.clock))]
    assert details[-1] == "2027-01-08 → 2027-01-12"


def test_a_calendar_that_takes_lateness_back(desk: Desk, law: Law) -> None:
    law.now_ms = at("2026-12-25")
    start(desk)
    assert strike(desk, law, "2027-01-09") == ["late"]
    days = tuple(NamedDay(f"2027-01-{n:02}", False, "") for n in range(4, 9))
    desk.do(lambda tx: taking.put(tx, [year_2027(1, *days)]))
    found = only(desk)
    assert (found.state, found.escalated_ms, found.day) == ("running", None, date(2027, 1, 15))
    assert strike(desk, law, "2027-01-13") == ["warn"]
    assert strike(desk, law, "2027-01-16") == ["late"]


def _stop(subject: str, at_ms: int, tx: Tx) -> None:
    clocks.stop(tx, subject, "answer", at_ms)


def test_a_calendar_judges_again_what_was_done_on_a_provisional_day(desk: Desk, law: Law) -> None:
    """Late by days that nobody had named, in time by those of the calendar; whoever kept to the
    day that was shown is not late afterwards."""
    law.now_ms = at("2026-12-25")
    late, kept, moved = (start(desk, subject=f"case:{name}") for name in ("late", "kept", "open"))
    assert (late.day, late.provisional) == (date(2027, 1, 8), True)
    done = {"case:kept": at("2027-01-08", 23), "case:late": at("2027-01-11")}
    for subject, at_ms in done.items():
        desk.do(partial(_stop, subject, at_ms))
    assert only(desk, "case:late").state == "late"
    nadam = NamedDay("2027-01-05", False, "那达慕")
    desk.do(lambda tx: taking.put(tx, [year_2027(1, nadam)]))
    later = date(2027, 1, 11)
    assert (only(desk, "case:late").state, only(desk, "case:late").day) == ("met", later)
    assert (only(desk, "case:kept").state, only(desk, "case:open").day) == ("met", later)
    worked = [NamedDay(f"2027-01-0{day}", True, "调休") for day in (2, 3)]
    desk.do(lambda tx: taking.put(tx, [year_2027(2, *worked)]))
    assert only(desk, "case:open").day == date(2027, 1, 6)
    assert [only(desk, subject).state for subject in done] == ["met", "met"]
    assert moved.provisional
    assert not kept.closed_ms


def test_who_kept_to_the_day_that_was_shown_kept_to_it(desk: Desk, law: Law) -> None:
    law.now_ms = at("2026-12-25")
    start(desk)
    desk.do(partial(_stop, "case:1", at("2027-01-08", 23)))
    worked = [NamedDay(f"2027-01-0{day}", True, "调休") for day in (2, 3)]
    desk.do(lambda tx: taking.put(tx, [year_2027(1, *worked)]))
    found = only(desk)
    assert (found.state, found.day, found.provisional) == ("met", date(2027, 1, 8), False)


def test_a_calendar_that_moves_the_last_day_behind_us(desk: Desk, law: Law) -> None:
    """Warned of the provisional one already; by the calendar it is over: late, once."""
    law.now_ms = at("2026-12-25")
    start(desk)
    assert strike(desk, law, "2027-01-08", 8) == ["warn"]
    worked = [NamedDay(f"2027-01-0{day}", True, "调休") for day in (2, 3)]
    desk.do(lambda tx: taking.put(tx, [year_2027(1, *worked)]))
    assert only(desk).day == date(2027, 1, 6)
    assert strike(desk, law, "2027-01-08", 9) == ["late"]
    assert strike(desk, law, "2027-01-08", 10) == []
    desk.do(lambda tx: taking.put(tx, [year_2027(2)]))  # the year is set right again
    assert (only(desk).state, only(desk).day) == ("running", date(2027, 1, 8))
    assert strike(desk, law, "2027-01-08", 11) == ["warn"]
    assert strike(desk, law, "2027-01-09") == ["late"]


def test_an_older_calendar_is_not_taken(desk: Desk) -> None:
    desk.do(lambda tx: taking.put(tx, [year_2027(3)]))
    for version in (3, 2):
        with pytest.raises(CalendarOld):
            desk.do(lambda tx, version=version: taking.put(tx, [year_2027(version)]))
    with pytest.raises(CalendarInvalid):
        desk.do(lambda tx: taking.put(tx, [year_2027(4), year_2027(5)]))
    with pytest.raises(CalendarInvalid):
        desk.do(lambda tx: taking.put(tx, []))
    held = desk.do(lambda tx: clocks.calendar.years(tx.conn))
    assert [each.version for each in held if each.year == 2027] == [3]


# --- surroundings -------------------------------------------------------------------------------


def test_a_handler_that_cannot_is_asked_again(desk: Desk, law: Law) -> None:
    start(desk, Term("a", 1))
    law.refuse = True
    assert strike(desk, law, "2026-09-21") == []
    assert only(desk).escalated_ms is None
    law.refuse = False
    assert strike(desk, law, "2026-09-21", 9, 5) == []
    assert strike(desk, law, "2026-09-21", 9, 11) == ["late"]


def test_a_wrong_clock_finds_nobody_late(desk: Desk, law: Law, monkeypatch: Any) -> None:
    start(desk)
    monkeypatch.setattr(type(desk.parts.watch), "stops", lambda _watch, _hub: True)
    assert strike(desk, law, "2026-12-01") == []
    monkeypatch.undo()
    assert strike(desk, law, "2026-09-18", 10) == []
    assert only(desk).state == "running"


def test_the_machines_clock_is_set_back(desk: Desk, law: Law) -> None:
    start(desk)
    assert strike(desk, law, "2026-10-10") == ["late"]
    assert strike(desk, law, "2026-10-08") == []
    found = only(desk)
    assert (found.state, found.escalated_ms) == ("running", None)
    assert strike(desk, law, "2026-10-10") == ["late"]
    assert history(desk, found) == ["started", "late", "clock-set", "late"]


def test_midnight_is_the_regions(desk: Desk, law: Law) -> None:
    """Neither the machine's time zone nor its daylight saving has a say."""
    zone = os.environ.get("TZ")
    try:
        for number, name in enumerate(("America/New_York", "Asia/Ulaanbaatar", "UTC")):
            os.environ["TZ"] = name
            time.tzset()
            law.now_ms = at("2026-09-18", 23, 59)
            assert start(desk, subject=f"case:{number}").due_ms == at("2026-10-10", 0)
            law.now_ms = at("2026-09-19", 0)
            later = start(desk, subject=f"later:{number}")
            assert later.due_ms == at("2026-10-10", 0), "the 20th is worked, the 19th is not"
    finally:
        os.environ.pop("TZ", None)
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()


@pytest.mark.parametrize("after", [1, 40, 130])
def test_killed_while_it_strikes(law: Law, desk: Desk, after: int) -> None:
    """SIGKILL in the midst of 300 that are late: the next process tells the others, each once."""
    for number in range(300):
        start(desk, Term("a", 1), f"case:{number:03}")
    desk.close()
    child = (sys.executable, "-m", "tests.station.striking", str(desk.path), str(at("2026-10-23")))
    with subprocess.Popen(child, cwd=ROOT, stdout=subprocess.PIPE, env=ENVIRONMENT) as killed:
        assert killed.stdout is not None
        for _ in range(after):
            assert killed.stdout.readline()
        killed.kill()
    subprocess.run(child, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
    desk.restart()
    late = desk.do(lambda tx: clocks.late(tx.conn, at("2026-10-23")))
    assert len(late) == 300
    for each in late:
        assert history(desk, each) == ["started", "late"]


def test_lists(desk: Desk, law: Law) -> None:
    start(desk, Term("a", 5), "case:1")
    start(desk, Term("a", 1), "case:2")
    start(desk, Term("a", None), "case:3")

    def due(**given: Any) -> list[str]:
        return [each.subject for each in desk.do(lambda tx: clocks.due(tx.conn, **given))]

    assert due() == ["case:2", "case:1", "case:3"]
    assert due(before_ms=at("2026-09-22")) == ["case:2"]
    assert due(party="s150200") == due(department="x") == []
    assert due(limit=1) == ["case:2"]
    law.now_ms = at("2026-09-22")
    late = desk.do(lambda tx: clocks.late(tx.conn, law.now_ms))
    assert [each.subject for each in late] == ["case:2"], "whether it has struck yet or not"
    with pytest.raises(ClockUnknown):
        desk.do(lambda tx: clocks.find(tx.conn, "0" * 32))

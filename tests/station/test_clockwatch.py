"""Whose clock is wrong: each party's signed times, and the vote over them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ortoo_protocol.core.errors import TrustClock, TrustClockSkew, TrustPeerClock
from ortoo_protocol.station.clockwatch import BEST_BOUND_MS, MAX_SENT, ClockWatch

HUB, A, B, C = "h150000", "s150200", "s150700", "s152900"
HOUR, MINUTE = 3_600_000, 60_000
TRUE_MS = 1_780_000_000_000


@dataclass
class Bench:
    """`wrong_ms`: what our wall clock shows less the true time."""

    wrong_ms: int = 0
    passed_ms: int = 0
    own: str = "s150000"
    watch: ClockWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = ClockWatch(
            self.own,
            lambda: TRUE_MS + self.passed_ms + self.wrong_ms,
            lambda: 5_000 + self.passed_ms,
        )

    @property
    def true_ms(self) -> int:
        return TRUE_MS + self.passed_ms

    def exchange(self, party: str, wrong_ms: int = 0, *, after_ms: int = 1_000) -> None:
        """A letter of ours and `party`'s receipt for it."""
        letter = party.encode()
        self.watch.sent(letter)
        self.passed_ms += after_ms
        self.watch.answered(party, letter, self.true_ms + wrong_ms)
        self.watch.heard(party, self.true_ms + wrong_ms)

    def says(self) -> list[tuple[str, object]]:
        warned = self.watch.warnings(HUB)
        return [(each.code, each.facts.get("party", each.facts["skew_s"])) for each in warned]


def test_nobody_was_heard() -> None:
    bench = Bench()
    assert bench.says() == []
    bench.watch.check(HUB)


def test_clocks_that_agree() -> None:
    bench = Bench(wrong_ms=4 * MINUTE)
    for party in (HUB, A, B):
        bench.exchange(party)
    assert bench.says() == []


def test_the_hub_alone_shows_that_ours_is_behind() -> None:
    bench = Bench(wrong_ms=-2 * HOUR)
    bench.watch.heard(HUB, bench.true_ms)
    assert bench.says() == [("trust.clock", 7200)]
    with pytest.raises(TrustClock) as stopped:
        bench.watch.check(HUB)
    assert stopped.value.facts == {"skew_s": 7200}


def test_an_answer_shows_that_ours_is_ahead_and_an_old_letter_does_not() -> None:
    bench = Bench(wrong_ms=2 * HOUR)
    bench.watch.heard(HUB, bench.true_ms - 40 * 24 * HOUR)
    bench.watch.heard(HUB, bench.true_ms)
    assert bench.says() == []
    bench.exchange(HUB)
    assert bench.says() == [("trust.clock", -7199)]


def test_between_five_minutes_and_an_hour_it_only_warns() -> None:
    bench = Bench(wrong_ms=-10 * MINUTE)
    bench.exchange(HUB)
    assert bench.says() == [("trust.clock-skew", 600)]
    bench.watch.check(HUB)


def test_a_hub_with_a_wrong_clock_is_outvoted() -> None:
    bench = Bench()
    bench.exchange(HUB, wrong_ms=3 * HOUR)
    assert bench.says() == [("trust.clock", 10800)]
    bench.exchange(A)
    assert bench.says() == [("trust.clock", 10800)]  # one against one: the hub decides
    bench.exchange(B)
    assert bench.says() == [("trust.peer-clock", HUB)]
    bench.watch.check(HUB)


def test_one_station_stops_nobody() -> None:
    bench = Bench()
    bench.exchange(A, wrong_ms=-3 * HOUR)
    assert bench.says() == [("trust.peer-clock", A)]
    bench.watch.check(HUB)


def test_two_stations_without_the_hub() -> None:
    bench = Bench(wrong_ms=-3 * HOUR)
    bench.exchange(A)
    bench.exchange(B)
    assert bench.says() == [("trust.clock", 10800)]


def test_the_hub_goes_by_the_majority() -> None:
    bench = Bench(own=HUB)
    bench.exchange(A, wrong_ms=2 * HOUR)
    bench.exchange(B, wrong_ms=2 * HOUR)
    assert bench.says() == [("trust.clock", 7200)]
    bench.exchange(C)
    bench.exchange("s150100")
    assert bench.says() == [("trust.peer-clock", A), ("trust.peer-clock", B)]


def test_what_is_said_is_the_least_that_was_proven() -> None:
    bench = Bench(wrong_ms=-2 * HOUR)
    bench.exchange(HUB, wrong_ms=9 * HOUR)
    bench.exchange(A)
    assert bench.says() == [("trust.clock", 7200)]


def test_parties_that_never_answered_do_not_say_that_ours_is_not_ahead() -> None:
    bench = Bench(wrong_ms=2 * HOUR)
    bench.exchange(HUB)
    for party in (A, B, C):
        bench.watch.heard(party, bench.true_ms)
    assert bench.says() == [("trust.clock", -7199)]


@pytest.mark.parametrize("wrong_ms", [2 * HOUR, -2 * HOUR])
def test_setting_the_clock_ends_it_at_once(wrong_ms: int) -> None:
    bench = Bench(wrong_ms=wrong_ms)
    bench.exchange(HUB)
    assert bench.says()
    bench.wrong_ms = 0
    assert bench.says() == []
    assert bench.watch.stepped_ms() == -wrong_ms
    assert bench.watch.stepped_ms() == 0


def test_an_answer_to_a_letter_of_before_the_clock_was_set() -> None:
    bench = Bench(wrong_ms=2 * HOUR)
    bench.watch.sent(b"letter")
    bench.wrong_ms = 0
    bench.passed_ms += 3 * HOUR
    bench.watch.answered(HUB, b"letter", bench.true_ms)
    assert bench.says() == []


@pytest.mark.parametrize("wrong_ms", [2 * HOUR, -2 * HOUR])
def test_a_peer_that_set_its_clock_is_cleared(wrong_ms: int) -> None:
    bench = Bench()
    bench.exchange(A, wrong_ms)
    assert bench.says() == [("trust.peer-clock", A)]
    bench.exchange(A)
    bench.passed_ms += BEST_BOUND_MS
    bench.exchange(A)
    assert bench.says() == []


def test_a_delayed_message_does_not_hide_what_a_fresh_one_showed() -> None:
    bench = Bench(wrong_ms=-2 * HOUR)
    bench.watch.heard(HUB, bench.true_ms)
    bench.watch.heard(HUB, bench.true_ms - 5 * HOUR)
    assert bench.says() == [("trust.clock", 7200)]


def test_own_letters_and_unknown_answers_say_nothing_and_memory_is_bounded() -> None:
    bench = Bench()
    bench.watch.heard("s150000", bench.true_ms + 9 * HOUR)
    bench.watch.answered(HUB, b"never sent", bench.true_ms - 9 * HOUR)
    assert bench.says() == []
    for number in range(MAX_SENT + 1):
        bench.watch.sent(number.to_bytes(4, "big"))
    bench.watch.answered(HUB, bytes(4), bench.true_ms - 9 * HOUR)
    assert bench.says() == []


def test_a_small_step_is_none() -> None:
    bench = Bench()
    bench.wrong_ms = 900
    assert bench.watch.stepped_ms() == 0


def test_the_warning_is_no_reason_to_stop() -> None:
    assert issubclass(TrustClockSkew, TrustClock)
    assert not issubclass(TrustPeerClock, TrustClock)


def test_what_a_hub_signed_before_counts_until_its_members_speak() -> None:
    bench = Bench(own=HUB)
    bench.watch.recall(HUB, bench.true_ms + 2 * HOUR)
    assert bench.says() == [("trust.clock", 7200)]
    bench.exchange(A)
    bench.exchange(B)
    assert [code for code, _ in bench.says()] == ["trust.peer-clock"]
    bench.watch.check(HUB)

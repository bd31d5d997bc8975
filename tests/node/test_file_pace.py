"""The rate of a transfer: of the last seconds alone."""

from __future__ import annotations

from ortoo_node.files.pace import WINDOW_S, Pace


def test_it_follows_what_comes() -> None:
    pace = Pace()
    assert pace.chunks_a_s(0.0) == 0.0
    for second in range(5):
        pace.saw(float(second), 100 * second)
    assert pace.chunks_a_s(4.0) == 100.0


def test_what_came_before_it_began_is_not_its_own() -> None:
    """A transfer that is taken up again begins with what is there."""
    pace = Pace()
    pace.saw(0.0, 5_000)
    pace.saw(2.0, 5_010)
    assert pace.chunks_a_s(2.0) == 5.0


def test_what_stopped_shows_as_stopped() -> None:
    pace = Pace()
    for second in range(4):
        pace.saw(float(second), 100 * second)
    assert pace.chunks_a_s(8.0) == 300 / 8
    assert pace.chunks_a_s(3.1 + WINDOW_S) == 0.0
    pace.saw(60.0, 400)
    pace.saw(61.0, 450)
    assert pace.chunks_a_s(61.0) == 50.0

"""Pages of the journal: what is asked for is found once, in order, and a page costs the same in a
journal of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event

from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.envelope import Header
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.journal import searching
from ortoo_protocol.station.journal.searching import Sought, number_at, search
from ortoo_protocol.station.store import journal_rows
from tests.support.desk import Desk
from tests.support.stations import Kit

PARTY, OTHER, THIRD = "s150700", "s150200", "s152900"
ROWS, EVERY_MS = 300, 1_000
BEGAN_MS = 1_700_000_000_000


def header(number: int, destination: str) -> bytes:
    """As far as a journal row is looked at."""
    made = Header(
        number.to_bytes(16, "big"), "case.apply", PARTY, destination, (), None, None, 1, 0, None,
        None, 1, b"", "ortoo/1", 0, None, None,
    )  # fmt: skip
    return encode(made)


def row(number: int) -> journal_rows.Pending:
    """Every tenth is refused, every hundredth goes to a third party, 3 flows in turn."""
    to, refused = THIRD if number % 100 == 5 else OTHER, number % 10 == 3
    return journal_rows.Pending(
        Direction.SENT,
        State.REFUSED if refused else State.ACCEPTED,
        f"flow {number % 3}",
        number.to_bytes(16, "big"),
        "case.apply" if number % 4 else "case.answer",
        PARTY,
        header(number, to),
        b"signature",
        b"hash",
        "grant.ended" if refused else "",
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    made = Desk(Kit(tmp_path_factory.mktemp("journal")), PARTY)

    def fill(tx: Tx) -> None:
        for number in range(ROWS):
            time_ms = BEGAN_MS + number * EVERY_MS
            journal_rows.append(tx.conn, tx.suite, [row(number)], time_ms)

    made.do(fill)
    return made


def found(desk: Desk, **asked: Any) -> list[int]:
    """All pages, one after the other."""

    def job(tx: Tx) -> list[int]:
        numbers: list[int] = []
        before = 0
        while True:
            page = search(tx.conn, Sought(**{"count": 7, **asked, "before": before}), ROWS)
            assert len(page.rows) <= 7
            numbers += [each["seq"] for each in page.rows]
            before = page.next_before
            if not before:
                return numbers

    return desk.do(job)


def expected(wanted: Any) -> list[int]:
    return [number for number in reversed(range(ROWS)) if wanted(number)]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, lambda n: True),
        ({"kind": "case.answer"}, lambda n: n % 4 == 0),
        ({"refused": True}, lambda n: n % 10 == 3),
        ({"party": THIRD}, lambda n: n % 100 == 5),
        ({"party": PARTY}, lambda n: True),
        ({"party": "s150900"}, lambda n: False),
        ({"flows": ["flow 1"]}, lambda n: n % 3 == 1),
        ({"flows": ["flow 2", "flow 0"]}, lambda n: n % 3 != 1),
        ({"flows": []}, lambda n: False),
        ({"flows": ["flow 1"], "refused": True, "kind": "case.apply"},
         lambda n: n % 3 == 1 and n % 10 == 3 and n % 4),
        ({"since_ms": BEGAN_MS + 50_000}, lambda n: n >= 50),
        ({"until_ms": BEGAN_MS + 50_000}, lambda n: n < 50),
        ({"since_ms": BEGAN_MS + 10_500, "until_ms": BEGAN_MS + 20_500, "kind": "case.apply"},
         lambda n: 11 <= n <= 20 and n % 4),
        ({"since_ms": BEGAN_MS + 10**9}, lambda n: False),
    ],
)  # fmt: skip
def test_each_row_that_is_asked_for_comes_once_the_newest_first(
    desk: Desk, asked: dict[str, Any], wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "PORTION", 5)
    assert found(desk, **asked) == expected(wanted)
    monkeypatch.setattr(searching, "MOST_LOOKED", 11)
    assert found(desk, **asked) == expected(wanted)


def test_a_page_stops_where_it_has_looked_long_enough_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_LOOKED", 40)
    page = desk.do(lambda tx: search(tx.conn, Sought(party="s150900"), ROWS))
    assert (page.rows, page.looked, page.whole) == ([], 40, False)
    assert page.next_before == ROWS - 40
    full = desk.do(lambda tx: search(tx.conn, Sought(count=10), ROWS))
    assert full.whole
    assert full.next_before == ROWS - 10


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "PRIMARY KEY"),
        ({"kind": "case.apply"}, "journal_kind"),
        ({"refused": True}, "journal_refused"),
        ({"flows": ["flow 1"]}, "ix_journal_flow"),
        ({"before": 200, "kind": "case.apply", "party": THIRD}, "journal_kind"),
    ],
)
def test_no_page_walks_over_the_whole_journal(
    desk: Desk, asked: dict[str, Any], index: str
) -> None:
    """What the store plans for each query: by an index, sorting nothing."""
    for plan in desk.do(lambda tx: list(plans(tx.conn, asked))):
        assert index in plan
        assert "TEMP B-TREE" not in plan


def test_no_proof_walks_over_the_whole_tree(desk: Desk) -> None:
    """Measured at a million rows: a list of pairs made each proof read all of it."""

    def job(tx: Tx) -> list[str]:
        conn, suite = tx.conn, tx.suite
        return [
            *planned(conn, lambda: journal_rows.inclusion_proof(conn, suite, 77, ROWS)),
            *planned(conn, lambda: journal_rows.consistency_proof(conn, suite, 77, ROWS)),
            *planned(conn, lambda: journal_rows.frontier_at(conn, suite, ROWS - 1)),
        ]

    made = desk.do(job)
    assert len(made) == 3
    assert not any("SCAN journal_nodes" in each for each in made)


def plans(conn: Connection, asked: dict[str, Any]) -> Iterator[str]:
    return planned(conn, lambda: search(conn, Sought(**asked), ROWS))


def planned(conn: Connection, does: Callable[[], object]) -> Iterator[str]:
    said: list[tuple[str, Any]] = []
    engine = conn.engine

    def note(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        does()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert said
    for statement, values in said:
        plan = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        yield " ".join(str(each[3]) for each in plan)


def test_times_lead_to_numbers_by_halving(desk: Desk) -> None:
    def job(tx: Tx) -> list[int]:
        offsets = (-1, 0, 1, EVERY_MS, (ROWS - 1) * EVERY_MS, ROWS * EVERY_MS)
        return [number_at(tx.conn, BEGAN_MS + each, ROWS) for each in offsets]

    assert desk.do(job) == [0, 0, 1, 1, ROWS - 1, ROWS]

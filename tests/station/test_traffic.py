"""Traffic is counted from the journal once, whatever is restarted in between."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station import traffic
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import journal
from ortoo_protocol.station.store.traffic_tables import traffic_hours, traffic_totals
from tests.support.desk import Desk, Refused
from tests.support.stations import Kit, publish_row, until_read

PARTY = "s150700"
FEED = f"{PARTY}.townships"


def sums(conn: Connection) -> Counter[tuple[str, int, int]]:
    rows = conn.execute(select(traffic_totals)).all()
    return Counter({(row.kind, row.direction, row.state): row.rows for row in rows})


def of_journal(conn: Connection) -> Counter[tuple[str, int, int]]:
    names = (journal.c.kind, journal.c.direction, journal.c.state)
    rows = conn.execute(select(*names, func.count()).group_by(*names)).all()
    return Counter({(kind or traffic.OTHER, way, state): n for kind, way, state, n in rows})


def step(desk: Desk) -> int:
    def job(tx: Tx) -> int:
        counted = traffic.count(desk.party, tx.conn)
        assert traffic.keep(counted, tx)
        return counted.end - counted.first

    return desk.do(job)


@pytest.fixture
def busy(tmp_path: Path) -> Desk:
    desk = Desk(Kit(tmp_path), PARTY)
    for number in range(7):
        desk.publish(FEED, (f"{number:03}", "乙"))
    with pytest.raises(Refused):
        desk.take(b"nothing that anybody signed")
    return desk


def test_all_rows_are_counted_once(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "ROWS_A_STEP", 3)
    steps = []
    while counted := step(busy):
        steps.append(counted)
    assert max(steps) == 3
    assert len(steps) > 2
    everything = busy.do(lambda tx: of_journal(tx.conn))
    assert busy.do(lambda tx: sums(tx.conn)) == everything
    assert everything[traffic.OTHER, Direction.RECEIVED.value, State.REFUSED.value] == 1
    busy.publish(FEED, ("100", "later"))
    step(busy)
    assert busy.do(lambda tx: sums(tx.conn)) == busy.do(lambda tx: of_journal(tx.conn))
    busy.close()


def test_what_somebody_counted_meanwhile_is_not_added(busy: Desk) -> None:
    late = busy.do(lambda tx: traffic.count(busy.party, tx.conn))
    step(busy)
    assert not busy.do(partial(traffic.keep, late))
    assert busy.do(lambda tx: sums(tx.conn)) == busy.do(lambda tx: of_journal(tx.conn))
    busy.close()


def test_hours_say_who_told_whom(busy: Desk) -> None:
    step(busy)
    rows = busy.rows(traffic_hours)
    assert {(row.sender, row.recipient, row.topic) for row in rows} == {
        (PARTY, "", "table"),
        ("", PARTY, traffic.OTHER),
    }
    assert sum(row.rows for row in rows) == sum(busy.do(lambda tx: of_journal(tx.conn)).values())
    busy.close()


def test_hours_are_let_go_and_totals_are_not(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "KEPT_HOURS", -2)
    step(busy)
    assert busy.rows(traffic_hours) == []
    assert busy.do(lambda tx: sums(tx.conn)) == busy.do(lambda tx: of_journal(tx.conn))
    busy.close()


async def test_a_running_station_counts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "EVERY_S", 0.05)
    kit = Kit(tmp_path)
    station = kit.open(PARTY)
    async with kit.running(station):
        await station.write(lambda tx: publish_row(tx, FEED))
        await until_read(station, lambda conn: sums(conn) and sums(conn) == of_journal(conn))
        rows = await station.read(lambda conn: conn.execute(select(traffic_hours)).all())
    assert (PARTY, "") in {(row.sender, row.recipient) for row in rows}

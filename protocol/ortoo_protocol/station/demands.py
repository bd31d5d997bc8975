"""Demands in the store, at station and hub alike: moved by one table, with their clocks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, Table, func, insert, select, update

from ortoo_protocol.core.catalog.lists import DEMAND
from ortoo_protocol.core.demands import Event, State, move
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.demand_tables import demand_events, demands
from ortoo_protocol.station.store.dialect import insert_new

ANSWER, CATALOG = "demand-answer", "demand-catalog"
_CLOCK = ("duty", "article", "party", "state", "opened_ms", "due_ms", "closed_ms", "provisional")


def find(conn: Connection, provider: str, number: str) -> Row[Any] | None:
    """None while nobody was asked."""
    query = select(demands).where(demands.c.provider == provider, demands.c.number == number)
    return conn.execute(query).first()


def rows(lists: Table, state: str = "", party: str = "") -> Select[Any]:
    """Rows of `lists` (the lists beside the catalog, of station or hub) that are demands: of one
    state, assigned to one party, or all."""
    same = (demands.c.provider == lists.c.provider) & (demands.c.number == lists.c.number)
    query = select(lists).outerjoin(demands, same).where(lists.c.list == DEMAND)
    if state:
        query = query.where(func.coalesce(demands.c.state, State.OPEN.value) == state)
    return query.where(demands.c.party == party) if party else query


def take_event(
    tx: Tx,
    provider: str,
    number: str,
    event: Event,
    taken_by: str,
    *,
    by: str,
    reason: str,
    **values: Any,
) -> State:
    """`taken_by`: whose party. `values`: what changes with it. Raises DemandMove."""
    new: dict[str, Any] = {
        "provider": provider,
        "number": number,
        "state": State.OPEN.value,
        "party": "",
    }
    new |= {"department": "", "draft": "", "resource": "", "changed_ms": tx.now_ms}
    insert_new(tx.conn, demands, [new])
    row = find(tx.conn, provider, number)
    if row is None:
        raise RuntimeError("a row that was just written is not there")
    state = move(State(row.state), event)
    this = (demands.c.provider == provider) & (demands.c.number == number)
    changed = {"state": state.value, "changed_ms": tx.now_ms, **values}
    tx.conn.execute(update(demands).where(this).values(changed))
    line = {
        "provider": provider,
        "number": number,
        "event": event.value,
        "party": taken_by,
        "by": by,
        "reason": reason,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(demand_events).values(line))
    _clocks(tx, provider, number, event)
    return state


def _clocks(tx: Tx, provider: str, number: str, event: Event) -> None:
    """A department answers what it is assigned, and catalogs what it has taken."""
    row, sharing = find(tx.conn, provider, number), profile_named(tx.trust.profile).sharing
    if row is None:
        return
    subject = f"demand:{provider}/{number}"
    whose = {"party": row.party, "department": row.department, "opened_ms": tx.now_ms}
    if event is Event.ASSIGN:
        clocks.start(tx, subject, ANSWER, sharing.demand_answer, **whose)
        return
    clocks.stop(tx, subject, ANSWER, tx.now_ms)
    if event is Event.TAKE:
        clocks.start(tx, subject, CATALOG, sharing.demand_catalog, **whose)
    elif event is Event.SUPPLY:
        clocks.stop(tx, subject, CATALOG, tx.now_ms)
    else:
        clocks.cancel(tx, subject, CATALOG, tx.now_ms)


def history(conn: Connection, provider: str, number: str) -> list[dict[str, Any]]:
    names = ("time_ms", "event", "party", "by", "reason")
    query = select(demand_events).where(
        demand_events.c.provider == provider, demand_events.c.number == number
    )
    rows = conn.execute(query.order_by(demand_events.c.line)).all()
    return [{name: getattr(row, name) for name in names} for row in rows]


def standing(conn: Connection, provider: str, number: str) -> dict[str, Any]:
    """Where a demand stands, for control methods."""
    row = find(conn, provider, number)
    running = [
        {
            **{name: getattr(clock, name) for name in _CLOCK},
            "day": None if clock.day is None else clock.day.isoformat(),
        }
        for clock in clocks.of(conn, f"demand:{provider}/{number}")
    ]
    return {
        "state": State.OPEN.value if row is None else row.state,
        "party": "" if row is None else row.party,
        "assigned_department": "" if row is None else row.department,
        "draft": "" if row is None else row.draft,
        "supplied_by": "" if row is None else row.resource,
        "clocks": running,
    }

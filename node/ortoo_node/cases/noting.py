"""The notary's records: which event was which, when, and what state it led to.

A record may come before the letter that it is about; it is kept until that is here. The clocks of a
case that crosses leagues run from the instants of the records, so they are the same everywhere.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from ortoo_node.cases import store
from ortoo_node.store.case_tables import case_events, case_records, cases
from ortoo_protocol.core.cases import Event, Records, Side, check_record
from ortoo_protocol.core.cases.log import COUNTED, REFUSED
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import EnvelopeSender
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station.cases import clocking
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new


def on_records(tx: Tx, opened: Opened[Shape]) -> None:
    """Raises EnvelopeSender, CaseField."""
    body, sender = as_body(opened, Records).body, opened.header.sender
    if sender != tx.trust.hub:
        raise EnvelopeSender(sender=sender, owner=tx.trust.hub)
    for record in body.records:
        check_record(record)
        row = {
            "case": record.case,
            "number": record.number,
            "event": record.event,
            "party": record.party,
            "state": record.state,
            "time_ms": record.time_ms,
            "taken": False,
        }
        insert_new(tx.conn, case_records, [row])
    for case in dict.fromkeys(record.case for record in body.records):
        catch_up(tx, case)


def catch_up(tx: Tx, case: str) -> None:
    """Match records with events; what is matched counts, in the notary's order."""
    row = tx.conn.execute(select(cases).where(cases.c.case == case)).first()
    if row is None:
        return  # the application is still on its way
    before = _records(tx, case)
    matched = [each for each in before if not each.taken and _match(tx, each)]
    if not matched:
        return
    subject, first = store.subject_of(tx, row), matched[0].number
    if any(each.taken and each.number > first for each in before):  # one came late
        taken = [each for each in _records(tx, case) if each.taken]
        clocking.anew(tx, subject, [(Event(each.event), each.time_ms) for each in taken])
    else:
        for each in matched:
            clocking.happened(tx, subject, Event(each.event), each.time_ms)
    store.put(tx, case, noted_state=before[-1].state)
    store.refold(tx, case)


def free(tx: Tx, case: str, number: int) -> None:
    """The record was taken for an event that the notary had refused: it is of another."""
    this = (case_records.c.case == case) & (case_records.c.number == number)
    tx.conn.execute(update(case_records).where(this).values(taken=False))
    catch_up(tx, case)


def _records(tx: Tx, case: str) -> list[Row[Any]]:
    query = select(case_records).where(case_records.c.case == case)
    return list(tx.conn.execute(query.order_by(case_records.c.number)))


def _match(tx: Tx, record: Row[Any]) -> bool:
    """The oldest event of this name and party that has no number yet."""
    query = select(case_events.c.number).where(
        case_events.c.case == record.case,
        case_events.c.event == record.event,
        case_events.c.party == record.party,
        case_events.c.noted == 0,
        case_events.c.status != REFUSED,
    )
    query = query.order_by(case_events.c.number).limit(1)
    found = tx.conn.execute(query).scalar()
    if found is None and record.event == Event.EXPIRE.value:
        found = _expired(tx, record)  # no letter tells of the date
    if found is None:
        return False
    tx.conn.execute(
        update(case_events)
        .where(case_events.c.number == found)
        .values(noted=record.number, legal_ms=record.time_ms, status=COUNTED)
    )
    this = (case_records.c.case == record.case) & (case_records.c.number == record.number)
    tx.conn.execute(update(case_records).where(this).values(taken=True))
    return True


def _expired(tx: Tx, record: Row[Any]) -> int:
    side = Side.SYSTEM
    return store.add_event(tx, record.case, Event.EXPIRE, side, record.party, by="", reason="")

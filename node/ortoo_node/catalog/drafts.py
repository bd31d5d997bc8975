"""Drafts of entries: what a compiler saved, and the record of every step they went through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from ortoo_node.catalog import mirror, review
from ortoo_node.store.tables import catalog_drafts, catalog_steps
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.catalog.intake import LATER, fields_of, malformed
from ortoo_protocol.core.catalog.steps import (
    LIVE_STATES,
    OPEN_STATES,
    Act,
    State,
    Taken,
    check_duty,
    move,
)
from ortoo_protocol.core.errors import (
    ApiMatch,
    CatalogDraftUnknown,
    CatalogField,
    CatalogOwner,
    CatalogTooLong,
)
from ortoo_protocol.station.context import Tx

MAX_FIELDS_BYTES = 4 << 20
MOST_LISTED = 1_000
_OPEN = tuple(state.value for state in OPEN_STATES)
_LIVE = (*(state.value for state in LIVE_STATES), State.STOPPED.value)


@dataclass(frozen=True)
class Draft:
    """One version of an entry on its way. `code` is a class or empty until it is filed."""

    draft: str
    code: str
    version: int
    name: str
    department: str
    state: State
    fields: Mapping[str, Any]
    compiled_by: str
    filed: str
    created_ms: int
    changed_ms: int


def save_draft(
    tx: Tx, fields: Mapping[str, Any], who: str, why: str = "", draft: str = ""
) -> Draft:
    """编目: keep what `who` compiled, as a new draft or as the next state of the one that is being
    drafted: `draft`, else that of the same code, else that of the same department and name.

    Whether it may go on is judged when it is reviewed; here it must be readable, of a department of
    this station, and of a code that nobody else has. Raises CatalogField, CatalogOwner,
    CatalogStep, CatalogReason, TrustDepartment.
    """
    kept = {name: value for name, value in fields.items() if name not in LATER}
    for problem in malformed(kept):
        raise problem.error
    tx.trust.check_department(tx.party, kept.get("department", ""))
    if not kept.get("name", "").strip():
        raise CatalogField(field="name", detail="it is empty")
    packed = msgspec.json.encode(kept)
    if len(packed) > MAX_FIELDS_BYTES:
        raise CatalogTooLong(field="entry", most=MAX_FIELDS_BYTES)
    found = find(tx.conn, draft) if draft else _being_drafted(tx.conn, kept)
    if found is None:
        return _new(tx, kept, packed, who, why)
    to = move(found.state, Act.COMPILE, limited=False, draft=found.draft)
    check_duty(Act.COMPILE, who, why, ())
    values = {
        "code": found.code if "/" in found.code else kept.get("code", ""),
        "name": kept["name"],
        "department": kept["department"],
        "fields": packed,
        "compiled_by": who,
    }
    change(tx, found.draft, **values)
    record(tx, found.draft, Act.COMPILE, found.state, to, who, why)
    return find(tx.conn, found.draft)


def _new(tx: Tx, kept: Mapping[str, Any], packed: bytes, who: str, why: str) -> Draft:
    check_duty(Act.COMPILE, who, why, ())
    code = kept.get("code", "")
    published = mirror.find(tx.conn, code) if code else None
    if published is not None and published.provider != tx.party:
        raise CatalogOwner(resource=code)
    draft = tx.new_id().hex()
    row = {
        "draft": draft,
        "code": code,
        "version": 1 if published is None else published.version + 1,
        "name": kept["name"],
        "department": kept["department"],
        "state": State.DRAFTING.value,
        "fields": packed,
        "compiled_by": who,
        "filed": "",
        "created_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_drafts).values(row))
    live_one = live(tx.conn, code) if published is not None else None
    if live_one is not None:
        after = move(live_one.state, Act.REVISE, limited=False, draft=live_one.draft)
        record(tx, live_one.draft, Act.REVISE, live_one.state, after, who, why)
    record(tx, draft, Act.COMPILE, State.DRAFTING, State.DRAFTING, who, why)
    return find(tx.conn, draft)


def adopt(tx: Tx, entry: Entry) -> Draft:
    """A draft, already through its steps, for an entry that was published without one."""
    draft = tx.new_id().hex()
    kept = {name: value for name, value in fields_of(entry).items() if name not in LATER}
    row = {
        "draft": draft,
        "code": entry.code,
        "version": entry.version,
        "name": entry.name,
        "department": entry.department,
        "state": State(entry.status).value,
        "fields": msgspec.json.encode(kept),
        "compiled_by": entry.compiled_by,
        "filed": entry.filed,
        "created_ms": tx.now_ms,
        "changed_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_drafts).values(row))
    return find(tx.conn, draft)


def _being_drafted(conn: Connection, kept: Mapping[str, Any]) -> Draft | None:
    code = kept.get("code", "")
    if "/" in code:
        return on_its_way(conn, code)
    row = conn.execute(
        select(catalog_drafts).where(
            catalog_drafts.c.state == State.DRAFTING.value,
            catalog_drafts.c.department == kept["department"],
            catalog_drafts.c.name == kept["name"],
            catalog_drafts.c.code == code,
        )
    ).first()
    return _draft(row) if row is not None else None


def check_unchanged(
    conn: Connection, fields: Mapping[str, Any], draft: str, revision: int, department: str
) -> None:
    """What `save_draft` is about to change has had so many steps (-1: any number), and is of
    `department` (empty: any). Raises ApiMatch, CatalogDraftUnknown, CatalogOwner, CatalogField."""
    kept = {name: value for name, value in fields.items() if name not in LATER}
    for problem in malformed(kept):
        raise problem.error
    found = (
        find(conn, draft) if draft else _being_drafted(conn, {"department": "", "name": "", **kept})
    )
    if found is not None and department not in ("", found.department):
        raise CatalogDraftUnknown(draft=found.code)
    published = mirror.find(conn, kept.get("code", "")) if kept.get("code") else None
    if published is not None and department not in ("", published.department):
        raise CatalogOwner(resource=published.code)
    if revision >= 0 and revision != (len(steps_of(conn, found.draft)) if found else 0):
        raise ApiMatch()


# --- reading ------------------------------------------------------------------------------------


def find(conn: Connection, given: str) -> Draft:
    """The draft of that number, or the newest of that code. Raises CatalogDraftUnknown."""
    row = conn.execute(select(catalog_drafts).where(catalog_drafts.c.draft == given)).first()
    if row is None and given:
        query = select(catalog_drafts).where(catalog_drafts.c.code == given)
        query = query.order_by(catalog_drafts.c.version.desc(), catalog_drafts.c.draft.desc())
        row = conn.execute(query).first()
    if row is None:
        raise CatalogDraftUnknown(draft=given)
    return _draft(row)


def on_its_way(conn: Connection, code: str) -> Draft | None:
    """The version of `code` that is not published yet."""
    query = select(catalog_drafts).where(
        catalog_drafts.c.code == code, catalog_drafts.c.state.in_(_OPEN)
    )
    row = conn.execute(query).first()
    return _draft(row) if row is not None else None


def live(conn: Connection, code: str, beside: str = "") -> Draft | None:
    """The version of `code` that others see, if it is not the draft `beside`."""
    query = select(catalog_drafts).where(
        catalog_drafts.c.code == code,
        catalog_drafts.c.state.in_(_LIVE),
        catalog_drafts.c.draft != beside,
    )
    row = conn.execute(query.order_by(catalog_drafts.c.version.desc())).first()
    return _draft(row) if row is not None else None


def listed(
    conn: Connection,
    states: Sequence[str] = (),
    department: str = "",
    limit: int = MOST_LISTED,
    offset: int = 0,
) -> list[Draft]:
    """Drafts, what changed last first; without `states` those on their way."""
    query = select(catalog_drafts).where(catalog_drafts.c.state.in_(tuple(states) or _OPEN))
    if department:
        query = query.where(catalog_drafts.c.department == department)
    order = (catalog_drafts.c.changed_ms.desc(), catalog_drafts.c.draft.desc())
    return [_draft(row) for row in conn.execute(query.order_by(*order).limit(limit).offset(offset))]


def steps_of(conn: Connection, draft: str) -> list[Row[Any]]:
    query = select(catalog_steps).where(catalog_steps.c.draft == draft)
    return list(conn.execute(query.order_by(catalog_steps.c.number)))


def taken(conn: Connection, draft: str) -> list[Taken]:
    return [Taken(Act(row.act), row.who) for row in steps_of(conn, draft)]


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        draft=row.draft,
        code=row.code,
        version=row.version,
        name=row.name,
        department=row.department,
        state=State(row.state),
        fields=msgspec.json.decode(row.fields),
        compiled_by=row.compiled_by,
        filed=row.filed,
        created_ms=row.created_ms,
        changed_ms=row.changed_ms,
    )


# --- writing ------------------------------------------------------------------------------------


def change(tx: Tx, draft: str, **values: Any) -> None:
    statement = update(catalog_drafts).where(catalog_drafts.c.draft == draft)
    tx.conn.execute(statement.values(changed_ms=tx.now_ms, **values))


def record(tx: Tx, draft: str, act: Act, before: State, after: State, who: str, why: str) -> None:
    """Keep a step, and put the draft where it leads."""
    row = {
        "draft": draft,
        "act": act.value,
        "before": before.value,
        "after": after.value,
        "who": who,
        "why": why,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_steps).values(row))
    if after is not before:
        change(tx, draft, state=after.value)
        review.moved(tx, draft, before, after)

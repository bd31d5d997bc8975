"""Sources that hub and station share: the catalog's index, grants, notices, submissions, leads."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, func, select

from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.freshness import FRESH, LATE, NEVER, STALE, STATES
from ortoo_protocol.core.codec import decode
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.core.supervision import half_years
from ortoo_protocol.core.supervision import leads as lead_rules
from ortoo_protocol.core.supervision.facts import Facts
from ortoo_protocol.core.supervision.leads import Matter
from ortoo_protocol.core.supervision.notices import Event, is_late, mended_ms
from ortoo_protocol.station.catalog.searching import judged, state_of
from ortoo_protocol.station.grants_held import live
from ortoo_protocol.station.store.contact_tables import contacts
from ortoo_protocol.station.store.supervision_tables import leads, submissions
from ortoo_protocol.station.store.tables import catalog_index, grants
from ortoo_protocol.station.store.use_tables import grant_suspensions
from ortoo_protocol.station.supervision import doubts, notices
from ortoo_protocol.station.supervision.due import end_of
from ortoo_protocol.station.supervision.port import FactSource, Look, MatterSource

_I = catalog_index.c
MOST_MATTERS = 1_000  # of one kind for one subject: a lead of a thousand is a lead


def _mine(look: Look) -> list[ColumnElement[bool]]:
    """Entries of the subject."""
    found: list[ColumnElement[bool]] = [_I.provider == look.subject.party]
    if look.subject.department:
        found.append(_I.department == look.subject.department)
    return found


def catalog(look: Look) -> Facts:
    """What is stopped counts nowhere. `supplied`: something was carried, however long ago. What is
    not shared is carried nowhere, and promises nobody to be fresh."""
    columns = (_I.share, state_of(judged(look.conn, look.now_ms)).label("state"))
    query = select(*columns, func.count(), func.sum(_I["items"]))
    query = query.where(*_mine(look), _I.status != STOPPED).group_by(*columns)
    groups = [
        (int(share), state, n, int(items)) for share, state, n, items in look.conn.execute(query)
    ]

    def total(states: tuple[str, ...] = STATES, shares: tuple[int, ...] = (1, 2, 3)) -> int:
        return sum(n for share, state, n, _ in groups if share in shares and state in states)

    return {
        "entries": total(),
        "items": sum(items for *_, items in groups),
        "shareable": total(shares=(1, 2)),
        "unconditional": total(shares=(1,)),
        "conditional": total(shares=(2,)),
        "not_shared": total(shares=(3,)),
        "supplied": total((FRESH, LATE, STALE), (1, 2)),
        "promised": total((FRESH, LATE, STALE, NEVER), (1, 2)),
        "fresh": total((FRESH,), (1, 2)),
        "stale": total((STALE,), (1, 2)),
        "never": total((NEVER,), (1, 2)),
    }


def granted(look: Look) -> Facts:
    """Grants in force, given and held, and the feeds that they open."""
    given, held = _given(look), _held(look)
    columns = (func.count(), func.count(grants.c.feed.distinct()))

    def counted(*conditions: ColumnElement[bool]) -> tuple[int, int]:
        row = look.conn.execute(select(*columns).where(live(look.now_ms), *conditions)).one()
        return int(row[0]), int(row[1])

    given_count, feeds_supplied = counted(*given)
    held_count, feeds_read = counted(*held)
    return {
        "grants_given": given_count,
        "grants_held": held_count,
        "feeds_supplied": feeds_supplied,
        "feeds_read": feeds_read,
    }


def _given(look: Look) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [grants.c.provider == look.subject.party]
    if look.subject.department:
        found.append(grants.c.resource.in_(select(_I.code).where(*_mine(look))))
    return found


def _held(look: Look) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [grants.c.reader == look.subject.party]
    if look.subject.department:
        found.append(grants.c.reader_department == look.subject.department)
    return found


def rectified(look: Look) -> Facts:
    """Written notices that were issued from here within the period."""
    issued = due = mended = 0
    for row, steps in notices.issued_to(look.conn, look.subject):
        if not look.period.has(row.issued_ms) or steps[-1].event is Event.REVOKE:
            continue
        issued += 1
        answered = mended_ms(steps)
        if answered or row.due_ms <= look.now_ms:
            due += 1
            mended += not is_late(steps, row.due_ms, look.now_ms)
    return {"notices": issued, "notices_due": due, "notices_mended": mended}


def submitted(look: Look) -> Facts:
    """Half-yearly submissions that were due within the period."""
    table = submissions.c
    query = select(table.due_ms, table.first_ms).where(
        table.side == "authority",
        table.party == look.subject.party,
        table.department == look.subject.department,
        table.due_ms >= look.period.from_ms,
        table.due_ms < look.period.until_ms,
    )
    rows = [row for row in look.conn.execute(query) if row.first_ms or row.due_ms <= look.now_ms]
    in_time = sum(0 < row.first_ms < row.due_ms for row in rows)
    return {"submissions_due": len(rows), "submissions_in_time": in_time}


def confirmed(look: Look) -> Facts:
    settled = (lead_rules.State.CONFIRMED.value, lead_rules.State.NOTICED.value)
    query = select(func.count()).where(
        leads.c.party == look.subject.party,
        leads.c.department == look.subject.department,
        leads.c.state.in_(settled),
        leads.c.found_ms >= look.period.from_ms,
        leads.c.found_ms < look.period.until_ms,
    )
    return {"leads_confirmed": int(look.conn.execute(query).scalar() or 0)}


def named(look: Look) -> Facts:
    """Departments that have to name contacts, and whose contacts were verified within the cycle."""
    term = profile_named(look.trust.profile).sharing.contacts
    query = select(contacts.c.department, contacts.c.confirmed_ms).where(
        contacts.c.party == look.subject.party
    )
    confirmed = {department: time_ms for department, time_ms in look.conn.execute(query)}
    own = look.subject.department
    departments = (own,) if own else tuple(look.trust.departments(look.subject.party))
    current = sum(
        end_of(look.conn, look.trust, confirmed[each], term) > look.now_ms
        for each in departments
        if confirmed.get(each)
    )
    return {"contacts": len(departments), "contacts_current": current}


def suspended(look: Look) -> Facts:
    return {"suspensions": len(suspensions(look))}


# --- matters ------------------------------------------------------------------------------------


def no_catalog(look: Look) -> list[Matter]:
    """Not one entry, not even a stopped one."""
    found = look.conn.execute(select(_I.code).where(*_mine(look)).limit(1)).first()
    if found is not None:
        return []
    return [Matter("catalog", str(look.subject), look.period.from_ms, "0")]


def _entries(look: Look, state: str) -> list[Matter]:
    """Entries of types 1 and 2 in this state of freshness, the oldest first."""
    found = state_of(judged(look.conn, look.now_ms))
    query = (
        select(_I.code, _I.changed_ms, _I.carried_ms, _I.carried_seq, _I.cycle)
        .where(*_mine(look), _I.status != STOPPED, _I.share != 3, found == state)
        .order_by(_I.carried_ms, _I.code)
        .limit(MOST_MATTERS)
    )
    rows = look.conn.execute(query)
    return [
        Matter(
            "entry", f"{row.code}@{row.carried_seq}", row.carried_ms or row.changed_ms, row.cycle
        )
        for row in rows
    ]


def stale(look: Look) -> list[Matter]:
    return _entries(look, STALE)


def never(look: Look) -> list[Matter]:
    """Published longer ago than twice what its cycle promises, and nothing was carried yet."""
    late_ms = judged(look.conn, look.now_ms).late_ms
    old = select(_I.code).where(_I.changed_ms + 2 * _I.promise_ms < late_ms, *_mine(look))
    codes = set(look.conn.execute(old).scalars())
    return [each for each in _entries(look, NEVER) if each.ref.partition("@")[0] in codes]


def unsupplied(look: Look) -> list[Matter]:
    """Granted, and by the last day of delivery nothing was carried; where the rules name one."""
    term = profile_named(look.trust.profile).sharing.delivery
    if term.days is None:
        return []
    query = (
        select(grants.c.grant, grants.c.terms, grants.c.from_ms)
        .join(catalog_index, _I.code == grants.c.resource)
        .where(live(look.now_ms), *_given(look), _I.carried_ms == 0)
        .order_by(grants.c.from_ms)
    )
    found = []
    for row in look.conn.execute(query).all():
        terms = decode(row.terms, GrantTerms)
        last_ms = end_of(look.conn, look.trust, row.from_ms, term)
        if last_ms <= look.now_ms and not only_query(terms.mode):
            found.append(Matter("grant", row.grant, last_ms, terms.resource, terms.case))
    return found[:MOST_MATTERS]


def suspensions(look: Look) -> list[Matter]:
    """Grants held by the subject that were suspended for misuse within the period."""
    query = (
        select(grant_suspensions, grants.c.terms)
        .join(grants, grants.c.grant == grant_suspensions.c.grant)
        .where(
            *_held(look),
            grant_suspensions.c.suspended_ms >= look.period.from_ms,
            grant_suspensions.c.suspended_ms < look.period.until_ms,
        )
        .order_by(grant_suspensions.c.suspended_ms)
    )
    return [
        Matter(
            "suspension",
            row.suspension,
            row.suspended_ms,
            row.reason[:200],
            decode(row.terms, GrantTerms).case,
        )
        for row in look.conn.execute(query).all()
    ]


def notices_late(look: Look) -> list[Matter]:
    return [
        Matter("notice", row.notice, row.due_ms, half_years.civil_day(row.due_ms - 1).isoformat())
        for row, steps in notices.issued_to(look.conn, look.subject)
        if is_late(steps, row.due_ms, look.now_ms)
    ]


COMMON_FACTS: tuple[FactSource, ...] = (
    catalog,
    granted,
    rectified,
    submitted,
    confirmed,
    named,
    suspended,
    doubts.corrected,
)
COMMON_MATTERS: Mapping[str, MatterSource] = {
    "no-catalog": no_catalog,
    "entry-stale": stale,
    "entry-never": never,
    "granted-unsupplied": unsupplied,
    "suspension": suspensions,
    "correction-late": doubts.corrections_late,
    "notice-late": notices_late,
}

"""Purpose binding (目的限定, Measures art. 20): whoever reads names a purpose, and reads under a
grant that was given for it. Nothing is read for a purpose that nobody granted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from ortoo_protocol.core.errors import GrantUnknown, UsePurpose
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.law.profiles import Sharing
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import suspensions


def check(purpose: str, terms: GrantTerms, rules: Sharing) -> None:
    """Raises UsePurpose."""
    if not purpose.strip() or purpose.strip() != terms.purpose.strip():
        raise _refusal(purpose, [terms], rules)


def find(
    conn: Connection,
    *,
    party: str,
    resource: str,
    purpose: str,
    grant: str | None,
    department: str | None,
    now_ms: int,
    rules: Sharing,
) -> GrantTerms | None:
    """The named grant of `party`, or the newest that lives for this resource and purpose; one that
    opens a feed before one that may only be queried.

    None: it has no grant of this resource at all, unless one was named. Raises GrantUnknown,
    GrantIsSuspended; UsePurpose: what it has was granted for something else, or none is named.
    """
    held = [grants_held.terms_of(row) for row in _live(conn, party, resource, department, now_ms)]
    if grant is not None:
        held = [terms for terms in held if terms.grant == grant]
        if not held:
            raise GrantUnknown(grant=grant)
    wanted = purpose.strip()
    fitting = [terms for terms in held if wanted and terms.purpose.strip() == wanted]
    for terms in sorted(fitting, key=lambda each: only_query(each.mode)):
        suspensions.check(conn, terms.grant)
        return terms
    if held or not wanted:
        raise _refusal(purpose, held, rules)
    return None


def _live(
    conn: Connection, party: str, resource: str, department: str | None, now_ms: int
) -> list[Row[Any]]:
    query = select(grants).where(
        grants.c.resource == resource, grants.c.reader == party, grants_held.live(now_ms)
    )
    if department is not None:
        query = query.where(grants.c.reader_department == department)
    return list(conn.execute(query.order_by(grants.c.from_ms.desc())))


def _refusal(purpose: str, held: list[GrantTerms], rules: Sharing) -> UsePurpose:
    granted = "；".join(f"{each.grant[:8]} {each.purpose[:100]}" for each in held[:10]) or "-"
    return UsePurpose(purpose=purpose[:100] or "-", granted=granted, article=rules.use.article)

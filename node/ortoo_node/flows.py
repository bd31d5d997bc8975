"""Under which flows of the journal the rows about a resource stand: feeds, grants, cases,
corrections."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ortoo_node import catalog
from ortoo_node.store.case_tables import cases
from ortoo_node.store.tables import views
from ortoo_protocol.core.errors import CatalogUnknown
from ortoo_protocol.station.journal.methods import granted_flows
from ortoo_protocol.station.journal.searching import MOST_FLOWS
from ortoo_protocol.station.store.correction_tables import corrections


def flows_of(conn: Connection, resource: str) -> list[str]:
    """The newest of each first, `MOST_FLOWS` of each at most."""
    opened = select(cases.c.case).where(cases.c.resource == resource)
    doubted = select(corrections.c.correction).where(corrections.c.resource == resource)
    narrower = select(views.c.feed).where(views.c.resource == resource)
    newest = (
        narrower,
        opened.order_by(cases.c.opened_ms.desc()),
        doubted.order_by(corrections.c.opened_ms.desc()),
    )
    found = [one for query in newest for one in conn.execute(query.limit(MOST_FLOWS)).scalars()]
    return list(dict.fromkeys([*_own(conn, resource), *granted_flows(conn, resource), *found]))


def _own(conn: Connection, resource: str) -> list[str]:
    """The feed that its entry names."""
    try:
        return [catalog.entry(conn, resource).feed]
    except CatalogUnknown:
        return []

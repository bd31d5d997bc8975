"""Items of the region's catalog feed: a provider's own signed item inside the hub's."""

from __future__ import annotations

from ortoo_node.catalog import lists, mirror
from ortoo_protocol.core.catalog import Entry, Federated
from ortoo_protocol.core.catalog.freshness import Carried
from ortoo_protocol.core.catalog.lists import ListEntry, check_list_entry
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CatalogOwner, EnvelopeKind
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.verify import Opened, as_body, open_content, verify
from ortoo_protocol.station.context import Tx


def take(tx: Tx, opened: Opened[Shape]) -> None:
    """Verify what is inside as any item is verified, and keep it in the mirror."""
    body = as_body(opened, Federated).body
    inner = verify(
        body.envelope, suites=tx.parts.suites, plane=tx.plane, keys=tx.trust, now_ms=tx.now_ms
    )
    sender, kind = inner.header.sender, inner.kind.name
    if kind == "catalog.entry":
        entry = as_body(open_content(inner, lambda _header: None), Entry).body
        if entry.provider != sender:
            raise CatalogOwner(resource=entry.code)
        position = inner.header.position
        mirror.take(tx, entry, 0 if position is None else position.seq, body.accepted_ms)
    elif kind == "catalog.list":
        row = as_body(open_content(inner, lambda _header: None), ListEntry).body
        if row.provider != sender:
            raise CatalogOwner(resource=row.number)
        check_list_entry(row, profile_named(tx.trust.profile))
        mirror.check_foreign(tx, row.provider, row.department)
        lists.store(tx.conn, row, body.accepted_ms)
    elif kind == "catalog.carried":
        said = as_body(open_content(inner, lambda _header: None), Carried).body
        mirror.take_carried(tx, sender, said)
    else:
        raise EnvelopeKind(kind=kind, detail="not a catalog entry")

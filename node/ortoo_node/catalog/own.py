"""The station's own entries, published on its catalog feed."""

from __future__ import annotations

from ortoo_node.catalog.mirror import find, store
from ortoo_protocol.core.catalog import Entry, check_entry
from ortoo_protocol.core.catalog.law import check_procedure
from ortoo_protocol.core.errors import CatalogOwner
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx

CATALOG = "catalog"


def own_feed(party: str) -> str:
    return feed_id(party, CATALOG)


def publish(tx: Tx, entry: Entry) -> int:
    """Put an entry on the catalog feed; returns its number there.

    Raises CatalogField, CatalogBasis, CatalogOwner, TrustDepartment.
    """
    profile = profile_named(tx.trust.profile)
    check_procedure(check_entry(entry, profile), profile)
    tx.trust.check_department(tx.party, entry.department)
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != tx.party:
        raise CatalogOwner(resource=entry.code)
    feed_writer.open_feed(tx, own_feed(tx.party), sealed=False)
    number = feed_writer.publish(tx, own_feed(tx.party), entry)
    store(tx, entry, number, None)
    return number

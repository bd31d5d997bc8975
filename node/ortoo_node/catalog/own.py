"""The station's own entries, published on its catalog feed."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select

from ortoo_node import views
from ortoo_node.catalog.mirror import find, store
from ortoo_node.store.tables import catalog
from ortoo_protocol.core.catalog import Entry, check_entry
from ortoo_protocol.core.catalog.law import check_follows, check_procedure
from ortoo_protocol.core.errors import CatalogFeed, CatalogOwner
from ortoo_protocol.core.ids import feed_id
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feeds_out

CATALOG = "catalog"


def own_feed(party: str) -> str:
    return feed_id(party, CATALOG)


def publish(tx: Tx, entry: Entry) -> int:
    """Put an entry on the catalog feed; returns its number there.

    Raises CatalogField, CatalogBasis, CatalogOwner, CatalogRevived, CatalogFeed, TrustDepartment.
    """
    profile = profile_named(tx.trust.profile)
    check_procedure(check_entry(entry, profile), profile)
    tx.trust.check_department(tx.party, entry.department)
    known = find(tx.conn, entry.code)
    if known is not None and known.provider != tx.party:
        raise CatalogOwner(resource=entry.code)
    if known is None:
        check_feed(tx.conn, entry.feed)
    else:
        check_follows(unpack(known.entry), entry)
    feed_writer.open_feed(tx, own_feed(tx.party), sealed=False)
    number = feed_writer.publish(tx, own_feed(tx.party), entry)
    store(tx, entry, number, None)
    return number


def check_feed(conn: Connection, feed: str) -> None:
    """Refuse the feed of another resource, of a view, or of the catalog for a new resource: under
    its share type everybody could read what lies there. Raises CatalogFeed."""
    used = select(exists().where(catalog.c.feed == feed)).scalar_subquery()
    open_ = select(exists().where(feeds_out.c.feed == feed)).scalar_subquery()
    name = feed.partition(".")[2]
    if (
        name == CATALOG
        or name.startswith(views.PREFIX)
        or any(conn.execute(select(used, open_)).one())
    ):
        raise CatalogFeed(feed=feed)

"""Subscriptions: which department's table a grant's rows go to, and how far they are.

A subscription may be made before its grant exists (an unconditional resource is asked for in the
same step); it begins to read as soon as the grant is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from ortoo_node.store.tables import subscriptions
from ortoo_protocol.core.errors import QueryMode, SinkTaken
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import only_query
from ortoo_protocol.station import feed_reader
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_in_items, feeds_in

WAITING, ACTIVE, ENDED, REFUSED = "waiting", "active", "ended", "refused"


def make(
    tx: Tx,
    *,
    resource: str,
    department: str,
    sink: str,
    table: str,
    purpose: str,
    terms: GrantTerms | None,
    case: str | None,
) -> str:
    """Make a subscription; with `terms` it begins at once. Raises SinkTaken."""
    taken = select(subscriptions.c.subscription).where(
        subscriptions.c.sink == sink,
        subscriptions.c.table == table,
        subscriptions.c.state.in_((WAITING, ACTIVE)),
    )
    if tx.conn.execute(taken).first():
        raise SinkTaken(table=table, name=sink, owner="another subscription")
    subscription = tx.new_id().hex()
    values = {
        "subscription": subscription,
        "resource": resource,
        "department": department,
        "sink": sink,
        "table": table,
        "feed": None,
        "grant": None,
        "case": case,
        "state": WAITING,
        "changed_ms": tx.now_ms,
        "purpose": purpose,
    }
    tx.conn.execute(insert(subscriptions).values(values))
    if terms is not None:
        if only_query(terms.mode):
            raise QueryMode(detail=terms.mode)
        _begin(tx, subscription, terms)
    return subscription


def granted(tx: Tx, terms: GrantTerms) -> None:
    """The grant that subscriptions of this case waited for."""
    waiting = select(subscriptions.c.subscription).where(
        subscriptions.c.case == terms.case, subscriptions.c.state == WAITING
    )
    for subscription in tx.conn.execute(waiting).scalars().all():
        _begin(tx, subscription, terms)


def refused(tx: Tx, case: str) -> None:
    """The application that subscriptions waited for was refused: their tables are free again."""
    tx.conn.execute(
        update(subscriptions)
        .where(subscriptions.c.case == case, subscriptions.c.state == WAITING)
        .values(state=REFUSED, changed_ms=tx.now_ms)
    )


def _begin(tx: Tx, subscription: str, terms: GrantTerms) -> None:
    tx.conn.execute(
        update(subscriptions)
        .where(subscriptions.c.subscription == subscription)
        .values(feed=terms.feed, grant=terms.grant, state=ACTIVE, changed_ms=tx.now_ms)
    )
    feed_reader.join(tx, terms.feed, feed_reader.SNAPSHOT)


def grant_ended(tx: Tx, grant: str) -> None:
    """What came while it was suspended is applied up to the fence."""
    held = (subscriptions.c.grant == grant) & (subscriptions.c.hold == "suspended")
    tx.conn.execute(update(subscriptions).where(held).values(hold="", hold_error=""))
    tx.conn.execute(
        update(subscriptions)
        .where(subscriptions.c.grant == grant, subscriptions.c.state == ACTIVE)
        .values(state=ENDED, changed_ms=tx.now_ms)
    )


def leave(tx: Tx, feed: str) -> None:
    """Every subscription of `feed` ended: nothing more is read."""
    tx.conn.execute(
        update(subscriptions)
        .where(subscriptions.c.feed == feed, subscriptions.c.state == ACTIVE)
        .values(state=ENDED, changed_ms=tx.now_ms)
    )


def to_apply(conn: Connection) -> Sequence[Row[Any]]:
    """Subscriptions that read, and ended ones of which the last items are not in the sink yet, or
    not even here: up to the fence they may be read."""
    left = (
        select(feed_in_items.c.seq)
        .where(feed_in_items.c.feed == subscriptions.c.feed, feed_in_items.c.raw.is_not(None))
        .exists()
    )
    away = (
        select(feeds_in.c.seq)
        .where(
            feeds_in.c.feed == subscriptions.c.feed,
            feeds_in.c.state == feed_reader.ENDED,
            feeds_in.c.seq < feeds_in.c.fence,
        )
        .exists()
    )
    ended = (subscriptions.c.state == ENDED) & subscriptions.c.feed.is_not(None) & (left | away)
    query = select(subscriptions).where((subscriptions.c.state == ACTIVE) | ended)
    return conn.execute(query).all()


def listed(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(select(subscriptions).order_by(subscriptions.c.changed_ms.desc())).all()

"""Subscriptions that are held (停用): paused by people, or because only people can mend something.

Accepting goes on. What comes is kept for them, up to a bound; beyond it nothing more is kept for a
held one, and it begins with a snapshot when it goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from ortoo_node import subscribing
from ortoo_node.store.tables import subscriptions
from ortoo_protocol.core.errors import (
    OrtooError,
    SinkMismatch,
    SubscriptionError,
    SubscriptionLetGo,
    SubscriptionRetention,
    SubscriptionState,
    SubscriptionUnknown,
)
from ortoo_protocol.station import applied, feed_reader, rereading
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.control_client import error_to
from ortoo_protocol.station.ports import Cursor
from ortoo_protocol.station.use import suspensions

RUNNING, PAUSED, SCHEMA, GONE, REREADING = "", "paused", "schema", "gone", "rereading"
SUSPENDED = "suspended"  # its grant rests (use/suspending.py)
LEAST_SHOWN = 4


def find(conn: Connection, name: str) -> Row[Any]:
    """The one whose number is `name` or begins with it. Raises SubscriptionUnknown."""
    query = select(subscriptions).where(subscriptions.c.subscription.startswith(name))
    found = conn.execute(query.limit(2)).all() if len(name) >= LEAST_SHOWN else []
    if len(found) != 1:
        raise SubscriptionUnknown(subscription=name)
    return found[0]


def pause(tx: Tx, name: str) -> Row[Any]:
    row = _active(tx, name)
    if row.hold == REREADING:
        rereading.end(tx, row.feed)
    return _hold(tx, row, PAUSED, None)


def stuck(tx: Tx, subscription: str, error: OrtooError) -> None:
    """Trying again would be in vain: wait for people, and say why."""
    row = find(tx.conn, subscription)
    if row.hold == RUNNING:
        _hold(tx, row, SCHEMA if isinstance(error, SinkMismatch) else GONE, error)


def resume(tx: Tx, name: str) -> Row[Any]:
    """Go on from the sink's cursor; by a snapshot if nothing was kept meanwhile. Raises
    GrantIsSuspended."""
    row = _active(tx, name)
    suspensions.check(tx.conn, row.grant)
    if row.hold == REREADING:
        rereading.end(tx, row.feed)
    if not applied.is_registered(tx.conn, row.feed, row.subscription):
        resync(tx, name)
    return _hold(tx, row, RUNNING, None)


def suspend(tx: Tx, grant: str, error: OrtooError) -> None:
    """The grant rests: its subscriptions do, until `lift`. What people hold they hold."""
    for row in _of_grant(tx, grant, (RUNNING, REREADING, SUSPENDED)):
        if row.hold == REREADING:
            rereading.end(tx, row.feed)
        _hold(tx, row, SUSPENDED, error)


def lift(tx: Tx, grant: str) -> None:
    for row in _of_grant(tx, grant, (SUSPENDED,)):
        if not applied.is_registered(tx.conn, row.feed, row.subscription):
            resync(tx, row.subscription)
        _hold(tx, row, RUNNING, None)


def _of_grant(tx: Tx, grant: str, holds: Iterable[str]) -> list[Row[Any]]:
    query = select(subscriptions).where(
        subscriptions.c.grant == grant, subscriptions.c.hold.in_(list(holds))
    )
    return list(tx.conn.execute(query))


def resync(tx: Tx, name: str) -> Row[Any]:
    """Ask for a snapshot, which the sink then becomes."""
    row = _active(tx, name)
    applied.set_lacking(tx, row.feed, row.subscription)
    feed_reader.resync(tx, row.feed, "")
    return row


def reread(tx: Tx, name: str, first: int) -> tuple[Row[Any], int]:
    """Ask for the items from `first` on once more; returns the last. Raises SubscriptionReread."""
    row = _active(tx, name)
    last = rereading.begin(tx, row.feed, row.subscription, first)
    return _hold(tx, row, REREADING, None), last


def lost(tx: Tx, name: str, cursor: Cursor) -> bool:
    """Its sink, restored perhaps, stands at `cursor`, and the events that follow were passed on
    already: order them once more. False: they cannot be had, or were asked for in vain."""
    row, told = find(tx.conn, name), error_of(find(tx.conn, name)) or {}
    feed, other = feed_reader.feed_row(tx, row.feed), rereading.find(tx.conn, row.feed)
    if feed is None or feed.incarnation != cursor.incarnation:
        return False
    if other is not None and other.subscription != row.subscription:
        return True  # its turn comes
    if (told.get("code"), told.get("facts", {}).get("first")) == (
        SubscriptionRetention.code,
        cursor.seq + 1,
    ):
        return False
    try:
        reread(tx, name, cursor.seq + 1)
    except SubscriptionError:
        return False
    return True


def reread_failed(tx: Tx, row: Row[Any], asked: Row[Any], code: str) -> None:
    """Reading goes on where it was."""
    rereading.end(tx, row.feed)
    error = SubscriptionRetention(feed=row.feed, first=asked.first, detail=code)
    _hold(tx, row, RUNNING, error)


def reread_begins(tx: Tx, row: Row[Any], asked: Row[Any] | None) -> None:
    if asked is not None:
        rereading.begin_applying(tx, asked)
    _hold(tx, row, RUNNING, None)


def let_go(tx: Tx, row: Row[Any], size_bytes: int) -> None:
    """More waits for it than is kept for a held one."""
    applied.let_go(tx, row.feed, row.subscription)
    if not row.hold_error:
        _hold(tx, row, row.hold, SubscriptionLetGo(size_mb=size_bytes >> 20))


def held(conn: Connection, feeds: Iterable[str] | None = None) -> list[Row[Any]]:
    query = select(subscriptions).where(
        subscriptions.c.hold != RUNNING, subscriptions.c.feed.is_not(None)
    )
    return [row for row in conn.execute(query) if feeds is None or row.feed in feeds]


def error_of(row: Row[Any]) -> dict[str, Any] | None:
    """Why it is held, or what became of the last order, as it crosses to people."""
    found: dict[str, Any] | None = json.loads(row.hold_error) if row.hold_error else None
    return found


def _active(tx: Tx, name: str) -> Row[Any]:
    row = find(tx.conn, name)
    if row.state != subscribing.ACTIVE:
        raise SubscriptionState(subscription=row.subscription, state=row.state)
    return row


def _hold(tx: Tx, row: Row[Any], hold: str, error: OrtooError | None) -> Row[Any]:
    text = "" if error is None else json.dumps(error_to(error), ensure_ascii=False)
    here = subscriptions.c.subscription == row.subscription
    tx.conn.execute(
        update(subscriptions).where(here).values(hold=hold, hold_error=text, changed_ms=tx.now_ms)
    )
    tx.after_commit(tx.parts.signals.gaps.set)  # whoever follows subscriptions looks
    return find(tx.conn, row.subscription)

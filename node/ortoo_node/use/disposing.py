"""Disposal of what was received (处置, Decree 809 art. 27), at both stations.

The reader declares that it needs the data no longer; its provider ends the grant on that, and may
ask for disposal with requirements and a time limit. Destruction is recorded: what, how, by whom.
A sink's table can be dropped by the software, which then says how the table stood.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row, select

from ortoo_node import granting, subscribing
from ortoo_node.databases import open_writer, read_url, split_name
from ortoo_node.settings import NodeSettings
from ortoo_node.store.tables import subscriptions
from ortoo_node.use import received
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    CaseField,
    DisposalUnknown,
    EnvelopeSender,
    GrantUnknown,
    SubscriptionState,
)
from ortoo_protocol.core.use.records import (
    DisposalAsked,
    DisposalDeclared,
    DisposalDone,
    Event,
    State,
    check_asked,
    check_declared,
    check_done,
    move,
)
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.use import disposals


def declare(tx: Tx, grant: str, why: str, detail: str, by: str) -> None:
    """Raises GrantUnknown, CaseField, DisposalMove."""
    row = grants_held.row(tx, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_declared(
        DisposalDeclared(disposal=tx.new_id().hex(), grant=grant, why=why, detail=detail, by=by)
    )
    send(tx, row.provider, body, case=grants_held.terms_of(row).case)
    disposals.declared(tx, body, tx.party)
    subscribing.grant_ended(tx, grant)


def on_declared(tx: Tx, opened: Opened[Shape]) -> str:
    """What nobody needs is supplied no longer. Returns the case, "" where it had ended."""
    body, sender = check_declared(as_body(opened, DisposalDeclared).body), opened.header.sender
    row = grants_held.row(tx, body.grant)
    if sender != row.reader:
        raise EnvelopeSender(sender=sender, owner=row.reader)
    if sender != tx.party:
        disposals.declared(tx, body, sender)
    if row.ended_ms is not None:
        return ""
    granting.end(tx, body.grant, body.detail or body.why, body.by, settled=True)
    return grants_held.terms_of(row).case


def ask(tx: Tx, grant: str, requirements: str, days: int, by: str) -> None:
    """Raises GrantUnknown, CaseField, DisposalMove."""
    row = grants_held.row(tx, grant)
    if row.provider != tx.party:
        raise GrantUnknown(grant=grant)
    body = check_asked(
        DisposalAsked(
            disposal=tx.new_id().hex(), grant=grant, requirements=requirements, days=days, by=by
        )
    )
    send(tx, row.reader, body, case=grants_held.terms_of(row).case)
    disposals.asked(tx, body, tx.party)


def on_asked(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_asked(as_body(opened, DisposalAsked).body), opened.header.sender
    row = grants_held.row(tx, body.grant)
    if sender != row.provider:
        raise EnvelopeSender(sender=sender, owner=row.provider)
    if sender != tx.party:
        disposals.asked(tx, body, sender)


def done(tx: Tx, grant: str, what: str, how: str, evidence: str, by: str) -> None:
    """Record the destruction, and tell the provider. Raises GrantUnknown, DisposalUnknown,
    CaseField, DisposalMove."""
    row, known = grants_held.row(tx, grant), disposals.find(tx.conn, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    if known is None:
        raise DisposalUnknown(grant=grant)
    body = check_done(
        DisposalDone(
            disposal=known.disposal, grant=grant, what=what, how=how, evidence=evidence,
            done_ms=tx.now_ms, by=by,
        )
    )  # fmt: skip
    send(tx, row.provider, body, case=grants_held.terms_of(row).case)
    disposals.done(tx, body, tx.party)
    query = select(subscriptions.c.subscription).where(subscriptions.c.grant == grant)
    for subscription in tx.conn.execute(query).scalars().all():
        received.gone(tx, subscription)


def on_done(tx: Tx, opened: Opened[Shape]) -> None:
    body, sender = check_done(as_body(opened, DisposalDone).body), opened.header.sender
    row = grants_held.row(tx, body.grant)
    if sender != row.reader:
        raise EnvelopeSender(sender=sender, owner=row.reader)
    if sender != tx.party:
        disposals.done(tx, body, sender)


def may_drop(tx: Tx, grant: str, by: str) -> list[Row[Any]]:
    """The subscriptions whose tables may be dropped. Raises GrantUnknown, DisposalUnknown,
    DisposalMove, CaseField; SubscriptionState: rows still come, here or for another grant."""
    row, known = grants_held.row(tx, grant), disposals.find(tx.conn, grant)
    if row.reader != tx.party:
        raise GrantUnknown(grant=grant)
    if known is None:
        raise DisposalUnknown(grant=grant)
    move(State(known.state), Event.DESTROY)
    if not by.strip():
        raise CaseField(field="by", detail="empty")
    found = list(tx.conn.execute(select(subscriptions).where(subscriptions.c.grant == grant)))
    for each in found:
        filled = select(subscriptions).where(
            subscriptions.c.sink == each.sink,
            subscriptions.c.table == each.table,
            subscriptions.c.state.in_((subscribing.WAITING, subscribing.ACTIVE)),
        )
        other = tx.conn.execute(filled).first()
        if other is not None:
            raise SubscriptionState(subscription=other.subscription, state=other.state)
    return found


def drop_table(settings: NodeSettings, sink: str, table: str) -> str:
    """Drop a sink's table; how it stood, as evidence. In a thread. Raises SettingsLacking,
    SQLAlchemyError: nothing was dropped."""
    url = read_url(settings.sink(sink).read_url(), table)
    schema, name = split_name(table, url)
    engine = open_writer(url)
    try:
        with engine.begin() as connection:
            if not sa.inspect(connection).has_table(name, schema=schema):
                return f"{sink}: {table}: 0"
            found = sa.Table(name, sa.MetaData(), schema=schema, autoload_with=connection)
            rows = connection.execute(select(sa.func.count()).select_from(found)).scalar()
            found.drop(connection)
        return f"{sink}: {table}: {rows} rows, DROP TABLE"
    finally:
        engine.dispose()

"""What this station holds of others' data, as its store knows it: places of rows, files by hash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from ortoo_node.store.tables import subscriptions
from ortoo_node.store.use_tables import received_files, received_places
from ortoo_node.use.places import Place
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import insert_new, upsert


@dataclass(frozen=True)
class Received:
    """`sink`, `table` as the settings and people name the place."""

    subscription: str
    resource: str
    grant: str
    sink: str
    table: str
    place: Place

    @property
    def shown(self) -> str:
        return f"{self.sink}: {self.table}"


def keep(tx: Tx, subscription: str, place: Place) -> None:
    row = {
        "subscription": subscription,
        "kind": place.kind,
        "server": place.server,
        "address": place.address,
        "schema": place.schema,
        "name": place.name,
        "since_ms": tx.now_ms,
        "gone_ms": None,
    }
    upsert(tx.conn, received_places, [row])


def gone(tx: Tx, subscription: str) -> None:
    """What lay there was destroyed."""
    here = received_places.c.subscription == subscription
    tx.conn.execute(update(received_places).where(here).values(gone_ms=tx.now_ms))


def listed(conn: Connection) -> list[Received]:
    """All that is not known to be destroyed: rows stay when a subscription ends."""
    query = (
        select(subscriptions, received_places)
        .join(received_places, received_places.c.subscription == subscriptions.c.subscription)
        .where(received_places.c.gone_ms.is_(None))
    )
    return [
        Received(
            row.subscription,
            row.resource,
            row.grant or "-",
            row.sink,
            row.table,
            Place(row.kind, row.server, row.address, row.schema, row.name),
        )
        for row in conn.execute(query)
    ]


def unplaced(conn: Connection) -> list[Row[Any]]:
    """Subscriptions of before places were kept."""
    known = select(received_places.c.subscription)
    query = select(subscriptions.c.subscription, subscriptions.c.sink, subscriptions.c.table)
    return list(conn.execute(query.where(subscriptions.c.subscription.not_in(known))))


# --- files --------------------------------------------------------------------------------------


def keep_file(tx: Tx, sha256: str, grant: str, resource: str, name: str) -> None:
    row = {
        "sha256": sha256,
        "grant": grant,
        "resource": resource,
        "name": name,
        "time_ms": tx.now_ms,
    }
    insert_new(tx.conn, received_files, [row])


def files(conn: Connection) -> dict[str, list[tuple[str, str]]]:
    """(resource, grant) of each content that was fetched, once for each grant."""
    query = select(received_files.c.sha256, received_files.c.resource, received_files.c.grant)
    found: dict[str, list[tuple[str, str]]] = {}
    for row in conn.execute(query):
        found.setdefault(row.sha256, []).append((row.resource, row.grant))
    return found

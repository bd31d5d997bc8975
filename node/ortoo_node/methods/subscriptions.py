"""subscribe, subscription.…, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from ortoo_node import cases, catalog, holding, subscribing
from ortoo_node.app import NodeApp
from ortoo_node.cases import Wish
from ortoo_node.subscription_state import Describer
from ortoo_protocol.core.catalog import UNCONDITIONAL
from ortoo_protocol.core.errors import GrantUnknown
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import grants


@dataclass
class SubscriptionMethods:
    app: NodeApp

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "subscribe": self.subscribe,
            "subscription.list": self.listed,
            "subscription.show": self.show,
            "subscription.pause": self.pause,
            "subscription.resume": self.resume,
            "subscription.resync": self.resync,
            "subscription.reread": self.reread,
            "publish": self.publish,
        }

    async def subscribe(
        self,
        resource: str,
        department: str,
        sink: str,
        table: str,
        purpose: str = "",
        basis: str = "",
        scenario: str = "",
        handler: str = "",
        approver: str = "",
        grant: str | None = None,
    ) -> dict[str, Any]:
        self.app.settings.check_sink(sink)  # a sink that is not in the settings is refused at once
        wish = Wish(
            resource=resource,
            department=department,
            items=(),
            row_filter="",
            purpose=purpose,
            basis=basis,
            scenario=scenario,
            mode="系统对接",
            until_ms=0,
            handler=handler,
            approver=approver,
        )
        return await self.app.station.write(lambda tx: _subscribe(tx, wish, sink, table, grant))

    async def listed(self) -> dict[str, Any]:
        return {"subscriptions": await self.app.station.read(lambda conn: self._of(conn).all())}

    async def show(self, subscription: str) -> dict[str, Any]:
        read = self.app.station.read
        return {"subscription": await read(lambda conn: self._of(conn).named(subscription))}

    async def pause(self, subscription: str) -> dict[str, Any]:
        row = await self.app.station.write(lambda tx: holding.pause(tx, subscription))
        return await self.show(row.subscription)

    async def resume(self, subscription: str) -> dict[str, Any]:
        row = await self.app.station.write(lambda tx: holding.resume(tx, subscription))
        return await self.show(row.subscription)

    async def resync(self, subscription: str) -> dict[str, Any]:
        row = await self.app.station.write(lambda tx: holding.resync(tx, subscription))
        return await self.show(row.subscription)

    async def reread(self, subscription: str, first: int) -> dict[str, Any]:
        row, last = await self.app.station.write(lambda tx: holding.reread(tx, subscription, first))
        return {**await self.show(row.subscription), "first": first, "last": last}

    def _of(self, conn: Connection) -> Describer:
        app = self.app
        return Describer(conn, app.station.parts, app.station.workers, app.reading.failed)

    async def publish(
        self, resource: str, source: str | None = None, table: str | None = None
    ) -> dict[str, Any]:
        return asdict(await self.app.schedule.publish(resource, source, table))


def _subscribe(tx: Tx, wish: Wish, sink: str, table: str, grant: str | None) -> dict[str, Any]:
    """With a grant: begin. An unconditional resource without one: ask for it in the same step."""
    tx.trust.check_department(tx.party, wish.department)
    entry = catalog.entry(tx.conn, wish.resource)
    terms = _terms(tx, wish, grant)
    case = None
    if terms is None:
        if entry.share_type != UNCONDITIONAL:
            raise GrantUnknown(grant=grant or wish.resource)
        case = cases.apply(tx, wish)
    subscription = subscribing.make(
        tx,
        resource=wish.resource,
        department=wish.department,
        sink=sink,
        table=table,
        terms=terms,
        case=case,
    )
    return {
        "subscription": subscription,
        "resource": wish.resource,
        "feed": terms.feed if terms is not None else None,
        "grant": terms.grant if terms is not None else None,
        "case": case,
        "state": subscribing.ACTIVE if terms is not None else subscribing.WAITING,
    }


def _terms(tx: Tx, wish: Wish, grant: str | None) -> GrantTerms | None:
    """The named grant, or the newest live one of this resource and department."""
    query = (
        select(grants)
        .where(
            grants.c.resource == wish.resource,
            grants.c.reader == tx.party,
            grants.c.reader_department == wish.department,
            grants_held.live(tx.now_ms),
        )
        .order_by(grants.c.from_ms.desc())
    )
    if grant is not None:
        query = query.where(grants.c.grant == grant)
    row = tx.conn.execute(query).first()
    if row is None and grant is not None:
        raise GrantUnknown(grant=grant)
    return None if row is None else grants_held.terms_of(row)

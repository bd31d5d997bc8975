"""subscribe, subscription.…, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from ortoo_node import cases, catalog, holding, subscribing
from ortoo_node.app import NodeApp
from ortoo_node.cases import Wish
from ortoo_node.subscription_state import Describer
from ortoo_node.use import purpose, received
from ortoo_node.use.places import Place
from ortoo_protocol.core.catalog import UNCONDITIONAL, Entry
from ortoo_protocol.core.errors import GrantUnknown, UsePurpose
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.context import Tx


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
        purpose: str,
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
        onward = self.app.publisher.onward
        async with onward.lock:
            place = await onward.check_sink(resource, grant or "", sink, table)
            return await self.app.station.write(
                lambda tx: _subscribe(tx, wish, sink, table, grant, place)
            )

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
        self.app.reading.try_at_once(row.subscription)
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


def _subscribe(
    tx: Tx, wish: Wish, sink: str, table: str, grant: str | None, place: Place | None
) -> dict[str, Any]:
    """With a grant for this purpose: begin. An unconditional resource without one: ask for it in
    the same step."""
    tx.trust.check_department(tx.party, wish.department)
    entry = catalog.entry(tx.conn, wish.resource)
    terms = _terms(tx, entry, wish, grant)
    case = None if terms is not None else cases.apply(tx, wish)
    subscription = subscribing.make(
        tx,
        resource=wish.resource,
        department=wish.department,
        sink=sink,
        table=table,
        purpose=wish.purpose.strip(),
        terms=terms,
        case=case,
    )
    if place is not None:
        received.keep(tx, subscription, place)
    return {
        "subscription": subscription,
        "resource": wish.resource,
        "feed": terms.feed if terms is not None else None,
        "grant": terms.grant if terms is not None else None,
        "purpose": wish.purpose.strip(),
        "case": case,
        "state": subscribing.ACTIVE if terms is not None else subscribing.WAITING,
    }


def _terms(tx: Tx, entry: Entry, wish: Wish, grant: str | None) -> GrantTerms | None:
    """None: an unconditional resource, to be taken for this purpose for the first time."""
    open_to_all = entry.share_type == UNCONDITIONAL and grant is None
    try:
        terms = purpose.find(
            tx.conn,
            party=tx.party,
            resource=wish.resource,
            purpose=wish.purpose,
            grant=grant,
            department=wish.department,
            now_ms=tx.now_ms,
            rules=profile_named(tx.trust.profile).sharing,
        )
    except UsePurpose:
        if open_to_all and wish.purpose.strip():
            return None
        raise
    if terms is None and not open_to_all:
        raise GrantUnknown(grant=grant or wish.resource)
    return terms

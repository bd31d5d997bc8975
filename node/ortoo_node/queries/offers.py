"""What may be asked here: declared queries in the store, made ready to run under one grant.

An offer is made once for a declaration, a grant and an entry, and made anew when any of them
changes; whether the grant is alive is asked each time (provider.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from ortoo_node import catalog, databases
from ortoo_node.queries import binding, reach
from ortoo_node.queries import declared as declaring
from ortoo_node.queries.connections import Connections
from ortoo_node.queries.declared import Declaration
from ortoo_node.queries.reach import Reach
from ortoo_node.queries.running import Limits, Runner
from ortoo_node.queries.service import ServiceRunner, open_client
from ortoo_node.queries.sql import SqlRunner
from ortoo_node.settings import NodeSettings
from ortoo_node.store.tables import catalog as entries
from ortoo_node.store.tables import declared_queries
from ortoo_protocol.core.errors import CatalogOwner, QueryScope, QueryUnknown
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.queries import QuerySignature
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.prepared import Prepared

if TYPE_CHECKING:
    import httpx

MOST_OFFERS = 10_000


@dataclass(frozen=True)
class Ready:
    """A declaration with what runs it; `threads` are its own, so that it holds up no other."""

    declared: Declaration
    bind: binding.Binder
    runner: Runner
    threads: ThreadPoolExecutor
    limits: Limits


class Offer(NamedTuple):
    """`version`: of the entry that it was made from."""

    ready: Ready
    reach: Reach
    version: int


@dataclass
class Offers:
    settings: NodeSettings
    _ready: dict[str, Ready] = field(default_factory=dict)
    _offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    _sources: dict[str, Connections] = field(default_factory=dict)
    _services: dict[str, httpx.Client] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- declaring ---

    def declare(self, tx: Tx, declared: Declaration) -> int:
        """Put a declaration in force; returns its number. Raises QueryDeclaration, CatalogUnknown,
        CatalogOwner, SettingsLacking and what keeps its source from being opened."""
        entry = catalog.entry(tx.conn, declared.resource)
        if entry.provider != tx.party:
            raise CatalogOwner(resource=declared.resource)
        declaring.check_items(declared, entry)
        self._runner(declared)
        known = row(tx.conn, declared.code)
        number = 1 if known is None else known.number + 1
        values = {
            "code": declared.code,
            "number": number,
            "resource": declared.resource,
            "declaration": msgspec.msgpack.encode(declared),
            "in_force": True,
            "declared_ms": tx.now_ms,
        }
        upsert(tx.conn, declared_queries, [values])
        tx.after_commit(lambda: self.forget(declared.code))
        return number

    def withdraw(self, tx: Tx, code: str) -> None:
        """Nobody may ask it any more; what was asked stays recorded. Raises QueryUnknown."""
        known = row(tx.conn, code)
        if known is None or not known.in_force:
            raise QueryUnknown(detail=code[:64])
        values = {**known._asdict(), "in_force": False, "declared_ms": tx.now_ms}
        upsert(tx.conn, declared_queries, [values])
        tx.after_commit(lambda: self.forget(code))

    def forget(self, code: str | None = None) -> None:
        """Read it (all: None) again before the next ask."""
        with self._lock:
            for each in [code] if code is not None else list(self._ready):
                self._ready.pop(each, None)  # its threads end with the last ask that uses them
            self._offers.clear()

    # --- offering ---

    def offer(self, tx: Tx, terms: GrantTerms, code: str) -> Offer:
        """Raises QueryUnknown, QueryScope."""
        name = (terms.grant, code)
        with self._lock:
            found = self._offers.get(name)
        if found is not None and found.version == _version(tx, terms.resource):
            return found
        made = self._make(tx, terms, code)
        with self._lock:
            if len(self._offers) > MOST_OFFERS:
                self._offers.clear()
            self._offers[name] = made
        return made

    def _make(self, tx: Tx, terms: GrantTerms, code: str) -> Offer:
        known = row(tx.conn, code)
        if known is None or not known.in_force or known.resource != terms.resource:
            raise QueryUnknown(detail=code[:64])
        ready = self._readied(known)
        entry = catalog.entry(tx.conn, terms.resource)
        return Offer(ready, reach.of(tx, terms, ready.declared, entry), entry.version)

    def signatures(self, tx: Tx, terms: GrantTerms) -> tuple[QuerySignature, ...]:
        """Of the queries that may be asked under this grant."""
        query = select(declared_queries.c.code).where(
            declared_queries.c.resource == terms.resource, declared_queries.c.in_force.is_(True)
        )
        found = []
        for code in tx.conn.execute(query.order_by(declared_queries.c.code)).scalars().all():
            try:
                offer = self.offer(tx, terms, code)
            except (QueryScope, QueryUnknown):
                continue
            found.append(declaring.signature(offer.ready.declared, offer.reach.shown))
        return tuple(found)

    def _readied(self, known: Row[Any]) -> Ready:
        with self._lock:
            ready = self._ready.get(known.code)
        if ready is not None:
            return ready
        declared = msgspec.msgpack.decode(known.declaration, type=Declaration)
        made = Ready(
            declared,
            binding.binder(declared),
            self._runner(declared),
            ThreadPoolExecutor(declared.at_once, thread_name_prefix=f"query {declared.code}"),
            Limits(declared.max_rows, declared.max_bytes, declared.timeout_ms),
        )
        with self._lock:
            self._ready[known.code] = made
        return made

    # --- sources and services ---

    def _runner(self, declared: Declaration) -> Runner:
        if declared.kind == "sql":
            connections = self._kept(self._sources, declared.source, self._open_source)
            return SqlRunner(declared, connections)
        service = self.settings.service(declared.service)
        client = self._kept(self._services, declared.service, self._open_service)
        return ServiceRunner(declared, service, client)

    def _kept(self, kept: dict[str, Any], name: str, open_: Callable[[str], Any]) -> Any:
        with self._lock:
            found = kept.get(name)
        if found is None:
            found = open_(name)
            with self._lock:
                kept[name] = found
        return found

    def _open_source(self, name: str) -> Connections:
        url = databases.read_url(self.settings.source(name).read_url(), name)
        return Connections(databases.open_reader(url))

    def _open_service(self, name: str) -> httpx.Client:
        return open_client(self.settings.service(name))

    def close(self) -> None:
        for ready in self._ready.values():
            ready.threads.shutdown(wait=False, cancel_futures=True)
        self.forget()
        for connections in self._sources.values():
            connections.close()
        for client in self._services.values():
            client.close()


def _version(tx: Tx, resource: str) -> int | None:
    for (version,) in _VERSION.rows(tx.conn, resource):
        return int(version)
    return None


_VERSION = Prepared(select(entries.c.version).where(entries.c.code == bindparam("code")), ("code",))


def row(conn: Connection, code: str) -> Row[Any] | None:
    return conn.execute(select(declared_queries).where(declared_queries.c.code == code)).first()


def listed(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(select(declared_queries).order_by(declared_queries.c.code)).all()

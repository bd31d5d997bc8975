"""No onward transfer (不得提供给第三方, Measures art. 20, Decree 809 art. 25): what was received
becomes no source, no attachment and no offered query, whichever of the two came first; unless its
provider consented to that (use/consenting.py), for the one resource that the consent names.

What can be seen is looked at: the same table under any name, views over it (of any depth), tables
that its triggers mention, statements of queries, folders inside each other, files by their content.
What cannot: a program of the department that reads the table and writes another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec
from sqlalchemy import Connection, select

from ortoo_node.catalog.attachment import TABLE as ATTACHED_TABLE
from ortoo_node.catalog.attachment import Place as Attached
from ortoo_node.catalog.attachment import places as attached
from ortoo_node.files import listing
from ortoo_node.queries.declared import Declaration
from ortoo_node.settings import NodeSettings
from ortoo_node.store.tables import declared_queries
from ortoo_node.use import copies, places, received
from ortoo_node.use.places import FOLDER, PROGRAM, Place
from ortoo_node.use.received import Received
from ortoo_node.use.words import ANY, names_in
from ortoo_protocol.core.errors import DatabaseUrl, SettingsError, UseAlike, UseOnward
from ortoo_protocol.core.law.profiles import Sharing, profile_named
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.use import consents

_log = logging.getLogger(__name__)


LOOK_AGAIN_MS = 3_600_000


@dataclass(frozen=True)
class _Alike:
    at_ms: int
    held: list[tuple[Attached, list[Received]]]
    found: list[UseAlike]


@dataclass
class Onward:
    """Hold `lock` from a check to the end of the write that it is for."""

    station: Station
    settings: NodeSettings
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _alike: _Alike | None = None

    async def check_source(self, resource: str, source: str, table: str) -> None:
        """Raises UseOnward: this is where received rows lie, or shows them."""
        kept = await self._kept_for(resource)
        if kept:
            await asyncio.to_thread(self._source, kept, source, table)

    async def check_query(self, declared: Declaration) -> None:
        """Raises UseOnward: its statement reads what was received."""
        kept = await self._kept_for(declared.resource)
        if kept and declared.kind == "sql":
            await asyncio.to_thread(self._query, kept, declared)

    async def check_sink(self, resource: str, grant: str, sink: str, table: str) -> Place | None:
        """Where rows would go; None: to nowhere that could be a source. Raises UseOnward: something
        of this station is published or answered from there."""
        if sink == listing.SINK:
            return None
        place = await asyncio.to_thread(places.of_sink, self.settings, sink, table)
        if place.kind == PROGRAM:
            return place
        kept = [Received("", resource, grant or "-", sink, table, place)]
        allowed = await self.station.read(self._consented)
        from_here = (await self.station.read(attached)).values()
        asked_here = await self.station.read(_in_force)
        await asyncio.to_thread(
            self._sink,
            kept,
            [each for each in from_here if (each.resource, grant) not in allowed],
            [each for each in asked_here if (each.resource, grant) not in allowed],
        )
        return place

    def foreign_files(self, conn: Connection, own: str) -> Callable[[str], UseOnward | None]:
        """Says of a content, by its SHA-256, why it is not published as part of the `own` resource:
        it came from others."""
        known, allowed = received.files(conn), self._consented(conn)

        def refusal(sha256: str) -> UseOnward | None:
            for resource, grant in known.get(sha256, ()):
                if (own, grant) not in allowed:
                    article = self._rules().use.article
                    return UseOnward(
                        place=sha256[:16], resource=resource, grant=grant, article=article
                    )
            return None

        return refusal

    def _consented(self, conn: Connection) -> frozenset[tuple[str, str]]:
        """(own resource, grant): what came under the grant may be passed on through that."""
        rows = consents.in_force(conn, self._rules(), self.station.parts.clock())
        return frozenset((row.resource, row.grant) for row in rows)

    async def alike(self) -> list[UseAlike]:
        """Sources of this station whose rows are those that were received; looked at once an hour,
        and when there are others: pages ask often, and databases are slow."""
        from_here = (await self.station.read(attached)).values()
        held = [(each, await self._kept_for(each.resource)) for each in from_here]
        now_ms = self.station.parts.clock()
        known = self._alike
        if known is None or known.held != held or not 0 <= now_ms - known.at_ms < LOOK_AGAIN_MS:
            found = await asyncio.to_thread(lambda: list(copies.found(self.settings, held)))
            known = self._alike = _Alike(now_ms, held, found)
        return known.found

    async def catch_up(self) -> None:
        """Places of subscriptions that were made before places were kept."""
        for row in await self.station.read(received.unplaced):
            if row.sink == listing.SINK:
                continue
            try:
                place = await asyncio.to_thread(places.of_sink, self.settings, row.sink, row.table)
            except (SettingsError, DatabaseUrl) as error:
                _log.warning("%s", error)
                continue
            await self.station.write(partial(_keep, row.subscription, place))

    async def _kept_for(self, resource: str) -> list[Received]:
        """What may not be passed on through `resource`."""
        kept = await self._kept()
        allowed = await self.station.read(self._consented) if kept else frozenset()
        return [each for each in kept if (resource, each.grant) not in allowed]

    async def _kept(self) -> list[Received]:
        """What could not be asked when it was noted (a file not made yet, a server away) is asked
        again."""
        kept = await self.station.read(received.listed)
        for at, each in enumerate(kept):
            if each.place.server or each.place.kind != places.TABLE:
                continue
            try:
                place = await asyncio.to_thread(
                    places.of_sink, self.settings, each.sink, each.table
                )
            except (SettingsError, DatabaseUrl):
                continue
            if place.server:
                await self.station.write(partial(_keep, each.subscription, place))
                kept[at] = replace(each, place=place)
        return kept

    # --- in a thread ---

    def _sink(
        self, kept: Sequence[Received], from_here: Sequence[Attached], asked: Sequence[Declaration]
    ) -> None:
        """A source that the settings no longer have is published from by nobody."""
        checks = [
            partial(self._source, kept, each.source, each.table)
            for each in from_here
            if each.kind == ATTACHED_TABLE
        ]
        checks += [partial(self._query, kept, each) for each in asked if each.kind == "sql"]
        for check in checks:
            try:
                check()
            except (SettingsError, DatabaseUrl) as error:
                _log.warning("%s", error)

    def _source(self, kept: Sequence[Received], source: str, table: str) -> None:
        place = places.of_source(self.settings, source, table)
        near = [each for each in kept if place.is_beside(each.place)]
        for each in near:
            if place.kind == FOLDER or place.is_same(each.place):
                raise self._refusal(each, f"{source}: {table}")
        if place.kind != places.TABLE or not near:
            return
        text = self.settings.source(source).read_url()
        shown = places.behind(text, frozenset((place.name,))) | {place.name}
        self._check_names(near, text, shown, f"{source}: {table}")

    def _query(self, kept: Sequence[Received], declared: Declaration) -> None:
        text = self.settings.source(declared.source).read_url()
        place = places.of_table(text, declared.code)
        near = [each for each in kept if place.is_beside(each.place)]
        if not near:
            return
        names = names_in(declared.sql)
        names |= places.behind(text, names)
        self._check_names(near, text, names, f"{declared.source}: {declared.code}")

    def _check_names(
        self, near: Sequence[Received], text: str, names: frozenset[str], place: str
    ) -> None:
        """Raises UseOnward: one of `names` is a received table, or one that the database carries
        its rows on to."""
        for each in near:
            lies = places.copied_to(text, each.place.name) | {each.place.name}
            if ANY in names or names & lies:
                raise self._refusal(each, place)

    def _refusal(self, each: Received, place: str) -> UseOnward:
        return UseOnward(
            place=place,
            resource=each.resource,
            grant=each.grant,
            article=self._rules().use.article,
        )

    def _rules(self) -> Sharing:
        return profile_named(self.station.parts.trust.current.profile).sharing


def _keep(subscription: str, place: Place, tx: Tx) -> None:
    received.keep(tx, subscription, place)


def _in_force(conn: Connection) -> list[Declaration]:
    query = select(declared_queries.c.declaration).where(declared_queries.c.in_force.is_(True))
    return [msgspec.msgpack.decode(raw, type=Declaration) for raw in conn.execute(query).scalars()]

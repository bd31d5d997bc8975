"""A station's store and rules without its pumps: the test itself is the network between desks.

Each `take` accepts one message in a transaction of its own, as the engine does; what the station
wants to send waits in `sent`, for the test to deliver, drop, repeat or change.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table, delete, select, update

from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.core.feeds import UPSERT, RowChange
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import feed_writer, inbox, snapshots, table_feed
from ortoo_protocol.station.clockwatch import ClockWatch
from ortoo_protocol.station.context import Hooks, Parts, Post, Signals, TrustBox, Tx
from ortoo_protocol.station.receipts import send_due
from ortoo_protocol.station.settings import Timing
from ortoo_protocol.station.station import ENGINE_HANDLERS
from ortoo_protocol.station.store.migrate import STATION, Migrations
from ortoo_protocol.station.store.store import open_store
from ortoo_protocol.station.store.tables import (
    feed_out_items,
    feeds_in,
    outbox,
    outbox_envelopes,
    quarantine,
)
from tests.support.empty_stores import make_store
from tests.support.stations import COLUMNS, Kit, give, receive, terms
from tests.support.trust import seeded

T = TypeVar("T")


class Refused(OrtooError):
    """A station refused what an attack brought; `code` is what it said."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code  # type: ignore[misc]  # whatever the station said


class Desk:
    def __init__(
        self,
        kit: Kit,
        party: str,
        hooks: Hooks | None = None,
        migrations: tuple[Migrations, ...] = (),
    ) -> None:
        self.kit, self.party, self.sent = kit, party, list[Post]()
        self.path: Path = kit.folder / party / "store.sqlite"
        given = hooks or Hooks()
        handlers = {**ENGINE_HANDLERS, **given.handlers}
        self.parts = Parts(
            identity=kit.identity(party),
            suites=kit.region.suites,
            trust=TrustBox(kit.region.trust()),
            clock=kit.clock,
            rand=seeded(f"desk {party}"),
            timing=Timing(),
            hooks=replace(given, handlers=handlers),
            signals=Signals(),
            post=self.sent.append,
            watch=ClockWatch(party, kit.clock, kit.clock),
        )
        self._owners = (STATION, *migrations)
        make_store(self.path, party, kit.region.plane, self._owners)
        self._open()

    def _open(self) -> None:
        self.closed = False
        self.store = open_store(self.path, self.party, self.kit.region.plane, self._owners)

    def restart(self) -> None:
        """Another process; also after `close`."""
        self.close()
        self._open()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.store.writing.dispose()
            os.close(self.store.lock)

    def trust(self, trust: Trust) -> None:
        self.parts.trust.current = trust

    # --- work ---

    def do(self, job: Callable[[Tx], T]) -> T:
        with self.store.writing.begin() as conn:
            tx = Tx(conn, self.parts)
            result = job(tx)
            tx.before_commit()
        tx.after_commit_run()
        while (wanted := self.parts.snapshots.peek()) is not None:
            self.parts.snapshots.done(*wanted)
            if self.do(partial(snapshots.check, *wanted)):
                self._snapshot(*wanted)
        return result

    def _snapshot(self, feed: str, reader: str) -> None:
        with self.store.view() as conn:
            cut = snapshots.cut(conn, feed, os.urandom(16).hex())
            assert cut is not None
            for number, rows in enumerate(snapshots.portions(conn, feed)):
                post = self.do(partial(snapshots.part, cut, reader, number, rows))
                if post is None:
                    return
                self.sent.append(post)

    def take(self, *raws: bytes) -> None:
        """Accept. Raises Refused with the code of what was set aside."""
        before = len(self.set_aside())
        for raw in raws:
            self.do(lambda tx, raw=raw: inbox.accept(tx, raw))  # type: ignore[misc]
        found = self.set_aside()
        if len(found) > before:
            raise Refused(found[-1])

    def rows(self, table: Table) -> list[Any]:
        return self.do(lambda tx: list(tx.conn.execute(select(table)).all()))

    def set_aside(self) -> list[str]:
        query = select(quarantine.c.error).order_by(quarantine.c.number)
        return self.do(lambda tx: list(tx.conn.execute(query).scalars()))

    def posts(self, kind: str) -> list[bytes]:
        """Take what waits to be sent, of this kind."""
        found = [post for post in self.sent if post.routing_key.endswith(kind)]
        self.sent[:] = [post for post in self.sent if post not in found]
        return [post.raw for post in found]

    def letters(self, kind: str, recipient: str | None = None) -> list[bytes]:
        """Durable letters that wait for their receipt."""
        query = (
            select(outbox_envelopes.c.raw)
            .join(outbox, outbox.c.number == outbox_envelopes.c.number)
            .where(outbox.c.kind == kind, outbox.c.state == "waiting")
        )
        if recipient is not None:
            query = query.where(outbox.c.recipient == recipient)
        return self.do(lambda tx: list(tx.conn.execute(query.order_by(outbox.c.number)).scalars()))

    def receipts(self) -> list[bytes]:
        self.do(lambda tx: send_due(tx, remote=True))
        return self.posts("receipt.hub") + self.posts("receipt.direct")

    # --- feeds ---

    def publish(self, feed: str, *rows: tuple[str, str]) -> None:
        """One item a row."""

        def job(tx: Tx) -> None:
            feed_writer.open_feed(tx, feed, sealed=True)
            schema = table_feed.declare(tx, feed, COLUMNS, ("code",))
            for row in rows:
                table_feed.publish_changes(tx, feed, schema, [RowChange(UPSERT, row)])

        self.do(job)

    def items(self, feed: str) -> dict[int, bytes]:
        query = select(feed_out_items.c.seq, feed_out_items.c.raw).where(
            feed_out_items.c.feed == feed
        )
        return self.do(lambda tx: {row.seq: row.raw for row in tx.conn.execute(query)})

    def grant(self, reader: Desk, feed: str, number: int = 1) -> None:
        """Give, receive, and carry key and snapshot over."""
        granted = terms(self.party, reader.party, feed, number)
        self.do(lambda tx: give(tx, granted))
        reader.do(lambda tx: receive(tx, granted))
        reader.take(*self.letters("feed.key", reader.party)[-1:])
        self._snapshot(feed, reader.party)
        reader.take(*self.posts("feed.snapshot"))

    def feed(self, feed: str) -> Any:
        query = select(feeds_in).where(feeds_in.c.feed == feed)
        return self.do(lambda tx: tx.conn.execute(query).one())

    def watermark(self, feed: str) -> int:
        return int(self.feed(feed).seq)

    def check_undisputed(self, feed: str) -> None:
        row = self.feed(feed)
        if row.state == "disputed":
            raise Refused(row.error)

    def change(self, table: Table, where: Any, **values: object) -> None:
        """What an administrator with a database tool could do."""
        self.do(lambda tx: tx.conn.execute(update(table).where(where).values(**values)))

    def erase(self, table: Table, where: Any) -> None:
        self.do(lambda tx: tx.conn.execute(delete(table).where(where)))

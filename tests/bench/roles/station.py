"""What a station of a bench is asked to do: submit, publish, read, ask, fetch."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import msgspec

from ortoo_node import catalog, subscribing
from ortoo_node.catalog import adding
from ortoo_node.queries.question import Question
from ortoo_protocol.core import feeds
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.codec import decode, encode
from ortoo_protocol.core.row_codec import upsert_part
from ortoo_protocol.station import dispatching, feed_reader, feed_writer, grants_held, table_feed
from ortoo_protocol.station.context import SettledLetter, Tx
from tests.bench.region import agreed
from tests.bench.roles.opened import OpenedStation, keep_grant
from tests.bench.words import content, event
from tests.support.trust import DEPARTMENTS

LOOK_S = 0.02
CHECKED = {"compiled_by": "甲", "secrecy_checked_by": "乙", "approved_by": "丙"}


class StationRole(OpenedStation):
    """Each method is a command; those that measure tell how long it took."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.waiting: dict[bytes, asyncio.Future[str]] = {}
        self.early: dict[bytes, str] = {}
        self.settled: list[tuple[bytes, str]] = []

    # --- letters: each caller waits for the recipient's signed receipt ---

    async def letters(self, sizes: Sequence[int], callers: int) -> dict[str, Any]:
        """Send a dispatch of each size, `callers` at once; seconds for all, and of each."""
        left = iter(sizes)
        each_s: list[float] = []

        async def caller() -> None:
            for size in left:
                begun = time.perf_counter()
                await self._receipts(await self.station.write(self._dispatch(content(size))))
                each_s.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
        return {"seconds": time.perf_counter() - begun, "each_s": each_s}

    def _dispatch(self, body: bytes) -> Callable[[Tx], Sequence[bytes]]:
        grant = self.joined[0].grant
        return lambda tx: dispatching.send(tx, grant, body)[1]

    async def _receipts(self, letters: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        for letter in letters:
            status = self.early.pop(letter, None)
            if status is None:
                self.waiting[letter] = loop.create_future()
                status = await self.waiting[letter]
            if status != "accepted":
                raise AssertionError(f"a letter was {status}")

    def on_settled(self, tx: Tx, letter: SettledLetter) -> None:
        if letter.kind == "dispatch.sent":
            self.settled.append((letter.id, f"{letter.status} {letter.error}".strip()))
            tx.after_commit(self._wake)
        else:
            super().on_settled(tx, letter)

    def _wake(self) -> None:
        while self.settled:
            letter, status = self.settled.pop()
            waiting = self.waiting.pop(letter, None)
            if waiting is None:
                self.early[letter] = status
            else:
                waiting.set_result(status)

    # --- feeds ---

    async def declare(
        self, resource: str, feed: str, items: list[dict[str, Any]], files: bool = False
    ) -> None:
        """Put an entry into the own catalog; one of files has fixed items."""
        given = {
            "code": resource,
            "name": f"基准测试 {resource}",
            "department": DEPARTMENTS[self.party][0],
            "abstract": "基准测试用表",
            **({"files": True} if files else {"items": items}),
            "share_type": 1,
            "feed": feed,
            **CHECKED,
        }
        await self.station.write(lambda tx: adding.add(tx, given))

    async def entry(self, resource: str) -> str:
        """An entry as the region's catalog would bring it to others."""
        found = await self.station.read(lambda conn: catalog.entry(conn, resource))
        return encode(found).hex()

    async def learn(self, entry: str) -> None:
        """Take another station's entry into the mirror, without the hub."""
        known = decode(bytes.fromhex(entry), Entry)
        await self.station.write(lambda tx: catalog.store(tx, known, 1, tx.now_ms))

    async def keep(
        self,
        provider: str,
        reader: str,
        feed: str,
        number: int,
        resource: str,
        mode: str = "系统对接",
    ) -> None:
        """A grant that nothing is read under yet."""
        given = agreed(provider, reader, feed, number, resource)
        granted = msgspec.structs.replace(given, mode=mode)
        await self.station.write(lambda tx: keep_grant(tx, granted))

    async def offer(
        self, provider: str, reader: str, feed: str, number: int, resource: str = "3/001"
    ) -> None:
        """The provider's half of a grant."""
        granted = agreed(provider, reader, feed, number, resource)

        def give(tx: Tx) -> None:
            feed_writer.open_feed(tx, feed, sealed=True)
            named = grants_held.keep(tx, granted, encode(granted))
            feed_writer.add_reader(tx, feed, granted.grant, named, reader)

        await self.station.write(give)

    async def subscribe(
        self, provider: str, reader: str, feed: str, number: int, table: str
    ) -> None:
        """The reader's half: what comes on `feed` goes into `table` of the sink."""
        granted = agreed(provider, reader, feed, number)

        def receive(tx: Tx) -> None:
            grants_held.keep(tx, granted, encode(granted))
            subscribing.make(
                tx,
                resource=granted.resource,
                department=granted.reader_department,
                sink="sink",
                table=table,
                purpose=granted.purpose,
                terms=granted,
                case=None,
            )

        await self.station.write(receive)
        await self._reading(feed)

    async def _reading(self, feed: str) -> None:
        """Until the beginning of `feed` is here and its items follow."""
        while True:
            state = await self.station.read(
                lambda conn: conn.exec_driver_sql(
                    "SELECT state FROM feeds_in WHERE feed = ?", (feed,)
                ).scalar()
            )
            if state == feed_reader.READING:
                return
            await asyncio.sleep(LOOK_S)

    async def publish(self, resource: str, table: str) -> dict[str, Any]:
        """Read the source and publish it; returns when all of it is durable."""
        begun = time.perf_counter()
        done = await self.app.publisher.publish(resource, "source", table)
        return {"seconds": time.perf_counter() - begun, "rows": done.upserts, "seq": done.seq}

    async def ask(
        self, number: int, query: str, rows: int, count: int, callers: int
    ) -> dict[str, Any]:
        """Ask a declared query `count` times by its one parameter, `callers` at once."""
        numbers = iter(range(count))
        each_s: list[float] = []

        async def caller() -> None:
            for place in numbers:
                begun = time.perf_counter()
                asked = Question(
                    f"{number:032x}", query, purpose="工作参考", handler="查询人",
                    parameters={"id": place % rows},
                )  # fmt: skip
                found = [row async for page in self.queries.reader.ask(asked) for row in page.rows]
                if [row[0] for row in found] != [place % rows]:
                    raise AssertionError(f"answered with {found}")
                each_s.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
        return {"seconds": time.perf_counter() - begun, "each_s": each_s}

    async def fetch(self, resource: str, name: str, to: str) -> float:
        """Fetch a file; seconds until it is whole, checked and in place."""
        begun = time.perf_counter()
        answer = await self.methods["file.get"](
            resource=resource, name=name, to=to, purpose="工作参考"
        )
        ended = await self.app.files.fetcher.until_ended(answer["transfer"])
        if ended.state != "done":
            raise AssertionError(f"the file is {ended}")
        return time.perf_counter() - begun

    async def declare_events(self, resource: str) -> None:
        """The schema goes out; readers may begin."""
        await self.app.publisher.events(resource, [])

    async def events(self, resource: str, first: int, count: int, callers: int) -> float:
        """Publish `count` events, each by one of `callers`, who wait until it is durable."""
        numbers = iter(range(first, first + count))

        async def caller() -> None:
            for number in numbers:
                taken, rejects = await self.app.publisher.events(resource, [event(number)])
                if not taken:
                    raise AssertionError(f"an event was set aside: {rejects}")

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(caller())
        return time.perf_counter() - begun

    async def append(
        self, feed: str, count: int, item_bytes: int, pace: float = 0.0
    ) -> dict[str, float]:
        """Publish `count` items of one row of `item_bytes` each, `pace` a second, each in a commit
        of its own, or else as fast as it goes; returns when all are durable.

        Nobody looks whether they are sent: the readers tell."""
        columns = (feeds.Column("number", "I", 0), feeds.Column("text", "C", item_bytes))

        def declare(tx: Tx) -> int:
            return table_feed.declare(tx, feed, columns, ("number",)).number

        schema = await self.station.write(declare)
        body = feeds.TableRows(schema=schema)
        text = content(item_bytes // 2).hex()
        begun = time.perf_counter()
        at_once = 1 if pace else 100
        for first in range(0, count, at_once):
            if pace:
                await asyncio.sleep(begun + first / pace - time.perf_counter())
            numbers = range(first, min(first + at_once, count))
            parts = [upsert_part((number, text)) for number in numbers]
            await self.station.write(
                lambda tx, parts=parts: [
                    feed_writer.publish(tx, feed, body, rows=[part]) for part in parts
                ]
            )
        return {"seconds": time.perf_counter() - begun}

    async def told(self) -> None:
        """Until every letter has been confirmed by the broker once: keys of new readers are out."""
        query = "SELECT count(*) FROM outbox WHERE confirms = 0 AND state = 'waiting'"
        while await self.station.read(lambda conn: conn.exec_driver_sql(query).scalar()):
            await asyncio.sleep(LOOK_S)

    async def applied(self, table: str, count: int) -> float:
        """Wait until `count` rows stand in the sink's table; the moment (shared clock)."""
        return await asyncio.to_thread(self._applied, table, count)

    def _applied(self, table: str, count: int) -> float:
        # Cheap, and nearly right: an integer key is the rowid, and the bench's begin at 0.
        newest = f'SELECT max(rowid) + 1 FROM "{table}"'  # noqa: S608  # a name of the bench
        exact = f'SELECT count(*) FROM "{table}"'  # noqa: S608
        while True:
            with closing(sqlite3.connect(f"file:{self.sink}?mode=ro", uri=True)) as conn:
                try:
                    found = conn.execute(newest).fetchone()[0] or 0
                    if found >= count and conn.execute(exact).fetchone()[0] == count:
                        return time.monotonic()
                except sqlite3.OperationalError:
                    pass  # no table yet
            time.sleep(LOOK_S)

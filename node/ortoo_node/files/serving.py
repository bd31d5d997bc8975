"""The provider's side of file transfers: asks are checked in the store, chunks sealed in threads.

An ask is for a bounded range, and the reader asks for the next as chunks come, so what is on the
way is bounded by the readers' windows, and what is in memory by `AT_ONCE` chunks. Nothing is kept
of an ask: whatever is lost, here or on the way, is asked for again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from ortoo_node.files import contents, orders
from ortoo_node.files.contents import Known, OpenFile
from ortoo_node.files.orders import MADE_FOLDER
from ortoo_node.folders import Folder
from ortoo_node.store.tables import publications
from ortoo_node.use import purpose
from ortoo_protocol.bus.port import Outcome
from ortoo_protocol.core import messages, topology
from ortoo_protocol.core.codec import Shape, encode
from ortoo_protocol.core.envelope import ContentKey, ToParties, wrap_to
from ortoo_protocol.core.errors import (
    BusForbidden,
    FileChanged,
    FileError,
    FileGone,
    FileUnknown,
    GrantEnded,
    GrantError,
    GrantUnknown,
    OrtooError,
)
from ortoo_protocol.core.feeds import read_row_part
from ortoo_protocol.core.files import (
    CHUNK_BYTES,
    FileAsk,
    FileChunk,
    FileManifest,
    FileRefusal,
    check_name,
    chunk_size,
    chunks_of,
    is_files,
)
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.row_codec import key_bytes
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import grants_held, shadow, table_feed
from ortoo_protocol.station.context import Parts, Swift, Tx, make_message
from ortoo_protocol.station.sending import REPLAYABLE_LIFE_MS, send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.use import suspensions

AT_ONCE = 1
MOST_ASKS_A_READER = 16
MOST_OPEN_FILES = 8
IDLE_S = 60.0
_CHUNK = messages.kind_named("file.chunk")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where the content of an ask lies. `folder`: of the settings, or of what was made here."""

    folder: str
    path: Path
    name: str
    sha256: str
    known: Known | None


@dataclass(frozen=True)
class Ask:
    asker: str
    id: bytes
    body: FileAsk


@dataclass
class FileServer:
    """`folder_named` finds a folder of the settings, `made` holds what was made to order; `local`
    takes chunks for this very station; `changed` publishes a resource again whose files are not as
    they were."""

    station: Station
    folder_named: Callable[[str], Folder | None]
    made: Path
    executor: Executor
    local: Swift
    changed: Callable[[str], Awaitable[object]]
    _publishing: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _asks: asyncio.Queue[Ask] = field(default_factory=asyncio.Queue)
    _waiting: Counter[str] = field(default_factory=Counter)
    _open: OrderedDict[tuple[str, str], OpenFile] = field(default_factory=OrderedDict)

    # --- in the writer ---

    def on_ask(self, tx: Tx, opened: Opened[Shape]) -> None:
        letter = as_body(opened, FileAsk)
        asker, ask = letter.header.sender, letter.body
        first = not ask.count
        try:
            self.place(tx.conn, ask, asker, tx.now_ms)
        except (FileError, GrantError) as error:
            if first:
                tx.journal(
                    letter.message, Direction.RECEIVED, State.REFUSED, flow="", error=error.code
                )
            refuse(tx, asker, ask, error)
            return
        if first:
            tx.journal(letter.message, Direction.RECEIVED, State.QUERIED, flow=ask.grant)
        waiting = Ask(asker, letter.header.id, ask)
        tx.after_commit(partial(self._put, waiting))

    def place(self, conn: Connection, ask: FileAsk, asker: str, now_ms: int) -> Place:
        """What `asker` may have. Raises GrantUnknown, GrantEnded, GrantIsSuspended, UsePurpose,
        FileUnknown, FileGone."""
        live = grants_held.live(now_ms).label("live")
        query = select(grants.c.resource, grants.c.terms, live).where(
            grants.c.grant == ask.grant,
            grants.c.reader == asker,
            grants.c.provider == self.station.party,
            grants.c.feed == ask.feed,
        )
        grant = conn.execute(query).first()
        if grant is None:
            raise GrantUnknown(grant=ask.grant)
        if not grant.live:
            raise GrantEnded(grant=ask.grant, reason="-")
        suspensions.check(conn, ask.grant)
        rules = profile_named(self.station.parts.trust.current.profile).sharing
        purpose.check(ask.purpose, grants_held.terms_of(grant), rules)
        if orders.is_made(conn, asker, ask.grant, ask.name, ask.file.hex()):
            known = contents.known_of(conn, MADE_FOLDER, ask.name)
            return Place(MADE_FOLDER, self.made / ask.name, ask.name, ask.file.hex(), known)
        self._check_published(conn, ask)
        source = select(publications.c.source).where(publications.c.resource == grant.resource)
        folder = self.folder_named(str(conn.execute(source).scalar() or ""))
        if folder is None:
            raise FileGone(file=ask.name, detail="its folder is not among the settings")
        known = contents.known_of(conn, folder.name, ask.name)
        path = folder.read_path / ask.name
        return Place(folder.name, path, ask.name, ask.file.hex(), known)

    def _check_published(self, conn: Connection, ask: FileAsk) -> None:
        """Asked for is what the feed says now: name and hash."""
        check_name(ask.name)
        key = key_bytes((ask.name,))
        found = shadow.look(conn, ask.feed, [key]).get(key)
        schema = table_feed.schema_of(conn, ask.feed)
        if found is None or schema is None or not is_files(schema):
            raise FileUnknown(file=ask.name, feed=ask.feed)
        if read_row_part(found[0], schema).values[2] != ask.file.hex():
            raise FileUnknown(file=ask.name, feed=ask.feed)

    def _put(self, ask: Ask) -> None:
        """A reader asks for few ranges at a time; what is beyond it will ask for again."""
        if self._waiting[ask.asker] < MOST_ASKS_A_READER:
            self._waiting[ask.asker] += 1
            self._asks.put_nowait(ask)

    # --- its loop ---

    async def run(self) -> None:
        try:
            while True:
                ask = await self._next()
                self._waiting[ask.asker] -= 1
                if not self._waiting[ask.asker]:
                    del self._waiting[ask.asker]
                try:
                    await self._answer(ask)
                except (FileError, GrantError) as error:
                    _log.warning("%s: %s", ask.asker, error)
                    await self.station.write(partial(_refuse, ask, error))
                    if isinstance(error, FileChanged | FileGone):
                        await self._publish_again(ask)
        finally:
            publishing = list(self._publishing.values())
            for task in publishing:
                task.cancel()
            await asyncio.gather(*publishing, return_exceptions=True)
            self._close_files()

    async def _publish_again(self, ask: Ask) -> None:
        """The feed says what lies there now, as soon as it has settled; nobody waits for that."""
        resource = await self.station.read(partial(_published_as, ask=ask.body))
        if resource and resource not in self._publishing:
            task = asyncio.create_task(self._publish(resource), name=f"publish {resource}")
            self._publishing[resource] = task
            task.add_done_callback(lambda _task: self._publishing.pop(resource, None))

    async def _publish(self, resource: str) -> None:
        try:
            await self.changed(resource)
        except OrtooError as error:
            _log.warning("%s: %s", resource, error)

    async def _next(self) -> Ask:
        """When nobody asks for a while, no file is held open."""
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                return await self._asks.get()
        self._close_files()
        return await self._asks.get()

    def _close_files(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    async def _answer(self, ask: Ask) -> None:
        """Looked at again: since it was asked the grant may have ended, the file changed. In the
        writer, where five statements are not five changes of threads each."""
        parts = self.station.parts
        place = await self.station.write(
            lambda tx: self.place(tx.conn, ask.body, ask.asker, tx.now_ms)
        )
        file = await self._file(place)
        if not ask.body.count:
            await self.station.write(partial(_send_manifest, ask, file.size))
            return
        to = parts.trust.current.recipient(ask.asker, parts.clock())
        key = wrap_to(ToParties((to,)), parts.identity.suite, parts.rand)  # for this ask alone
        parts.watch.check(parts.trust.current.hub)
        body = ask.body
        last = min(body.first + body.count, chunks_of(file.size, CHUNK_BYTES))
        sealing: list[asyncio.Future[list[bytes]]] = []
        try:
            for first in range(body.first, last, AT_ONCE):
                chunks = range(first, min(first + AT_ONCE, last))
                sealing.append(self._in_thread(partial(_seal, parts, key, ask, file, chunks)))
                if len(sealing) > 1:
                    await self._send(ask.asker, await sealing.pop(0))
            for sealed in sealing:
                await self._send(ask.asker, await sealed)
        finally:
            if sealing:
                await asyncio.wait(sealing)  # only then may the file be closed

    async def _file(self, place: Place) -> OpenFile:
        key = (place.folder, place.sha256)
        file = self._open.get(key)
        if file is None:
            make = partial(OpenFile, place.path, place.name, place.sha256, place.known)
            file = await asyncio.get_running_loop().run_in_executor(self.executor, make)
            if file.known != place.known:
                learned = [(place.name, file.known)]
                await self.station.write(partial(_learn, place.folder, learned))
            self._open[key] = file
            if len(self._open) > MOST_OPEN_FILES:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return file

    def _in_thread(self, call: Callable[[], list[bytes]]) -> asyncio.Future[list[bytes]]:
        return asyncio.get_running_loop().run_in_executor(self.executor, call)

    async def _send(self, asker: str, raws: Sequence[bytes]) -> None:
        """To the broker, waiting for its confirms: that is what keeps memory bounded."""
        if asker == self.station.party:
            await self.local(raws)
            return
        link, timeout_s = self.station.wire.link, self.station.parts.timing.publish_timeout_s
        if link is None:
            return
        key = topology.letter_key(self.station.party, asker, _CHUNK.name)
        sends = [
            link.publish(topology.BULK, key, raw, mandatory=False, timeout_s=timeout_s)
            for raw in raws
        ]
        try:
            outcomes = await asyncio.gather(*sends)
        except BusForbidden as error:
            raise GrantEnded(grant=asker, reason=error.code) from error
        if any(outcome is not Outcome.CONFIRMED for outcome in outcomes):
            _log.info("chunks for %s did not reach the broker; they are asked for again", asker)


def _published_as(conn: Connection, ask: FileAsk) -> str:
    """The resource of whose files the asked one is; empty if it was made to order."""
    schema = table_feed.schema_of(conn, ask.feed)
    if schema is None or not is_files(schema):
        return ""
    query = select(grants.c.resource).where(grants.c.grant == ask.grant)
    return str(conn.execute(query).scalar())


def _seal(
    parts: Parts, key: ContentKey, ask: Ask, file: OpenFile, indexes: Sequence[int]
) -> list[bytes]:
    """In a thread: read, seal and sign these chunks."""
    now_ms = parts.clock()
    return [
        make_message(
            parts,
            _CHUNK,
            ask.asker,
            [
                encode(FileChunk(file=ask.body.file, index=index)),
                file.read(index * CHUNK_BYTES, chunk_size(file.size, CHUNK_BYTES, index)),
            ],
            key,
            now_ms=now_ms,
            expires_ms=now_ms + REPLAYABLE_LIFE_MS,
            causation=ask.id,
        ).envelope.raw
        for index in indexes
    ]


def _send_manifest(ask: Ask, size_bytes: int, tx: Tx) -> None:
    body = FileManifest(
        feed=ask.body.feed,
        name=ask.body.name,
        file=ask.body.file,
        size_bytes=size_bytes,
        chunk_bytes=CHUNK_BYTES,
        chunks=chunks_of(size_bytes, CHUNK_BYTES),
    )
    send(tx, ask.asker, body, causation=ask.id, flow=ask.body.feed)


def _refuse(ask: Ask, error: OrtooError, tx: Tx) -> None:
    refuse(tx, ask.asker, ask.body, error)


def refuse(tx: Tx, asker: str, ask: FileAsk, error: OrtooError) -> None:
    body = FileRefusal(
        feed=ask.feed, name=ask.name, file=ask.file, error=error.code, detail=str(error)[:500]
    )
    send(tx, asker, body)


def _learn(folder: str, found: Sequence[tuple[str, Known]], tx: Tx) -> None:
    contents.learn(tx.conn, folder, found)

"""The station's own store for sinks that keep their cursor there: synchronous, from any thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from ortoo_protocol.core.errors import SinkBusy
from ortoo_protocol.station import secrets
from ortoo_protocol.station.context import Parts, Signal, Tx
from ortoo_protocol.station.station import Station

T = TypeVar("T")


class Door(Protocol):
    """`arrived` is set, in the event loop, when something new waits to be fetched."""

    @property
    def parts(self) -> Parts: ...

    @property
    def arrived(self) -> Signal: ...

    def read(self, job: Callable[[Connection], T]) -> T: ...

    def write(self, job: Callable[[Tx], T]) -> T:
        """Returns when it is on disk."""


@dataclass
class StationDoor:
    """For threads that are not the event loop's. Once `close`d it opens to nobody: a job that
    comes after the store's writer has ended would wait for ever."""

    station: Station
    loop: asyncio.AbstractEventLoop
    arrived: Signal = field(default_factory=Signal)
    _closed: bool = False

    @property
    def parts(self) -> Parts:
        return self.station.parts

    def read(self, job: Callable[[Connection], T]) -> T:
        return self._run(lambda: self.station.read(job))

    def write(self, job: Callable[[Tx], T]) -> T:
        return self._run(lambda: self.station.write(job))

    def close(self) -> None:
        self._closed = True

    def _run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._closed:
            raise _ending()
        try:
            return asyncio.run_coroutine_threadsafe(self._guarded(make), self.loop).result()
        except CancelledError:
            raise _ending() from None

    async def _guarded(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._closed:
            raise _ending()
        return await make()


def _ending() -> SinkBusy:
    return SinkBusy(name="store", table="deliveries", detail="the station ends")


def seal(parts: Parts, use: str, body: bytes) -> bytes:
    return secrets.seal(parts.identity, parts.rand, use, body)


def unseal(parts: Parts, use: str, sealed: bytes) -> bytes:
    return secrets.unseal(parts.identity, use, sealed)

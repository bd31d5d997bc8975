"""A TCP proxy for tests: cuts connections, or lets them fall silent as a dead network does."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType


class TcpProxy:
    """`async with TcpProxy(host, port) as proxy`: it listens on `proxy.host`, `proxy.port`."""

    def __init__(self, target_host: str, target_port: int, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self._target = (target_host, target_port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()
        self._requests = asyncio.Event()
        self._replies = asyncio.Event()
        self.thaw()

    def freeze(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._requests.clear()
        self._replies.clear()

    def hold_replies(self) -> None:
        self._replies.clear()

    def thaw(self) -> None:
        self._requests.set()
        self._replies.set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def __aenter__(self) -> TcpProxy:
        self._server = await asyncio.start_server(self._accept, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self.cut()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        self._pipe(reader, far_writer, self._requests)
        self._pipe(far_reader, writer, self._replies)

    def _pipe(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        task = asyncio.create_task(_pump(reader, writer, gate))
        self._pipes.add(task)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            await gate.wait()
            writer.write(chunk)
            await writer.drain()
    writer.close()

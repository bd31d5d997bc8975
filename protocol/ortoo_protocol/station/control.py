"""The control socket: how people and scripts on the same machine speak to a running daemon.

A Unix socket of mode 0600; one request a line, ``{"method": str, "params": {...}}``, one answer a
line, ``{"ok": ...}`` or ``{"error": {"code", "what", "cure", "facts"}}``. Only the daemon's own
user and root are heard. A line is bounded; what is malformed is answered and harms nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ortoo_protocol.core.errors import (
    DaemonBroken,
    DaemonForbidden,
    DaemonRequest,
    DaemonSilent,
    DaemonUnreachable,
    OrtooError,
    StoreBusy,
    StoreError,
)
from ortoo_protocol.station.control_client import (
    CALL_TIMEOUT_S,
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    address,
    call,
    error_from,
    error_to,
    read_answer,
    request_line,
)
from ortoo_protocol.station.correlation import about
from ortoo_protocol.station.served import Method, Served

MAX_CONNECTIONS = 32
_log = logging.getLogger(__name__)


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: str
    params: dict[str, Any] = {}


class ControlServer:
    """Serves `methods` on the socket `path` between `start` and `close`.

    A method is awaited with the request's params as keywords, each converted strictly to its
    annotation; what it returns is sent as JSON (bytes as base64, structs as objects).
    """

    def __init__(
        self, path: Path, methods: Mapping[str, Method], close_timeout_s: float = 5.0
    ) -> None:
        self._path = path
        self._close_timeout_s = close_timeout_s
        self._methods = {name: Served.of(method) for name, method in methods.items()}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.StreamWriter] = set()
        self._closing = False

    async def start(self) -> None:
        """Listen. StoreBusy when another process does; a dead one's socket file is replaced."""
        self._clear()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with address(self._path) as name:
                listening.bind(name)
                os.chmod(name, 0o600)
            # Nobody can connect before this: the mode is set by then.
            self._server = await asyncio.start_unix_server(
                self._accepted, sock=listening, limit=MAX_REQUEST_BYTES
            )
        except OSError as error:
            listening.close()
            raise StoreError(detail=f"{self._path}: {error.strerror}") from None

    async def close(self) -> None:
        """Stop listening, let answers that are under way go out, remove the socket file."""
        if self._server is None:
            return
        self._closing = True
        self._server.close()
        for writer in self._idle:
            writer.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._close_timeout_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _clear(self) -> None:
        """Remove a socket file that nobody listens on."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                with address(self._path) as name:
                    probe.connect(name)
            except FileNotFoundError:
                return
            except ConnectionRefusedError:
                if not self._path.is_socket():
                    detail = f"{self._path} is not a socket"
                    raise StoreError(detail=detail) from None
                self._path.unlink(missing_ok=True)
                return
            except OSError as error:
                raise StoreError(detail=f"{self._path}: {error.strerror}") from None
            raise StoreBusy(path=self._path, pid=_peer(probe)[0])

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a control method failed", exc_info=error)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                if refusal := _stranger(writer.get_extra_info("socket")):
                    await _write(writer, {"error": error_to(refusal)})
                    return
                while line := await self._next(reader, writer):
                    await _write(writer, await self._answer(line))
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The next request, or nothing when either side is done."""
        if self._closing:
            return b""
        self._idle.add(writer)
        try:
            return await _read(reader, writer)
        finally:
            self._idle.discard(writer)

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            request = msgspec.json.decode(line, type=_Request)
            served = self._methods.get(request.method)
            if served is None:
                raise DaemonRequest(detail=f"no method {request.method[:100]!r}")
            with about(method=request.method):
                return {"ok": await served.call(**served.arguments(request.params))}
        except OrtooError as error:
            return {"error": error_to(error)}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return {"error": error_to(DaemonRequest(detail=error))}


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The next line, or nothing at the end; an overlong line is answered and ends it."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return b""
    except asyncio.LimitOverrunError:
        refusal = DaemonRequest(detail=f"larger than {MAX_REQUEST_BYTES} bytes")
        await _write(writer, {"error": error_to(refusal)})
        return b""


async def _write(writer: asyncio.StreamWriter, answer: Mapping[str, object]) -> None:
    line = msgspec.json.encode(answer) + b"\n"
    if len(line) > MAX_ANSWER_BYTES:
        refusal = DaemonRequest(detail=f"its answer has {len(line)} bytes: ask for less")
        line = msgspec.json.encode({"error": error_to(refusal)}) + b"\n"
    writer.write(line)
    await writer.drain()


def _peer(connected: socket.socket) -> tuple[int, int]:
    """(pid, uid) of the process on the other end (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    pid, uid, _gid = struct.unpack(
        "3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return pid, uid


def _stranger(connected: socket.socket) -> DaemonForbidden | None:
    """The file's mode should keep others out already; the kernel's word settles it."""
    uid = _peer(connected)[1]
    return None if uid in (os.geteuid(), 0) else DaemonForbidden(uid=uid)


async def acall(
    path: Path,
    method: str,
    params: Mapping[str, object] | None = None,
    timeout_s: float = CALL_TIMEOUT_S,
) -> Any:
    """`call` for programs that run an event loop; the same errors."""
    line = request_line(method, params or {})
    try:
        async with asyncio.timeout(timeout_s):
            try:
                with address(path) as name:
                    reader, writer = await asyncio.open_unix_connection(
                        name, limit=MAX_ANSWER_BYTES
                    )
            except PermissionError:
                raise DaemonForbidden(uid=os.geteuid()) from None
            except OSError:
                raise DaemonUnreachable(folder=path.parent) from None
            try:
                writer.write(line)
                answer = await reader.readline()
            except (OSError, ValueError):
                raise DaemonBroken(method=method) from None
            finally:
                writer.close()
    except TimeoutError:
        raise DaemonSilent(method=method, timeout_s=timeout_s) from None
    return read_answer(answer, method)


__all__ = ["ControlServer", "Method", "acall", "call", "error_from", "error_to"]

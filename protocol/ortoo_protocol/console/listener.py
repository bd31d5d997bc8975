"""An HTTP listener inside a daemon's own task group: for people, or at a station for programs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from ortoo_protocol.console.patience import Patient
from ortoo_protocol.core.errors import ConsoleListen, ConsoleTls, OrtooError

END_S = 3
MOST_AT_ONCE = 200
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Signals are the process's own affair (station/launch.py)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True)
class Place:
    """`port` 0: any free one. `cert_file` and `key_file`: both or neither."""

    address: str
    port: int
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass
class Listener:
    """`open` at the start, so that a port in use keeps the daemon from starting; then `run`.

    `closing` is called when the end has come, so that whoever waits for something is answered;
    `closed` when the last was. `failures`: for an address that cannot be had, for a certificate.
    """

    name: str
    application: Any
    place: Place
    closing: Callable[[], None]
    closed: Callable[[], Awaitable[None]] | None = None
    failures: tuple[type[OrtooError], type[OrtooError]] = (ConsoleListen, ConsoleTls)
    _socket: socket.socket | None = None

    def open(self) -> None:
        """Raises one of `failures`."""
        place = self.place
        if place.cert_file is not None and place.key_file is not None:
            try:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(place.cert_file, place.key_file)
            except (OSError, ssl.SSLError) as error:
                raise self.failures[1](detail=str(error)) from None
        family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
        # Named TCP, or asyncio leaves Nagle's algorithm on: an answer's second segment would then
        # wait for the acknowledgement of the first, 40 ms each time.
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((place.address, place.port))
            opened.listen(MOST_AT_ONCE)
        except OSError as error:
            opened.close()
            address = f"{place.address}:{place.port}"
            raise self.failures[0](address=address, detail=error.strerror or str(error)) from None
        opened.setblocking(False)
        self._socket = opened

    @property
    def url(self) -> str:
        if self._socket is None:
            raise RuntimeError("the listener was not opened")
        host, port = self._socket.getsockname()[:2]
        scheme = "http" if self.place.cert_file is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def run(self) -> None:
        """Until cancelled; requests that are under way then are ended, not cut, for `END_S`."""
        if self._socket is None:
            raise RuntimeError("the listener was not opened")
        server = _Server(self._config())
        work = asyncio.create_task(server.serve(sockets=[self._socket]), name=self.name)
        _log.info("%s listens on %s", self.name, self.url)
        try:
            await asyncio.shield(work)
        finally:
            self.closing()
            server.should_exit = True
            await work
            if self.closed is not None:
                await self.closed()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _config(self) -> uvicorn.Config:
        place = self.place
        return uvicorn.Config(
            self.application,
            http=Patient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=END_S,
            limit_concurrency=MOST_AT_ONCE,
            ssl_certfile=None if place.cert_file is None else str(place.cert_file),
            ssl_keyfile=None if place.key_file is None else str(place.key_file),
        )

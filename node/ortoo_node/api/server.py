"""The HTTP server of the programming interface, inside the station's own task group."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Iterator, Mapping

import uvicorn

from ortoo_node.api.application import application
from ortoo_node.api.patience import Patient
from ortoo_node.app import NodeApp
from ortoo_node.interfaces import Http
from ortoo_node.watching import watch_of
from ortoo_protocol.console.requests import Counting
from ortoo_protocol.console.watch import Watch
from ortoo_protocol.core.errors import HttpListen, HttpTls
from ortoo_protocol.station.common_methods import Method

END_S = 3
MOST_AT_ONCE = 200
_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Signals are the process's own affair (station/launch.py)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """`open` at the start, so that a port in use keeps the station from starting; then `run`."""

    def __init__(self, app: NodeApp, http: Http, methods: Mapping[str, Method]) -> None:
        self._app = app
        self._http = http
        self._methods = methods
        self._socket: socket.socket | None = None
        self._watch: Watch | None = None
        self._server: _Server | None = None

    def open(self) -> None:
        """Raises HttpTls, HttpListen, SettingsSecret."""
        http = self._http
        self._watch = watch_of(self._app)
        if http.cert_file is not None and http.key_file is not None:
            try:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(http.cert_file, http.key_file)
            except (OSError, ssl.SSLError) as error:
                raise HttpTls(detail=str(error)) from None
        family = socket.AF_INET6 if ":" in http.address else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((http.address, http.port))
            opened.listen(MOST_AT_ONCE)
        except OSError as error:
            opened.close()
            address = f"{http.address}:{http.port}"
            raise HttpListen(address=address, detail=error.strerror or str(error)) from None
        opened.setblocking(False)
        self._socket = opened

    async def run(self) -> None:
        """Until cancelled; requests that are under way then are ended, not cut, for `END_S`."""
        if self._socket is None or self._watch is None:
            raise RuntimeError("the server was not opened")
        server = self._server = _Server(self._config(self._watch))
        work = asyncio.create_task(server.serve(sockets=[self._socket]), name="http")
        _log.info("the programming interface listens on %s:%s", *self.address)
        try:
            await asyncio.shield(work)
        finally:
            self._app.closing.set()
            self._app.door.arrived.set()  # whoever waits for something to come is answered now
            server.should_exit = True
            await work

    @property
    def address(self) -> tuple[str, int]:
        if self._socket is None:
            raise RuntimeError("the server was not opened")
        name = self._socket.getsockname()
        return name[0], name[1]

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _config(self, watch: Watch) -> uvicorn.Config:
        http = self._http
        return uvicorn.Config(
            Counting(application(self._app, http, self._methods, watch), "api", self._app.requests),
            http=Patient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=END_S,
            limit_concurrency=MOST_AT_ONCE,
            ssl_certfile=None if http.cert_file is None else str(http.cert_file),
            ssl_keyfile=None if http.key_file is None else str(http.key_file),
        )

"""Departments' programs: what posts and pages come to, kept as at-least-once asks of whoever reads.

A table is changed page by page; of a snapshot the pages are gathered, and the last puts them in
place. A page whose id is known changes nothing, and must be the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

SECRET = bytes(range(32))
SECRET_TEXT = "whsec_" + base64.b64encode(SECRET).decode()
Rows = dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class Tables:
    """`anew`: snapshots that broke off may come with other rows under the same numbers."""

    kept: dict[str, Rows] = field(default_factory=dict)
    known: dict[str, bytes] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    twice: int = 0
    anew: bool = False
    gathered: dict[str, Rows] = field(default_factory=dict)
    on_drop: Callable[[str], None] = lambda _table: None

    def take(self, body: bytes) -> None:
        page = json.loads(body)
        name = page["id"]
        if name in self.known and not (self.anew and page["type"] == "snapshot"):
            assert self.known[name] == body
            self.twice += 1
            return
        self.known[name] = body
        self.order.append(name)
        self._apply(page)

    def _apply(self, page: dict[str, Any]) -> None:
        table, key = page["table"], page["key"]
        rows = self.kept.setdefault(table, {})
        if page["type"] == "snapshot":
            if page["page"] == 0:
                self.gathered[table] = {}
            rows = self.gathered[table]
        for row in page["deletes"]:
            rows.pop(tuple(row[name] for name in key), None)
        for row in page["upserts"]:
            rows[tuple(row[name] for name in key)] = row
        if page["type"] == "snapshot" and page["last"]:
            self.kept[table] = self.gathered.pop(table)

    # --- Keeper (tests/contracts/sink_contract.py) ---

    def rows(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        rows = self.kept.get(table, {}).values()
        return sorted((tuple(row.get(c) for c in columns) for row in rows), key=repr)

    def drop(self, table: str) -> None:
        self.kept.pop(table, None)
        self.known.clear()
        self.on_drop(table)

    def tables(self) -> set[str]:
        return set(self.kept)


@dataclass
class Answer:
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebhookProgram:
    """A real HTTP server, with `tls` (certificate, key) over TLS. `answers` are given in turn, then
    204; `before` runs when a request has come and before it is taken."""

    tables: Tables = field(default_factory=Tables)
    answers: list[Answer] = field(default_factory=list)
    before: Callable[[Seen], None] = lambda _seen: None
    seen: list[Seen] = field(default_factory=list)
    tls: tuple[Path, Path] | None = None
    port: int = 0

    def __enter__(self) -> WebhookProgram:
        handler = type("Handler", (_Handler,), {"program": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}/ortoo"

    def take(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        self.before(seen)
        answer = self.answers.pop(0) if self.answers else Answer()
        if 200 <= answer.status < 300:
            check_signature(seen)
            self.tables.take(seen.body)
        return answer


class _Handler(BaseHTTPRequestHandler):
    program: WebhookProgram
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.program.take(Seen(self.path, headers, body))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def check_signature(seen: Seen, secret: bytes = SECRET) -> None:
    """As Standard Webhooks says, made here once more from its text."""
    signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode()
    digest = hmac.new(secret, signed + seen.body, hashlib.sha256).digest()
    wanted = "v1," + base64.b64encode(digest).decode()
    assert wanted in seen.headers["webhook-signature"].split(" ")
    assert json.loads(seen.body)["id"] == seen.headers["webhook-id"]

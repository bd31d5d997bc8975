"""The service gateway: declared HTTP queries against a real server that may misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ortoo_node.services import Service, check_services
from ortoo_node.store.tables import queries
from ortoo_protocol.core import errors
from tests.node.query_kit import CODE, Pair, pair
from tests.support.stations import until_read

ROWS = [{"no": "H1", "who": {"name": "人1"}, "income": 100}, {"no": "H2", "who": {}, "income": 7}]


@dataclass
class Backend:
    """What the department's server saw, and how it answers."""

    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    body: bytes = json.dumps({"data": {"list": ROWS}}).encode()
    headers: dict[str, str] = field(default_factory=dict)
    drip: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0


def _handler(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            sent = self.rfile.read(length)
            backend.seen.append((self.command, self.path, dict(self.headers), sent))
            self.send_response(backend.status)
            for name, value in backend.headers.items():
                self.send_header(name, value)
            if not backend.drip:
                self.send_header("Content-Length", str(len(backend.body)))
            self.end_headers()
            if backend.drip:
                while not backend.ended.wait(0.05):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            else:
                self.wfile.write(backend.body)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving() -> Iterator[Backend]:
    backend = Backend()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(backend))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a caller that hangs up
    backend.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield backend
    finally:
        backend.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def backend() -> Iterator[Backend]:
    with serving() as made:
        yield made


DECLARED: dict[str, Any] = {
    "code": "household",
    "name": "按户号查",
    "resource": CODE,
    "kind": "http",
    "service": "civil",
    "http": {
        "path": "/households/{no}",
        "query": {"year": "year"},
        "rows": "/data/list",
    },
    "parameters": [
        {"name": "no", "type": "C"},
        {"name": "year", "type": "I", "required": False},
    ],
    "columns": [
        {"column": "/no", "item": "id"},
        {"column": "/who/name", "item": "name"},
        {"column": "/income", "item": "income"},
    ],
    "timeout_ms": 1_000,
}


def services(backend: Backend, tmp_path: Path) -> tuple[Service, ...]:
    secret = tmp_path / "civil.headers"
    secret.write_text('{"Authorization": "Bearer inside"}')
    secret.chmod(0o600)
    url = f"http://127.0.0.1:{backend.port}/share"
    return (Service(name="civil", base_url=url, headers_file=secret, timeout_s=5.0),)


async def _ask(both: Pair, no: str = "H1", **more: Any) -> list[Any]:
    grant = await both.grant()
    return await both.rows(grant, "household", parameters={"no": no, **more})


async def test_a_service_is_called_as_declared_and_its_items_come_back(
    tmp_path: Path, backend: Backend
) -> None:
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given=DECLARED)
        assert await _ask(both, "蒙A/1".replace("/", "-"), year=2026) == [
            ("H1", "人1", 100), ("H2", None, 7),
        ]  # fmt: skip
        ((method, path, headers, _body),) = backend.seen
        assert (method, path) == ("GET", "/share/households/%E8%92%99A-1?year=2026")
        assert headers["Authorization"] == "Bearer inside"
        narrow = await both.grant(items=("id",))
        assert await both.rows(narrow, "household", parameters={"no": "H1"}) == [("H1",), ("H2",)]
        assert backend.seen[-1][1] == "/share/households/H1"
        stats = (await both.provider.call("query.stats"))["queries"]
        assert sum(each["calls"] for each in stats) == 2


async def test_a_grants_quota_of_calls_spares_the_service(tmp_path: Path, backend: Backend) -> None:
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given={**DECLARED, "calls_a_day": 2})
        grant, other = await both.grant(), await both.grant()
        for _ in range(2):
            await both.rows(grant, "household", parameters={"no": "H1"})
        with pytest.raises(errors.QueryRate):
            await both.rows(grant, "household", parameters={"no": "H1"})
        assert len(backend.seen) == 2
        assert await both.rows(other, "household", parameters={"no": "H1"})
        rows = select(func.sum(queries.c.rows))  # outcomes are noted behind the answers
        await until_read(both.provider.app.station, lambda c: c.execute(rows).scalar() == 6)
        stats = (await both.provider.call("query.stats"))["queries"]
        figures = {each["grant"]: (each["calls"], each["rows"], each["errors"]) for each in stats}
        assert figures == {grant.grant: (3, 4, 1), other.grant: (1, 2, 0)}
        assert all(each["p99_ms"] >= each["p50_ms"] > 0 for each in stats)


async def test_a_body_is_json_of_the_declared_fields_alone(
    tmp_path: Path, backend: Backend
) -> None:
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        posted = {**DECLARED["http"], "method": "POST", "path": "/find", "query": {}}
        given = {**DECLARED, "http": {**posted, "body": {"houseNo": "no", "y": "year"}}}
        await both.provider.call("query.declare", given=given)
        await _ask(both, '","admin":true,"x":"')
        ((method, path, _headers, body),) = backend.seen
        assert (method, path) == ("POST", "/share/find")
        assert json.loads(body) == {"houseNo": '","admin":true,"x":"'}


@pytest.mark.parametrize(
    "value", ["../admin", "..", ".", "a/b", "a\\b", "a%2f..", "x;y", "x?y=1", "x#y", "x\r\nHost: y"]
)
async def test_a_parameter_is_one_segment_of_the_path_or_refused(
    tmp_path: Path, backend: Backend, value: str
) -> None:
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given=DECLARED)
        with pytest.raises(errors.QueryParameter):
            await _ask(both, value)
        assert backend.seen == []


async def test_a_parameter_cannot_reach_another_host(tmp_path: Path, backend: Backend) -> None:
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given=DECLARED)
        await _ask(both, "@evil.example:1")
        assert backend.seen[-1][1] == "/share/households/%40evil.example%3A1"


@pytest.mark.parametrize(
    ("change", "refused", "said"),
    [
        ({"status": 500}, errors.QueryService, "500"),
        (
            {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
            errors.QueryService,
            "302",
        ),
        ({"body": b"<html>"}, errors.QueryService, "not JSON"),
        ({"body": b'{"data": {"list": [{"no": NaN}]}}'}, errors.QueryService, "not JSON"),
        ({"body": b"[" * 100_000}, errors.QueryService, "not JSON"),
        ({"body": b'{"data": 7}'}, errors.QueryService, "no rows"),
        ({"body": b'{"data": {"list": [{"no": {"x": 1}}]}}'}, errors.QueryService, "an object"),
        (
            {"body": b'{"data": {"list": [{"no": "1", "income": "x"}]}}'},
            errors.QuerySource,
            "income",
        ),
        ({"body": b" " * 200_000}, errors.QueryService, "more than 100000 bytes"),
        ({"drip": True}, errors.QueryTimeout, "1000 ms"),
    ],
    ids=lambda value: None if isinstance(value, type) else str(value)[:40],
)
async def test_a_service_that_misbehaves_is_a_named_refusal(
    tmp_path: Path,
    backend: Backend,
    change: dict[str, Any],
    refused: type[errors.OrtooError],
    said: str,
) -> None:
    for name, value in change.items():
        setattr(backend, name, value)
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given={**DECLARED, "max_bytes": 100_000})
        with pytest.raises(refused) as caught:
            await _ask(both)
        assert said in str(caught.value)
        assert "127.0.0.1" not in str(caught.value)
        assert "inside" not in str(caught.value)
        assert len(backend.seen) == 1


async def test_a_service_that_is_away_is_said_without_its_address(tmp_path: Path) -> None:
    with serving() as gone:
        settings = services(gone, tmp_path)
    async with pair(tmp_path, services=settings) as both:
        await both.provider.call("query.declare", given=DECLARED)
        with pytest.raises(errors.QueryService) as caught:
            await _ask(both)
        assert "127.0.0.1" not in str(caught.value)


async def test_what_a_service_sets_for_one_asker_does_not_go_with_the_next(
    tmp_path: Path, backend: Backend
) -> None:
    backend.headers = {"Set-Cookie": "session=one; Path=/"}
    async with pair(tmp_path, services=services(backend, tmp_path)) as both:
        await both.provider.call("query.declare", given=DECLARED)
        await _ask(both)
        await _ask(both)
        assert all("Cookie" not in headers for _, _, headers, _ in backend.seen)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/",
        "http://",
        "http://u:p@x/",
        "http://x/?a=1",
        "http://x/#a",
        "http://x:99999/",
        "x",
    ],
)
def test_addresses_of_services_are_checked(url: str) -> None:
    with pytest.raises(errors.SettingsValue):
        check_services("place", [Service(name="civil", base_url=url)])


@pytest.mark.parametrize(
    "change",
    [
        {"http": None},
        {"http": {**DECLARED["http"], "path": "households/{no}"}},
        {"http": {**DECLARED["http"], "path": "/a/../{no}"}},
        {"http": {**DECLARED["http"], "path": "/a?x={no}"}},
        {"http": {**DECLARED["http"], "path": "/a/{other}"}},
        {"http": {**DECLARED["http"], "body": {"x": "no"}}},
        {"http": {**DECLARED["http"], "rows": "data"}},
        {"service": "unknown"},
        {"source": "business"},
        {"columns": [{"column": "/no"}]},
        {"columns": [{"column": "/no", "item": "nothing"}]},
        {"parameters": [{"name": "no", "required": False}, {"name": "year", "required": False}]},
    ],
    ids=str,
)
async def test_declarations_that_are_not_acceptable(
    tmp_path: Path, backend: Backend, change: dict[str, Any]
) -> None:
    async with pair(tmp_path, alone=True, services=services(backend, tmp_path)) as both:
        with pytest.raises((errors.QueryDeclaration, errors.SettingsLacking)):
            await both.provider.call("query.declare", given={**DECLARED, **change})

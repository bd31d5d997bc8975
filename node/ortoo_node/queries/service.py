"""Service gateway (接口网关): a declared query that an HTTP service of the department answers.

Host, method and path come from the settings and the declaration. What an asker sends becomes one
encoded segment of the path, one value of the query or of the body, and nothing else; redirects are
not followed and proxies of the environment are not used. What went wrong is said without address,
headers or the service's own words: those are the department's.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from ortoo_node.queries.declared import Declaration, Http
from ortoo_node.queries.running import Found, Limits, typed
from ortoo_node.services import Service
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import QueryParameter, QueryService, QueryTimeout, SettingsValue
from ortoo_protocol.core.feeds import Column

if TYPE_CHECKING:
    import httpx

_PLACE = re.compile(r"\{([^{}]*)\}")
_ABSENT = object()
_BREAKS = frozenset("/\\%;?#")


def open_client(service: Service) -> httpx.Client:
    """Raises SettingsSecret, SettingsValue. For all queries of the service, from any thread."""
    import httpx  # 5 MiB that stations without services do without

    try:
        verify: ssl.SSLContext | bool = (
            ssl.create_default_context(cafile=str(service.ca_file)) if service.ca_file else True
        )
    except OSError as error:
        key = f"services: {service.name}.ca_file"
        raise SettingsValue(place=str(service.ca_file), key=key, detail=str(error)) from None
    return httpx.Client(
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            **service.read_headers(),
        },
        verify=verify,
        follow_redirects=False,
        trust_env=False,
        # What the service sets for one asker must not go along with the next one's call.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
    )


class ServiceRunner:
    def __init__(self, declared: Declaration, service: Service, client: httpx.Client) -> None:
        if declared.http is None:
            raise ValueError("a query of kind http")
        self._http, self._service, self._client = declared.http, service, client
        self._pointers = {each.named: _steps(each.column) for each in declared.columns}
        self._rows = _steps(declared.http.rows)

    def run(self, bound: Mapping[str, Scalar], columns: Sequence[Column], limits: Limits) -> Found:
        timeout_s = min(self._service.timeout_s, limits.timeout_ms / 1000)
        raw = self._fetch(bound, timeout_s, limits.bytes)
        rows = _found(_parsed(raw), self._rows)
        if isinstance(rows, Mapping):
            rows = [rows]
        if rows is _ABSENT or not isinstance(rows, list):
            raise QueryService(detail="its answer has no rows where they are declared")
        steps = [self._pointers[column.name] for column in columns]
        values = ([_value(_found(row, each)) for each in steps] for row in rows)
        return typed(values, columns, limits.rows)

    def _fetch(self, bound: Mapping[str, Scalar], timeout_s: float, most_bytes: int) -> bytes:
        """The whole body. A drip of bytes that never ends is ended by the clock."""
        import httpx

        end = time.monotonic() + timeout_s
        over = QueryTimeout(detail=f"{int(timeout_s * 1000)} ms")
        request = _request(self._client, self._service.base_url, self._http, bound)
        request.extensions["timeout"] = httpx.Timeout(timeout_s).as_dict()
        got = bytearray()
        try:
            answer = self._client.send(request, stream=True)
            try:
                if answer.status_code != 200:
                    raise QueryService(detail=f"status {answer.status_code}")
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise QueryService(detail="its answer is compressed")  # it has no size yet
                for chunk in answer.iter_raw():
                    got += chunk
                    if len(got) > most_bytes:
                        raise QueryService(detail=f"its answer has more than {most_bytes} bytes")
                    if time.monotonic() > end:
                        raise over
            finally:
                answer.close()
        except httpx.TimeoutException:
            raise over from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise QueryService(detail=f"not reachable ({type(error).__name__})") from None
        return bytes(got)


def _request(
    client: httpx.Client, base_url: str, call: Http, bound: Mapping[str, Scalar]
) -> httpx.Request:
    import httpx

    path = _PLACE.sub(lambda place: _segment(place[1], bound[place[1]]), call.path)
    if {".", ".."} & set(path.split("/")):
        raise QueryParameter(detail="one in the path is . or ..")
    base = urlsplit(base_url)
    url = httpx.URL(
        scheme=base.scheme,
        host=base.hostname or "",
        port=base.port,
        raw_path=(base.path.rstrip("/") + path).encode("ascii"),
    )
    sent = {field: bound[name] for field, name in call.query.items() if bound[name] is not None}
    if sent:
        url = url.copy_merge_params({field: _written(value) for field, value in sent.items()})
    body = {field: bound[name] for field, name in call.body.items() if bound[name] is not None}
    return client.build_request(call.method, url, json=body if call.method == "POST" else None)


def _segment(name: str, value: Scalar) -> str:
    """Encoded; and nothing that a server could take apart after decoding it once or twice."""
    written = _written(value)
    if not written or _BREAKS & set(written) or not written.isprintable():
        raise QueryParameter(detail=f"{name} holds what no segment of a path may hold")
    return quote(written, safe="")


def _written(value: Scalar) -> str:
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


# --- what comes back ------------------------------------------------------------------------------


def _parsed(raw: bytes) -> object:
    def refuse(_name: str) -> object:
        raise ValueError("no number")

    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise QueryService(detail="its answer is not JSON") from None


def _steps(pointer: str) -> tuple[str, ...]:
    """RFC 6901."""
    if not pointer:
        return ()
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/")
    )


def _found(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, _ABSENT)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 7:
            value = value[int(step)] if int(step) < len(value) else _ABSENT
        else:
            return _ABSENT
    return value


def _value(value: object) -> object:
    """What is absent is nil; objects and lists are no values of an item."""
    if value is _ABSENT:
        return None
    if isinstance(value, (dict, list)):
        raise QueryService(detail="an item is an object or a list")
    return value

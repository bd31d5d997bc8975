"""Programming RabbitMQ through the HTTP API of its management plugin, over verified TLS.

Source: the API reference that the plugin serves at /api/index.html, versions 3.10 to 4.x.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from ortoo_hub.broker.port import BrokerAdmin
from ortoo_protocol.core.errors import (
    BrokerAdminLogin,
    BrokerAdminRefused,
    BrokerAdminTls,
    BrokerAdminUnreachable,
    BusPlane,
)
from ortoo_protocol.core.topology import (
    Actual,
    Binding,
    Change,
    Exchange,
    Permission,
    Queue,
    Sessions,
    Thing,
    TopicPermission,
    User,
    Verb,
    plane_of_broker,
)

_HASHING: Final = "rabbit_password_hashing_sha256"

Json = Any  # What the API answers; read_* below pick what they need.


@dataclass(frozen=True)
class ManagementAddress:
    """Where the management API answers; `user` bears the tag administrator."""

    host: str
    port: int
    vhost: str
    user: str
    password: str = field(repr=False)
    ca_file: Path
    timeout_s: float = 10.0

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class ManagementBrokerAdmin(BrokerAdmin):
    """`async with` it, or call `close`."""

    def __init__(self, address: ManagementAddress) -> None:
        self._address = address
        self._vhost = _quoted(address.vhost)
        self._client = httpx.AsyncClient(
            base_url=f"https://{address.host}:{address.port}/api/",
            auth=(address.user, address.password),
            verify=_tls_context(address),
            timeout=address.timeout_s,
            # A new TLS connection costs more than a request; the server keeps idle ones for 60 s.
            limits=httpx.Limits(max_connections=8, keepalive_expiry=50),
            trust_env=False,
        )

    async def __aenter__(self) -> ManagementBrokerAdmin:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def claim(self, name: str) -> None:
        known = (await self._get("cluster-name"))["name"]
        found, plane = plane_of_broker(known), plane_of_broker(name)
        if found is not None and plane is not None and found is not plane:
            raise BusPlane(address=self._address, found=found.value, plane=plane.value)
        if known != name:
            await self._call("PUT", "cluster-name", {"name": name})

    async def read(self) -> Actual:
        vhost = self._vhost
        paths = (
            f"exchanges/{vhost}?columns=name,type,durable",
            f"queues/{vhost}?columns=name,arguments,durable&disable_stats=true",
            f"bindings/{vhost}?columns=source,destination,destination_type,routing_key",
            "users",
            f"vhosts/{vhost}/topic-permissions",
            f"vhosts/{vhost}/permissions",
            f"vhosts/{vhost}/connections?columns=user",
        )
        answers = await asyncio.gather(*(self._get(path) for path in paths))
        exchanges, queues, bindings, users, topics, permissions, connections = answers
        return Actual(
            exchanges=frozenset(_exchanges(exchanges)),
            queues=frozenset(_queues(queues)),
            bindings=frozenset(_bindings(bindings)),
            users=frozenset(_users(users)),
            topic_permissions=frozenset(_topic_permissions(topics)),
            permissions=frozenset(_permissions(permissions)),
            connected=frozenset(c["user"] for c in connections if "user" in c),
        )

    async def apply(self, change: Change) -> None:
        thing = change.thing
        if isinstance(thing, Sessions):
            await self.close_connections(thing.user)
        elif isinstance(thing, Binding):
            await (self._bind if change.verb is Verb.PUT else self._unbind)(thing)
        elif change.verb is Verb.PUT:
            await self._call("PUT", self._path(thing), _body(thing))
        else:
            await self._call("DELETE", self._path(thing), missing_ok=True)

    async def close_connections(self, user: str) -> int:
        path = f"connections/username/{_quoted(user)}"
        seen = await self._get(path)
        # Also when none is listed: the list trails behind by seconds, the deletion does not.
        await self._call("DELETE", path, missing_ok=True)
        return len(seen)

    def _path(self, thing: Thing) -> str:
        match thing:
            case Exchange() | Queue():
                family = "exchanges" if isinstance(thing, Exchange) else "queues"
                return f"{family}/{self._vhost}/{_quoted(thing.name)}"
            case User():
                return f"users/{_quoted(thing.name)}"
            case Permission():
                return f"permissions/{self._vhost}/{_quoted(thing.user)}"
            case TopicPermission():
                return f"topic-permissions/{self._vhost}/{_quoted(thing.user)}"
            case Binding():
                exchange, queue = _quoted(thing.exchange), _quoted(thing.queue)
                return f"bindings/{self._vhost}/e/{exchange}/q/{queue}"
            case Sessions():
                return f"connections/username/{_quoted(thing.user)}"

    async def _bind(self, binding: Binding) -> None:
        body = {"routing_key": binding.key, "arguments": {}}
        await self._call("POST", self._path(binding), body)

    async def _unbind(self, binding: Binding) -> None:
        path = self._path(binding)
        for found in await self._get(path, missing=[]):
            if found["routing_key"] == binding.key:
                one = f"{path}/{_quoted(found['properties_key'])}"
                await self._call("DELETE", one, missing_ok=True)

    async def _get(self, path: str, missing: Json = None) -> Json:
        answer = await self._call("GET", path, missing_ok=missing is not None)
        return missing if answer.status_code == HTTPStatus.NOT_FOUND else answer.json()

    async def _call(
        self, method: str, path: str, body: Json = None, *, missing_ok: bool = False
    ) -> httpx.Response:
        address = self._address
        try:
            answer = await self._client.request(method, path, json=body)
        except httpx.TransportError as failure:
            # A timeout inside TLS drags an ssl error along ("want read") that means nothing.
            timeout = isinstance(failure, httpx.TimeoutException)
            cause = None if timeout else _tls_cause(failure)
            if cause is not None:
                raise BrokerAdminTls(address=address, detail=cause) from failure
            detail = str(failure) or type(failure).__name__
            raise BrokerAdminUnreachable(address=address, detail=detail) from failure
        if answer.status_code == HTTPStatus.NOT_FOUND and missing_ok:
            return answer
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise BrokerAdminLogin(address=address, user=address.user)
        if answer.is_error:
            raise BrokerAdminRefused(
                status=answer.status_code, request=f"{method} {path}", detail=answer.text[:200]
            )
        return answer


def _tls_context(address: ManagementAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca_file))
    except OSError as unreadable:
        detail = f"{address.ca_file}: {unreadable.strerror or unreadable}"
        raise BrokerAdminTls(address=address, detail=detail) from unreadable


def _tls_cause(failure: BaseException | None) -> str | None:
    """httpx wraps what ssl said some layers deep."""
    while failure is not None:
        if isinstance(failure, ssl.SSLCertVerificationError):
            return failure.verify_message
        if isinstance(failure, ssl.SSLError):
            return str(failure)
        failure = failure.__cause__ or failure.__context__
    return None


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _body(thing: Thing) -> Mapping[str, Json]:
    match thing:
        case Exchange():
            return {"type": thing.kind, "durable": thing.durable}
        case Queue():
            return {"durable": thing.durable, "arguments": dict(thing.arguments)}
        case User():
            return {
                "password_hash": thing.password_hash,
                "hashing_algorithm": _HASHING,
                "tags": ",".join(thing.tags),
            }
        case Permission():
            return {"configure": thing.configure, "write": thing.write, "read": thing.read}
        case TopicPermission():
            return {"exchange": thing.exchange, "write": thing.write, "read": thing.read}
        case Binding() | Sessions():
            return {}


def _exchanges(answer: Json) -> Iterable[Exchange]:
    for one in answer:
        yield Exchange(one["name"], one["type"], one["durable"])


def _queues(answer: Json) -> Iterable[Queue]:
    for one in answer:
        yield Queue(one["name"], tuple(sorted(one["arguments"].items())), one["durable"])


def _bindings(answer: Json) -> Iterable[Binding]:
    for one in answer:
        if one["destination_type"] == "queue" and one["source"]:
            yield Binding(one["source"], one["destination"], one["routing_key"])


def _users(answer: Json) -> Iterable[User]:
    for one in answer:
        tags = one["tags"]
        tags = tags.split(",") if isinstance(tags, str) else tags
        yield User(one["name"], one.get("password_hash") or "", tuple(t for t in tags if t))


def _topic_permissions(answer: Json) -> Iterable[TopicPermission]:
    for one in answer:
        yield TopicPermission(one["user"], one["exchange"], one["write"], one["read"])


def _permissions(answer: Json) -> Iterable[Permission]:
    for one in answer:
        yield Permission(one["user"], one["configure"], one["write"], one["read"])

"""The broker as its own administrator sees it: RabbitMQ's management interface, read only."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import quote

import httpx

from ortoo_demo.private_broker import PrivateBroker

TIMEOUT_S = 15.0


class BrokerApi:
    """One connection pool; may be used by several threads."""

    def __init__(self, broker: PrivateBroker) -> None:
        self._client = httpx.Client(
            base_url=f"https://localhost:{broker.management_port}/api",
            auth=(broker.admin_user, broker.admin_password),
            verify=ssl.create_default_context(cafile=str(broker.ca_file)),
            trust_env=False,
            timeout=TIMEOUT_S,
        )

    def close(self) -> None:
        self._client.close()

    def users(self) -> dict[str, list[str]]:
        """Tags by user."""
        return {user["name"]: list(user["tags"]) for user in self._get("/users")}

    def queues(self) -> set[str]:
        return {queue["name"] for queue in self._get("/queues?columns=name")}

    def bound(self, queue: str, key: str) -> bool:
        """Whether items with routing key `key` reach `queue` through exchange feeds."""
        found = self._get(f"/bindings/%2F/e/feeds/q/{quote(queue, safe='')}", missing=[])
        return any(binding["routing_key"] == key for binding in found)

    def connections(self, user: str) -> list[str]:
        """Names of the live connections of `user`."""
        found = self._get("/connections?columns=name,user")
        return [each["name"] for each in found if each.get("user") == user]

    def listeners(self) -> dict[str, int]:
        """Port by protocol."""
        return {each["protocol"]: each["port"] for each in self._get("/overview")["listeners"]}

    def _get(self, path: str, missing: object = None) -> Any:
        answer = self._client.get(path)
        if answer.status_code == httpx.codes.NOT_FOUND and missing is not None:
            return missing
        answer.raise_for_status()
        return answer.json()

"""Sources and sinks as the settings name them, shown to people: where each is, never a secret.

A database appears as host and name, an address of a program as scheme and host: its path may be a
secret of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ortoo_node.databases import place, read_url
from ortoo_node.settings import Database, NodeSettings
from ortoo_protocol.core.errors import OrtooError
from ortoo_protocol.i18n import mark

DATABASE, FOLDER, FUNCTION = mark("database"), mark("folder"), mark("function")
WEBHOOK, PULL = mark("program that is posted to"), mark("kept to be fetched")


@dataclass(frozen=True)
class Endpoint:
    """`error`: what the settings say of it cannot be used."""

    name: str
    kind: str
    address: str
    error: OrtooError | None = None


def sources(settings: NodeSettings) -> Sequence[Endpoint]:
    return (
        *map(_database, settings.sources),
        *(Endpoint(e.name, FOLDER, str(e.read_path)) for e in settings.folders if e.read),
        *(Endpoint(each.name, FUNCTION, each.call) for each in settings.functions),
    )


def sinks(settings: NodeSettings) -> Sequence[Endpoint]:
    return (
        *map(_database, settings.sinks),
        *(Endpoint(e.name, FOLDER, str(e.write_path)) for e in settings.folders if e.write),
        *(Endpoint(each.name, WEBHOOK, _host(each.url)) for each in settings.webhooks),
        *(Endpoint(each.name, PULL, "") for each in settings.pulls),
    )


def _database(database: Database) -> Endpoint:
    try:
        return Endpoint(
            database.name, DATABASE, place(read_url(database.read_url(), database.name))
        )
    except OrtooError as error:
        return Endpoint(database.name, DATABASE, "", error)


def _host(url: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"

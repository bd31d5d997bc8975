"""What the hub's listener answers to whoever watches it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ortoo_hub.figures import HubFigures
from ortoo_hub.router import Router
from ortoo_hub.settings import HubSettings
from ortoo_protocol.console.exposition import Exposition
from ortoo_protocol.console.requests import Requests
from ortoo_protocol.console.watch import Watch
from ortoo_protocol.station.figures.engine import EngineFigures
from ortoo_protocol.station.health import Check, Health
from ortoo_protocol.station.launch import package_version
from ortoo_protocol.station.settings import read_watch_token
from ortoo_protocol.station.station import Station


def watch_of(
    station: Station, router: Router, settings: HubSettings, requests: Requests, started_ms: int
) -> Watch:
    """Raises SettingsSecret for a token file that cannot be used."""
    health = Health(station, settings, (partial(_router, router),))
    engine, own = EngineFigures(health, package_version(), started_ms), HubFigures(station, router)
    exposed = Exposition(
        station,
        held=(engine.held, own.held, lambda: list(requests.figures())),
        stored=(engine.stored, own.stored),
    )
    return Watch(health, exposed.page, read_watch_token(settings.watch))


def _router(router: Router) -> Iterator[Check]:
    """What the broker carries it goes on carrying; only what is new waits."""
    yield Check("management", error=router.standing.error)

"""What a station's listeners answer to whoever watches it: put together once, for each of them."""

from __future__ import annotations

from ortoo_node.app import NodeApp
from ortoo_node.figures import NodeFigures
from ortoo_protocol.console.exposition import Exposition
from ortoo_protocol.console.watch import Watch
from ortoo_protocol.station.figures.engine import EngineFigures
from ortoo_protocol.station.health import Health
from ortoo_protocol.station.launch import package_version
from ortoo_protocol.station.settings import read_watch_token


def watch_of(app: NodeApp) -> Watch:
    """Raises SettingsSecret for a token file that cannot be used."""
    health = Health(app.station, app.settings)
    engine = EngineFigures(health, package_version(), app.started_ms)
    exposed = Exposition(
        app.station,
        held=(engine.held, lambda: list(app.requests.figures())),
        stored=(engine.stored, NodeFigures(app).stored),
    )
    return Watch(health, exposed.page, read_watch_token(app.settings.watch))

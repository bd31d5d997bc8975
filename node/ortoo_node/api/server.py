"""The listener of the programming interface (`[http]`)."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_node.api.application import application
from ortoo_node.app import NodeApp
from ortoo_node.interfaces import Http
from ortoo_node.watching import watch_of
from ortoo_protocol.console.listener import Listener, Place
from ortoo_protocol.console.requests import Counting
from ortoo_protocol.core.errors import HttpListen, HttpTls
from ortoo_protocol.station.common_methods import Method


def http_listener(app: NodeApp, http: Http, methods: Mapping[str, Method]) -> Listener:
    """Not opened yet. Raises SettingsSecret for a token file of `[watch]` that cannot be used."""
    served = application(app, http, methods, watch_of(app))
    place = Place(http.address, http.port, http.cert_file, http.key_file)

    def closing() -> None:
        app.closing.set()
        app.door.arrived.set()  # whoever waits for something to come is answered now

    return Listener(
        "the programming interface",
        Counting(served, "api", app.requests),
        place,
        closing,
        failures=(HttpListen, HttpTls),
    )

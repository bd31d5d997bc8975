"""Where the rows of feeds go, one file or folder a kind of sink."""

from __future__ import annotations

from ortoo_node.files import listing
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks.door import Door
from ortoo_node.sinks.folder import open_folder_sink
from ortoo_node.sinks.program import open_pull, open_webhook
from ortoo_node.sinks.table import SinkTable
from ortoo_protocol.station.ports import Sink

__all__ = ["Sink", "SinkTable", "open_sink"]


def open_sink(
    settings: NodeSettings, name: str, table: str, *, door: Door, subscription: str
) -> Sink:
    """The sink `name` of the settings. `door`: the station's store, for kinds that keep their
    cursor there, by `subscription`.

    Raises SettingsLacking, SettingsSecret, DatabaseUrl, SinkMismatch.
    """
    if name == listing.SINK:
        return listing.open_listing(settings.folder, table)
    if webhook := settings.webhook_named(name):
        return open_webhook(webhook, table, door, subscription)
    if pull := settings.pull_named(name):
        return open_pull(pull, table, door, subscription)
    folder = settings.folder_named(name)
    if folder is not None and folder.write:
        return open_folder_sink(folder, table)
    return SinkTable(settings.sink(name).read_url(), table)

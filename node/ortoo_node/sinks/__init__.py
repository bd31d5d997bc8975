"""Where the rows of feeds go, one file or folder a kind of sink."""

from __future__ import annotations

from ortoo_node.files import listing
from ortoo_node.settings import NodeSettings
from ortoo_node.sinks.folder import open_folder_sink
from ortoo_node.sinks.table import SinkTable
from ortoo_protocol.station.ports import Sink

__all__ = ["Sink", "SinkTable", "open_sink"]


def open_sink(settings: NodeSettings, name: str, table: str) -> Sink:
    """The sink `name` of the settings. Raises SettingsLacking, DatabaseUrl, SinkMismatch."""
    if name == listing.SINK:
        return listing.open_listing(settings.folder, table)
    folder = settings.folder_named(name)
    if folder is not None and folder.write:
        return open_folder_sink(folder, table)
    return SinkTable(settings.sink(name).read_url(), table)

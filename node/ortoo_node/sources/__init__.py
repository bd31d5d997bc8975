"""Where the rows of feeds come from, one file a kind of source."""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_node.settings import NodeSettings
from ortoo_node.sources.port import Source
from ortoo_node.sources.table import SourceTable
from ortoo_protocol.core.feeds import Column

__all__ = ["Source", "SourceTable", "open_source"]


def open_source(
    settings: NodeSettings, name: str, table: str, columns: Sequence[Column], key: Sequence[str]
) -> Source:
    """The source `name` of the settings. Raises SettingsLacking, DatabaseUrl, RowsSchema."""
    return SourceTable(settings.source(name).read_url(), table, columns, key)

"""Where the rows of feeds come from, one file a kind of source."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ortoo_node.settings import NodeSettings
from ortoo_node.sources.folder import FolderSource
from ortoo_node.sources.port import Source
from ortoo_node.sources.table import SourceTable
from ortoo_protocol.core.feeds import Column

__all__ = ["Source", "SourceTable", "open_source"]


def open_source(
    settings: NodeSettings,
    name: str,
    table: str,
    columns: Sequence[Column],
    key: Sequence[str],
    *,
    titles: Mapping[str, str],
) -> Source:
    """The source `name` of the settings; `titles` are the items' names by column.

    Raises SettingsLacking, DatabaseUrl, RowsSchema.
    """
    folder = settings.folder_named(name)
    if folder is not None and folder.read:
        spool = settings.folder / "spool"
        return FolderSource(folder, table, columns, key, titles, spool, time.time)
    return SourceTable(settings.source(name).read_url(), table, columns, key)

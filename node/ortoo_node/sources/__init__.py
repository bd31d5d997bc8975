"""Where the rows of feeds come from, one file or folder a kind of source."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ortoo_node.settings import NodeSettings
from ortoo_node.sources import function
from ortoo_node.sources.folder import FolderSource
from ortoo_node.sources.port import Reading, Source
from ortoo_node.sources.tables import Capture, How, Place, SourceTable, open_table
from ortoo_protocol.core.feeds import Column

WHOLE = Capture(How.WHOLE)
__all__ = ["Capture", "Reading", "Source", "SourceTable", "open_source"]


def open_source(
    settings: NodeSettings,
    name: str,
    table: str,
    columns: Sequence[Column],
    key: Sequence[str],
    *,
    titles: Mapping[str, str],
    capture: Capture = WHOLE,
    taken: str = "",
    now_ms: int = 0,
) -> Source:
    """The source `name` of the settings. `titles` are the items' names by column; `capture`
    (without it every reading is whole) and `taken` (the resource that changes of this table go to
    already) are about tables.

    Raises SettingsLacking, DatabaseUrl, RowsSchema, SourceError.
    """
    folder = settings.folder_named(name)
    if folder is not None and folder.read:
        spool = settings.folder / "spool"
        return FolderSource(folder, table, columns, key, titles, spool, time.time)
    named = settings.function(name)
    if named is not None:
        loaded = function.load(name, named.call, named.folder)
        return function.SourceFunction(name, loaded, table, columns, key)
    url = settings.source(name).read_url()
    party = settings.station.party
    place = Place(url, table, tuple(columns), tuple(key), party, now_ms, taken)
    return open_table(place, capture)

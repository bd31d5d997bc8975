"""A folder on a front-end machine (前置机) as a sink: files that the department takes away."""

from __future__ import annotations

import time

from ortoo_node.folders import Folder
from ortoo_node.sinks.folder.changes import FolderSink
from ortoo_node.sinks.folder.place import Place
from ortoo_node.sinks.folder.whole import WholeFolderSink

__all__ = ["FolderSink", "WholeFolderSink", "open_folder_sink"]


def open_folder_sink(folder: Folder, table: str) -> FolderSink | WholeFolderSink:
    """Raises SinkMismatch for a table whose name is no folder's."""
    options = folder.table_options_of(table)
    place = Place(folder, table)
    if options.mode == "whole":
        return WholeFolderSink(place, options, time.monotonic)
    return FolderSink(place, options)

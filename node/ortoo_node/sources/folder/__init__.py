"""A folder of a front-end machine (前置机) as a source: files that have settled, read as rows."""

from ortoo_node.sources.folder.settled import Found, settled_files
from ortoo_node.sources.folder.source import FolderSource

__all__ = ["FolderSource", "Found", "settled_files"]

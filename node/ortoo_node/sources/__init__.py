"""Where the rows of feeds come from: databases of departments."""

from ortoo_node.sources.table import SourceTable

__all__ = ["SourceTable"]

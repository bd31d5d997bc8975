"""Where the rows of feeds go: databases of departments."""

from ortoo_node.sinks.table import SinkTable

__all__ = ["SinkTable"]

"""Tables and views of departments' databases, and the ways in which their changes are found."""

from ortoo_node.captures import How
from ortoo_node.sources.tables.capture import Capture
from ortoo_node.sources.tables.choice import Place, open_table
from ortoo_node.sources.tables.whole import SourceTable

__all__ = ["Capture", "How", "Place", "SourceTable", "open_table"]

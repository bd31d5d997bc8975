"""Publishing: what a source holds passes the gate and leaves as items where it differs."""

from ortoo_node.publishing.publisher import Published, Publisher
from ortoo_node.publishing.schedule import Schedule

__all__ = ["Published", "Publisher", "Schedule"]

"""Publishing: what a source holds passes the gate and leaves as items where it differs."""

from ortoo_node.publishing.publisher import Published, Publisher

__all__ = ["Published", "Publisher"]

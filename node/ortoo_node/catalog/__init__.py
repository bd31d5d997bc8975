"""The station's catalog (目录): what all other parts ask of it.

Steps, sheets, lists and statistics stand in modules of their own here.
"""

from ortoo_node.catalog.mirror import entry, find, refused, store
from ortoo_node.catalog.own import own_feed, publish

__all__ = ["entry", "find", "own_feed", "publish", "refused", "store"]

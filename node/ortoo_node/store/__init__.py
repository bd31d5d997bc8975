"""The node's own tables beside the engine's, in the same store."""

from pathlib import Path

from ortoo_node.store import use_tables
from ortoo_protocol.station.store.migrate import Migrations

__all__ = ["NODE", "use_tables"]  # the metadata of tables.py is whole

NODE = Migrations("node", Path(__file__).parent / "migrations")

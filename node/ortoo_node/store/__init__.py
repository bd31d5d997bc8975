"""The node's own tables beside the engine's, in the same store."""

from pathlib import Path

from ortoo_protocol.station.store.migrate import Migrations

NODE = Migrations("node", Path(__file__).parent / "migrations")

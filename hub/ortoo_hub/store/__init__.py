"""The hub's own tables, beside the engine's in the same store."""

from pathlib import Path

from ortoo_protocol.station.store.migrate import Migrations

HUB = Migrations("hub", Path(__file__).parent / "migrations")

__all__ = ["HUB"]

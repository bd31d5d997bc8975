"""Migrations: each owner of tables (engine, node, hub) has a folder of Alembic revisions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from ortoo_protocol.core.errors import StoreNewer


@dataclass(frozen=True)
class Migrations:
    """`name` also names the version table, so that owners migrate independently."""

    name: str
    folder: Path


STATION = Migrations("station", Path(__file__).parent / "migrations")


def upgrade(conn: Connection, owners: tuple[Migrations, ...]) -> None:
    """Bring the store to this version, inside the caller's transaction. Raises StoreNewer."""
    for owner in owners:
        table = f"{owner.name}_revision"
        config = Config()
        config.set_main_option("script_location", str(owner.folder).replace("%", "%%"))
        config.attributes["connection"] = conn
        config.attributes["version_table"] = table
        found = MigrationContext.configure(
            conn, opts={"version_table": table}
        ).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            raise StoreNewer(revision=f"{owner.name} {found}")
        command.upgrade(config, "head")

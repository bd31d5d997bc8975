"""Migrations: each owner of tables (engine, node, hub) has a folder of Alembic revisions.

Alembic and what it draws in take 8 MiB, so a start whose store is of this version goes without it:
which revision is the newest is told by the names of the files (`0012_what_it_does.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from ortoo_protocol.core.errors import StoreNewer


@dataclass(frozen=True)
class Migrations:
    """`name` also names the version table, so that owners migrate independently."""

    name: str
    folder: Path

    @property
    def version_table(self) -> str:
        return f"{self.name}_revision"

    def revisions(self) -> list[str]:
        """In their order; the last is the newest."""
        files = (self.folder / "versions").glob("[0-9]*_*.py")
        return sorted(file.name.partition("_")[0] for file in files)


STATION = Migrations("station", Path(__file__).parent / "migrations")


def upgrade(conn: Connection, owners: tuple[Migrations, ...]) -> None:
    """Bring the store to this version, inside the caller's transaction. Raises StoreNewer."""
    for owner in owners:
        found, known = _revision(conn, owner), owner.revisions()
        if found is not None and found not in known:
            raise StoreNewer(revision=f"{owner.name} {found}")
        if found != known[-1]:
            _migrate(conn, owner)


def _revision(conn: Connection, owner: Migrations) -> str | None:
    """Where the store stands; None: it has nothing of this owner yet."""
    if not inspect(conn).has_table(owner.version_table):
        return None
    kept = table(owner.version_table, column("version_num"))
    return conn.execute(select(kept.c.version_num)).scalar()


def _migrate(conn: Connection, owner: Migrations) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(owner.folder).replace("%", "%%"))
    config.attributes["connection"] = conn
    config.attributes["version_table"] = owner.version_table
    command.upgrade(config, "head")

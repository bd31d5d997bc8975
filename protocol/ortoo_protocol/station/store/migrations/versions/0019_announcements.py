"""Announcements of the region, and who has read them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    op.create_table(
        "announcements",
        _column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite")),
        _column("announcement", sa.String(32)),
        _column("issued_ms", sa.BigInteger()),
        _column("title", sa.Text()),
        _column("text", sa.Text()),
        _column("level", sa.String(16)),
        _column("from_ms", sa.BigInteger()),
        _column("until_ms", sa.BigInteger()),
        _column("leagues", sa.Text()),
        _column("by", sa.Text()),
        _column("replaces", sa.String(32)),
        _column("ended", sa.String(16)),
        _column("ended_ms", sa.BigInteger()),
        _column("ended_by", sa.Text()),
        _column("reason", sa.Text()),
        _column("successor", sa.String(32)),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("announcement"),
    )
    op.create_index("announcements_in_force", "announcements", ["ended", "until_ms"])
    op.create_table(
        "announcement_reads",
        _column("announcement", sa.String(32)),
        _column("person", sa.String(100)),
        _column("read_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("announcement", "person"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

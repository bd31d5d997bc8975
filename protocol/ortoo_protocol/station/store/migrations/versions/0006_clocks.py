"""The calendar, and the law's clocks."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _column(name: str, kind: sa.types.TypeEngine[Any], nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "calendar_years",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        _column("version", sa.BigInteger()),
        _column("raw", sa.LargeBinary()),
        _column("taken_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("year"),
    )
    op.create_table(
        "clocks",
        _column("clock", sa.String(32)),
        _column("subject", sa.String(96)),
        _column("duty", sa.String(32)),
        _column("article", sa.Text()),
        _column("party", sa.String(16)),
        _column("department", sa.String(18)),
        _column("opened_ms", sa.BigInteger()),
        _column("days", sa.Integer(), nullable=True),
        _column("extension_days", sa.Integer()),
        _column("extended_days", sa.Integer()),
        _column("closes_min", sa.Integer()),
        _column("pauses", sa.Text()),
        _column("day", sa.String(10), nullable=True),
        _column("due_ms", sa.BigInteger(), nullable=True),
        _column("provisional", sa.Boolean()),
        _column("state", sa.String(16)),
        _column("stage", sa.Integer()),
        _column("next_ms", sa.BigInteger(), nullable=True),
        _column("warned_ms", sa.BigInteger(), nullable=True),
        _column("escalated_ms", sa.BigInteger(), nullable=True),
        _column("closed_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("clock"),
    )
    op.create_index("clocks_subject", "clocks", ["subject", "duty"])
    op.create_index("clocks_next", "clocks", ["next_ms"])
    op.create_index("clocks_open", "clocks", ["closed_ms", "due_ms"])
    op.create_table(
        "clock_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        _column("clock", sa.String(32)),
        _column("time_ms", sa.BigInteger()),
        _column("event", sa.String(16)),
        _column("detail", sa.Text()),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_clock_events_clock", "clock_events", ["clock"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

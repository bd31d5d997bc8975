"""The shadow in one tree and without hashes; events wait for their item; dispatches are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_2",
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "key"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO shadow_2 SELECT feed, key, row, seq FROM shadow")
    op.drop_table("shadow")
    op.rename_table("shadow_2", "shadow")
    op.create_table(
        "dispatches",
        sa.Column("sender", sa.String(length=16), nullable=False),
        sa.Column("dispatch", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sender", "dispatch", "part"),
    )
    op.create_table(
        "feed_out_pending",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("part", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_feed_out_pending_feed"), "feed_out_pending", ["feed"], unique=False)


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

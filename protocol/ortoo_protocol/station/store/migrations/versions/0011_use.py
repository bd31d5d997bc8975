"""What becomes of grants while they are used: suspensions, announced ends, history."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    suspension = sa.Column("suspension", sa.String(length=32), nullable=False, server_default="")
    op.add_column("grants", suspension)
    op.add_column("feed_readers", sa.Column("suspended_epoch", sa.BigInteger(), nullable=True))
    op.create_table(
        "grant_suspensions",
        sa.Column("suspension", sa.String(length=32), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("suspender", sa.String(length=16), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("suspended_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("suspension"),
    )
    op.create_index("ix_grant_suspensions_grant", "grant_suspensions", ["grant"])
    op.create_table(
        "grant_endings",
        sa.Column("ending", sa.String(length=32), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("filing", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("ending"),
    )
    op.create_index("ix_grant_endings_grant", "grant_endings", ["grant"])
    op.create_table(
        "grant_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("party", sa.String(length=16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_grant_events_grant", "grant_events", ["grant"])
    op.create_table(
        "feed_keys_kept",
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "incarnation", "epoch"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

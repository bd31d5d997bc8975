"""Use records, entered and counted."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "use_records",
        sa.Column("record", sa.String(length=32), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("effect", sa.Text(), nullable=False),
        sa.Column("storage", sa.Text(), nullable=False),
        sa.Column("destruction", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record"),
    )
    op.create_index("ix_use_records_grant", "use_records", ["grant"])
    op.create_table(
        "use_days",
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("grant", "day", "how"),
    )
    op.create_table(
        "use_noted",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscription"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

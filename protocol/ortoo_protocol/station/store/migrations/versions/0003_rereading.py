"""What subscriptions had, and what is read again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("rows", "rejects"):
        op.add_column(
            "feed_applied", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
        )
    op.create_table(
        "feed_rereads",
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("feed"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Where the next reading of a source begins; rows that did not leave."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("publications", sa.Column("mark", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "rejects",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("column", sa.String(length=64), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index(op.f("ix_rejects_resource"), "rejects", ["resource"], unique=False)


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

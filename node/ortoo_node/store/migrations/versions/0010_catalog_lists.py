"""Lists beside the catalog; conflicts over sources of data."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_conflicts",
        sa.Column("conflict", sa.String(length=32), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conflict", "resource"),
    )
    op.create_table(
        "catalog_lists",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("list", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "list", "number"),
    )
    op.create_index("catalog_lists_order", "catalog_lists", ["list", "status"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

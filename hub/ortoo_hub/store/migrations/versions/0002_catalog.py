"""Claims of sources of data and conflicts over them; lists beside the catalog."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_claims",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("datum", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("code", "datum"),
    )
    op.create_index("catalog_claims_datum", "catalog_claims", ["datum"])
    op.create_table(
        "catalog_conflicts",
        sa.Column("conflict", sa.String(length=32), nullable=False),
        sa.Column("first", sa.String(length=64), nullable=False),
        sa.Column("second", sa.String(length=64), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("conflict"),
    )
    for column in ("first", "second", "state"):
        op.create_index(f"ix_catalog_conflicts_{column}", "catalog_conflicts", [column])
    op.create_table(
        "catalog_lists",
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("list", sa.String(length=16), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("row", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "list", "number"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Drafts of catalog entries, the steps they went through, numbers that were given."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_drafts",
        sa.Column("draft", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("compiled_by", sa.Text(), nullable=False),
        sa.Column("filed", sa.String(length=32), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("draft"),
    )
    op.create_index("ix_catalog_drafts_code", "catalog_drafts", ["code"])
    op.create_index("ix_catalog_drafts_state", "catalog_drafts", ["state"])
    op.create_index("catalog_drafts_name", "catalog_drafts", ["department", "name"])
    op.create_table(
        "catalog_steps",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("draft", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_catalog_steps_draft", "catalog_steps", ["draft"])
    op.create_table(
        "catalog_numbers",
        sa.Column("series", sa.String(length=80), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("series"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

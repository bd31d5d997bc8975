"""Notices to people."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("number", _ID, nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("authority", sa.Boolean(), nullable=False),
        sa.Column("template", sa.String(32), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("routed_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("notices_routed", "notices", ["routed_ms"])
    op.create_table(
        "notice_deliveries",
        sa.Column("number", _ID, nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("notices", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("notice_deliveries_due", "notice_deliveries", ["channel", "state", "next_ms"])
    op.create_index("notice_deliveries_settled", "notice_deliveries", ["settled_ms"])
    op.create_index("ix_notice_deliveries_first", "notice_deliveries", ["first"])
    op.create_table(
        "digests",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("person", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("day", "department", "person"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

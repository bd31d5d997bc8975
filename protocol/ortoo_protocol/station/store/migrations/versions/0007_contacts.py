"""Contacts of departments, hand-overs, absences."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("party", "department"),
    )
    op.create_table(
        "contact_handovers",
        sa.Column("number", _ID, nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("handover", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("contact_handovers_of", "contact_handovers", ["party", "department"])
    op.create_table(
        "absences",
        sa.Column("number", _ID, nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("ix_absences_department", "absences", ["department"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

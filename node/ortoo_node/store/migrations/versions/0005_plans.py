"""How changes of a publication's table are found, when it runs, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publication_plans",
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("capture", sa.String(length=16), nullable=False),
        sa.Column("watermark", sa.Text(), nullable=False),
        sa.Column("overlap", sa.BigInteger(), nullable=False),
        sa.Column("whole_every_s", sa.BigInteger(), nullable=False),
        sa.Column("every_s", sa.BigInteger(), nullable=False),
        sa.Column("follow", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("resource"),
    )
    op.create_table(
        "publication_runs",
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("upserts", sa.BigInteger(), nullable=False),
        sa.Column("deletes", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("resource"),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""The catalog is searched by the engine's index: what was kept for it here goes. What the region
was told of our feeds."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "carried_stated",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("carried_ms", sa.BigInteger(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.drop_column("catalog", "text")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE catalog_text")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

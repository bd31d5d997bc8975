"""Whose feed a feed is: a feed belongs to one resource."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_catalog_feed", "catalog", ["feed"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

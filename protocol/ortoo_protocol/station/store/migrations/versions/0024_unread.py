"""Feeds of a restored party whose tables it has not read since."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("feeds_unread", sa.Column("feed", sa.String(80), primary_key=True))


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

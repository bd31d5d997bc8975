"""Masks of a view, and the sealed secret of those that hash."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("views", sa.Column("masks", sa.LargeBinary(), nullable=True))
    op.add_column("views", sa.Column("salt", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

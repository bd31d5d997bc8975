"""The catalog is searched by the engine's index; what was kept for it here goes."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("catalog", "words")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

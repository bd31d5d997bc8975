"""One letter moves a case: no second one is kept beside it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("case_events", "second")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Entries by provider and department, requests by who answers and by when they were made."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("catalog_share", "catalog", ["provider", "share_type"])
    op.create_index("catalog_department", "catalog", ["department"])
    op.create_index("cases_order", "cases", ["opened_ms"])
    op.create_index("cases_answering", "cases", ["provider_department", "opened_ms"])
    op.create_index("cases_asking", "cases", ["department", "opened_ms"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

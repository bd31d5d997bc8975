"""Entries counted by provider, cases in their order, extensions that were asked for."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("catalog_provider", "catalog", ["provider"])
    op.create_index("cases_order", "cases", ["opened_ms"])
    op.create_index("case_events_event", "case_events", ["event", "case"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

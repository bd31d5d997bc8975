"""Grants in their order and those in force, entries of a department, without going over all."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("grants_order", "grants", ["from_ms", "grant"])
    in_force = ["ended_ms", "provider", "reader", "from_ms", "until_ms", "offered"]
    op.create_index("grants_in_force", "grants", in_force)
    op.create_index("catalog_index_department", "catalog_index", ["provider", "department"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

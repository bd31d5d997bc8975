"""The journal is searched by kind, and for what was refused."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    refused = sa.text("error <> ''")
    op.create_index("journal_kind", "journal", ["kind", "seq"])
    op.create_index(
        "journal_refused", "journal", ["seq"], sqlite_where=refused, postgresql_where=refused
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

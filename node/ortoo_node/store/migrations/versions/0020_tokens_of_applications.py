"""A token is of an application, opens several things, and can be rotated."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_tokens") as table:
        table.alter_column("scope", new_column_name="scopes", type_=sa.Text())
        table.add_column(sa.Column("application", sa.Text(), nullable=False, server_default=""))
        table.add_column(
            sa.Column("family", sa.String(length=16), nullable=False, server_default="")
        )
    op.execute("UPDATE api_tokens SET family = token")
    op.execute("DELETE FROM api_answers")  # they were not sealed


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

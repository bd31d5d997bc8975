"""What changes of a letter or an item stands apart from its envelope."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox_envelopes",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute("INSERT INTO outbox_envelopes (number, raw) SELECT number, raw FROM outbox")
    op.drop_column("outbox", "raw")
    op.drop_index("feed_out_unsent", table_name="feed_out_items")
    op.create_table(
        "feed_out_unsent",
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("incarnation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("feed", "incarnation", "seq"),
    )
    items = sa.table("feed_out_items", *map(sa.column, ("feed", "incarnation", "seq")))
    unsent = sa.select(*items.c).where(sa.column("sent", sa.Boolean).is_(False))
    target = sa.table("feed_out_unsent", *map(sa.column, ("feed", "incarnation", "seq")))
    op.execute(target.insert().from_select(["feed", "incarnation", "seq"], unsent))
    op.drop_column("feed_out_items", "sent")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Who took each step of a case, with which letter; what members say that they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("group", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("share_type", sa.Integer(), nullable=False, server_default="2"),
        sa.Column("provider_department", sa.String(length=18), nullable=False, server_default=""),
    ):
        op.add_column("cases", column)
    op.add_column(
        "case_events", sa.Column("side", sa.String(length=16), nullable=False, server_default="")
    )
    op.add_column("case_events", sa.Column("body", sa.LargeBinary(), nullable=True))
    op.create_table(
        "case_standings",
        sa.Column("case", sa.String(length=32), nullable=False),
        sa.Column("party", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case", "party"),
    )
    events = sa.table("case_events", sa.column("event"), sa.column("side"))
    for event, side in (
        ("submit", "applicant"),
        ("withdraw", "applicant"),
        ("grant", "provider"),
        ("refuse", "provider"),
        ("end", "provider"),
    ):
        op.execute(events.update().where(events.c.event == event).values(side=side))


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Cases as what their events add up to, and what the notary said of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("group", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("share_type", sa.Integer(), nullable=False, server_default="2"),
        sa.Column("provider_department", sa.String(length=18), nullable=False, server_default=""),
        sa.Column("noted_state", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("compared_ms", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("cases", column)
    beside: tuple[sa.Column[Any], ...] = (
        sa.Column("side", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("status", sa.String(length=16), nullable=False, server_default="counted"),
        sa.Column("letter", sa.LargeBinary(), nullable=True),
        sa.Column("second", sa.LargeBinary(), nullable=True),
        sa.Column("noted", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("legal_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("error", sa.String(length=64), nullable=False, server_default=""),
        sa.Column("body", sa.LargeBinary(), nullable=True),
    )
    for each in beside:
        op.add_column("case_events", each)
    op.create_index("case_events_letter", "case_events", ["letter"])
    op.create_table(
        "case_records",
        sa.Column("case", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("party", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case", "number"),
    )
    _sides()


def _sides() -> None:
    """Who took the steps that an earlier version noted."""
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

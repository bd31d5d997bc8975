"""Subscriptions that are held; what waits for departments' programs; their tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscriptions", sa.Column("hold", sa.String(16), nullable=False, server_default="")
    )
    op.add_column(
        "subscriptions", sa.Column("hold_error", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("subscriptions", sa.Column("reread_from", sa.BigInteger()))
    op.create_table(
        "deliveries",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("incarnation", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("part_pages", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscription"),
    )
    op.create_table(
        "pulls",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("given_from", sa.BigInteger(), nullable=False),
        sa.Column("given_to", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("held_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subscription"),
    )
    op.create_table(
        "pull_pages",
        sa.Column("subscription", sa.String(length=32), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subscription", "place"),
    )
    _make_api()


def _make_api() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("scope", sa.String(length=96), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger()),
        sa.Column("used_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "api_answers",
        sa.Column("token", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", "key"),
    )
    op.create_index(op.f("ix_api_answers_time_ms"), "api_answers", ["time_ms"], unique=False)


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""Tables that every commit writes to are one tree each: a page less of each in every commit."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _journal()
    _nodes()
    _unsent()


def _journal() -> None:
    """Its number is the table's own: SQLite takes only INTEGER for that."""
    op.drop_index("ix_journal_flow", table_name="journal")
    op.drop_index("ix_journal_envelope_id", table_name="journal")
    op.rename_table("journal", "journal_before")
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("envelope_id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=16), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.execute(
        "INSERT INTO journal SELECT seq, time_ms, direction, state, flow, envelope_id, kind, "
        "sender, header, signature, body_hash, error FROM journal_before ORDER BY seq"
    )
    op.drop_table("journal_before")
    op.create_index("ix_journal_flow", "journal", ["flow"])
    op.create_index("ix_journal_envelope_id", "journal", ["envelope_id"])


def _nodes() -> None:
    op.rename_table("journal_nodes", "journal_nodes_before")
    op.create_table(
        "journal_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "place"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO journal_nodes SELECT level, place, hash FROM journal_nodes_before "
        "ORDER BY level, place"
    )
    op.drop_table("journal_nodes_before")


def _unsent() -> None:
    op.rename_table("feed_out_unsent", "feed_out_unsent_before")
    op.create_table(
        "feed_out_unsent",
        sa.Column("feed", sa.String(length=80), nullable=False),
        sa.Column("incarnation", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("feed", "incarnation", "seq"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO feed_out_unsent SELECT feed, incarnation, seq FROM feed_out_unsent_before"
    )
    op.drop_table("feed_out_unsent_before")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""The record of queries is one tree: a page less in the commit that each query waits for."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("queries_of_grant", table_name="queries")
    op.drop_index("queries_by_time", table_name="queries")
    op.rename_table("queries", "queries_before")
    op.create_table(
        "queries",
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("ask", sa.String(length=32), nullable=False),
        sa.Column("grant", sa.String(length=32), nullable=False),
        sa.Column("query", sa.String(length=64), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("cut", sa.String(length=8), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("role", "peer", "ask"),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO queries SELECT * FROM queries_before ORDER BY role, peer, ask")
    op.drop_table("queries_before")
    op.create_index("queries_of_grant", "queries", ["role", "grant", "query", "time_ms"])
    op.create_index("queries_by_time", "queries", ["time_ms"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

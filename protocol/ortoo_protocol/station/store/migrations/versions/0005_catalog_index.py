"""The catalog to be searched: what is filtered by, and the pairs of characters of its texts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalog_index",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_length", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("league", sa.String(length=8), nullable=False),
        sa.Column("department", sa.String(length=18), nullable=False),
        sa.Column("department_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=1), nullable=False),
        sa.Column("theme", sa.String(length=8), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.String(length=16), nullable=False),
        sa.Column("modes", sa.Text(), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("promise_ms", sa.BigInteger(), nullable=False),
        sa.Column("carried_ms", sa.BigInteger(), nullable=True),
        sa.Column("carried_seq", sa.BigInteger(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_index("ix_catalog_index_changed_ms", "catalog_index", ["changed_ms"], unique=False)
    op.create_table(
        "catalog_index_made",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE catalog_grams USING fts5("
            "name, items, about, initials, labels, "
            "content='', tokenize=\"ascii tokenchars '/'\")"
        )
    else:
        op.execute(
            "CREATE TABLE catalog_grams (id BIGINT PRIMARY KEY, code TEXT NOT NULL, "
            "grams TEXT[] NOT NULL, name TEXT NOT NULL, items TEXT NOT NULL, "
            "about TEXT NOT NULL, initials TEXT NOT NULL)"
        )
        op.execute("CREATE INDEX catalog_grams_grams ON catalog_grams USING GIN (grams)")
        op.execute("CREATE INDEX catalog_grams_code ON catalog_grams (code text_pattern_ops)")


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""What proofs outside of this station need: signatures that verify without bodies, all directories,
terms of grants against the letters that brought them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal", sa.Column("framing", sa.LargeBinary))
    op.add_column("grants", sa.Column("letter", sa.LargeBinary))
    op.add_column("grants", sa.Column("salt", sa.LargeBinary))
    op.create_table(
        "directories_kept",
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("raw", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

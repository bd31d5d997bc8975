"""Supervision: leads, written notices, half-yearly submissions, evaluation, the year's report."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "supervision_leads",
        sa.Column("lead", sa.String(32), primary_key=True),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("violation", sa.Integer(), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("found_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "supervision_lead_events",
        sa.Column("number", _ID, primary_key=True),
        sa.Column("lead", sa.String(32), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "supervision_lead_evidence",
        sa.Column("lead", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "supervision_notices",
        sa.Column("side", sa.String(16), primary_key=True),
        sa.Column("notice", sa.String(32), primary_key=True),
        sa.Column("authority", sa.String(16), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "supervision_notice_moves",
        sa.Column("side", sa.String(16), primary_key=True),
        sa.Column("notice", sa.String(32), primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("handler", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "supervision_submissions",
        sa.Column("side", sa.String(16), primary_key=True),
        sa.Column("submission", sa.String(32), primary_key=True),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("authority", sa.String(16), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.Column("draft", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("letter", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "supervision_submission_events",
        sa.Column("number", _ID, primary_key=True),
        sa.Column("side", sa.String(16), nullable=False),
        sa.Column("submission", sa.String(32), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(16), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
    )
    op.create_table(
        "supervision_standards",
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("standard", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "supervision_evaluations",
        sa.Column("evaluation", sa.String(32), primary_key=True),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("standard", sa.Integer(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "supervision_yearly_reports",
        sa.Column("year", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_supervision_leads_state", "supervision_leads", ["state"])
    op.create_index(
        "supervision_lead_subject", "supervision_leads", ["party", "department", "rule"]
    )
    op.create_index("ix_supervision_lead_events_lead", "supervision_lead_events", ["lead"])
    op.create_index(
        "supervision_notice_subject", "supervision_notices", ["side", "party", "department"]
    )
    op.create_index("ix_supervision_notice_moves_letter", "supervision_notice_moves", ["letter"])
    op.create_index("ix_supervision_submissions_letter", "supervision_submissions", ["letter"])
    op.create_index(
        "supervision_submission_period",
        "supervision_submissions",
        ["side", "period", "party", "department"],
    )
    op.create_index(
        "ix_supervision_submission_events_submission",
        "supervision_submission_events",
        ["submission"],
    )
    op.create_index("ix_supervision_evaluations_period", "supervision_evaluations", ["period"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

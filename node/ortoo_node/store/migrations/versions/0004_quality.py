"""Rules, what publications kept back, reports, schedules, rectification tasks."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _column(name: str, kind: Any, *, key: bool = False) -> sa.Column[Any]:
    if key:
        return sa.Column(name, kind, primary_key=True, autoincrement=False, nullable=False)
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    _rejects()
    op.create_table(
        "quality_rules",
        _column("resource", sa.String(64), key=True),
        _column("version", sa.Integer(), key=True),
        _column("rules", sa.LargeBinary()),
        _column("by", sa.Text()),
        _column("time_ms", sa.BigInteger()),
    )
    op.create_table(
        "quality_runs",
        _column("resource", sa.String(64), key=True),
        _column("run", sa.BigInteger()),
        _column("rows", sa.BigInteger()),
        _column("rejected", sa.BigInteger()),
        _column("warned", sa.LargeBinary()),
        _column("time_ms", sa.BigInteger()),
    )
    op.create_table(
        "quality_reports",
        sa.Column("number", _ID, primary_key=True, nullable=False),
        _column("resource", sa.String(64)),
        _column("time_ms", sa.BigInteger()),
        _column("score_permille", sa.Integer()),
        _column("passed", sa.Boolean()),
        _column("report", sa.LargeBinary()),
    )
    op.create_index(op.f("ix_quality_reports_resource"), "quality_reports", ["resource"])
    op.create_table(
        "quality_schedules",
        _column("resource", sa.String(64), key=True),
        _column("cycle", sa.String(16)),
        _column("next_ms", sa.BigInteger()),
        _column("error", sa.String(64)),
    )
    _tasks()


def _rejects() -> None:
    for column in (
        sa.Column("run", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("mark", sa.String(32), nullable=False, server_default=""),
        sa.Column("times", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("first_ms", sa.BigInteger(), nullable=False, server_default="0"),
    ):
        op.add_column("rejects", column)
    op.create_index("reject_mark", "rejects", ["resource", "mark"])
    op.create_table(
        "reject_counts",
        _column("resource", sa.String(64), key=True),
        _column("error", sa.String(64), key=True),
        _column("column", sa.String(64), key=True),
        _column("total", sa.BigInteger()),
    )


def _tasks() -> None:
    op.create_table(
        "tasks",
        _column("task", sa.String(32), key=True),
        _column("resource", sa.String(64)),
        _column("department", sa.String(18)),
        _column("rule", sa.String(128)),
        _column("what", sa.Text()),
        _column("state", sa.String(16)),
        _column("opened_ms", sa.BigInteger()),
        _column("due_ms", sa.BigInteger()),
        _column("changed_ms", sa.BigInteger()),
    )
    op.create_index("task_subject", "tasks", ["resource", "rule"])
    op.create_table(
        "task_events",
        sa.Column("number", _ID, primary_key=True, nullable=False),
        _column("task", sa.String(32)),
        _column("time_ms", sa.BigInteger()),
        _column("event", sa.String(16)),
        _column("by", sa.Text()),
        _column("reason", sa.Text()),
    )
    op.create_index(op.f("ix_task_events_task"), "task_events", ["task"])


def downgrade() -> None:
    raise RuntimeError("a store is never downgraded: install the newer version again")

"""What supervision remembers. `side`: a station supervises its departments and is supervised by the
hub; what it issued and what it got stand beside each other, also when both are itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

leads = Table(
    "supervision_leads",
    metadata,
    Column("lead", String(32), primary_key=True),
    Column("rule", String(32), nullable=False),
    Column("violation", Integer, nullable=False),
    Column("party", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("text", Text, nullable=False),  # as entered by people
    Column("intent", Text, nullable=False),  # 故意: why people say so
    Column("found_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("supervision_lead_subject", "party", "department", "rule"),
)

lead_events = Table(
    "supervision_lead_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("lead", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Each matter of a lead with what proves it (core.supervision.notices.Evidence, packed).
lead_evidence = Table(
    "supervision_lead_evidence",
    metadata,
    Column("lead", String(32), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
)

notices = Table(
    "supervision_notices",
    metadata,
    Column("side", String(16), primary_key=True),  # authority subject
    Column("notice", String(32), primary_key=True),
    Column("authority", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("state", String(16), nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # NoticeIssued as it was signed
    Index("supervision_notice_subject", "side", "party", "department"),
)

# `letter`: of a move of ours that its authority has not taken yet; empty once it stands.
notice_moves = Table(
    "supervision_notice_moves",
    metadata,
    Column("side", String(16), primary_key=True),
    Column("notice", String(32), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("event", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("handler", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("letter", LargeBinary, nullable=False, index=True),
)

submissions = Table(
    "supervision_submissions",
    metadata,
    Column("side", String(16), primary_key=True),
    Column("submission", String(32), primary_key=True),
    Column("period", String(8), nullable=False),
    Column("authority", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("state", String(16), nullable=False),
    Column("round", Integer, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),  # when it was submitted first; 0: not yet
    Column("changed_ms", BigInteger, nullable=False),
    Column("draft", LargeBinary, nullable=False),  # figures and passages, as last saved
    Column("body", LargeBinary, nullable=False),  # SubmissionSent as signed; empty before
    Column("hash", LargeBinary, nullable=False),  # of these bytes
    Column("letter", LargeBinary, nullable=False, index=True),  # that brings or brought it
    Index("supervision_submission_period", "side", "period", "party", "department"),
)

submission_events = Table(
    "supervision_submission_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("side", String(16), nullable=False),
    Column("submission", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Weights and bounds (考评标准); the highest version is in force, all are kept.
standards = Table(
    "supervision_standards",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("standard", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# The figures that entered are kept beside the result: whoever counts again gets the same.
evaluations = Table(
    "supervision_evaluations",
    metadata,
    Column("evaluation", String(32), primary_key=True),
    Column("period", String(8), nullable=False, index=True),
    Column("standard", Integer, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

yearly_reports = Table(
    "supervision_yearly_reports",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("report", LargeBinary, nullable=False),  # JSON, as it is printed from
    Column("hash", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

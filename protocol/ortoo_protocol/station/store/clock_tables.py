"""The calendar as the hub signed it, and the law's clocks. Days are written as ISO 8601 has it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

calendar_years = Table(
    "calendar_years",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),  # core.law.workdays.CalendarYear
    Column("taken_ms", BigInteger, nullable=False),
)

clocks = Table(
    "clocks",
    metadata,
    Column("clock", String(32), primary_key=True),
    Column("subject", String(96), nullable=False),  # such as case:<id>
    Column("duty", String(32), nullable=False),
    Column("article", Text, nullable=False),
    Column("party", String(16), nullable=False),  # whose duty it is
    Column("department", String(18), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("days", Integer),  # none: promptly
    Column("extension_days", Integer, nullable=False),  # that may be added once
    Column("extended_days", Integer, nullable=False),  # that were added
    Column("closes_min", Integer, nullable=False),  # when the last day ends
    Column("pauses", Text, nullable=False),  # [[from, to], ...], in JSON; to null: it lasts
    Column("day", String(10)),
    Column("due_ms", BigInteger),
    Column("provisional", Boolean, nullable=False),
    Column("state", String(16), nullable=False),  # running paused met late cancelled
    Column("stage", Integer, nullable=False),  # warnings that are behind
    Column("next_ms", BigInteger),  # of the next warning, or of the escalation
    Column("warned_ms", BigInteger),
    Column("escalated_ms", BigInteger),
    Column("closed_ms", BigInteger),
    Index("clocks_subject", "subject", "duty"),
    Index("clocks_next", "next_ms"),
    Index("clocks_open", "closed_ms", "due_ms"),
)

clock_events = Table(
    "clock_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("clock", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("detail", Text, nullable=False),
)

"""Corrections, as reader, provider and hub keep them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

# `letter`: ours about its last move. `seq`: of the item from which on the row stands corrected.
corrections = Table(
    "corrections",
    metadata,
    Column("correction", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("resource", String(64), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("provider_department", String(18), nullable=False),
    Column("reader", String(16), nullable=False),
    Column("reader_department", String(18), nullable=False),
    Column("about", String(16), nullable=False),
    Column("found_ms", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),  # reported too late
    Column("by", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("answered_ms", BigInteger),
    Column("how", String(16), nullable=False),
    Column("closed_ms", BigInteger),
    Column("letter", LargeBinary, nullable=False),
    Index("corrections_provider", "provider", "opened_ms"),
)

correction_events = Table(
    "correction_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("correction", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What is sealed between the two sides, sealed with the store key: the body, and the evidence.
correction_papers = Table(
    "correction_papers",
    metadata,
    Column("correction", String(32), primary_key=True),
    Column("paper", String(8), primary_key=True),  # detail evidence
    Column("sender", String(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

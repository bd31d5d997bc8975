"""Demands as they were assigned and answered; the demand itself is a row of a list."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

demands = Table(
    "demands",
    metadata,
    Column("provider", String(16), primary_key=True),  # who demands
    Column("number", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("party", String(16), nullable=False),  # to whom it is assigned
    Column("department", String(18), nullable=False),
    Column("draft", String(32), nullable=False),  # of a catalog entry, at that party
    Column("resource", String(64), nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

demand_events = Table(
    "demand_events",
    metadata,
    Column("line", _Id, primary_key=True),
    Column("provider", String(16), nullable=False),
    Column("number", String(64), nullable=False, index=True),
    Column("event", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

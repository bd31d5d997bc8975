"""Disposal of received data, and use records that were asked for, as every side keeps them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import metadata

# One a grant.
disposals = Table(
    "disposals",
    metadata,
    Column("grant", String(32), primary_key=True),
    Column("disposal", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("why", String(16), nullable=False),
    Column("requirements", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("what", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("done_ms", BigInteger),
    Column("changed_ms", BigInteger, nullable=False),
)

# 查阅: `answer` is the reader's letter, once it is here.
use_asks = Table(
    "use_asks",
    metadata,
    Column("ask", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("asker", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("answered_ms", BigInteger),
)

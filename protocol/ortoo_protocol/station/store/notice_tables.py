"""Notices to people, and how far each has come on each channel."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

# `template` and `values` are said in a language when they are sent.
notices = Table(
    "notices",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("department", String(18), nullable=False),  # whose people; none: see authority
    Column("person", Text, nullable=False),  # this one; none: whoever has the duty
    Column("authority", Boolean, nullable=False),  # to the authority's people here
    Column("template", String(32), nullable=False),
    Column("values", Text, nullable=False),  # JSON
    Column("created_ms", BigInteger, nullable=False),
    Column("routed_ms", BigInteger),
    Index("notices_routed", "routed_ms"),
)

notice_deliveries = Table(
    "notice_deliveries",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("department", String(18), nullable=False),
    Column("person", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("notices", Text, nullable=False),  # their numbers, in JSON
    Column("first", BigInteger, nullable=False, index=True),  # the lowest of them
    Column("state", String(16), nullable=False),  # waiting sent failed dropped
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger),
    Index("notice_deliveries_due", "channel", "state", "next_ms"),
    Index("notice_deliveries_settled", "settled_ms"),
)

# Whom the digest of a day was made for.
digests = Table(
    "digests",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("department", String(18), primary_key=True),
    Column("person", String(100), primary_key=True),
)

"""What a station remembers of data that it received: where they went, and what became of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from ortoo_node.store.tables import metadata

# Where rows of a subscription went (use/places.py), until their destruction was recorded.
received_places = Table(
    "received_places",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("server", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("gone_ms", BigInteger),
)

# Files that were fetched: by content, so that a copy is known again.
received_files = Table(
    "received_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("grant", String(32), primary_key=True),
    Column("resource", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# 使用记录, as people entered them.
use_records = Table(
    "use_records",
    metadata,
    Column("record", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("effect", Text, nullable=False),
    Column("storage", Text, nullable=False),
    Column("destruction", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# What the station counted; of queries and downloads other tables know.
use_days = Table(
    "use_days",
    metadata,
    Column("grant", String(32), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("how", String(16), primary_key=True),
    Column("times", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
)

# Rows of a subscription that stand in use_days already.
use_noted = Table(
    "use_noted",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("rows", BigInteger, nullable=False),
)

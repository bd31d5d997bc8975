"""What a station remembers of data that it received: where they went, and what became of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table, Text

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

"""How much the journal says was exchanged, counted once and kept."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from ortoo_protocol.station.store.tables import metadata

# By hour and who told whom; `topic` is the kind up to its first dot. `recipient` empty: whoever
# reads the feed.
traffic_hours = Table(
    "traffic_hours",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),  # since 1970
    Column("sender", String(16), primary_key=True),
    Column("recipient", String(16), primary_key=True),
    Column("topic", String(64), primary_key=True),
    Column("direction", Integer, primary_key=True, autoincrement=False),
    Column("state", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Since the journal began.
traffic_totals = Table(
    "traffic_totals",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("direction", Integer, primary_key=True, autoincrement=False),
    Column("state", Integer, primary_key=True, autoincrement=False),
    Column("rows", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The first row of the journal that is not counted yet.
traffic_mark = Table(
    "traffic_mark",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

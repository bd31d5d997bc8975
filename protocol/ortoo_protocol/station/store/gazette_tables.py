"""Announcements of the region, and who has read them here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

# `leagues`: codes between spaces, " 150100 150700 ", or " " for all. `ended`: replaced or
# withdrawn, "" for neither; `successor`: what took its place.
announcements = Table(
    "announcements",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("announcement", String(32), nullable=False, unique=True),
    Column("issued_ms", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("level", String(16), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("leagues", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("replaces", String(32), nullable=False),
    Column("ended", String(16), nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Column("ended_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("successor", String(32), nullable=False),
    Index("announcements_in_force", "ended", "until_ms"),
)

announcement_reads = Table(
    "announcement_reads",
    metadata,
    Column("announcement", String(32), primary_key=True),
    Column("person", String(100), primary_key=True),
    Column("read_ms", BigInteger, nullable=False),
)

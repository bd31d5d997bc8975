"""What becomes of a grant while it is used, as provider, reader and hub keep it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

# `suspender`: the party that suspended, provider or hub. `letter`: ours about its last move.
grant_suspensions = Table(
    "grant_suspensions",
    metadata,
    Column("suspension", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("suspender", String(16), nullable=False),
    Column("article", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("suspended_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("report", Text, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

grant_endings = Table(
    "grant_endings",
    metadata,
    Column("ending", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("what", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("filing", String(32), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("answer", Text, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

# Who did what to a grant, when, why (Measures art. 24).
grant_events = Table(
    "grant_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Keys of a feed's epochs that began while a reader was suspended: it gets them when it goes on.
feed_keys_kept = Table(
    "feed_keys_kept",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("key", LargeBinary, nullable=False),
)

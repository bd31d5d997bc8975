"""What the hub remembers beside the engine's tables.

Times are ms since 1970. Grants stand in the engine's table, all that cross the hub.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER primary keys only

# --- members ------------------------------------------------------------------------------------

# Who has a user on the broker. Only the hash of the password is kept.
members = Table(
    "members",
    metadata,
    Column("party", String(16), primary_key=True),
    Column("password_hash", String(128), nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("party", String(16), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_by", LargeBinary),  # hash of the request that used it
)

# A request that was admitted: its announcement counts once a directory holds its key.
enrolments = Table(
    "enrolments",
    metadata,
    Column("party", String(16), primary_key=True),
    Column("announcement", LargeBinary, nullable=False),
    Column("admitted_ms", BigInteger, nullable=False),
)

# What the next directory changes, until one that says so is published.
pending = Table(
    "pending",
    metadata,
    Column("party", String(16), primary_key=True),
    Column("entry", LargeBinary, nullable=False),
)

# --- catalog ------------------------------------------------------------------------------------

catalog = Table(
    "catalog",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("provider", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("entry", LargeBinary, nullable=False),  # compressed
    Column("number", BigInteger, nullable=False),  # of the provider's item
    Column("accepted_ms", BigInteger, nullable=False),
    Index("catalog_provider", "provider"),
)

catalog_refusals = Table(
    "catalog_refusals",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("code", String(64), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("provider", String(16), nullable=False),
    Column("error", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Data that entries claim to be the source of (数源), by name as it is compared.
catalog_claims = Table(
    "catalog_claims",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("datum", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("provider", String(16), nullable=False),
    Index("catalog_claims_datum", "datum"),
)

# Two resources that claim the same data; `first` < `second`.
catalog_conflicts = Table(
    "catalog_conflicts",
    metadata,
    Column("conflict", String(32), primary_key=True),
    Column("first", String(64), nullable=False, index=True),
    Column("second", String(64), nullable=False, index=True),
    Column("items", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("source", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

# 需求清单, 责任清单, 负面清单 of all members.
catalog_lists = Table(
    "catalog_lists",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("list", String(16), primary_key=True),
    Column("number", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("row", LargeBinary, nullable=False),
    Column("accepted_ms", BigInteger, nullable=False),
)

# --- cases --------------------------------------------------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("resource", String(64), nullable=False, index=True),
    Column("resource_name", Text, nullable=False),
    Column("applicant", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("department_name", Text, nullable=False),
    Column("provider", String(16), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("opened_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("grant", String(32)),
    Column("reason", Text, nullable=False),
    Column("application", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("group", String(32), nullable=False, server_default=""),
    Column("share_type", Integer, nullable=False, server_default="2"),
    Column("provider_department", String(18), nullable=False, server_default=""),
    Index("cases_order", "opened_ms"),
)

# What members said that they hold, when they compared.
case_standings = Table(
    "case_standings",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("party", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

case_events = Table(
    "case_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("case", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("side", String(16), nullable=False, server_default=""),
    Column("body", LargeBinary),
    Index("case_events_event", "event", "case"),
)

# 停止提供备案: made before supplying stops.
filings = Table(
    "filings",
    metadata,
    Column("filing", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("provider", String(16), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("filed_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)

# --- reconciliation -----------------------------------------------------------------------------

proofs = Table(
    "proofs",
    metadata,
    Column("ask", String(32), primary_key=True),
    Column("party", String(16), primary_key=True),
    Column("feed", String(80), nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Index("proofs_feed", "feed", "time_ms"),
)

# What was found for a feed and a day (YYYY-MM-DD) at each party; `number`: the first item in which
# it differs from the publisher, `kind` how.
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("feed", String(80), primary_key=True),
    Column("party", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("checked_ms", BigInteger, nullable=False),
)

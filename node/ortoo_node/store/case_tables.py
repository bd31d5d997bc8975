"""Share requests at a station: cases, what happened to them, and what the notary said of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from ortoo_node.store.tables import _Id, metadata

# `state` is what the events add up to (core/cases/log.py). `noted_state`: what the notary's last
# record said; empty inside one station. `group`: cases of one paper.
cases = Table(
    "cases",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("role", String(16), nullable=False),  # applicant provider both (one station)
    Column("resource", String(64), nullable=False),
    Column("applicant", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("application", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    Column("letter", LargeBinary, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("notarised", Boolean, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("grant", String(32)),
    Column("reason", Text, nullable=False),
    Column("group", String(32), nullable=False, server_default=""),
    Column("share_type", Integer, nullable=False, server_default="2"),
    Column("provider_department", String(18), nullable=False, server_default=""),
    Column("noted_state", String(16), nullable=False, server_default=""),
    Column("compared_ms", BigInteger, nullable=False, server_default="0"),
    Index("cases_order", "opened_ms"),
    Index("cases_answering", "provider_department", "opened_ms"),
    Index("cases_asking", "department", "opened_ms"),
)

# `letter`: what carried it. `status`: waiting for the notary,
# counted, or refused by it with `error`. `noted`: its number there, `legal_ms` the instant there.
# `body`: the letter's content, as it was sent or as it came.
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
    Column("status", String(16), nullable=False, server_default="counted"),
    Column("letter", LargeBinary),
    Column("noted", BigInteger, nullable=False, server_default="0"),
    Column("legal_ms", BigInteger, nullable=False, server_default="0"),
    Column("error", String(64), nullable=False, server_default=""),
    Column("body", LargeBinary),
    Index("case_events_letter", "letter"),
)

# What the notary recorded; `taken` once the event that it is about is here.
case_records = Table(
    "case_records",
    metadata,
    Column("case", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event", String(16), nullable=False),
    Column("party", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("taken", Boolean, nullable=False),
)

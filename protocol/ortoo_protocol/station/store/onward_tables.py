"""Consents to passing on what was received, as reader, provider and hub keep them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import metadata

# `asked_until_ms`, `until_ms`: as asked for, as consented to. `letter`: ours about its last move.
onward_consents = Table(
    "onward_consents",
    metadata,
    Column("onward", String(32), primary_key=True),
    Column("grant", String(32), nullable=False, index=True),
    Column("resource", String(64), nullable=False, index=True),
    Column("third", String(16), nullable=False),
    Column("third_department", String(32), nullable=False),
    Column("clause", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("asked_until_ms", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("answered_by", Text, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

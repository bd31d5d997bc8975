"""Contacts of departments: this party's own, and at the hub those of all members."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

contacts = Table(
    "contacts",
    metadata,
    Column("party", String(16), primary_key=True),
    Column("department", String(18), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("report", LargeBinary, nullable=False),  # core.law.contacts.ContactReport
    Column("confirmed_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)

contact_handovers = Table(
    "contact_handovers",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("party", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("handover", LargeBinary, nullable=False),
    Index("contact_handovers_of", "party", "department"),
)

# While somebody of a department is away, the other one gets what is theirs.
absences = Table(
    "absences",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("department", String(18), nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

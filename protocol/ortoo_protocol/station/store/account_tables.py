"""People's accounts, what they are signed in with, and what they did. Secrets stand here as hashes;
the secret of a second factor is sealed with the store key."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table, Text

from ortoo_protocol.station.store.tables import _Id, metadata

# `password`: PHC string of argon2id, "" until it is set. `second_factor`: sealed, b"" for none;
# `factor_step`: the last step of time whose code was used; `factor_next`: not confirmed yet.
# `subject`: who it is at the unified login, "" for nobody.
accounts = Table(
    "accounts",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("person", Text, nullable=False),
    Column("department", String(18), nullable=False),
    Column("password", Text, nullable=False),
    Column("password_ms", BigInteger, nullable=False),
    Column("second_factor", LargeBinary, nullable=False),
    Column("factor_step", BigInteger, nullable=False),
    Column("factor_next", LargeBinary, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    Column("disabled_ms", BigInteger, nullable=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
)

account_roles = Table(
    "account_roles",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("role", String(32), primary_key=True),
    Column("given_ms", BigInteger, nullable=False),
    Column("given_by", Text, nullable=False),
)

account_sessions = Table(
    "account_sessions",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("account", String(64), nullable=False, index=True),
    Column("begun_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger, nullable=False),
    Column("language", String(16), nullable=False),
    Column("second_factor", Boolean, nullable=False),
    Column("address", String(64), nullable=False),
)

# `kind`: first (then `role` is the admin's that it makes), invitation, reset.
account_links = Table(
    "account_links",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("account", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    Column("ends_factor", Boolean, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

account_recovery = Table(
    "account_recovery",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("account", String(64), nullable=False, index=True),
)

# `key`: hash of a name as it was typed, or of an address.
account_attempts = Table(
    "account_attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_ms", BigInteger, nullable=False, index=True),
    Column("until_ms", BigInteger, nullable=False),
)

# core.accounts.acts.Act; its hash stands in the journal's row of this envelope id.
acts = Table(
    "acts",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("act", LargeBinary, nullable=False, unique=True),
    Column("time_ms", BigInteger, nullable=False, index=True),
    Column("account", String(64), nullable=False, index=True),
    Column("person", Text, nullable=False),
    Column("action", String(64), nullable=False, index=True),
    Column("subject", Text, nullable=False, index=True),
    Column("outcome", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("correlation", String(64), nullable=False),
    Column("salt", LargeBinary, nullable=False),
)

"""What a station remembers. Applications add tables of their own beside these (their metadata).

Times are ms since 1970. `raw` is an envelope as it was sent or received. Keys are sealed with the
store key of the station's key file before they are written here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up INTEGER primary keys only

stamp = Table(
    "stamp",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

trust_documents = Table(
    "trust_documents",
    metadata,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

# Every directory that was in force here: what was signed under it is judged by it.
directories_kept = Table(
    "directories_kept",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
)

# --- journal ------------------------------------------------------------------------------------

journal = Table(
    "journal",
    metadata,
    Column("seq", _Id, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("direction", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("flow", Text, nullable=False, index=True),
    Column("envelope_id", LargeBinary, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("sender", String(16), nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("error", String(64), nullable=False),
    # what the signature covers beside header and body hash (core.evidence.framing_of); no part of
    # the leaf: the signature proves it
    Column("framing", LargeBinary),
    Index("journal_kind", "kind", "seq"),
    Index(
        "journal_refused",
        "seq",
        sqlite_where=text("error <> ''"),
        postgresql_where=text("error <> ''"),
    ),
)

# Bodies that people erased, and why; the journal's leaf of each has the hash of its row.
erasures = Table(
    "erasures",
    metadata,
    Column("act", String(32), primary_key=True),
    Column("what", String(120), nullable=False),  # feed:item, or the id of a letter
    Column("count", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

journal_nodes = Table(
    "journal_nodes",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,  # one tree instead of two
)

journal_frontier = Table(
    "journal_frontier",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

# `origin` is the party whose journal it is: this station's own, or at the hub any member's.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("origin", String(64), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("cosigned", Boolean, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# --- letters ------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("id", LargeBinary, nullable=False, index=True),
    Column("recipient", String(16), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("exchange", String(16), nullable=False),  # "" : this station itself
    Column("routing_key", String(160), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),  # in vain, since the last confirm
    Column("confirms", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # waiting passing accepted refused expired
    Column("error", String(64), nullable=False),
    Column("notarised_ms", BigInteger),
    Column("settled_ms", BigInteger),
    Index("outbox_due", "state", "next_ms"),
)

# Apart from what changes of a letter: a row is written as a whole at each change.
outbox_envelopes = Table(
    "outbox_envelopes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("sender", String(16), primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", String(64), nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

receipts_due = Table(
    "receipts_due",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("peer", String(16), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("id", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", String(64), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Verified later: waits for a directory, a key or a grant that is on its way.
held = Table(
    "held",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("waits_for", String(128), nullable=False, index=True),
    Column("raw", LargeBinary, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("error", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("sender", String(16), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Dispatches (函件) for departments here, until they are read and removed.
dispatches = Table(
    "dispatches",
    metadata,
    Column("sender", String(16), primary_key=True),
    Column("dispatch", String(32), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("parts", Integer, nullable=False),
    Column("grant", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)

# Grants that this party was given or gave, and, at the hub, all of them: the terms as signed.
grants = Table(
    "grants",
    metadata,
    Column("grant", String(32), primary_key=True),
    Column("hash", LargeBinary, nullable=False, index=True),
    Column("terms", LargeBinary, nullable=False),
    Column("feed", String(80), nullable=False, index=True),
    Column("provider", String(16), nullable=False),
    Column("reader", String(16), nullable=False),
    Column("reader_department", String(18), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("end_reason", Text, nullable=False),
    Column("filing", String(32), nullable=False),
    # its conditions wait to be accepted: nothing is read under it yet
    Column("offered", Boolean, nullable=False, server_default=false()),
    Column("suspension", String(32), nullable=False, server_default=""),  # empty: it does not rest
    # opens the terms against the commitment in the letter that brought them; none: own ones
    Column("letter", LargeBinary),
    Column("salt", LargeBinary),
    Index("grants_order", "from_ms", "grant"),
    Index("grants_in_force", "ended_ms", "provider", "reader", "from_ms", "until_ms", "offered"),
)

# --- feeds this party publishes -----------------------------------------------------------------

feeds_out = Table(
    "feeds_out",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("sealed", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("epoch_first", BigInteger, nullable=False),  # first item sealed with this key
    Column("key", LargeBinary, nullable=False),
)

# Tables that were restored from a backup and not read since: no snapshot of them is given.
feeds_unread = Table("feeds_unread", metadata, Column("feed", String(80), primary_key=True))

feed_out_items = Table(
    "feed_out_items",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary),  # may be erased: the chain still proves
    Column("created_ms", BigInteger, nullable=False),
)

feed_out_unsent = Table(
    "feed_out_unsent",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

feed_readers = Table(
    "feed_readers",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("grant", String(32), primary_key=True),
    Column("reader", String(16), nullable=False),
    Column("grant_hash", LargeBinary, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("fence", BigInteger),  # last item that may be read, once ended or suspended
    Column("suspended_epoch", BigInteger),  # the last whose key it has; none: not suspended
)

shadow = Table(
    "shadow",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("row", LargeBinary, nullable=False),  # as it travels (core.feeds.row_part)
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,  # one tree instead of two
)

# Events that are durable and not yet in an item: they leave together, when there are enough of them
# or the first has waited long enough.
feed_out_pending = Table(
    "feed_out_pending",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("feed", String(80), nullable=False, index=True),
    Column("part", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

# What the rows of a table feed mean, by schema number; the publisher's and each reader's.
feed_schemas = Table(
    "feed_schemas",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

# --- feeds this party reads ---------------------------------------------------------------------

feeds_in = Table(
    "feeds_in",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("start", String(16), nullable=False),  # history: from item 1; snapshot
    Column("state", String(16), nullable=False),  # joining reading suspended disputed ended
    Column("error", String(64), nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("head_ms", BigInteger, nullable=False),
    Column("fence", BigInteger),
)

feed_in_items = Table(
    "feed_in_items",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary),  # erased once applied
)

feed_in_parked = Table(
    "feed_in_parked",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
)

feed_in_keys = Table(
    "feed_in_keys",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("incarnation", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("grant_hash", LargeBinary, nullable=False),
    Column("key", LargeBinary, nullable=False),
)

# How far each subscription's sink is; what all have passed can be erased.
feed_applied = Table(
    "feed_applied",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("subscription", String(32), primary_key=True),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False, server_default="0"),
    Column("rejects", BigInteger, nullable=False, server_default="0"),
)

# Items that were asked for again, to be applied once more (重读).
feed_rereads = Table(
    "feed_rereads",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("subscription", String(32), nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("error", String(64), nullable=False),  # why the publisher will not send them
    Column("detail", Text, nullable=False),
)

feed_in_snapshots = Table(
    "feed_in_snapshots",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("snapshot", String(32), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("parts", Integer, nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

# --- the catalog, to be searched (station/catalog) ----------------------------------------------

# One row for each entry that this party holds: what is filtered and counted by. The texts stand in
# catalog_grams: FTS5 on SQLite, which keeps the index alone and no text; on PostgreSQL the table
# below. `promise_ms`: how old may be what its feed carried, 0 promises nothing; `carried_ms`: when
# it carried something last, null unknown, 0 never.
catalog_index = Table(
    "catalog_index",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=False),
    Column("code", String(64), nullable=False, unique=True),
    Column("name_length", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("provider", String(16), nullable=False),
    Column("league", String(8), nullable=False),
    Column("department", String(18), nullable=False),
    Column("department_name", Text, nullable=False),
    Column("kind", String(1), nullable=False),
    Column("theme", String(8), nullable=False),
    Column("share", Integer, nullable=False),
    Column("cycle", String(16), nullable=False),
    Column("modes", Text, nullable=False),
    Column("grade", String(16), nullable=False),
    Column("items", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False, index=True),
    Column("promise_ms", BigInteger, nullable=False),
    Column("carried_ms", BigInteger),
    Column("carried_seq", BigInteger, nullable=False, server_default="0"),
    Index("catalog_index_department", "provider", "department"),
)

# Which way of cutting texts the index was made by; another one: it is made anew.
catalog_index_made = Table(
    "catalog_index_made",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

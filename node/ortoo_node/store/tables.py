"""What a node remembers beside the engine: catalog mirror, cases, publications, subscriptions."""

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
)

metadata = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")

# The regional catalog as mirrored here, and this station's own entries from the moment they are
# published; what is searched stands in the engine's catalog_index. `entry`: compressed.
catalog = Table(
    "catalog",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("provider", String(16), nullable=False),
    Column("department", String(18), nullable=False),
    Column("share_type", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("feed", String(80), nullable=False, index=True),
    Column("entry", LargeBinary, nullable=False),
    Column("accepted_ms", BigInteger),
    Column("number", BigInteger, nullable=False),
    Index("catalog_share", "provider", "share_type"),
    Index("catalog_department", "department"),
)

catalog_refusals = Table(
    "catalog_refusals",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("code", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("error", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Entries on their way through the steps (编目 to 停止), one row a version. `code` is a class of
# codes, or empty, until filing allocates one; `fields` as their compiler gave them, in JSON.
catalog_drafts = Table(
    "catalog_drafts",
    metadata,
    Column("draft", String(32), primary_key=True),
    Column("code", String(64), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("department", String(18), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("fields", LargeBinary, nullable=False),
    Column("compiled_by", Text, nullable=False),
    Column("filed", String(32), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("catalog_drafts_name", "department", "name"),
)

catalog_steps = Table(
    "catalog_steps",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("draft", String(32), nullable=False, index=True),
    Column("act", String(16), nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Where a resource's data come from (挂接), and what the last look at it found: `drift`, `error` in
# JSON. `by` empty: nobody attached it, it is published from there.
catalog_attachments = Table(
    "catalog_attachments",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("source", String(64), nullable=False),
    Column("table", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("attached_ms", BigInteger, nullable=False),
    Column("checked_ms", BigInteger, nullable=False),
    Column("drift", LargeBinary, nullable=False),
    Column("error", LargeBinary, nullable=False),
)

# A change of law or of duties that the catalog has to follow (art. 9).
catalog_changes = Table(
    "catalog_changes",
    metadata,
    Column("change", String(32), primary_key=True),
    Column("department", String(18), nullable=False),
    Column("what", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
)

catalog_change_codes = Table(
    "catalog_change_codes",
    metadata,
    Column("change", String(32), primary_key=True),
    Column("code", String(64), primary_key=True),
    Column("version", Integer, nullable=False),  # that was in force when it was recorded
    Column("done_ms", BigInteger, nullable=False),
)

# What the hub says of data that an entry of ours and another's both claim (数源).
catalog_conflicts = Table(
    "catalog_conflicts",
    metadata,
    Column("conflict", String(32), primary_key=True),
    Column("resource", String(64), primary_key=True),
    Column("letter", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# 需求清单, 责任清单, 负面清单: our own rows, and all that the hub passed on.
catalog_lists = Table(
    "catalog_lists",
    metadata,
    Column("provider", String(16), primary_key=True),
    Column("list", String(16), primary_key=True),
    Column("number", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("department", String(18), nullable=False),
    Column("title", Text, nullable=False),
    Column("resource", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("row", LargeBinary, nullable=False),
    Column("accepted_ms", BigInteger),
    Index("catalog_lists_order", "list", "status"),
)

# The last number given of each series: filings of a year, codes of a class.
catalog_numbers = Table(
    "catalog_numbers",
    metadata,
    Column("series", String(80), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

# What the region was told last of our own feeds (core.catalog.freshness).
carried_stated = Table(
    "carried_stated",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("carried_ms", BigInteger, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# Which table of which source fills a resource's feed.
publications = Table(
    "publications",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("table", Text, nullable=False),
    Column("mark", Text, nullable=False, server_default=""),  # where the next reading begins
)

# How changes of its table are found, and when it is published by itself.
publication_plans = Table(
    "publication_plans",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("capture", String(16), nullable=False),
    Column("watermark", Text, nullable=False),
    Column("overlap", BigInteger, nullable=False),
    Column("whole_every_s", BigInteger, nullable=False),
    Column("every_s", BigInteger, nullable=False),
    Column("follow", Boolean, nullable=False),
)

# The last run that ended well, and what went wrong since (`error` as it crosses, in JSON).
publication_runs = Table(
    "publication_runs",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("how", String(16), nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("upserts", BigInteger, nullable=False),
    Column("deletes", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
)

# Rows that did not leave, and why.
rejects = Table(
    "rejects",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("resource", String(64), nullable=False, index=True),
    Column("run", BigInteger, nullable=False, server_default="0"),
    Column("row", BigInteger, nullable=False),  # its place in the reading, 0 unknown
    Column("key", Text, nullable=False),
    Column("mark", String(32), nullable=False, server_default=""),  # stands for the key
    Column("column", String(64), nullable=False),
    Column("error", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),  # readings that found it
    Column("first_ms", BigInteger, nullable=False, server_default="0"),
    Column("time_ms", BigInteger, nullable=False),
    Index("reject_mark", "resource", "mark"),
)

# All rejects that are open, also those beyond what is kept one by one.
reject_counts = Table(
    "reject_counts",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("error", String(64), primary_key=True),
    Column("column", String(64), primary_key=True),
    Column("total", BigInteger, nullable=False),
)

# Rules for a resource's items; the highest version is in force.
quality_rules = Table(
    "quality_rules",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", LargeBinary, nullable=False),
    Column("by", Text, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

# The last publication of a resource as the rules saw it.
quality_runs = Table(
    "quality_runs",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("run", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("warned", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
)

quality_reports = Table(
    "quality_reports",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("resource", String(64), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("score_permille", Integer, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("report", LargeBinary, nullable=False),
)

quality_schedules = Table(
    "quality_schedules",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("cycle", String(16), nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("error", String(64), nullable=False),
)

# 整改任务: what a department has to mend, and until when.
tasks = Table(
    "tasks",
    metadata,
    Column("task", String(32), primary_key=True),
    Column("resource", String(64), nullable=False),
    Column("department", String(18), nullable=False),
    Column("rule", String(128), nullable=False),
    Column("what", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("task_subject", "resource", "rule"),
)

task_events = Table(
    "task_events",
    metadata,
    Column("number", _Id, primary_key=True),
    Column("task", String(32), nullable=False, index=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("event", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# Feeds narrower than their resource: named items, a row filter, masks; shared by all grants of one
# scope. `salt`: the sealed secret of hash masks, of one grant alone.
views = Table(
    "views",
    metadata,
    Column("feed", String(80), primary_key=True),
    Column("resource", String(64), nullable=False, index=True),
    Column("items", LargeBinary, nullable=False),
    Column("row_filter", Text, nullable=False),
    Column("masks", LargeBinary),
    Column("salt", LargeBinary),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("resource", String(64), nullable=False),
    Column("department", String(18), nullable=False),
    Column("sink", String(64), nullable=False),
    Column("table", Text, nullable=False),
    Column("feed", String(80)),
    Column("grant", String(32)),
    Column("case", String(32)),
    Column("state", String(16), nullable=False),  # waiting active ended refused
    Column("changed_ms", BigInteger, nullable=False),
    # Why nothing is applied though it could be: paused schema gone reread; empty: it is.
    Column("hold", String(16), nullable=False, server_default=""),
    Column("hold_error", Text, nullable=False, server_default=""),  # as it crosses to people
    Column("reread_from", BigInteger),
    Column("purpose", Text, nullable=False, server_default=""),  # as the grant names it
    Index("subscription_target", "sink", "table"),
)

# What files of a front-end folder are known by, so that each state is hashed once.
file_hashes = Table(
    "file_hashes",
    metadata,
    Column("folder", String(64), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("inode", String(20), nullable=False),
    Column("sha256", String(64), nullable=False),
)

# Files that are fetched, or were. `done`: chunks that are certainly on disk; `manifest`: the
# provider's letter, once it is here; `subscription`: for whose folder, if not asked for by people.
file_transfers = Table(
    "file_transfers",
    metadata,
    Column("transfer", String(32), primary_key=True),
    Column("resource", String(64), nullable=False),
    Column("feed", String(80), nullable=False),
    Column("grant", String(32), nullable=False),
    Column("subscription", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("target", Text, nullable=False),
    Column("manifest", LargeBinary),
    Column("chunk_bytes", BigInteger, nullable=False),
    Column("chunks", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # waiting running done refused failed cancelled
    Column("error", String(64), nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("file_transfer_state", "state"),
    Index("file_transfer_subscription", "subscription"),
)

# Tables ordered as files (files/orders.py), by this station and of it. `letter`: the order's;
# `target`, `transfer`: where it was ordered; `detail`: what the provider says beside its code.
file_orders = Table(
    "file_orders",
    metadata,
    Column("role", String(8), primary_key=True),  # asked, made for
    Column("peer", String(16), primary_key=True),
    Column("order", String(32), primary_key=True),
    Column("grant", String(32), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("feed", String(80), nullable=False),
    Column("department", String(18), nullable=False),
    Column("form", String(16), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("handler", Text, nullable=False),
    Column("letter", LargeBinary, nullable=False),
    Column("target", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("transfer", String(32), nullable=False),
    Column("state", String(16), nullable=False),  # open made refused removed
    Column("error", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Index("file_order_state", "role", "state"),
    Index("file_order_letter", "letter"),
)

# Where what goes to a department's program stands (webhooks, pulls): the sink's cursor. `part` is
# an item or snapshot of which the program has taken the first `part_pages` pages.
deliveries = Table(
    "deliveries",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("feed", String(80), nullable=False),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("part", Text, nullable=False),
    Column("part_pages", BigInteger, nullable=False),
)

# How far a pull has come, in places: made, given out last (from, to); up to `given_from` its reader
# has confirmed. `held` pages wait.
pulls = Table(
    "pulls",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("last", BigInteger, nullable=False),
    Column("given_from", BigInteger, nullable=False),
    Column("given_to", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("held_bytes", BigInteger, nullable=False),
)

# What waits to be fetched, sealed with the store key. Beyond `pulls.last`: still being written.
pull_pages = Table(
    "pull_pages",
    metadata,
    Column("subscription", String(32), primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# What opens the programming interface to a department's program.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("token", String(16), primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("department", String(18), nullable=False),
    Column("scopes", Text, nullable=False),  # with a space between
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("used_ms", BigInteger),
    Column("application", Text, nullable=False, server_default=""),
    Column("family", String(16), nullable=False, server_default=""),  # the first token's name
)

# Answers to requests that bore an Idempotency-Key, sealed, for as long as they may be repeated;
# `token` is a family's; empty while the request is at work.
api_answers = Table(
    "api_answers",
    metadata,
    Column("token", String(16), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False, index=True),
)

# Queries that this station lets others ask: the declaration as it was given, in force or withdrawn.
declared_queries = Table(
    "declared_queries",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("resource", String(64), nullable=False, index=True),
    Column("declaration", LargeBinary, nullable=False),
    Column("in_force", Boolean, nullable=False),
    Column("declared_ms", BigInteger, nullable=False),
)

# Every query, asked here or answered here: who, under which grant, for what, how much came of it.
# `parameters` are sealed with the station's key (they are personal data, and an auditor must be
# able to see them); `digest` is the same at both ends and gives nothing away.
queries = Table(
    "queries",
    metadata,
    Column("role", String(8), primary_key=True),  # asked answered
    Column("peer", String(16), primary_key=True),
    Column("ask", String(32), primary_key=True),
    Column("grant", String(32), nullable=False),
    Column("query", String(64), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("department", String(18), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("handler", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("parameters", LargeBinary, nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),  # open answered refused failed
    Column("error", String(64), nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("pages", BigInteger, nullable=False),
    Column("cut", String(8), nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Index("queries_of_grant", "role", "grant", "query", "time_ms"),
    Index("queries_by_time", "time_ms"),
    sqlite_with_rowid=False,  # one tree instead of two: each query waits for its row
)

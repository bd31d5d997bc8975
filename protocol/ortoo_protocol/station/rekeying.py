"""Feeds get new keys when the directory says of a reader's station that it is not to be trusted.

What was published before, that station had. What comes after must not open with keys that it, or
whoever took its keys, still holds: each feed that it reads begins a fresh epoch with the next item.

- **Suspended**: its grants rest. It gets no key, since nobody seals to a party that is not active;
  when it is back it asks for the epochs that it missed.
- **Revoked**, or not in it any more: its grants are fenced for good. Who enrols anew under its name
  has no part in them.
- **A signing key compromised**: what that key announced counts for nothing, so nothing is sealed to
  the station until it has announced encryption keys under another signing key; then it asks.
"""

from __future__ import annotations

import logging

from msgspec.structs import replace
from sqlalchemy import select

from ortoo_protocol.core.directory import PartyEntry
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import feed_readers

_log = logging.getLogger(__name__)


def follow(tx: Tx, before: Trust) -> None:
    """Replace the keys of all feeds read by stations of which the directory thinks less than
    `before`. To be run in the transaction that takes the directory."""
    if tx.trust.directory_version == before.directory_version:
        return
    now = {entry.party: entry for entry in tx.trust.parties}
    for was in before.parties:
        entry = now.get(was.party) or replace(was, status="revoked", reason="no member any more")
        if was.party != tx.party and fell(was, entry):
            _shut_out(tx, entry)


def fell(was: PartyEntry, now: PartyEntry) -> bool:
    """Whether the directory withdrew trust: a status other than active, or a key that it calls
    compromised, and did not before."""
    left = now.status != "active" and now.status != was.status
    return left or bool(_compromised(now) - _compromised(was))


def _compromised(entry: PartyEntry) -> set[bytes]:
    return {key.public for key in entry.keys if key.compromised_since_ms is not None}


def _shut_out(tx: Tx, entry: PartyEntry) -> None:
    mine = (feed_readers.c.reader == entry.party) & feed_readers.c.fence.is_(None)
    query = select(feed_readers.c.feed, feed_readers.c.grant).where(mine)
    read = tx.conn.execute(query.order_by(feed_readers.c.feed)).all()
    if entry.status == "revoked":
        for row in read:
            feed_writer.end_reader(tx, row.feed, row.grant)
    else:
        for feed in dict.fromkeys(row.feed for row in read):
            feed_writer.fresh_key(tx, feed)
    why = entry.status if entry.status != "active" else "said to have lost a key"
    for feed in dict.fromkeys(row.feed for row in read):
        _log.warning("%s has a new key: %s is %s", feed, entry.party, why)

"""The regional catalog (目录汇聚): each member's signed entries, checked and passed on to all.

The hub adds nothing to an entry: what it passes on is the provider's own envelope. A refused entry
goes back to its compiler as a letter, with the code and the reason.
"""

from __future__ import annotations

from functools import lru_cache

from sqlalchemy import bindparam, insert, select

from ortoo_hub.catalog import conflicts
from ortoo_hub.catalog.listing import entry_of, find, related_of
from ortoo_hub.directory import catalog_feed
from ortoo_hub.store.tables import catalog, catalog_refusals
from ortoo_protocol.core.catalog import Entry, Federated, Refusal, check_entry
from ortoo_protocol.core.catalog.codes import BUILT_IN, Scheme, check_code, check_range
from ortoo_protocol.core.catalog.freshness import Carried, check_carried
from ortoo_protocol.core.catalog.law import check_follows, check_procedure
from ortoo_protocol.core.catalog.relations import check_relations
from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import (
    CatalogField,
    CatalogOwner,
    OrtooError,
)
from ortoo_protocol.core.law.profiles import profile_named
from ortoo_protocol.core.verify import Opened, as_body
from ortoo_protocol.station import feed_writer
from ortoo_protocol.station.catalog import index
from ortoo_protocol.station.catalog.stored import pack, unpack
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.dialect import upsert_of
from ortoo_protocol.station.store.prepared import Prepared

MAX_REASON_CHARACTERS = 1_000
MAX_CODE_CHARACTERS = 64
_COLUMNS = tuple(catalog.c.keys())
_OLD = Prepared(select(catalog.c.entry).where(catalog.c.code == bindparam("of")), ("of",))


@lru_cache
def _store(dialect: str) -> Prepared:
    return Prepared(upsert_of(catalog, dialect), _COLUMNS)


def take_entry(tx: Tx, opened: Opened[Shape], scheme: Scheme | None = None) -> None:
    """Take one entry of a member's catalog feed into the region's, or refuse it by letter.

    `scheme`: the region's table of codes; without it any code of the right form is taken.
    """
    entry, sender = as_body(opened, Entry).body, opened.header.sender
    try:
        _check(tx, entry, sender, scheme)
    except OrtooError as error:
        refuse(tx, entry.code, entry.version, sender, error)
        return
    position = opened.header.position
    old = _OLD.rows(tx.conn, entry.code)
    row = {
        "code": entry.code,
        "version": entry.version,
        "provider": entry.provider,
        "status": entry.status,
        "entry": pack(entry),
        "number": position.seq if position else 0,
        "accepted_ms": tx.now_ms,
    }
    _store(tx.conn.dialect.name).one(tx.conn, *(row[name] for name in _COLUMNS))
    index.changed(tx, index.Change(unpack(old[0][0]) if old else None, entry, tx.now_ms))
    pass_on(tx, opened)
    conflicts.settle(tx, entry)


def pass_on(tx: Tx, opened: Opened[Shape]) -> None:
    """To every station's mirror, as its provider signed it."""
    passed_on = Federated(envelope=opened.message.envelope.raw, accepted_ms=tx.now_ms)
    feed_writer.publish(tx, catalog_feed(tx.party), passed_on)


def take_carried(tx: Tx, opened: Opened[Shape]) -> None:
    """What a member says that its feeds carried: kept, and passed on to all. What it says of
    another's entries is refused, and with it all that it says there."""
    body, sender = check_carried(as_body(opened, Carried).body), opened.header.sender
    index.check_owner(tx, sender, body.resources)
    index.said(tx, sender, body.resources)
    pass_on(tx, opened)


def _check(tx: Tx, entry: Entry, sender: str, scheme: Scheme | None) -> None:
    """1 the entry itself, 2 the steps it shows, 3 whose it is, 4 where its relations lead, 5 whose
    code it is, 6 its version, and what it follows."""
    profile = profile_named(tx.trust.profile)
    check_procedure(check_entry(entry, profile), profile)
    if entry.provider != sender:
        raise CatalogField(field="provider", detail=f"{sender} sent it")
    tx.trust.check_department(sender, entry.department)
    check_relations(entry.code, entry.related, lambda code: related_of(tx.conn, code))
    held = find(tx.conn, entry.code)
    if held is None:
        if scheme is not None:
            check_code(scheme, entry.code)
        members = (each.party for each in tx.trust.parties)
        check_range(scheme or BUILT_IN, entry.code, sender, members)
        return
    if held.provider != sender:
        raise CatalogOwner(resource=entry.code)
    if entry.version <= held.version:
        raise CatalogField(field="version", detail=f"{held.version} was accepted already")
    check_follows(entry_of(held), entry)


def refuse(tx: Tx, code: str, version: int, sender: str, error: OrtooError) -> None:
    """Whoever compiled it learns why by letter."""
    reason, code = str(error)[:MAX_REASON_CHARACTERS], code[:MAX_CODE_CHARACTERS]
    row = {
        "code": code,
        "version": version,
        "provider": sender,
        "error": error.code,
        "reason": reason,
        "time_ms": tx.now_ms,
    }
    tx.conn.execute(insert(catalog_refusals).values(row))
    send(tx, sender, Refusal(code=code, version=version, error=error.code, reason=reason))

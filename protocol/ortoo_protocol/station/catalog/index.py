"""Writing the index: with each entry that is stored, and all anew when texts are cut otherwise.

Entries that are accepted in one transaction are indexed together, before its commit: FTS5 writes a
segment at every savepoint, and each message has one (inbox.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, func, insert, or_, select, update

from ortoo_protocol.core.catalog import NOT_SHARED, Entry
from ortoo_protocol.core.catalog.elements import PUBLISHED
from ortoo_protocol.core.catalog.freshness import FINEST_MS, PROMISES_MS, Carriage
from ortoo_protocol.core.errors import CatalogOwner
from ortoo_protocol.core.search.document import VERSION, document, league_of, modes_of, theme_of
from ortoo_protocol.station.catalog.stored import unpack
from ortoo_protocol.station.catalog.texts import Replaced, texts_of
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.dialect import upsert
from ortoo_protocol.station.store.prepared import Prepared
from ortoo_protocol.station.store.tables import catalog_index, catalog_index_made

T = TypeVar("T")
AT_ONCE = 500


@dataclass(frozen=True)
class Change:
    """`old`: the entry of the same code that was stored before, None: there was none."""

    old: Entry | None
    new: Entry
    changed_ms: int
    finest_ms: int = FINEST_MS  # of the cycles by which it is judged


@dataclass(frozen=True)
class Word:
    provider: str
    of: Carriage


_COLUMNS = (
    "id", "code", "name_length", "status", "provider", "league", "department", "department_name",
    "kind", "theme", "share", "cycle", "modes", "grade", "items", "changed_ms", "promise_ms",
)  # fmt: skip
_FIND = Prepared(select(catalog_index.c.id).where(catalog_index.c.code == bindparam("c")), ("c",))
_NEW = Prepared(insert(catalog_index), _COLUMNS)
_CHANGED = Prepared(
    update(catalog_index)
    .where(catalog_index.c.id == bindparam("at"))
    .values({name: bindparam(name) for name in _COLUMNS[2:]}),
    (*_COLUMNS[2:], "at"),
)

_OWNER = Prepared(
    select(catalog_index.c.provider).where(catalog_index.c.code == bindparam("c")), ("c",)
)
_CARRIED = Prepared(
    update(catalog_index)
    .where(
        catalog_index.c.code == bindparam("of"),
        catalog_index.c.provider == bindparam("by"),
        or_(catalog_index.c.carried_ms.is_(None), catalog_index.c.carried_ms <= bindparam("newer")),
    )
    .values(carried_ms=bindparam("ms"), carried_seq=bindparam("number")),
    ("of", "by", "newer", "ms", "number"),
)


def changed(tx: Tx, change: Change) -> None:
    """Have the entry of `change` indexed with this transaction. Whoever stores an entry calls it,
    in the same transaction: what is told here as old must be what is in the index."""
    own = change.new.provider == tx.party
    tx.gather(put, replace(change, finest_ms=0) if own else change)


def said(tx: Tx, provider: str, resources: Sequence[Carriage]) -> None:
    """Keep what `provider` says that its feeds carried: of its own entries alone, and never an
    older word over a newer one."""
    for each in resources:
        tx.gather(put, Word(provider, each))


def check_owner(tx: Tx, provider: str, resources: Sequence[Carriage]) -> None:
    """Raises CatalogOwner: one of them is another's."""
    for each in resources:
        for (owner,) in _OWNER.rows(tx.conn, each.code):
            if owner != provider:
                raise CatalogOwner(resource=each.code)


def put(conn: Connection, news: Sequence[Change | Word]) -> None:
    """Entries first: a word may be about one that came with it."""
    _put_entries(conn, [each for each in news if isinstance(each, Change)])
    words = [each for each in news if isinstance(each, Word)]
    rows = [(w.of.code, w.provider, w.of.carried_ms, w.of.carried_ms, w.of.seq) for w in words]
    _CARRIED.many(conn, rows)


def _put_entries(conn: Connection, changes: Sequence[Change]) -> None:
    if not changes:
        return
    last_id = int(conn.execute(select(func.max(catalog_index.c.id))).scalar() or 0)
    new_rows, changed_rows, texts = [], [], list[Replaced]()
    for change in _merged(changes):
        values = _values(change)
        known = _FIND.rows(conn, change.new.code)
        if not known:
            last_id += 1
            new_rows.append((last_id, *values))
            texts.append((last_id, None, document(change.new)))
            continue
        number = int(known[0][0])
        changed_rows.append((*values[1:], number))
        if change.old is None:  # nobody can say what stands there: all anew at the next start
            upsert(conn, catalog_index_made, [{"one": 1, "version": 0}])
        else:
            texts.append((number, document(change.old), document(change.new)))
    _NEW.many(conn, new_rows)
    _CHANGED.many(conn, changed_rows)
    texts_of(conn).replace(conn, texts)


def _merged(changes: Sequence[Change]) -> list[Change]:
    """One for each code: from what stood there first to what stands there last."""
    found: dict[str, Change] = {}
    for change in changes:
        first = found.get(change.new.code, change)
        found[change.new.code] = replace(change, old=first.old)
    return list(found.values())


def _values(change: Change) -> tuple[object, ...]:
    """The columns after `id`."""
    entry = change.new
    return (
        entry.code, len(entry.name), entry.status, entry.provider, league_of(entry.provider),
        entry.department, entry.department_name, entry.code[:1], theme_of(entry.code),
        entry.share_type, entry.cycle, " ".join(modes_of(entry)), entry.grade,
        len(entry.items), change.changed_ms, promise_ms(entry, change.finest_ms),
    )  # fmt: skip


def promise_ms(entry: Entry, finest_ms: int) -> int:
    """How old may be what its feed carried; 0: nothing is promised."""
    if entry.status != PUBLISHED or entry.share_type == NOT_SHARED:
        return 0
    promised = PROMISES_MS.get(entry.cycle, 0)
    return max(promised, finest_ms) if promised else 0


# --- all of it anew -----------------------------------------------------------------------------


class Database(Protocol):
    async def read(self, query: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Tx], T]) -> T: ...


async def catch_up(database: Database, entries: Table, changed_ms: str) -> int:
    """Index what stands in `entries` (columns code, entry, and when it was accepted) and not in the
    index: all of it after an upgrade. In steps, so that the station works meanwhile. Returns how
    many there were."""
    await database.write(_begin)
    total = 0
    while True:
        done = await database.write(partial(_step, entries=entries, changed_ms=changed_ms))
        total += done
        if done < AT_ONCE:
            return total


def _begin(tx: Tx) -> None:
    made = tx.conn.execute(select(catalog_index_made.c.version)).scalar()
    if made == VERSION:
        return
    texts_of(tx.conn).clear(tx.conn)
    tx.conn.execute(delete(catalog_index))
    upsert(tx.conn, catalog_index_made, [{"one": 1, "version": VERSION}])


def _step(tx: Tx, entries: Table, changed_ms: str) -> int:
    lacks = catalog_index.c.code.is_(None)
    query = (
        select(entries.c.entry, entries.c[changed_ms])
        .outerjoin_from(entries, catalog_index, catalog_index.c.code == entries.c.code)
        .where(lacks)
        .limit(AT_ONCE)
    )
    rows = tx.conn.execute(query).all()
    for raw, ms in rows:  # together with what is stored in this very transaction
        changed(tx, Change(None, unpack(raw), ms or tx.now_ms))
    return len(rows)

"""Finding entries: by words and filters, ranked, a page at a time, counted by facet.

The order: what is supplied before what was stopped; the resource of exactly that code; then those
with all words in the name, in name and items, anywhere. Among names the shortest comes first, since
the words are the most of it; elsewhere bm25 decides. When more than RANKED entries are found, the
words tell little apart and a page is taken in the order of the index, place by place: so a word
that stands in every entry costs no more than a rare one. For the same reason facets are counted in
about COUNTED entries, spread evenly over all that are found, and say so; how many there are in all
is counted exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    func,
    literal,
    select,
)

from ortoo_protocol.core.catalog import freshness
from ortoo_protocol.core.catalog.elements import STOPPED
from ortoo_protocol.core.catalog.freshness import Judged
from ortoo_protocol.core.law.clock import day_of
from ortoo_protocol.core.search.words import fold, terms
from ortoo_protocol.station.catalog.texts import Texts, texts_of
from ortoo_protocol.station.catalog.wanted import (
    ALL,
    ANYTHING,
    FIRST,
    ITEMS,
    NAME,
    Filter,
    Found,
    Page,
    Wanted,
)
from ortoo_protocol.station.clocks import calendar
from ortoo_protocol.station.store.tables import catalog_index

RANKED = 1_000
COUNTED = 5_000
_SPREAD, _PARTS = 40_503, 1 << 16  # id * _SPREAD % _PARTS: ids that follow each other lie far apart
FACETS = (
    "league", "department", "kind", "theme", "share", "mode", "cycle", "status", "grade",
    "freshness",
)  # fmt: skip
_ROWS_AT_ONCE = 5_000
_I = catalog_index.c


_NEVER = Judged(0, 0)  # nothing is asked of freshness


@dataclass(frozen=True)
class Asked:
    """`facets`: of which of FACETS values are counted. `judged`: what freshness is judged by."""

    text: str = ""
    filter: Filter = ANYTHING
    page: Page = FIRST
    facets: tuple[str, ...] = ()
    judged: Judged = _NEVER


def search(conn: Connection, asked: Asked) -> Found:
    """Raises CatalogQuery: what is asked for is too long."""
    wanted = Wanted(terms(asked.text), asked.filter.labels())
    texts = texts_of(conn)
    if wanted.terms or wanted.labels:
        found = _Indexed(texts, wanted, _state_is(asked), fold(asked.text).strip())
        total = found.total(conn)
        codes = found.page(conn, total, asked.page)
    else:
        total, codes = _everything(conn, asked)
    if not asked.facets or not total:
        return Found(codes, total)
    counted, facets = _facets(conn, texts, wanted, asked, total)
    return Found(codes, total, facets, counted)


def _everything(conn: Connection, asked: Asked) -> tuple[int, tuple[str, ...]]:
    """Without words: the newest first."""
    state = _state_is(asked)
    where = [] if state is None else [state]
    total = conn.execute(select(func.count()).select_from(catalog_index).where(*where)).scalar()
    query = select(_I.code).where(*where).order_by(_I.changed_ms.desc(), _I.id.desc())
    page = query.limit(asked.page.limit).offset(asked.page.offset)
    return int(total or 0), tuple(conn.execute(page).scalars())


@dataclass(frozen=True)
class _Indexed:
    """What the texts' index finds. `state`: what freshness must be, on catalog_index."""

    texts: Texts
    wanted: Wanted
    state: ColumnElement[bool] | None
    exact: str

    def total(self, conn: Connection) -> int:
        return int(conn.execute(self._count(self.wanted)).scalar() or 0)

    def page(self, conn: Connection, total: int, page: Page) -> tuple[str, ...]:
        if not total or page.offset >= total:
            return ()
        ids = (
            conn.execute(self._ranked(page)).scalars().all()
            if total <= RANKED
            else self._streamed(conn, page)
        )
        query = select(_I.id, _I.code).where(_I.id.in_(ids))
        codes = {row.id: row.code for row in conn.execute(query)}
        return tuple(codes[each] for each in ids)

    def _count(self, wanted: Wanted) -> Select[int]:
        return self._from(select(func.count())).where(self.texts.where(wanted))

    def _from(self, query: Select[int]) -> Select[int]:
        """Joined with the rows of catalog_index only where they are needed."""
        if self.state is None:
            return query.select_from(self.texts.source)
        return query.select_from(self.texts.source).join(
            catalog_index, _I.id == self.texts.id
        ).where(self.state)  # fmt: skip

    def _places(self) -> Iterator[Wanted]:
        """Every entry that is found is in exactly one."""
        wanted = self.wanted
        if wanted.terms:
            for within, beyond in ((NAME, ""), (ALL, NAME)):
                yield Wanted(wanted.terms, wanted.labels, within, beyond, stopped=False)
        else:
            yield Wanted((), wanted.labels, stopped=False)
        yield Wanted(wanted.terms, wanted.labels, stopped=True)

    def _streamed(self, conn: Connection, page: Page) -> Sequence[int]:
        found: list[int] = []
        offset = page.offset
        for place in self._places():
            if offset:
                count = int(conn.execute(self._count(place)).scalar() or 0)
                if count <= offset:
                    offset -= count
                    continue
            query = self._from(select(self.texts.id)).where(self.texts.where(place))
            newest = query.order_by(self.texts.id.desc())
            part = newest.limit(page.limit - len(found)).offset(offset)
            found += conn.execute(part).scalars()
            offset = 0
            if len(found) == page.limit:
                break
        return found

    def _ranked(self, page: Page) -> Select[int]:
        texts, wanted = self.texts, self.wanted

        def within(place: str) -> ColumnElement[bool]:
            there = Wanted(wanted.terms, wanted.labels, place)
            return texts.id.in_(select(texts.id).where(texts.where(there)))

        found = select(_I.id, _I.status, _I.name_length, texts.score.label("score"))
        found = found.select_from(texts.source).join(catalog_index, _I.id == texts.id)
        found = found.where(texts.where(wanted))
        if self.state is not None:
            found = found.where(self.state)
        if not wanted.terms:
            newest = (_I.status == STOPPED, _I.changed_ms.desc(), _I.id.desc())
            found = found.with_only_columns(_I.id).order_by(*newest)
            return found.limit(page.limit).offset(page.offset)
        place = case(
            (func.lower(_I.code) == self.exact, 0), (within(NAME), 1), (within(ITEMS), 2), else_=3
        ).label("place")
        rows = found.add_columns(place).subquery()
        order = (
            rows.c.status == STOPPED,
            rows.c.place,
            case((rows.c.place == 1, rows.c.name_length), else_=0),
            rows.c.score,
            rows.c.id,
        )
        return select(rows.c.id).order_by(*order).limit(page.limit).offset(page.offset)


# --- freshness ----------------------------------------------------------------------------------


def judged(conn: Connection, now_ms: int) -> Judged:
    """What freshness is judged by at `now_ms`, after the calendar here."""
    return freshness.judged(now_ms, calendar.current(conn, day_of(now_ms).year - 1))


def state_of(by: Judged) -> ColumnElement[str]:
    """What core.catalog.freshness calls the state of an entry, of a row of catalog_index."""
    fresh, late = literal(by.fresh_ms) - _I.carried_ms, literal(by.late_ms) - _I.carried_ms
    return case(
        (_I.promise_ms == 0, freshness.NONE),
        (_I.carried_ms.is_(None), freshness.UNKNOWN),
        (_I.carried_ms == 0, freshness.NEVER),
        (fresh * 100 <= _I.promise_ms * freshness.FRESH_PERCENT, freshness.FRESH),
        (late * 100 <= _I.promise_ms * freshness.LATE_PERCENT, freshness.LATE),
        else_=freshness.STALE,
    )


def _state_is(asked: Asked) -> ColumnElement[bool] | None:
    wanted = asked.filter.freshness
    return None if not wanted else state_of(asked.judged) == wanted


# --- facets -------------------------------------------------------------------------------------


def _facets(
    conn: Connection, texts: Texts, wanted: Wanted, asked: Asked, total: int
) -> tuple[int, Mapping[str, Mapping[str, int]]]:
    """In how many entries they were counted, and the counts for all `total`."""
    names = tuple(name for name in FACETS if name in asked.facets)
    columns = [_facet_column(name, asked.judged) for name in names]
    query = select(*columns)
    id_: ColumnElement[int] = _I.id
    if wanted.terms or wanted.labels:
        query = query.select_from(texts.source).join(catalog_index, _I.id == texts.id)
        query, id_ = query.where(texts.where(wanted)), texts.id
    state = _state_is(asked)
    if state is not None:
        query = query.where(state)
    if total > COUNTED:
        query = query.where(id_ * _SPREAD % _PARTS < _PARTS * COUNTED // total)
    counts: list[Counter[object]] = [Counter() for _ in names]
    counted = 0
    cursor: Any = conn.execute(query).cursor  # the driver's own: there may be thousands of rows
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        counted += len(rows)
        for count, values in zip(counts, zip(*rows, strict=True), strict=True):
            count.update(values)
    share = total / counted if counted else 1.0
    named = zip(names, counts, strict=True)
    return counted, {name: _named(name, count, share) for name, count in named}


def _facet_column(name: str, by: Judged) -> ColumnElement[Any]:
    if name == "freshness":
        return state_of(by)
    return catalog_index.c["modes" if name == "mode" else name]


def _named(name: str, count: Counter[object], share: float) -> Mapping[str, int]:
    """The most frequent first; each stands for `share`. An entry of two modes counts for each."""
    found: Counter[str] = Counter()
    for value, times in count.items():
        for one in str(value).split() if name == "mode" else [str(value)]:
            if one:
                found[one] += times
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return {value: round(times * share) for value, times in ordered}

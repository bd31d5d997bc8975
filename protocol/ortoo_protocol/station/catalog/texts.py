"""The texts of the catalog, as each database looks through them.

SQLite: FTS5 over pairs of characters, with a column for each weight and one for labels. The table
keeps the index alone (``content=''``): a third of what it takes with the texts, but whoever takes a
row out must say what stood in it, so entries are cut alike for as long as an index lives
(core.search.document.VERSION). PostgreSQL: a GIN index over the set of an entry's pairs and labels;
a word of three characters or more is looked at again in the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Table,
    Text,
    and_,
    column,
    delete,
    false,
    func,
    insert,
    literal_column,
    not_,
    or_,
    table,
    text,
    true,
)
from sqlalchemy import Column as SqlColumn
from sqlalchemy.dialects import postgresql

from ortoo_protocol.core.search.document import FIELDS, Document, label
from ortoo_protocol.core.search.words import Term, grams, pairs
from ortoo_protocol.station.catalog.wanted import ALL, FIELDS_OF, Wanted
from ortoo_protocol.station.store.prepared import Prepared

# bm25 weights of FIELDS and labels.
WEIGHTS = (10.0, 4.0, 1.0, 0.5, 0.0)
STOPPED = label("status", "stopped")

Replaced = tuple[int, Document | None, Document]  # id, what stood there, what shall


class Texts(Protocol):
    """`source` has a row for each entry, with its id in `id`."""

    source: FromClause
    id: ColumnElement[int]
    score: ColumnElement[float]

    def replace(self, conn: Connection, rows: Sequence[Replaced]) -> None: ...
    def clear(self, conn: Connection) -> None: ...
    def where(self, wanted: Wanted) -> ColumnElement[bool]: ...


def texts_of(conn: Connection) -> Texts:
    return _texts(conn.dialect.name)


@lru_cache
def _texts(dialect: str) -> Texts:
    return PostgresTexts() if dialect == "postgresql" else SqliteTexts()


# --- SQLite -------------------------------------------------------------------------------------

_ITSELF: ColumnElement[Any] = literal_column("catalog_grams")
_PARTS = (*FIELDS, "labels")
_GRAMS = table("catalog_grams", column("rowid"), *(column(name) for name in _PARTS))
_INSERT = Prepared(insert(_GRAMS), ("rowid", *_PARTS))
_DELETE = Prepared(
    text(
        "INSERT INTO catalog_grams (catalog_grams, rowid, name, items, about, initials, labels) "
        "VALUES ('delete', :rowid, :name, :items, :about, :initials, :labels)"
    ),
    ("rowid", *_PARTS),
)


class SqliteTexts:
    source: FromClause = _GRAMS
    id: ColumnElement[int] = _GRAMS.c.rowid
    score: ColumnElement[float] = func.bm25(_ITSELF, *(literal_column(str(w)) for w in WEIGHTS))

    def replace(self, conn: Connection, rows: Sequence[Replaced]) -> None:
        _DELETE.many(conn, [_row(number, old) for number, old, _ in rows if old is not None])
        _INSERT.many(conn, [_row(number, new) for number, _, new in rows])

    def clear(self, conn: Connection) -> None:
        conn.execute(text("INSERT INTO catalog_grams (catalog_grams) VALUES ('delete-all')"))

    def where(self, wanted: Wanted) -> ColumnElement[bool]:
        said = expression(wanted)
        return false() if said is None else _ITSELF.op("MATCH")(said)


def _row(number: int, made: Document) -> tuple[Any, ...]:
    texts = (" ".join(gram for piece in field for gram in grams(piece)) for field in made.fields)
    return (number, *texts, " ".join(made.labels))


def expression(wanted: Wanted) -> str | None:
    """In FTS5's language; None: nothing is found. Everything in quotes is of letters, digits and /
    alone, so nothing that people write is taken as an operator."""
    needed = [f'labels : "{each}"' for each in wanted.labels]
    if wanted.stopped:
        needed.append(f'labels : "{STOPPED}"')
    for term in wanted.terms:
        said = _fts_term(term, FIELDS_OF[wanted.within])
        if said is None:
            return None
        needed.append(said)
    found = " AND ".join(f"({each})" for each in needed)
    if wanted.beyond:
        said = expression(Wanted(wanted.terms, (), wanted.beyond))
        found = f"({found}) NOT ({said})"
    if wanted.stopped is False:
        found = f'({found}) NOT (labels : "{STOPPED}")'
    return found


def _fts_term(term: Term, fields: Sequence[str]) -> str | None:
    ways = []
    if term.words:
        words = " AND ".join(_fts_word(word) for word in term.words)
        ways.append(f"{{{' '.join(fields)}}} : ({words})")
    if term.code:
        ways.append(f'labels : "{label("code", term.code)}" *')
    return " OR ".join(f"({way})" for way in ways) or None


def _fts_word(word: str) -> str:
    return f'"{word}" *' if len(word) == 1 else f'"{" ".join(pairs(word))}"'


# --- PostgreSQL ---------------------------------------------------------------------------------

postgres_metadata = MetaData()
_ROWS = Table(
    "catalog_grams",
    postgres_metadata,
    SqlColumn("id", BigInteger, primary_key=True, autoincrement=False),
    SqlColumn("code", Text, nullable=False),
    SqlColumn("grams", postgresql.ARRAY(Text), nullable=False),
    *(SqlColumn(name, Text, nullable=False) for name in FIELDS),
)
_MARK = "="  # before labels: no pair of characters holds it


class PostgresTexts:
    source: FromClause = _ROWS
    id: ColumnElement[int] = _ROWS.c.id
    score: ColumnElement[float] = literal_column("0.0")

    def replace(self, conn: Connection, rows: Sequence[Replaced]) -> None:
        known = [number for number, old, _ in rows if old is not None]
        if known:
            conn.execute(delete(_ROWS).where(_ROWS.c.id.in_(known)))
        if rows:
            conn.execute(insert(_ROWS), [_postgres_row(number, new) for number, _, new in rows])

    def clear(self, conn: Connection) -> None:
        conn.execute(delete(_ROWS))

    def where(self, wanted: Wanted) -> ColumnElement[bool]:
        needed = [_holds(_MARK + each for each in wanted.labels)] if wanted.labels else []
        if wanted.stopped is not None:
            stopped = _holds([_MARK + STOPPED])
            needed.append(stopped if wanted.stopped else not_(stopped))
        needed += [_sql_term(term, wanted.within) for term in wanted.terms]
        if wanted.beyond:
            needed.append(not_(and_(*(_sql_term(term, wanted.beyond) for term in wanted.terms))))
        return and_(true(), *needed)


def _postgres_row(number: int, made: Document) -> dict[str, Any]:
    pieces = [piece for field in made.fields for piece in field]
    held = {gram for piece in pieces for gram in (*piece, *pairs(piece))}
    held.update(_MARK + each for each in made.labels)
    texts = dict(zip(FIELDS, (" ".join(field) for field in made.fields), strict=True))
    code = next(each for each in made.labels if each.startswith("k"))
    return {"id": number, "code": code[1:], "grams": sorted(held), **texts}


def _holds(grams: Iterable[str]) -> ColumnElement[bool]:
    return _ROWS.c.grams.contains(sorted(grams))


def _sql_term(term: Term, within: str) -> ColumnElement[bool]:
    ways = []
    if term.words:
        ways.append(and_(*(_sql_word(word, within) for word in term.words)))
    if term.code:
        ways.append(_ROWS.c.code.startswith(label("code", term.code)[1:], autoescape=True))
    return or_(false(), *ways)


def _sql_word(word: str, within: str) -> ColumnElement[bool]:
    held = _holds(pairs(word) or [word])
    if within == ALL and len(word) < 3:
        return held
    places = (_ROWS.c[name].contains(word, autoescape=True) for name in FIELDS_OF[within])
    return and_(held, or_(*places))

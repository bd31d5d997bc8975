"""What a source looks like: columns of a table, view or file, as items of an entry have them.

A folder says the names of columns and not their types; a function says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc, types

from ortoo_node.databases import as_written
from ortoo_node.settings import NodeSettings
from ortoo_node.sources.folder.headers import headers
from ortoo_node.sources.tables.reader import TableReader
from ortoo_protocol.core.errors import SourceMissing, SourceUndescribed
from ortoo_protocol.core.feeds import Column

LONGEST = 1 << 20  # a text that is declared longer has no length worth a catalog's mention
TABLE, FOLDER = "table", "folder"


@dataclass(frozen=True)
class SourceColumn:
    """`type`: the item type it would have, "" where the source does not say; `length` 0: unknown or
    without bound; `comment`: what the database says it is."""

    name: str
    type: str = ""
    length: int = 0
    key: bool = False
    required: bool = False
    comment: str = ""


@dataclass(frozen=True)
class SourceShape:
    kind: str
    columns: tuple[SourceColumn, ...]


def describe(settings: NodeSettings, name: str, table: str) -> SourceShape:
    """The columns of `table` (a view as well, or a pattern of files) of the source `name`.

    Raises SettingsLacking, DatabaseUrl, SourceError, SourceUndescribed.
    """
    folder = settings.folder_named(name)
    if folder is not None and folder.read:
        found = headers(folder, table, settings.folder / "spool", time.time)
        return SourceShape(FOLDER, tuple(SourceColumn(each) for each in found))
    if settings.function(name) is not None:
        raise SourceUndescribed(name=name)
    return SourceShape(TABLE, _of_table(settings.source(name).read_url(), table))


def _of_table(url: str, table: str) -> tuple[SourceColumn, ...]:
    reader = TableReader(url, table, (Column("x", "C", 0),), ("x",))
    with closing(reader), reader.connect() as connection:
        inspector, where = sa.inspect(connection), {"schema": reader.schema_name}
        try:
            found = inspector.get_columns(reader.table_name, **where)
            key = inspector.get_pk_constraint(reader.table_name, **where)
        except exc.NoSuchTableError:
            raise SourceMissing(name=reader.name, table=table) from None
        dialect = connection.dialect.name
    keys = {as_written(each, dialect) for each in key["constrained_columns"]}
    return tuple(_column(each, keys, dialect) for each in found)


def _column(found: Any, keys: Sequence[str] | set[str], dialect: str) -> SourceColumn:
    name = as_written(found["name"], dialect)
    letter, length = item_type(found["type"])
    return SourceColumn(
        name=name,
        type=letter,
        length=length,
        key=name in keys,
        required=not found.get("nullable", True) or name in keys,
        comment=(found.get("comment") or "").strip(),
    )


def item_type(of: types.TypeEngine[Any]) -> tuple[str, int]:
    """The item type and length that hold all values of a column of this type."""
    for kinds, letter in _LETTERS:
        if isinstance(of, kinds):
            return _NAMED.get(type(of).__name__.upper(), letter), _length(of, letter)
    return _NAMED.get(type(of).__name__.upper(), ""), 0


def _length(of: types.TypeEngine[Any], letter: str) -> int:
    length = getattr(of, "length", None) if letter in "CM" else getattr(of, "precision", None)
    if letter not in "CN" or type(length) is not int or length > LONGEST:
        return 0
    return length


# The nearest class decides, so the narrower ones stand first.
_LETTERS: tuple[tuple[tuple[type[types.TypeEngine[Any]], ...], str], ...] = (
    ((types.Boolean,), "L"),
    ((types.Integer,), "I"),
    ((types.Double,), "B"),
    ((types.Float,), "F"),
    ((types.Numeric,), "N"),
    ((types.DateTime,), "T"),
    ((types.Date,), "D"),
    ((types.Enum, types.Uuid), "C"),
    ((types.Text, types.JSON), "M"),
    ((types.String,), "C"),
    ((types.LargeBinary,), "G"),
)
# Types of a dialect that derive from none of these, or mean more than what they derive from.
_NAMED = {
    "MONEY": "Y",
    "LONGTEXT": "M",
    "MEDIUMTEXT": "M",
    "JSONB": "M",
    "BIT": "L",
    "YEAR": "I",
    "TIME": "C",
    "INET": "C",
    "TSVECTOR": "M",
}

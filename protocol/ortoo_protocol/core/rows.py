"""Tables on the wire: what a schema may say, and what a value of each item type looks like.

    C M    text, no NUL; at most `length` characters if that is not 0
    N Y    decimal text, ``-?(0|[1-9][0-9]*)(.[0-9]+)?``: no float ever touches money
    I      integer of 64 bits, signed
    B F    float, finite
    L      bool
    D      ``YYYY-MM-DD``
    T      ``YYYY-MM-DDTHH:MM:SS[.ffffff][±HH:MM]``; without offset it is civil time (北京时间)
    G      bytes

Any value but that of a key column may be nil. Errors name the column and never the value: rows
may be personal data, and errors travel in receipts and logs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone

from ortoo_protocol.core.catalog import ITEM_TYPES, MAX_ITEMS, Item
from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.errors import RowsEmpty, RowsLength, RowsSchema, RowsValue
from ortoo_protocol.core.feeds import Column, TableSchema

MAX_COLUMNS = MAX_ITEMS
MAX_NAME_BYTES = 63  # PostgreSQL cuts longer names, and two of them could become one
MAX_DECIMAL_DIGITS = 200
CIVIL_ZONE = timezone(timedelta(hours=8))  # 北京时间: what a moment without offset means
INT64 = range(-(1 << 63), 1 << 63)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{6})?(?:[+-]\d\d:\d\d)?", re.ASCII)

Check = Callable[[object], Scalar]


def schema_of(items: Sequence[Item], number: int) -> TableSchema:
    """The schema in which rows of a catalog entry travel (or of those items that a view keeps)."""
    return check_schema(
        TableSchema(
            number=number,
            columns=tuple(Column(item.column, item.type, item.length) for item in items),
            key=tuple(item.column for item in items if item.key),
        )
    )


def check_schema(schema: TableSchema) -> TableSchema:
    """Refuse what no database should be asked to make, beyond what the shape itself refuses.

    Names are compared as SQLite does, regardless of case: else one publisher's two columns would
    be one reader's single column. Raises RowsSchema.
    """
    if not 1 <= len(schema.columns) <= MAX_COLUMNS:
        raise RowsSchema(detail=f"{len(schema.columns)} columns")
    for column in schema.columns:
        check_name(column.name)
        if column.type not in ITEM_TYPES:
            raise RowsSchema(detail=f"item type {column.type[:8]!r}")
        if not 0 <= column.length < 1 << 31:
            raise RowsSchema(detail=f"length {column.length}")
    names = [column.name for column in schema.columns]
    if len({name.casefold() for name in names}) != len(names):
        raise RowsSchema(detail="two columns have the same name")
    return schema


def check_name(name: str) -> str:
    """A name that can be quoted: printable, without spaces around it, at most 63 bytes."""
    if not name.isprintable() or name != name.strip() or not name:
        raise RowsSchema(detail=f"column name {name[:MAX_NAME_BYTES]!a}")
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise RowsSchema(detail=f"column name of more than {MAX_NAME_BYTES} bytes: {name[:21]}…")
    return name


def checks(schema: TableSchema) -> tuple[Check, ...]:
    """For each column what refuses a value that is not of its type. Calls raise RowsValue."""
    return tuple(_checker(column, column.name in schema.key) for column in schema.columns)


def optional_checks(columns: Sequence[Column]) -> tuple[Check, ...]:
    """As `checks`, where there is no key. Raises RowsSchema: no such type."""
    for column in columns:
        if column.type not in _MAKERS:
            raise RowsSchema(detail=f"{column.name}: no item type {column.type!r}")
    return tuple(_checker(column, False) for column in columns)


def _checker(column: Column, key: bool) -> Check:
    check = _MAKERS[column.type](column)

    def required(value: object) -> Scalar:
        if value is None:
            raise RowsEmpty(column=column.name, type=column.type, detail="is empty")
        return check(value)

    def optional(value: object) -> Scalar:
        return None if value is None else check(value)

    return required if key else optional


def wrong(column: Column, detail: str) -> RowsValue:
    return RowsValue(column=column.name, type=column.type, detail=detail)


def _text(column: Column) -> Check:
    most = column.length or math.inf

    def check(value: object) -> Scalar:
        if type(value) is not str:
            raise wrong(column, f"is a {type(value).__name__}")
        if len(value) > most:
            detail = f"has {len(value)} characters, {column.length} are announced"
            raise RowsLength(column=column.name, type=column.type, detail=detail)
        if "\0" in value:
            raise wrong(column, "holds a NUL character")
        return value

    return check


def _decimal(column: Column) -> Check:
    def check(value: object) -> Scalar:
        if type(value) is not str or not _DECIMAL.fullmatch(value):
            raise wrong(column, "is not decimal text")
        if len(value) > MAX_DECIMAL_DIGITS:
            raise wrong(column, f"has more than {MAX_DECIMAL_DIGITS} digits")
        return value

    return check


def _integer(column: Column) -> Check:
    def check(value: object) -> Scalar:
        if type(value) is not int or value not in INT64:
            raise wrong(column, "is not an integer of 64 bits")
        return value

    return check


def _float(column: Column) -> Check:
    def check(value: object) -> Scalar:
        if type(value) is not float or not math.isfinite(value):
            raise wrong(column, "is not a finite float")
        return value

    return check


def _bool(column: Column) -> Check:
    def check(value: object) -> Scalar:
        if type(value) is not bool:
            raise wrong(column, f"is a {type(value).__name__}")
        return value

    return check


def _bytes(column: Column) -> Check:
    def check(value: object) -> Scalar:
        if type(value) is not bytes:
            raise wrong(column, f"is a {type(value).__name__}")
        return value

    return check


def _when(form: re.Pattern[str], parse: Callable[[str], object]) -> Callable[[Column], Check]:
    def maker(column: Column) -> Check:
        def check(value: object) -> Scalar:
            if type(value) is not str or not form.fullmatch(value):
                raise wrong(column, "is not ISO 8601 text")
            try:
                parse(value)
            except ValueError:
                raise wrong(column, "is no date of the calendar") from None
            return value

        return check

    return maker


_MAKERS: dict[str, Callable[[Column], Check]] = {
    "C": _text,
    "M": _text,
    "N": _decimal,
    "Y": _decimal,
    "I": _integer,
    "B": _float,
    "F": _float,
    "L": _bool,
    "D": _when(_DATE, date.fromisoformat),
    "T": _when(_DATE_TIME, datetime.fromisoformat),
    "G": _bytes,
}

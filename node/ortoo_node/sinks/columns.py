"""Columns of a sink: the type made for an item, which existing ones do as well, and values.

Values are stored exactly or refused. PostgreSQL rounds a decimal to a column's scale and drops
the offset of a moment without saying so, MySQL rounds fractions of a second, SQLite turns long
decimals into floats: each is met here. In SQLite a decimal is a number of the column (``12.50``
reads back as 12.5), so that it compares and sums as one; a TEXT column made beforehand keeps it as
given. In MySQL it has ten places (``12.5000000000``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.types import TypeEngine

from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.rows import CIVIL_ZONE, INT64, Check, wrong

MAX_VARCHAR = 10_485_760  # PostgreSQL's bound
PG_DIGITS = 1_000  # of a NUMERIC with a scale
EXACT_DIGITS = 15  # decimal digits that a float of SQLite always gives back

AnyType = TypeEngine[Any]
Store = Callable[[object], object]

_FAMILIES: dict[str, tuple[type[AnyType], ...]] = {
    "C": (sa.String,),
    "M": (sa.String,),
    "N": (sa.Numeric, sa.String),
    "Y": (sa.Numeric, sa.String),
    "I": (sa.Integer, sa.Numeric),
    "B": (sa.Float,),
    "F": (sa.Float,),
    "L": (sa.Boolean,),
    "D": (sa.Date, sa.String),
    "T": (sa.DateTime, sa.String),
    "G": (sa.LargeBinary,),
}
_MADE: dict[str, AnyType] = {
    "M": sa.Text(),
    "N": sa.Numeric(),
    "Y": sa.Numeric(),
    "I": sa.BigInteger(),
    "B": sa.Double(),
    "F": sa.Double(),
    "L": sa.Boolean(),
    "D": sa.Date(),
    "T": sa.DateTime(),
    "G": sa.LargeBinary(),
}


# MySQL has no decimal without a scale, no text without a length that a key could hold, and rows of
# at most 64 KiB outside of LONGTEXT.
_MYSQL_MADE: dict[str, AnyType] = {
    **_MADE,
    "M": mysql.LONGTEXT(),
    "N": sa.Numeric(38, 10),
    "Y": sa.Numeric(38, 10),
    "T": mysql.DATETIME(fsp=6),
    "G": mysql.LONGBLOB(),
}
MYSQL_VARCHAR = 1_000  # longer ones are LONGTEXT
MYSQL_KEY = 255


def made(column: Column, dialect: str, *, key: bool) -> AnyType:
    """The type of a column that Ortoo makes."""
    if dialect == "mysql":
        return _mysql_made(column, key)
    if column.type == "C":
        return sa.String(column.length) if 0 < column.length <= MAX_VARCHAR else sa.Text()
    if dialect == "sqlite" and column.type == "I":
        return sa.Integer()  # as wide as BIGINT there, and the one name that makes a key the rowid
    return _MADE[column.type]


def _mysql_made(column: Column, key: bool) -> AnyType:
    if column.type == "C" and 0 < column.length <= MYSQL_VARCHAR:
        return sa.String(column.length)
    if column.type in "CM":
        return sa.String(MYSQL_KEY) if key else mysql.LONGTEXT()
    if column.type == "G" and key:
        return mysql.VARBINARY(MYSQL_KEY)
    return _MYSQL_MADE[column.type]


def fits(column: Column, found: AnyType, dialect: str) -> bool:
    """Whether a column of type `found` holds every value of this item unchanged.

    Lengths aside: see `narrow`.
    """
    # CHAR pads, CITEXT takes two keys for one, REAL has four bytes, an ENUM knows its values.
    # (SQLite only has the names of these types.)
    if isinstance(found, (sa.Enum, CITEXT)):
        return False
    if dialect == "postgresql" and isinstance(found, (sa.CHAR, sa.REAL)):
        return False
    if dialect == "mysql" and not _mysql_fits(found):
        return False
    if dialect in ("sqlite", "mysql") and column.type == "L" and isinstance(found, sa.Integer):
        return True
    # A float is no decimal; SQLAlchemy 2.0 derives it from Numeric.
    if isinstance(found, sa.Float) and column.type not in "BF":
        return False
    return isinstance(found, _FAMILIES[column.type])


def _mysql_fits(found: AnyType) -> bool:
    """FLOAT has four bytes, and FLOAT(m, d) and DOUBLE(m, d) round; CHAR and SET are no texts."""
    if isinstance(found, (sa.CHAR, mysql.SET, mysql.FLOAT)):
        return False
    return not (isinstance(found, sa.Float) and found.scale is not None)


def narrow(column: Column, found: AnyType) -> bool:
    """Whether text of the announced length would not go into `found` (PostgreSQL enforces it)."""
    if column.type not in "CM" or not isinstance(found, sa.String) or found.length is None:
        return False
    return column.length == 0 or found.length < column.length


def storer(column: Column, check: Check, target: AnyType, dialect: str) -> Store:
    """From a value off the wire, checked, to what the driver stores without loss.

    Calls raise RowsValue.
    """
    change = _change(column, target, dialect)
    if change is None:
        return check

    def store(value: object) -> object:
        checked = check(value)
        return None if checked is None else change(str(checked))

    return store


def converts(column: Column, target: AnyType, dialect: str) -> bool:
    """Whether values are stored in another form than the one they travel in."""
    return _change(column, target, dialect) is not None


def _change(column: Column, target: AnyType, dialect: str) -> Callable[[str], object] | None:
    if column.type in "NY" and isinstance(target, sa.Numeric):
        return _sqlite_number(column) if dialect == "sqlite" else _numeric(column, target)
    if column.type == "T" and dialect != "sqlite" and isinstance(target, sa.DateTime):
        return _with_offset if target.timezone else _civil(column, _places(target))
    return None


def _numeric(column: Column, target: sa.Numeric[Decimal]) -> Callable[[str], object]:
    scale = target.scale if target.precision is not None else None
    wide = Context(prec=2 * PG_DIGITS)

    def change(text: str) -> object:
        number = Decimal(text)
        # In the common context rounding raises above 28 digits.
        if scale is not None and number != number.quantize(Decimal(1).scaleb(-scale), context=wide):
            raise wrong(column, f"has more decimal places than the sink's column ({scale})")
        return number

    return change


def _sqlite_number(column: Column) -> Callable[[str], object]:
    def change(text: str) -> object:
        whole, _, places = text.partition(".")
        places = places.rstrip("0")
        if not places and int(whole) in INT64:
            return int(whole)
        if len((whole + places).strip("-0")) > EXACT_DIGITS:
            raise wrong(
                column,
                f"has more than the {EXACT_DIGITS} digits that SQLite keeps in a number: make "
                "that column TEXT in the sink's table, or use PostgreSQL",
            )
        return float(text)

    return change


def _with_offset(text: str) -> object:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CIVIL_ZONE)


def _places(target: AnyType) -> int:
    """How many digits of a second `target` keeps."""
    if isinstance(target, (mysql.DATETIME, mysql.TIMESTAMP)):
        return target.fsp or 0
    return 6


def _civil(column: Column, places: int) -> Callable[[str], object]:
    lost = 10 ** (6 - places)

    def change(text: str) -> object:
        moment = datetime.fromisoformat(text)
        if moment.microsecond % lost:
            raise wrong(column, f"has more places of a second than the sink's column ({places})")
        try:
            return moment.astimezone(CIVIL_ZONE).replace(tzinfo=None) if moment.tzinfo else moment
        except OverflowError:
            raise wrong(column, "is before the year 1 or after 9999 in civil time") from None

    return change

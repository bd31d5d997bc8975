"""What a driver returns, made the one value that travels (ortoo_protocol.core.rows).

Drivers differ: a truth is 1 in SQLite and True in PostgreSQL, a moment is text or a datetime. The
item type decides, so every dialect yields the same bytes. Nothing is rounded or cut: what has no
exact form under its type is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

from ortoo_protocol.core.codec import Scalar
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.rows import CIVIL_ZONE, checks, optional_checks


def canonical(schema: TableSchema) -> tuple[Callable[[object], Scalar], ...]:
    """For each column what turns a driver's value into the one that travels.

    Calls raise RowsValue.
    """

    return _joined(schema.columns, checks(schema))


def converters(columns: Sequence[Column]) -> tuple[Callable[[object], Scalar], ...]:
    """As `canonical`, where there is no key. Raises RowsSchema: no such type."""
    return _joined(columns, optional_checks(columns))


def _joined(
    columns: Sequence[Column], checked: Sequence[Callable[[object], Scalar]]
) -> tuple[Callable[[object], Scalar], ...]:
    def joined(
        change: Callable[[object], object], check: Callable[[object], Scalar]
    ) -> Callable[[object], Scalar]:
        return lambda value: check(change(value))

    return tuple(
        joined(_CHANGES[column.type], check) for column, check in zip(columns, checked, strict=True)
    )


def _text(value: object) -> object:
    if type(value) is str:
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)):
        return _decimal(value)
    return value


def _decimal(value: object) -> object:
    if type(value) is float:
        value = Decimal(repr(value))  # the shortest digits that are this float again
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    return str(value) if type(value) is int else value


def _integer(value: object) -> object:
    if isinstance(value, (float, Decimal)) and value == value // 1:
        return int(value)
    return value


def _float(value: object) -> object:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        near = float(value)
        return near if near == value else value
    return value


def _bool(value: object) -> object:
    return bool(value) if type(value) is int and value in (0, 1) else value


def _date(value: object) -> object:
    if isinstance(value, str) and len(value) > 10:
        value = _parsed(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.timetz() == time(0) else value
    return value.isoformat() if isinstance(value, date) else value


def _moment(value: object) -> object:
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, datetime):
        return (value.astimezone(CIVIL_ZONE) if value.tzinfo else value).isoformat()
    if isinstance(value, date):
        return datetime.combine(value, time(0)).isoformat()
    return value


def _parsed(text: str) -> object:
    """SQLite keeps moments as text: its own form has a space where ISO 8601 has a T."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return text


def _bytes(value: object) -> object:
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


_CHANGES: dict[str, Callable[[object], object]] = {
    "C": _text,
    "M": _text,
    "N": _decimal,
    "Y": _decimal,
    "I": _integer,
    "B": _float,
    "F": _float,
    "L": _bool,
    "D": _date,
    "T": _moment,
    "G": _bytes,
}

"""A row's key as people write it, and as its feed names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ortoo_protocol.core.codec import Scalar, unpack
from ortoo_protocol.core.errors import CorrectionKey, RowsError
from ortoo_protocol.core.feeds import TableSchema
from ortoo_protocol.core.row_codec import key_bytes
from ortoo_protocol.core.rows import optional_checks

_READ: Mapping[str, Callable[[str], Scalar]] = {
    "I": int,
    "B": float,
    "F": float,
    "L": lambda text: {"true": True, "false": False}[text.lower()],
    "G": bytes.fromhex,
}


def read_key(schema: TableSchema | None, given: Mapping[str, str]) -> bytes:
    """Raises CorrectionKey. Without a schema (nothing was read yet, or it is queried) the texts
    stand as they were given, in their order."""
    if schema is None:
        return key_bytes(tuple(given.values()))
    if set(given) != set(schema.key):
        raise CorrectionKey(detail=f"its key is {', '.join(schema.key)}")
    columns = {column.name: column for column in schema.columns}
    values: list[Scalar] = []
    for name in schema.key:
        column = columns[name]
        try:
            value = _READ.get(column.type, str)(given[name])
            values += [check(value) for check in optional_checks((column,))]
        except (ValueError, KeyError, RowsError):
            raise CorrectionKey(detail=f"{name} is of type {column.type}") from None
    return key_bytes(values)


def shown(key: bytes) -> list[Scalar]:
    found: list[Scalar] = unpack(key, max_containers=1)
    return found

"""SourceWatermark: rows whose column has risen since the last reading.

Every reading begins at a value that was reached before, minus an overlap, and takes rows that
equal it: so rows at equal moments, and rows committed a little late, are read again and the
publisher drops what it has. PostgreSQL also tells which transactions were still writing: the
beginning does not move past a reading until all of them have ended and been read, however long
they take. What is left - a transaction that waits longer than the overlap between taking its time
and its first write - and what was deleted is found when the whole table is compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from ortoo_node.captures import How
from ortoo_node.sources.port import Reading
from ortoo_node.sources.tables.capture import (
    DAY_S,
    Capture,
    Mark,
    read_mark,
    shape_of,
    whole_is_due,
)
from ortoo_node.sources.tables.reader import TableReader, quoted
from ortoo_protocol.core.errors import SourceWatermark as SourceWatermarkError
from ortoo_protocol.core.feeds import Column
from ortoo_protocol.core.rows import CIVIL_ZONE

MOST_WAITING = 64
Value = int | float | Decimal | str | date | datetime


@dataclass(frozen=True)
class _Moment:
    """What one reading saw: the highest value, and the transactions that were not over."""

    high: Value | None
    oldest: int  # no transaction below is still writing
    newest: int  # every transaction from here on began later


class SourceWatermark:
    """The table by `capture.watermark`. Raises DatabaseUrl and RowsSchema at once."""

    def __init__(
        self,
        url: str,
        table: str,
        columns: Sequence[Column],
        key: Sequence[str],
        capture: Capture,
        now_ms: int,
    ) -> None:
        self._reader = TableReader(url, table, columns, key)
        self._capture = capture
        self._now_ms = now_ms
        self._shape = shape_of(columns, key, capture.watermark)

    def check(self) -> None:
        """Raises SourceMissing, SourceColumns, SourceWatermark and other SourceErrors."""
        with self._reader.connect() as connection:
            self._reader.check_columns(connection, self._capture.watermark)
            self._moment(connection)

    def read(self, mark: str) -> Reading:
        known = read_mark(mark, How.WATERMARK, self._shape)
        whole = whole_is_due(known, self._capture, self._now_ms)
        before = known or Mark(How.WATERMARK, self._shape, 0)
        left: list[Mark] = []

        def rows() -> Iterator[Sequence[object]]:
            with self._reader.connect() as connection:
                self._reader.check_columns(connection, self._capture.watermark)
                at = advance(before.at, self._moment(connection))
                left.append(
                    Mark(How.WATERMARK, self._shape, self._now_ms if whole else before.whole_ms, at)
                )
                query = self._query(None if whole else before.at.get("from"))
                yield from self._reader.stream(connection, query)

        return Reading(rows(), whole=whole, mark=lambda: left[0].write())

    def close(self) -> None:
        self._reader.close()

    def _query(self, begin: Any) -> sa.Select[tuple[object, ...]]:
        name = self._capture.watermark
        query = self._reader.select(name)
        if begin is None:
            return query
        column: sa.ColumnClause[Any] = sa.column(quoted(name))
        # A row without a value would never be seen again otherwise.
        lowest = self._lower(unpacked(begin))
        return query.where(sa.or_(column >= lowest, column.is_(None)))

    def _moment(self, connection: sa.Connection) -> _Moment:
        oldest, newest = _writing(connection)
        high = self._highest(connection)
        if high is not None:
            self._lower(high)  # proves that the column can be counted back
        return _Moment(high, oldest, newest)

    def _highest(self, connection: sa.Connection) -> Value | None:
        """Rows dated in the future do not count: they would hide what is written until then."""
        name = self._capture.watermark
        table = self._reader.clause(name)
        highest = sa.select(sa.func.max(table.c[name])).select_from(table)
        value: Value | None = connection.execute(highest).scalar()
        bound = _tomorrow(value, self._now_ms)
        if value is None or bound is None or value <= bound:  # type: ignore[operator]  # of one kind
            return value
        return connection.execute(highest.where(table.c[name] <= bound)).scalar()

    def _lower(self, value: Value) -> Value:
        found = lower(value, self._capture.overlap)
        if found is None:
            raise SourceWatermarkError(
                name=self._reader.name,
                table=self._reader.table,
                column=self._capture.watermark,
            )
        return found


def advance(at: dict[str, Any], seen: _Moment) -> dict[str, Any]:
    """The next beginning: the newest value whose reading no transaction is behind any more.

    `waiting` holds the values of readings that some transactions were behind, oldest first.
    """
    waiting: list[list[Any]] = list(at.get("waiting", ()))
    if seen.high is not None:
        waiting.append([seen.newest, packed(seen.high)])
    begin = at.get("from")
    settled = [value for newest, value in waiting if newest <= seen.oldest]
    if settled:
        begin = settled[-1]
    left = [each for each in waiting if each[0] > seen.oldest]
    # To leave one out only means to read more.
    return {"from": begin, "waiting": [*left[: MOST_WAITING - 1], *left[MOST_WAITING - 1 :][-1:]]}


def _writing(connection: sa.Connection) -> tuple[int, int]:
    """(oldest transaction that is not over, the next one to begin); elsewhere nobody tells."""
    if connection.dialect.name not in ("postgresql", "kingbase"):
        return 0, 0
    snapshot = connection.exec_driver_sql("SELECT txid_current_snapshot()::text").scalar_one()
    oldest, newest, _ = str(snapshot).split(":")
    return int(oldest), int(newest)


def lower(value: object, overlap: int) -> Value | None:
    """`value` minus the overlap, in the form in which it came; None: it cannot be counted back."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        return value - overlap
    try:
        if isinstance(value, datetime):
            return value - timedelta(seconds=overlap)
        if isinstance(value, date):
            return value - timedelta(days=math.ceil(overlap / DAY_S))
        return _lower_text(value, overlap) if isinstance(value, str) else None
    except OverflowError:
        return type(value).min if isinstance(value, (date, datetime)) else ""


def _lower_text(text: str, overlap: int) -> str | None:
    """Text is compared as text, so its form has to stay: to the second, with its own separator and
    offset. A moment without a fraction is before the same one with any."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if len(text) <= len("2026-01-02"):
        return (moment.date() - timedelta(days=math.ceil(overlap / DAY_S))).isoformat()
    earlier = (moment - timedelta(seconds=overlap)).replace(tzinfo=None)
    return earlier.isoformat(text[10], timespec="seconds")


def _tomorrow(value: Value | None, now_ms: int) -> Value | None:
    """A day from now, in the form of `value`: no clock is wrong by as much and nobody sees it."""
    bound = datetime.fromtimestamp(now_ms / 1000, UTC) + timedelta(days=1)
    civil = bound.astimezone(CIVIL_ZONE).replace(tzinfo=None)
    if isinstance(value, datetime):
        return bound if value.tzinfo else civil
    if isinstance(value, date):
        return civil.date()
    if isinstance(value, str) and _lower_text(value, 0) is not None:
        return civil.isoformat(value[10] if len(value) > 10 else "T", timespec="seconds")
    return None


def packed(value: Value) -> list[Any]:
    """For JSON, with its kind."""
    if isinstance(value, datetime):
        return ["moment", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, Decimal):
        return ["decimal", str(value)]
    return ["plain", value]


def unpacked(value: Sequence[Any]) -> Value:
    kind, plain = value
    if kind == "moment":
        return datetime.fromisoformat(plain)
    if kind == "date":
        return date.fromisoformat(plain)
    return Decimal(plain) if kind == "decimal" else plain

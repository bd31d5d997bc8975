"""One page of a list that grows, and how long the list is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func

MOST = 1_000  # rows on one page, whoever asks over the control socket


def page(
    conn: Connection, query: Select[Any], limit: int, offset: int, most: int = MOST
) -> tuple[Sequence[Row[Any]], int]:
    """`limit` rows (`most` at most) from `offset` on, and how many there are in all. `query` has
    its order, and no grouping."""
    here = query.limit(max(0, min(limit, most))).offset(max(0, offset))
    count = query.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return conn.execute(here).all(), conn.execute(count).scalar_one()

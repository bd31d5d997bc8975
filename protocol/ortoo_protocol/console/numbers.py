"""Pages of long lists: which one is asked for, and how many rows stand on one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

ROWS = 50
Number = Annotated[int, Query(alias="page", ge=1, le=100_000)]


def span(number: int) -> dict[str, int]:
    """As `limit` and `offset` of a control method."""
    return {"limit": ROWS, "offset": ROWS * (number - 1)}


def stands(number: int, total: int) -> dict[str, Any]:
    """For the page: where it stands, and whether more follow."""
    return {"number": number, "total": total, "more": ROWS * number < total}

"""A grant gives what was asked for, or less of it."""

from __future__ import annotations

from ortoo_protocol.core.cases.bodies import Application
from ortoo_protocol.core.errors import GrantScope
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.row_filters import narrows


def check_within(terms: GrantTerms, asked: Application) -> None:
    """Purpose and mode are those applied for; items, rows and term may be fewer (art. 18: what is
    shared is used as it was applied for). Raises GrantScope."""
    for field in ("purpose", "mode"):
        if getattr(terms, field) != getattr(asked, field):
            raise GrantScope(detail=f"another {field} than case {terms.case} asked for")
    if asked.items and (not terms.items or set(terms.items) - set(asked.items)):
        raise GrantScope(detail=f"more items than case {terms.case} asked for")
    if not narrows(terms.row_filter, asked.row_filter):
        raise GrantScope(detail=f"more rows than case {terms.case} asked for")
    if asked.until_ms and not 0 < terms.until_ms <= asked.until_ms:
        raise GrantScope(detail=f"a longer term than case {terms.case} asked for")

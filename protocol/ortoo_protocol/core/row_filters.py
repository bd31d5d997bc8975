"""Row filters (数据行范围): which rows of a resource are asked for or granted."""

from __future__ import annotations

import re
from collections.abc import Collection

from ortoo_protocol.core.errors import GrantScope

# Nothing here steps back: the text is another member's, and it is read by the writer itself.
_TERM = re.compile(r"\s*+([^\s=]++)\s*+=\s*+'([^']*+(?:''[^']*+)*+)'")
_NEXT = re.compile(r"\s++AND(?=\s)|\s*+\Z", re.IGNORECASE)


def parse_filter(text: str, columns: Collection[str] | None) -> tuple[tuple[str, str], ...]:
    """``column = 'value' AND …``: the one form of row filter; `columns` None: checked before.
    Raises GrantScope."""
    terms: list[tuple[str, str]] = []
    at = 0 if text.strip() else len(text)
    while at < len(text):
        match = _TERM.match(text, at)
        following = match and _NEXT.match(text, match.end())
        if not match or not following or (columns is not None and match[1] not in columns):
            detail = f"the row filter {text[at : at + 60]!r} is not column = 'value'"
            raise GrantScope(detail=detail)
        terms.append((match[1], match[2].replace("''", "'")))
        at = following.end()
    return tuple(terms)


def narrows(text: str, wide: str) -> bool:
    """Whether `text` shows no row that `wide` leaves out: it says all that `wide` says.
    Raises GrantScope."""
    if text.strip() == wide.strip():
        return True
    return set(parse_filter(text, None)) >= set(parse_filter(wide, None))

"""What every letter about use is checked for before anything is done with it."""

from __future__ import annotations

from typing import TypeVar

from ortoo_protocol.core.codec import Shape
from ortoo_protocol.core.errors import CaseField
from ortoo_protocol.core.grants import check_texts
from ortoo_protocol.core.law.instants import check_times

S = TypeVar("S", bound=Shape)


def check_filled(body: S, *fields: str) -> S:
    """Raises CaseField: a text is too long, an instant too late, or one of `fields` is empty."""
    check_texts(body)
    check_times(body)
    for field in fields:
        if not getattr(body, field).strip():
            raise CaseField(field=field, detail="empty")
    return body

"""What became of a request, by the event that answered it."""

from __future__ import annotations

from ortoo_protocol.core.supervision import answering

_OUTCOMES = {
    "grant": answering.GRANTED,
    "refuse": answering.REFUSED,
    "withdraw": answering.WITHDRAWN,
}


def outcome_of(event: str) -> str:
    return _OUTCOMES.get(event, answering.WAITING)

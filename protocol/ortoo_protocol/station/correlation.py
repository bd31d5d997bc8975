"""What the work at hand is about: ids that the log shows with each line, so that lines of one case,
feed, message or request can be found together.

Ids alone, never names, rows or what people wrote. They follow a task into the threads and tasks
that it starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_NOTHING: Mapping[str, str] = MappingProxyType({})
_known: ContextVar[Mapping[str, str]] = ContextVar("ortoo_correlation", default=_NOTHING)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Within the block these ids are known too; empty ones are left out."""
    token = _known.set({**_known.get(), **{name: text for name, text in ids.items() if text}})
    try:
        yield
    finally:
        _known.reset(token)


def known() -> Mapping[str, str]:
    """The ids of the work at hand, by what they are of: request, method, feed, message, flow …"""
    return _known.get()

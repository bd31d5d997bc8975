"""Relations between resources (关联资源): they lead on, never back to where they began."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from ortoo_protocol.core.errors import CatalogRelated

MAX_FOLLOWED = (
    200  # entries that are looked at: a catalog woven of relations costs no more than this
)


def circle(
    code: str, related: Iterable[str], related_of: Callable[[str], Sequence[str]]
) -> tuple[str, ...]:
    """The shortest way from `code` over what it names back to itself; none: empty."""
    came_from: dict[str, str] = {}
    waiting: deque[str] = deque()
    for each in related:
        if each == code:
            return (code, code)
        if each not in came_from:
            came_from[each] = code
            waiting.append(each)
    while waiting and len(came_from) < MAX_FOLLOWED:
        here = waiting.popleft()
        for each in related_of(here):
            if each == code:
                return _way(came_from, code, here)
            if each not in came_from:
                came_from[each] = here
                waiting.append(each)
    return ()


def _way(came_from: dict[str, str], code: str, last: str) -> tuple[str, ...]:
    way = [code, last]
    while way[-1] != code:
        way.append(came_from[way[-1]])
    return tuple(reversed(way))


def check_relations(
    code: str, related: Iterable[str], related_of: Callable[[str], Sequence[str]]
) -> None:
    """Raises CatalogRelated with the way that leads back."""
    way = circle(code, related, related_of)
    if way:
        raise CatalogRelated(path=" → ".join(way))

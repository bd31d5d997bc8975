"""How long each page takes: every page that a person reaches by links, asked for several times."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from ortoo_protocol.console.console import Section
from ortoo_protocol.core.accounts.roles import Role, rights
from tests.console.kit import House, Visitor
from tests.console.paths import leading, new_shapes, shape

AT_HUB = (Role.COMPILER, Role.APPROVER, Role.CONTACT, Role.SYSTEM_ADMIN)
AT_STATION = (*AT_HUB, Role.SECRECY_REVIEWER, Role.SUBSCRIBER)
TIMES = 20


@dataclass
class Times:
    """Of one page, by its shape: ms on the wall, and of this process."""

    path: str
    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def p95(values: Sequence[float]) -> float:
    """By nearest rank: of 20 the second largest."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


async def times(
    house: House, menu: Sequence[Section], officials: Sequence[Role], count: int = TIMES
) -> list[Times]:
    """Everybody looks at what is theirs and at all that it leads to, to any depth."""
    found: list[Times] = []
    seen: set[str] = set()
    people = {"qing": officials, "hu": (Role.SECURITY_ADMIN,), "shen": (Role.AUDITOR,)}
    for account, roles in people.items():
        await house.known(account, account, *roles)
        held = rights(roles)
        async with house.visitor(account, timeout=httpx.Timeout(60)) as visitor:
            waiting = new_shapes([each.path for each in menu if each.admits(held)], seen)
            while waiting:
                path = waiting.pop(0)
                page, taken = await _times(visitor, path, count)
                if taken is not None:
                    found.append(taken)
                    waiting += new_shapes(page, seen)
    return found


async def _times(visitor: Visitor, path: str, count: int) -> tuple[list[str], Times | None]:
    """Where it leads, and its times; none of forms and of what is refused here."""
    first = await visitor.client.get(path)
    if first.status_code != 200 or path.startswith("/act/"):
        return [], None
    taken = Times(shape(path))
    for _ in range(count):
        wall, cpu = time.perf_counter(), time.process_time()
        await visitor.get(path)
        taken.wall_ms.append((time.perf_counter() - wall) * 1_000)
        taken.cpu_ms.append((time.process_time() - cpu) * 1_000)
    return leading(first.text), taken


def told(found: Sequence[Times], most: int = 8) -> str:
    """The slowest, for people who wait."""
    slowest = sorted(found, key=lambda each: -p95(each.wall_ms))[:most]
    return ", ".join(
        f"{each.path} {p95(each.wall_ms):.0f} ms (CPU {p95(each.cpu_ms):.0f})" for each in slowest
    )

"""The port: what a channel is given, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Outgoing:
    """One message to one person. `id` is the same at every attempt. `person` may be nobody where
    a department has no contacts: such goes to channels that reach more than one."""

    id: str
    time_ms: int
    party: str
    department: str
    person: str
    address: str
    title: str
    text: str
    templates: tuple[str, ...] = field(default=())


class Channel(Protocol):
    """`reach`: where it would reach somebody with these addresses; None: not at all."""

    name: str

    def reach(self, phone: str, mail: str, webhook: str) -> str | None: ...

    async def send(self, message: Outgoing) -> None:
        """Raises NoticeFailed (the channel is at fault: all of it waits) or NoticeRefused (this
        message alone)."""

    async def close(self) -> None: ...

"""What a console is made of, as the daemon hands it in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from ortoo_protocol.console.requests import Requests
from ortoo_protocol.console.watch import Watch
from ortoo_protocol.core.accounts.roles import Right
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.accounts.unified import UnifiedLogin
from ortoo_protocol.station.served import Served
from ortoo_protocol.station.settings import Settings
from ortoo_protocol.station.station import Station

if TYPE_CHECKING:
    from ortoo_protocol.console.actions import Action
    from ortoo_protocol.console.page import Page

Live = Callable[["Page"], Awaitable[str]]
Resume = Callable[["Page", str, Sequence[tuple[str, str]]], Awaitable[Response]]


@dataclass(frozen=True)
class Section:
    """An entry of the menu, and what it takes to enter it and all pages below: `right`, or one of
    `also`."""

    path: str
    title: str
    right: Right = Right.READ
    also: tuple[Right, ...] = ()

    def admits(self, rights: Collection[Right]) -> bool:
        return self.right in rights or any(each in rights for each in self.also)

    def holds(self, path: str) -> bool:
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


@dataclass
class Console:
    """`name`: what the page's title begins with. `folders`: templates of the console's own, looked
    through before the shared ones. `live`: parts of pages by name, made anew while they are seen.
    `resumed`: forms that are no actions, by how their path begins: shown again with what was typed
    when the session ended. `watch`: health and figures, for which no account is needed.
    `unified`: the unified login, where there is one."""

    name: str
    station: Station
    settings: Settings
    accounts: Accounts
    methods: Mapping[str, Served]
    menu: Sequence[Section]
    routers: Sequence[APIRouter]
    actions: Mapping[str, Action]
    folders: Sequence[Path]
    version: str
    watch: Watch
    requests: Requests = field(default_factory=Requests)
    live: Mapping[str, Live] = field(default_factory=dict)
    resumed: Mapping[str, Resume] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    unified: UnifiedLogin | None = None

    async def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """A control method, held to its annotations as the command line's calls are."""
        served = self.methods[method]
        return await served.call(**served.arguments(params))

    def admits(self, path: str, rights: Collection[Right]) -> bool:
        """Whether who has `rights` may see the page at `path`: a page of no section takes the right
        to read, so that whoever has no role sees none."""
        found = next((each for each in self.menu if each.holds(path)), None)
        return Right.READ in rights if found is None else found.admits(rights)

    async def close(self) -> None:
        if self.unified is not None:
            await self.unified.close()

    def now_ms(self) -> int:
        return self.station.parts.clock()

    @property
    def secure(self) -> bool:
        table = self.settings.console
        return table is not None and table.cert_file is not None

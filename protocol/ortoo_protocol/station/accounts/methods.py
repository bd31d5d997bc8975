"""accounts.*: what the machine's own administrator does with accounts by commands.

Whoever reaches the control socket has every right here (people.Local), so pages never call these:
they go through `Accounts.administration` as whoever is signed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.administration import Administration
from ortoo_protocol.station.accounts.people import Link, Local
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.control import Method
from ortoo_protocol.station.station import Station

LINK_PATH = "/link/"  # of the console


@dataclass(frozen=True)
class AccountMethods:
    station: Station
    policy: AccountsTable

    def as_mapping(self) -> Mapping[str, Method]:
        return {
            "accounts.list": self.listed,
            "accounts.first-links": self.first_links,
            "accounts.create": self.create,
            "accounts.link": self.link,
            "accounts.roles": self.roles,
            "accounts.bind": self.bind,
            "accounts.disable": self.disable,
            "accounts.enable": self.enable,
            "accounts.unlock": self.unlock,
            "accounts.acts": self.acts,
            "accounts.verify": self.verify,
        }

    @property
    def _administration(self) -> Administration:
        return Administration(self.station, self.policy)

    async def listed(self) -> dict[str, Any]:
        found = await self._administration.listed(Local(""))
        return {"accounts": [each.view() for each in found]}

    async def first_links(self, by: str = "") -> dict[str, Any]:
        """For each of the three administrators that nobody is."""
        made = await self._administration.first_links(Local(by))
        return {"links": [_view(each) for each in made]}

    async def create(
        self, name: str, person: str, by: str, department: str = "", roles: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """An account with roles, and the link to its first password."""
        who, administration = Local(by), self._administration
        made = await administration.create(who, name, person, department)
        if roles:
            made = await administration.give_roles(who, name, roles)
        return {**made.view(), "link": _view(await administration.invite(who, name))}

    async def link(self, name: str, by: str, ends_factor: bool = False) -> dict[str, Any]:
        return _view(await self._administration.invite(Local(by), name, ends_factor=ends_factor))

    async def roles(self, name: str, roles: tuple[str, ...], by: str) -> dict[str, Any]:
        return (await self._administration.give_roles(Local(by), name, roles)).view()

    async def bind(self, name: str, subject: str, by: str) -> dict[str, Any]:
        return (await self._administration.bind(Local(by), name, subject)).view()

    async def disable(self, name: str, by: str) -> dict[str, Any]:
        return (await self._administration.disable(Local(by), name)).view()

    async def enable(self, name: str, by: str) -> dict[str, Any]:
        return (await self._administration.enable(Local(by), name)).view()

    async def unlock(self, name: str, by: str) -> dict[str, Any]:
        await self._administration.unlock(Local(by), name)
        return {"account": name}

    async def acts(
        self,
        account: str = "",
        action: str = "",
        subject: str = "",
        correlation: str = "",
        refused: bool = False,
        before: int = 0,
        count: int = 100,
    ) -> dict[str, Any]:
        wanted = Wanted(
            account=account,
            action=action,
            subject=subject,
            correlation=correlation,
            refused=refused,
            before=before,
            count=count,
        )
        return {"acts": await self._administration.acts(Local(""), wanted)}

    async def verify(self) -> dict[str, Any]:
        return {"acts": await self._administration.verify_acts(Local(""))}


def _view(link: Link) -> dict[str, Any]:
    target = msgspec.to_builtins(link.target, enc_hook=list)
    return {**target, "secret": link.secret, "path": LINK_PATH + link.secret}

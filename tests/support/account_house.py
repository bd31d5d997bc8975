"""A station with accounts, whose clock the test sets and whose hashes cost next to nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.accounts.sessions import FactorPolicy
from ortoo_protocol.station.accounts import hashing
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.desk import Accounts, SignedIn
from ortoo_protocol.station.accounts.people import Local
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.station import Station
from tests.support.stations import Kit

PARTY = "s150700"
GOOD, OTHER = "Blue-Herons 47 fly", "Grey-Cranes 91 land"
HERE = "10.1.2.3"
OPEN = AccountsTable(second_factor=FactorPolicy.NONE)
US = Local("值班员")


class Counting(hashing.Hasher):
    """Counts what costs time."""

    def __init__(self) -> None:
        super().__init__(hashing.Cost(rounds=1, memory_kib=64, lanes=1))
        self.verified = 0

    def _verify(self, kept: str, password: str) -> bool:
        self.verified += 1
        return super()._verify(kept, password)


@dataclass
class House:
    kit: Kit
    table: AccountsTable
    now_ms: int
    party: str = PARTY

    def __post_init__(self) -> None:
        self.hasher = Counting()
        self.open()

    def open(self) -> None:
        self.station: Station = self.kit.open(self.party, online=False, clock=lambda: self.now_ms)
        self.accounts = Accounts(self.station, self.table, self.hasher)
        self.administration = self.accounts.administration

    async def restart(self) -> None:
        await self.station.close()
        self.open()

    def rule(self, table: AccountsTable) -> None:
        """Other settings from now on."""
        self.table = table
        self.accounts = Accounts(self.station, table, self.hasher)
        self.administration = self.accounts.administration

    async def first(self, role: Role, name: str) -> SignedIn:
        made = await self.administration.first_links(US)
        link = next(each for each in made if each.target.roles == {role})
        return await self.accounts.set_up(link.secret, name, f"{name}某", GOOD, address=HERE)

    async def person(self, name: str, *roles: Role) -> SignedIn:
        """An account of somebody, made by commands."""
        await self.administration.create(US, name, f"{name}某", "")
        await self.administration.give_roles(US, name, roles)
        link = await self.administration.invite(US, name)
        return await self.accounts.set_up(link.secret, "", "", GOOD, address=HERE)

    async def log_in(
        self, name: str, password: str = GOOD, code: str = "", address: str = HERE
    ) -> SignedIn:
        return await self.accounts.log_in(name, password, code, address=address, language="zh_CN")

    async def acts(self, **wanted: Any) -> list[tuple[str, str, str]]:
        found = await self.administration.acts(US, Wanted(**wanted))
        return [(each["account"], each["action"], each["outcome"]) for each in reversed(found)]


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    kit = Kit(folder)
    made = House(kit, OPEN, kit.region.now_ms)
    yield made
    await made.station.close()

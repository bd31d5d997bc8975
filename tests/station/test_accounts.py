"""Accounts at a station: log-in, sessions, set-up, second factors, and what nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest

from ortoo_protocol.core.accounts.lockout import ACCOUNT
from ortoo_protocol.core.accounts.roles import ADMINS, Role
from ortoo_protocol.core.accounts.sessions import FactorPolicy
from ortoo_protocol.core.errors import (
    AccountCodeNeeded,
    AccountLink,
    AccountLocked,
    AccountPassword,
    AccountRefused,
)
from ortoo_protocol.station.accounts import acts, hashing
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
    """A station with accounts whose clock the test sets."""

    kit: Kit
    table: AccountsTable
    now_ms: int

    def __post_init__(self) -> None:
        self.hasher = Counting()
        self.open()

    def open(self) -> None:
        self.station: Station = self.kit.open(PARTY, online=False, clock=lambda: self.now_ms)
        self.accounts = Accounts(self.station, self.table, self.hasher)

    async def restart(self) -> None:
        await self.station.close()
        self.open()

    async def first(self, role: Role, name: str) -> SignedIn:
        made = await self.accounts.administration.first_links(US)
        link = next(each for each in made if each.target.roles == {role})
        return await self.accounts.set_up(link.secret, name, f"{name}某", GOOD, address=HERE)

    async def log_in(
        self, name: str, password: str = GOOD, code: str = "", address: str = HERE
    ) -> SignedIn:
        return await self.accounts.log_in(name, password, code, address=address, language="zh_CN")

    async def acts(self, **wanted: Any) -> list[tuple[str, str, str]]:
        found = await self.accounts.administration.acts(US, Wanted(**wanted))
        return [(each["account"], each["action"], each["outcome"]) for each in reversed(found)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    kit = Kit(tmp_path)
    made = House(kit, OPEN, kit.region.now_ms)
    yield made
    await made.station.close()


async def test_the_first_administrators(house: House) -> None:
    administration = house.accounts.administration
    assert len(await administration.first_links(US, only_if_empty=True)) == 3
    made = await administration.first_links(US, only_if_empty=True)  # at the next start
    assert {role for each in made for role in each.target.roles} == ADMINS
    link = next(each for each in made if each.target.roles == {Role.SYSTEM_ADMIN})
    assert (await house.accounts.link(link.secret)) == link.target
    with pytest.raises(AccountPassword):
        await house.accounts.set_up(link.secret, "Bao", "宝音", "password1!", address=HERE)
    who = await house.accounts.set_up(link.secret, "Bao ", "宝音", GOOD, address=HERE)
    assert (who.account, who.person, who.roles) == ("bao", "宝音", {Role.SYSTEM_ADMIN})
    assert await house.accounts.signed_in(who.token) == who
    for again in (link.secret, "", "x" * 43):
        with pytest.raises(AccountLink):
            await house.accounts.set_up(again, "other", "其其格", GOOD, address=HERE)
    assert await administration.first_links(US, only_if_empty=True) == []
    rest = await administration.first_links(US)
    assert {role for each in rest for role in each.target.roles} == ADMINS - {Role.SYSTEM_ADMIN}


async def test_links_expire(house: House) -> None:
    (link, *_) = await house.accounts.administration.first_links(US)
    house.now_ms = link.target.expires_ms
    with pytest.raises(AccountLink):
        await house.accounts.link(link.secret)


async def test_log_in_and_out_over_a_restart(house: House) -> None:
    await house.first(Role.AUDITOR, "saru")
    who = await house.log_in(" SARU", GOOD)
    assert (who.account, who.language, who.second_factor) == ("saru", "zh_CN", False)
    assert who.csrf not in who.token
    await house.restart()
    assert await house.accounts.signed_in(who.token) == who
    await house.accounts.log_out(who.token)
    assert await house.accounts.signed_in(who.token) is None
    assert await house.accounts.signed_in("") is None
    await house.accounts.log_out(who.token)
    assert [each[1] for each in await house.acts(account="saru")] == ["set-up", "log-in", "log-out"]


async def test_sessions_end(house: House) -> None:
    who = await house.first(Role.AUDITOR, "saru")
    idle_ms, most_ms = OPEN.idle_s * 1_000, OPEN.session_s * 1_000
    house.now_ms += idle_ms - 1
    assert await house.accounts.signed_in(who.token)
    house.now_ms += idle_ms - 1  # since it was used last
    assert await house.accounts.signed_in(who.token)
    house.now_ms += idle_ms
    assert await house.accounts.signed_in(who.token) is None
    who, end_ms = await house.log_in("saru"), house.now_ms + most_ms
    while house.now_ms + idle_ms // 2 < end_ms:
        assert await house.accounts.signed_in(who.token)
        house.now_ms += idle_ms // 2
    house.now_ms = end_ms
    assert await house.accounts.signed_in(who.token) is None


async def test_nobody_learns_which_names_exist(house: House) -> None:
    """The same error and as many hashes for: an unknown name, a wrong password, a disabled account,
    one that was never set up, a password that is too long; and the same lock."""
    await house.first(Role.AUDITOR, "saru")
    await house.first(Role.SYSTEM_ADMIN, "bao")
    administration = house.accounts.administration
    await administration.create(US, "new", "新来的", "")
    await administration.disable(US, "bao")
    told = []
    for name, password in (
        ("nobody", GOOD),
        ("saru", OTHER),
        ("bao", GOOD),
        ("new", ""),
        ("", "x" * 100_000),
    ):
        house.hasher.verified = 0
        for attempt in range(ACCOUNT.steps[-1].failures):
            with pytest.raises(AccountRefused) as refused:
                await house.log_in(name, password, address=f"10.0.0.{attempt}")
            house.now_ms += 60_000
        with pytest.raises(AccountLocked) as locked:
            await house.log_in(name, password)
        wait_ms = int(str(locked.value.facts["until_ms"])) - house.now_ms
        told.append((str(refused.value), refused.value.facts, house.hasher.verified, wait_ms))
    assert all(each == told[0] for each in told)
    assert told[0][2] == ACCOUNT.steps[-1].failures
    assert ("saru", "lock", "done") in await house.acts(account="saru")
    noted = {each[0] for each in await house.acts(refused=True)}
    assert noted == {"", "saru", "bao", "new"}, "what was typed for a name is not kept"


async def test_attempts_at_once_are_all_charged(house: House) -> None:
    """A hundred guesses that come together are no more than one after the other."""
    await house.first(Role.AUDITOR, "saru")
    house.hasher.verified = 0
    guesses = [house.log_in("saru", f"Guess-number {each}") for each in range(100)]
    ends = await asyncio.gather(*guesses, return_exceptions=True)
    assert house.hasher.verified == ACCOUNT.steps[0].failures
    assert sum(isinstance(end, AccountLocked) for end in ends) == 100 - house.hasher.verified


async def test_a_second_factor(house: House) -> None:
    who = await house.first(Role.AUDITOR, "saru")
    shown = await house.accounts.begin_second_factor(who)
    assert shown.secret in shown.uri
    assert shown.uri.startswith("otpauth://totp/")
    totp = pyotp.TOTP(shown.secret)

    def code(steps: int = 0) -> str:
        return totp.at(house.now_ms // 1_000 + 30 * steps)

    with pytest.raises(AccountRefused):
        await house.accounts.confirm_second_factor(who, code(5))
    recovery = await house.accounts.confirm_second_factor(who, code())
    assert len(set(recovery)) == 10
    again = await house.accounts.signed_in(who.token)
    assert again is not None
    assert again.second_factor
    with pytest.raises(AccountCodeNeeded):
        await house.log_in("saru")
    with pytest.raises(AccountRefused):  # it was used to confirm
        await house.log_in("saru", code=code())
    assert (await house.log_in("saru", code=code(1))).second_factor
    with pytest.raises(AccountRefused):
        await house.log_in("saru", code=code(1))
    with pytest.raises(AccountRefused):  # an older one, within the drift, after a newer one
        await house.log_in("saru", code=code())
    house.now_ms += 60_000
    assert await house.log_in("saru", code=f" {code()[:3]} {code()[3:]} ")
    assert (await house.log_in("saru", code=recovery[0].upper())).second_factor
    with pytest.raises(AccountRefused):
        await house.log_in("saru", code=recovery[0])
    await house.restart()
    assert await house.log_in("saru", code=recovery[1].replace("-", " "))
    with pytest.raises(AccountRefused):  # the code alone is nothing
        await house.log_in("saru", OTHER, code=recovery[2])


async def test_acts_agree_with_the_journal(house: House) -> None:
    await house.first(Role.AUDITOR, "saru")
    await house.log_in("saru")
    count = len(await house.acts())
    assert await house.accounts.administration.verify_acts(US) == count
    found = await house.accounts.administration.acts(US, Wanted())
    assert [each["seq"] for each in found] == list(range(count))[::-1]
    assert count < acts.MAX_PAGE

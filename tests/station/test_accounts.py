"""Accounts at a station: log-in, sessions, set-up, second factors, and what nobody can tell."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest

from ortoo_protocol.core.accounts.lockout import ACCOUNT
from ortoo_protocol.core.accounts.roles import ADMINS, Role
from ortoo_protocol.core.errors import (
    AccountBusy,
    AccountCodeNeeded,
    AccountLink,
    AccountLocked,
    AccountPassword,
    AccountRefused,
)
from ortoo_protocol.station.accounts import hashing
from ortoo_protocol.station.accounts.settings import AccountsTable
from tests.support.account_house import GOOD, HERE, OPEN, OTHER, US, House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as made:
        yield made


async def test_the_first_administrators(house: House) -> None:
    administration = house.administration
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
    (link, *_) = await house.administration.first_links(US)
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
    administration = house.administration
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


async def test_a_new_password_ends_other_sessions(house: House) -> None:
    who = await house.first(Role.AUDITOR, "saru")
    other = await house.log_in("saru")
    with pytest.raises(AccountRefused):
        await house.accounts.change_password(who, OTHER, OTHER)
    with pytest.raises(AccountPassword):
        await house.accounts.change_password(who, GOOD, "Saru-2026-Saru")
    await house.accounts.change_password(who, GOOD, OTHER)
    assert await house.accounts.signed_in(who.token)
    assert await house.accounts.signed_in(other.token) is None
    with pytest.raises(AccountRefused):
        await house.log_in("saru", GOOD)
    assert await house.log_in("saru", OTHER)


async def test_an_open_session_is_no_way_to_try_passwords(house: House) -> None:
    who = await house.first(Role.AUDITOR, "saru")
    for _ in range(ACCOUNT.steps[0].failures):
        with pytest.raises(AccountRefused):
            await house.accounts.change_password(who, OTHER, OTHER)
    with pytest.raises(AccountLocked):
        await house.accounts.change_password(who, GOOD, OTHER)


async def test_passwords_grow_old(house: House) -> None:
    who = await house.first(Role.AUDITOR, "saru")
    house.rule(AccountsTable(second_factor=OPEN.second_factor, password_days=90))
    assert not who.must_change_password
    house.now_ms += 91 * 86_400_000
    who = await house.log_in("saru")
    assert who.must_change_password
    await house.accounts.change_password(who, GOOD, OTHER)
    again = await house.accounts.signed_in(who.token)
    assert again is not None
    assert not again.must_change_password


async def test_hashes_of_other_parameters_are_made_anew(house: House) -> None:
    """And nobody's hash has the parameters of everybody's."""
    from argon2 import extract_parameters

    await house.first(Role.AUDITOR, "saru")
    hasher = house.hasher
    assert extract_parameters(hasher.nobodys) == extract_parameters(await hasher.make(GOOD))
    (before,) = await house.administration.listed(US)
    house.hasher._cost = hashing.Cost(rounds=2, memory_kib=64, lanes=1)
    del house.hasher._argon2
    await house.log_in("saru")
    (after,) = await house.administration.listed(US)
    assert before.password != after.password
    assert not house.hasher.is_outdated(after.password)
    assert extract_parameters(hashing.Hasher().nobodys).memory_cost == 65_536


async def test_no_more_wait_than_can_be_served(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is turned away has not failed."""
    await house.first(Role.AUDITOR, "saru")
    monkeypatch.setattr(hashing, "MOST_WAITING", 0)
    for _ in range(2 * ACCOUNT.steps[-1].failures):
        with pytest.raises(AccountBusy):
            await house.log_in("saru")
    monkeypatch.undo()
    assert await house.log_in("saru")


async def test_the_language_of_a_session(house: House) -> None:
    """The one it began in: another one is a cookie's matter."""
    await house.first(Role.AUDITOR, "saru")
    who = await house.accounts.log_in("saru", GOOD, "", address=HERE, language="en")
    again = await house.accounts.signed_in(who.token)
    assert again is not None
    assert again.language == who.language == "en"


def test_stations_without_a_console_do_not_load_it() -> None:
    code = (
        "import sys, ortoo_node.daemon, ortoo_hub.daemon\n"
        "print([m for m in ('argon2', 'pyotp', 'joserfc') if m in sys.modules])"
    )
    top = Path(__file__).parents[2]
    path = os.pathsep.join(str(top / part) for part in ("protocol", "hub", "node"))
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert ended.stdout.strip() == "[]"

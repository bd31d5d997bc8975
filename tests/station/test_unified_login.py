"""Unified login: with a provider that others wrote, in its own process, and with one that lies."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from joserfc.jwk import RSAKey
from msgspec.structs import replace

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.accounts.sessions import FactorPolicy
from ortoo_protocol.core.errors import (
    AccountCodeNeeded,
    AccountForbidden,
    AccountRefused,
    AccountTaken,
    AccountUnbound,
    AccountUnified,
    SettingsValue,
)
from ortoo_protocol.station.accounts import unified
from ortoo_protocol.station.accounts.desk import SignedIn
from ortoo_protocol.station.accounts.settings import (
    AccountsTable,
    UnifiedTable,
    check_accounts,
)
from ortoo_protocol.station.accounts.unified import UnifiedLogin
from ortoo_protocol.station.settings import write_secret
from tests.support.account_house import HERE, US, House, open_house
from tests.support.identity_provider import (
    CLIENT,
    SECRET,
    IdentityProvider,
    identity_provider,
)

REDIRECT = "https://ortoo.example/sign-in/unified"


class Door:
    """The unified login of a house, with a browser that is told what to bring back."""

    def __init__(self, house: House, provider: IdentityProvider, table: UnifiedTable) -> None:
        self.house, self.provider, self.table = house, provider, table
        self.login = UnifiedLogin(house.accounts, table)

    async def come(self, subject: str = "u1", **changed: str) -> SignedIn:
        begun = await self.login.begin()
        params = {**self.provider.agree(begun.url, subject), **changed}
        return await self.finish(params, begun.state)

    async def finish(self, params: dict[str, str], state: str) -> SignedIn:
        return await self.login.finish(params, state, address=HERE, language="zh_CN")

    async def refused(self, **changed: str) -> str:
        with pytest.raises(AccountUnified) as refused:
            await self.come(**changed)
        return str(refused.value.facts["detail"])


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    secret = tmp_path / "secret"
    write_secret(secret, SECRET)
    async with identity_provider() as provider, open_house(tmp_path) as house:
        provider.now_s = house.now_ms // 1_000
        table = UnifiedTable(
            issuer=provider.issuer, client_id=CLIENT, redirect=REDIRECT, secret_file=secret
        )
        made = Door(house, provider, table)
        await house.person("wu", Role.COMPILER)
        await house.administration.bind(US, "wu", f"{provider.issuer} u1")
        yield made
        await made.login.close()


async def test_a_bound_account_is_opened(door: Door) -> None:
    who = await door.come()
    assert (who.account, who.roles, who.second_factor) == ("wu", {Role.COMPILER}, False)
    assert await door.house.accounts.signed_in(who.token) == who
    assert ("wu", "log-in-unified", "done") in await door.house.acts(account="wu")
    await door.come()
    assert door.provider.asked == ["about", "keys"], "kept, not asked for again"


async def test_nobody_else_is_let_in_and_none_is_made(door: Door) -> None:
    with pytest.raises(AccountUnbound) as unbound:
        await door.come("u2")
    assert unbound.value.facts == {"subject": f"{door.provider.issuer} u2"}
    assert len(await door.house.administration.listed(US)) == 1
    await door.house.administration.create(US, "other", "别人", "")
    with pytest.raises(AccountTaken):
        await door.house.administration.bind(US, "other", f"{door.provider.issuer} u1")
    await door.house.administration.bind(US, "wu", "u1")  # of no issuer
    with pytest.raises(AccountUnbound):
        await door.come()
    await door.house.administration.bind(US, "wu", f"{door.provider.issuer} u1")
    await door.house.administration.disable(US, "wu")
    with pytest.raises(AccountUnbound):
        await door.come()
    who = await door.house.person("plain", Role.COMPILER)
    with pytest.raises(AccountForbidden):
        await door.house.administration.bind(who, "other", f"{door.provider.issuer} u1")


@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": 1}, "exp"),
        ({"exp": None}, "exp"),
        ({"iat": 1 << 40}, "iat"),
        ({"iat": None}, "iat"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
    ],
)
async def test_claims_that_are_not_right(door: Door, claims: dict[str, Any], detail: str) -> None:
    door.provider.claims = claims
    assert await door.refused() == detail
    door.provider.claims = {}
    assert await door.come()


async def test_signatures_of_others(door: Door) -> None:
    provider, own = door.provider, door.provider.signing
    provider.signing = RSAKey.generate_key(2048, {"kid": "1"})
    assert await door.refused() == "bad_signature"
    provider.header = {"alg": "none"}
    assert await door.refused() != ""
    provider.header = {"alg": "HS256", "kid": "1"}  # its public key as a shared secret
    assert await door.refused() != ""
    provider.header, provider.signing = {"alg": "RS256", "kid": "1"}, own
    assert await door.come()


async def test_a_new_key_is_looked_for_and_not_too_often(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = door.provider
    await door.come()
    provider.signing = RSAKey.generate_key(2048, {"kid": "2"})
    provider.header = {"alg": "RS256", "kid": "2"}
    provider.published.append(provider.signing)
    assert await door.refused() != "", "looked for within the last minute"
    assert provider.asked.count("keys") == 1
    started_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started_s + 61)
    who = await door.come()
    monkeypatch.undo()
    assert who.account == "wu"
    assert provider.asked.count("keys") == 2


async def test_states_are_of_one_browser_and_of_now(door: Door) -> None:
    assert await door.refused(state="another") == "state"
    assert await door.refused(iss="https://elsewhere.example") == "iss"
    assert await door.refused(code="") == "code"
    assert await door.refused(code="", error="access_denied") == "access_denied"
    mine, other = await door.login.begin(), await door.login.begin()
    params = door.provider.agree(mine.url, "u1")
    for state in (other.state, "", "x", mine.state[:-8] + "AAAAAAAA", "é"):
        with pytest.raises(AccountUnified):
            await door.finish(params, state)
    door.house.now_ms += unified.LOGIN_MS
    with pytest.raises(AccountUnified) as late:
        await door.finish(params, mine.state)
    assert late.value.facts["detail"] == "too late"
    door.house.now_ms -= unified.LOGIN_MS
    assert await door.finish(params, mine.state)
    with pytest.raises(AccountUnified) as again:  # a code works once
        await door.finish(params, mine.state)
    assert again.value.facts["detail"] == "HTTP 400"


async def test_a_code_without_its_verifier_is_nothing(door: Door) -> None:
    """Somebody else's code, put into one's own login."""
    theirs, mine = await door.login.begin(), await door.login.begin()
    stolen = door.provider.agree(theirs.url, "u1")
    params = {**door.provider.agree(mine.url, "u2"), "code": stolen["code"]}
    with pytest.raises(AccountUnified):
        await door.finish(params, mine.state)


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": 7},
    ],
)
async def test_a_provider_that_says_strange_things_of_itself(
    door: Door, metadata: dict[str, Any]
) -> None:
    door.provider.metadata = metadata
    assert await door.refused() == "discovery"


async def test_the_own_second_factor_after_it(door: Door) -> None:
    who = await door.come()
    shown = await door.house.accounts.begin_second_factor(who)
    code = pyotp.TOTP(shown.secret).at(door.house.now_ms // 1_000)
    recovery = await door.house.accounts.confirm_second_factor(who, code)
    with pytest.raises(AccountCodeNeeded) as needed:
        await door.come()
    pending = str(needed.value.facts["pending"])
    with pytest.raises(AccountRefused):
        await door.login.finish_code(pending, code, address=HERE, language="en")
    done = await door.login.finish_code(pending, recovery[0], address=HERE, language="en")
    assert done.second_factor
    begun = await door.login.begin()
    for state in (begun.state, "", pending[:-8] + "AAAAAAAA"):
        with pytest.raises(AccountUnified):
            await door.login.finish_code(state, recovery[1], address=HERE, language="en")
    with pytest.raises(AccountUnified):  # what is pending is no login that has begun
        await door.finish({"state": "", "code": "x"}, pending)


async def test_the_providers_second_factor(door: Door) -> None:
    door.house.rule(AccountsTable(second_factor=FactorPolicy.ALL))
    for word, factors in (("here", (False, True)), ("provider", (True, False))):
        await door.login.close()
        door.login = UnifiedLogin(door.house.accounts, replace(door.table, second_factor=word))
        who = await door.come()
        assert (who.second_factor, who.must_set_second_factor) == factors


@pytest.mark.parametrize("key", ["issuer", "redirect"])
def test_addresses_are_not_read_on_the_way(key: str) -> None:
    good = {"issuer": "https://sso.example", "redirect": REDIRECT}
    check_accounts("x", AccountsTable(unified=UnifiedTable(client_id="c", **good)))
    bad = UnifiedTable(client_id="c", **{**good, key: "http://sso.example"})
    with pytest.raises(SettingsValue):
        check_accounts("x", AccountsTable(unified=bad))


# --- a provider that others wrote ---------------------------------------------------------------


@pytest.fixture
def others_provider() -> Iterator[str]:
    """`oidc-provider-mock` (Authlib's server) in a process of its own; its issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("oidc-provider-mock")
    command = [str(program), "--port", str(port), "--require-nonce", "true"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    ) as process:
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def test_a_real_provider(tmp_path: Path, others_provider: str) -> None:
    async with open_house(tmp_path) as house, httpx.AsyncClient() as browser:
        house.now_ms = time.time_ns() // 1_000_000
        await house.person("wu", Role.COMPILER)
        await house.administration.bind(US, "wu", f"{others_provider} 乌云")
        secret = tmp_path / "secret"
        write_secret(secret, SECRET)
        table = UnifiedTable(
            issuer=others_provider, client_id=CLIENT, redirect=REDIRECT, secret_file=secret
        )
        login = UnifiedLogin(house.accounts, table)
        begun = await _until_it_answers(login)
        answer = await browser.post(begun.url, data={"sub": "乌云"})
        assert answer.status_code == 302
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == REDIRECT
        params = {name: values[0] for name, values in parse_qs(back.query).items()}
        who = await login.finish(params, begun.state, address=HERE, language="zh_CN")
        assert who.account == "wu"
        denied = await login.begin()
        answer = await browser.post(denied.url, data={"action": "deny"})
        back = urlsplit(answer.headers["location"])
        params = {name: values[0] for name, values in parse_qs(back.query).items()}
        with pytest.raises(AccountUnified):
            await login.finish(params, denied.state, address=HERE, language="zh_CN")
        await login.close()


async def _until_it_answers(login: UnifiedLogin) -> unified.Begun:
    end_s = time.monotonic() + 60
    while True:
        try:
            return await login.begin()
        except AccountUnified:
            if time.monotonic() > end_s:
                raise
            await asyncio.sleep(0.1)

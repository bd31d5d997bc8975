"""A station with its console on a real port, and browsers before it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from playwright.async_api import BrowserContext, async_playwright

from ortoo_node.console.making import console_of
from ortoo_protocol.console.application import application
from ortoo_protocol.console.console import Console
from ortoo_protocol.console.listener import Listener, Place
from ortoo_protocol.console.page import cookie_name
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.accounts.sessions import FactorPolicy
from ortoo_protocol.station.accounts import keeping, links
from ortoo_protocol.station.accounts.desk import Accounts
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import ConsoleTable
from tests.node.kit import Node

CHROMIUM = "/usr/bin/chromium"
PASSWORD = "Horse-Battery-7"
NO_FACTOR = AccountsTable(second_factor=FactorPolicy.NONE)
_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class House:
    """A console on a port, and the accounts of its station or hub."""

    listener: Listener
    accounts: Accounts
    console: Console
    tokens: dict[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def url(self) -> str:
        return self.listener.url

    async def person(self, account: str, person: str, *roles: Role) -> None:
        """Somebody with a password and these roles."""

        def make(tx: Tx) -> str:
            keeping.create(tx, account, person, "", "test")
            keeping.give_roles(tx, account, [role.value for role in roles], "test")
            return links.for_account(tx, account, 3_600).secret

        secret = await self.accounts.station.write(make)
        await self.accounts.set_up(secret, account, person, PASSWORD, address="test")

    async def known(self, account: str, person: str, *roles: Role) -> None:
        """As `person`, signed in already: without a password, which costs time."""

        def begin(tx: Tx) -> str:
            keeping.create(tx, account, person, "", "test")
            found = keeping.give_roles(tx, account, [role.value for role in roles], "test")
            return self.accounts.open(tx, found, "", "", "log-in", second_factor=False).token

        self.tokens[account] = await self.accounts.station.write(begin)

    @asynccontextmanager
    async def visitor(self, account: str = "", **more: Any) -> AsyncIterator[Visitor]:
        more.setdefault("timeout", 60)  # a loaded machine is not what is tested
        token = self.tokens.get(account)
        if token is not None:
            more["cookies"] = {cookie_name(self.console): token}
        async with httpx.AsyncClient(base_url=self.url, **more) as client:
            visitor = Visitor(client)
            if token is not None:
                await visitor.get("/")
            elif account:
                await visitor.sign_in(account)
            yield visitor


@dataclass
class Front(House):
    """The console of `node`."""

    node: Node


@asynccontextmanager
async def opened(console: Console) -> AsyncIterator[Listener]:
    """`console` on a port that is free."""
    place = Place("127.0.0.1", 0)
    listener = Listener("console", application(console), place, console.closing.set, console.close)
    listener.open()
    running = asyncio.create_task(listener.run())
    try:
        yield listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        listener.close()


@asynccontextmanager
async def front(node: Node, accounts: AccountsTable = NO_FACTOR) -> AsyncIterator[Front]:
    """Its console, beside `node` that runs."""
    settings = msgspec.structs.replace(node.app.settings, console=ConsoleTable(), accounts=accounts)
    desk = Accounts(node.app.station, accounts)
    console = console_of(node.app, settings, desk, node.methods, "test")
    async with opened(console) as listener:
        yield Front(listener, desk, console, node)


@asynccontextmanager
async def browser(**context: Any) -> AsyncIterator[BrowserContext]:
    """A real one, of Debian's."""
    async with async_playwright() as driver:
        started = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield await started.new_context(**{"locale": "zh-CN", **context})
        finally:
            await started.close()


@dataclass
class Visitor:
    """A browser without a screen: cookies and forms, no scripts."""

    client: httpx.AsyncClient
    pages: list[str] = field(default_factory=list)

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:2000]}"
        self.pages.append(answer.text)
        return answer.text

    async def post(self, path: str, status: int = 303, **typed: Any) -> httpx.Response:
        """Send a form, with the token of the page that was seen last and had one."""
        tokens = (_CSRF.findall(each) for each in reversed(self.pages))
        found = next(filter(None, tokens), [])
        csrf = {"csrf": found[-1]} if found else {}
        answer = await self.client.post(
            path, data={**csrf, **typed}, headers={"sec-fetch-site": "same-origin"}
        )
        said = answer.text.partition("<h1")[2] or answer.text
        assert answer.status_code == status, f"{path}: {answer.status_code} {said[:2000]}"
        self.pages.append(answer.text)
        return answer

    async def sign_in(self, account: str, password: str = PASSWORD) -> None:
        await self.post("/sign-in", name=account, password=password)
        await self.get("/")

"""Every page of the menu, and what it leads to, in a real browser: axe, sizes, narrow screens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ortoo_hub.console import making as hub
from ortoo_node.console import making as node
from ortoo_protocol.console.console import Section
from ortoo_protocol.core.accounts.roles import Role, rights
from tests.console.hub_kit import region
from tests.console.kit import Front, House, front
from tests.console.looking import MOST_BYTES, PHONE, Looker, looker, screens
from tests.federation.exchange import CODE, DEPARTMENT, Exchange, exchange
from tests.node.kit import FORM

OFFICIALS = (
    Role.COMPILER,
    Role.SECRECY_REVIEWER,
    Role.APPROVER,
    Role.SUBSCRIBER,
    Role.CONTACT,
    Role.SYSTEM_ADMIN,
)
Accounts = Mapping[str, tuple[str, tuple[Role, ...]]]
ADMINS: Accounts = {"bao": ("宝音", (Role.SECURITY_ADMIN,)), "li": ("李静", (Role.AUDITOR,))}
AT_STATION: Accounts = {"wang": ("王芳", OFFICIALS), **ADMINS}
AT_HUB: Accounts = {
    "zhao": ("赵敏", (Role.APPROVER,)),
    "qian": ("钱进", (Role.SYSTEM_ADMIN,)),
    "sun": ("孙立", (Role.COMPILER, Role.CONTACT)),
    **ADMINS,
}
OWN_PAGES = ("/account",)
# What stands for one thing of many: two letters that differ there alone have the same page.
_ONE_OF_MANY = re.compile(r"[0-9a-f]{16,}|[0-9]+")
# Papers and downloads are no pages of the console.
_OTHER = re.compile(r"/(papers|attachments|download|export|static|language)(/|$)|\.[a-z]{2,5}$")


def who_sees(section: Section, accounts: Accounts) -> str:
    return next(name for name, (_, roles) in accounts.items() if section.right in rights(roles))


@asynccontextmanager
async def lived_in(folder: Path) -> AsyncIterator[tuple[Front, Exchange]]:
    """The provider's console: a grant, a request that waits, one refused, rows that were read."""
    async with exchange(folder) as made, front(made.provider) as console:
        for name, (person, roles) in AT_STATION.items():
            await console.person(name, person, *roles)
        await made.subscribe()
        await made.equal()
        await made.reader.call(
            "request.apply", resource=CODE, department=DEPARTMENT, **{**FORM, "purpose": "复核"}
        )
        yield console, made


async def links(somebody: Looker) -> list[str]:
    """Paths that the page's own part leads to, one of each shape."""
    found = (
        await somebody.page.get_by_role("main")
        .get_by_role("link")
        .evaluate_all(
            "(links) => links.filter((a) => !a.hasAttribute('download'))"
            ".map((a) => new URL(a.getAttribute('href'), location.href).href)"
        )
    )
    return [each.removeprefix(somebody.front.url) for each in found]


def shape(path: str) -> str:
    """What all pages of one kind have in common."""
    return _ONE_OF_MANY.sub("…", urlsplit(path).path)


def name_of(path: str) -> str:
    plain = _ONE_OF_MANY.sub("one", urlsplit(path).path)
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-") or "today"


@pytest.mark.timeout(600)
async def test_every_page_of_a_station_is_light_fits_a_phone_and_is_for_everybody(
    tmp_path: Path,
) -> None:
    """axe: WCAG's rules on contrast, names, labels, order of headings."""
    async with lived_in(tmp_path) as (console, _):
        faults = await walk(console, node.MENU, AT_STATION, "station")
    assert not faults, "\n".join(faults)


async def test_every_page_of_a_hub_is_light_fits_a_phone_and_is_for_everybody(
    tmp_path: Path,
) -> None:
    async with region(tmp_path) as (_, console):
        for name, (person, roles) in ADMINS.items():
            await console.person(name, person, *roles)
        faults = await walk(console, hub.MENU, AT_HUB, "hub")
    assert not faults, "\n".join(faults)


async def walk(console: House, menu: Sequence[Section], accounts: Accounts, of: str) -> list[str]:
    """Everybody looks at what is theirs, and at what that leads to: what is wrong with it."""
    faults: list[str] = []
    seen: set[str] = set()
    async with screens() as started:
        for account in accounts:
            own = [each.path for each in menu if who_sees(each, accounts) == account]
            waiting = [*own, *OWN_PAGES]
            async with looker(started, console, account) as somebody:
                while waiting:
                    path = waiting.pop(0)
                    if shape(path) in seen or _OTHER.search(urlsplit(path).path):
                        continue
                    seen.add(shape(path))
                    faults += await look_at(somebody, path, of)
                    if path in own:
                        waiting += await links(somebody)
    assert {shape(each.path) for each in menu} <= seen
    return faults


async def look_at(somebody: Looker, path: str, of: str) -> list[str]:
    """What is wrong with one page."""
    page, name = somebody.page, f"{of}-{name_of(path)}"
    took = await somebody.go(path)
    faults = [f"{took} bytes"] if took > MOST_BYTES else []
    assert took > 0
    faults += await somebody.findings()
    await somebody.picture(f"{name}-light")
    await page.emulate_media(color_scheme="dark")
    viewport = page.viewport_size
    assert viewport is not None
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    await page.evaluate("() => new Promise((drawn) => requestAnimationFrame(drawn))")
    faults += ["wider than a phone"] if await somebody.wider_than_the_screen() else []
    faults += [f"phone, dark: {each}" for each in await somebody.findings()]
    await somebody.picture(f"{name}-phone-dark")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(viewport)
    return [f"{path}: {each}" for each in faults]

"""Every page that the menu leads to in three steps, in a real browser: axe, sizes, narrow screens.

`--every-look` looks in the dark and with axe on a phone as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ortoo_hub.console import making as hub
from ortoo_node.console import making as node
from ortoo_protocol.console.console import Section
from ortoo_protocol.core.accounts.roles import Role, rights
from tests.console.hub_kit import region
from tests.console.kit import Front, House, front
from tests.console.looking import MOST_BYTES, PHONE, Looker, looker, screens
from tests.console.paths import leading, name_of, new_shapes, shape
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
DEPTH = 2  # from the menu: a list, one of it, and what that leads to


def who_sees(section: Section, accounts: Accounts) -> str:
    return next(name for name, (_, roles) in accounts.items() if section.right in rights(roles))


@asynccontextmanager
async def lived_in(folder: Path) -> AsyncIterator[tuple[Front, Exchange]]:
    """The provider's console: a grant, a request that waits, one refused, rows that were read."""
    async with exchange(folder) as made, front(made.provider) as console:
        for name, (person, roles) in AT_STATION.items():
            await console.known(name, person, *roles)
        await made.subscribe()
        await made.equal()
        await made.reader.call(
            "request.apply", resource=CODE, department=DEPARTMENT, **{**FORM, "purpose": "复核"}
        )
        yield console, made


@pytest.mark.timeout(600)
async def test_every_page_of_a_station_is_light_fits_a_phone_and_is_for_everybody(
    tmp_path: Path, every_look: bool
) -> None:
    """axe: WCAG's rules on contrast, names, labels, order of headings."""
    async with lived_in(tmp_path) as (console, _):
        faults = await walk(console, node.MENU, AT_STATION, "station", every_look=every_look)
    assert not faults, "\n".join(faults)


async def test_every_page_of_a_hub_is_light_fits_a_phone_and_is_for_everybody(
    tmp_path: Path, every_look: bool
) -> None:
    async with region(tmp_path) as (_, console):
        for name, (person, roles) in ADMINS.items():
            await console.known(name, person, *roles)
        faults = await walk(console, hub.MENU, AT_HUB, "hub", every_look=every_look)
    assert not faults, "\n".join(faults)


async def walk(
    console: House, menu: Sequence[Section], accounts: Accounts, of: str, *, every_look: bool
) -> list[str]:
    """Everybody looks at what is theirs, and at what that leads to: what is wrong with it."""
    faults: list[str] = []
    seen: set[str] = set()
    async with screens() as started, looker(started, console) as somebody:
        for account in accounts:
            await somebody.become(account)
            own = [each.path for each in menu if who_sees(each, accounts) == account]
            waiting = [(path, 0) for path in new_shapes([*own, *OWN_PAGES], seen)]
            while waiting:
                path, depth = waiting.pop(0)
                faults += await look_at(somebody, path, of, every_look=every_look)
                if depth < DEPTH:
                    led = leading(await somebody.page.content())
                    found = new_shapes(led, seen, every_form=every_look)
                    waiting += [(each, depth + 1) for each in found]
    assert {shape(each.path) for each in menu} <= seen
    return faults


async def look_at(somebody: Looker, path: str, of: str, *, every_look: bool) -> list[str]:
    """What is wrong with one page. `every_look`: in the dark and on a phone as well, where the same
    template seldom differs."""
    page, name = somebody.page, f"{of}-{name_of(path)}"
    took = await somebody.go(path)
    faults = [f"{took} bytes"] if took > MOST_BYTES else []
    assert took > 0
    faults += await somebody.findings()
    await somebody.picture(f"{name}-light")
    viewport = page.viewport_size
    assert viewport is not None
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    if every_look:
        await page.emulate_media(color_scheme="dark")
    await page.evaluate("() => new Promise((drawn) => requestAnimationFrame(drawn))")
    faults += ["wider than a phone"] if await somebody.wider_than_the_screen() else []
    if every_look:
        faults += [f"phone, dark: {each}" for each in await somebody.findings()]
        await somebody.picture(f"{name}-phone-dark")
        await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(viewport)
    return [f"{path}: {each}" for each in faults]

"""The affair of a share request in a real browser, by clicks, on two stations and their hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator

from ortoo_protocol.core.accounts.roles import Role
from tests.console.kit import PASSWORD, Front, front
from tests.console.looking import DESKTOP, PHONE, Looker, looker, screens
from tests.federation.exchange import CODE, exchange
from tests.node.kit import FORM

APPLICATION = {
    "Codes of the resources": CODE,
    "Purpose": FORM["purpose"],
    "Legal basis": FORM["basis"],
    "Scenario of use": FORM["scenario"],
    "Approver (负责人)": "申请审批人",
}
MOST_TABS = 120


@dataclass
class Desks:
    """The consoles of both sides, and a browser."""

    provider: Front
    reader: Front
    screens: BrowserContext


@asynccontextmanager
async def desks(folder: Path) -> AsyncIterator[Desks]:
    async with (
        exchange(folder, granted=False) as made,
        front(made.provider) as provider,
        front(made.reader) as reader,
        screens() as started,
    ):
        await provider.person("wang", "王芳", Role.APPROVER)
        await reader.person("bao", "宝音", Role.SUBSCRIBER)
        yield Desks(provider, reader, started)


Screen = tuple[str, Mapping[str, int]]
CHINESE_DESK: Screen = ("zh_CN", DESKTOP)
CHINESE_PHONE: Screen = ("zh_CN", PHONE)
ENGLISH_DESK: Screen = ("en", DESKTOP)
ENGLISH_PHONE: Screen = ("en", PHONE)


@pytest.mark.parametrize(
    ("asking", "answering"),
    [(CHINESE_DESK, ENGLISH_PHONE), (CHINESE_PHONE, ENGLISH_DESK), (ENGLISH_PHONE, CHINESE_DESK)],
    ids=["desk-phone", "phone-desk", "english-chinese"],
)
async def test_a_request_is_made_and_answered_by_clicks(
    tmp_path: Path, asking: Screen, answering: Screen
) -> None:
    """Each side in its own language, on its own screen."""
    async with (
        desks(tmp_path) as made,
        at_screen(made, made.reader, "bao", asking) as applicant,
        at_screen(made, made.provider, "wang", answering) as provider,
    ):
        case = await apply(applicant)
        await answer(provider, case, "Grant")
        for each in (provider, applicant):
            await each.reads(f"/cases/{case}", each.t("granted"))
            await each.section("Grants")
            rows = each.page.get_by_role("row").filter(has_text="低保对象名单")
            await rows.get_by_role("link").click()
            assert each.t("active") in await each.page.get_by_role("main").inner_text()
            assert not await each.wider_than_the_screen()

        withdrawn = await apply(applicant)
        await applicant.follow("Withdraw")
        await applicant.fill({"Reason": "不再需要"})
        await applicant.press("Withdraw")
        await applicant.done("Withdraw")
        await provider.reads(f"/cases/{withdrawn}", provider.t("withdrawn"))

        refused = await apply(applicant)
        await answer(provider, refused, "Refuse")
        await applicant.reads(f"/cases/{refused}", applicant.t("refused"))
        assert "用途不明" in await applicant.page.get_by_role("main").inner_text()


def at_screen(
    made: Desks, where: Front, account: str, screen: Screen
) -> AbstractAsyncContextManager[Looker]:
    language, viewport = screen
    return looker(made.screens, where, account, language=language, viewport=viewport)


async def apply(applicant: Looker) -> str:
    """From the page of requests; the new case."""
    await applicant.section("Requests")
    await applicant.follow("Apply for data")
    await applicant.fill(APPLICATION)
    await applicant.labelled("Department that asks").select_option(index=1)
    await applicant.press("Apply for data")
    await applicant.done("Apply for data")
    return applicant.page.url.rpartition("/cases/")[2].partition("?")[0]


async def answer(provider: Looker, case: str, how: str) -> None:
    await provider.reads("/cases", case[:10])
    await provider.section("Requests")
    await provider.page.locator(f'a[href="/cases/{case}"]').click()
    await provider.follow(how)
    if how == "Grant":
        for box in await provider.page.get_by_role("checkbox").all():
            await box.check()
    else:
        await provider.fill({"Reason": "用途不明"})
    await provider.fill({"Handler (经办人)": "经办人"})
    await provider.press(how)
    await provider.done(how)


async def test_signing_in_and_an_application_need_no_mouse(tmp_path: Path) -> None:
    async with desks(tmp_path) as made, looker(made.screens, made.reader) as applicant:
        page, keys, t = applicant.page, applicant.page.keyboard, applicant.t
        await applicant.go("/sign-in")
        await keys.type("bao")
        await keys.press("Tab")
        await keys.type(PASSWORD)
        await keys.press("Enter")
        await page.wait_for_url(f"{made.reader.url}/")

        await keys.press("Tab")
        await keys.press("Enter")  # past header and menu
        assert await page.evaluate("document.activeElement.id") == "main"
        await tab_to(applicant, page.get_by_role("link", name=t("Requests"), exact=True))
        await keys.press("Enter")
        await tab_to(applicant, page.get_by_role("link", name=t("Apply for data"), exact=True))
        await keys.press("Enter")
        for label, value in APPLICATION.items():
            await tab_to(applicant, applicant.labelled(label))
            await keys.type(value)
            if label == "Codes of the resources":
                await tab_to(applicant, applicant.labelled("Department that asks"))
                await keys.press("ArrowDown")
        await tab_to(applicant, page.get_by_role("button", name=t("Apply for data")))
        await keys.press("Enter")
        await applicant.done("Apply for data")


async def test_one_browser_is_signed_in_at_two_consoles_of_one_machine(tmp_path: Path) -> None:
    """Browsers send cookies to every port of a machine."""
    async with desks(tmp_path) as made, looker(made.screens, made.reader, "bao") as applicant:
        there = Looker(made.provider, await applicant.page.context.new_page(), applicant.t)
        await there.sign_in("wang")
        await applicant.go("/cases")
        assert "宝音" in await applicant.page.get_by_role("banner").inner_text()


async def tab_to(somebody: Looker, wanted: Locator) -> None:
    """With the Tab key alone, round the page if need be; what has the focus must be seen."""
    await wanted.wait_for()
    for _ in range(MOST_TABS):
        if await wanted.evaluate("(element) => element === document.activeElement"):
            outline = await wanted.evaluate("(element) => getComputedStyle(element).outlineStyle")
            assert outline != "none", "nothing shows where the keyboard is"
            return
        await somebody.page.keyboard.press("Tab")
    raise AssertionError("the Tab key does not lead there")

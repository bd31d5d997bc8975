"""What a browser shows of a console, and what it must not: errors, requests to elsewhere, heavy
pages, pages that are wider than the screen, findings of axe."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    ViewportSize,
)

from ortoo_protocol.console.page import LANGUAGE_COOKIE, cookie_name
from ortoo_protocol.i18n import Translator, translator
from tests.console.kit import PASSWORD, House, browser

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "var" / "screenshots"
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
MOST_BYTES = 250_000
GRAVE = ("serious", "critical")


@dataclass
class Looker:
    """Somebody before a screen, signed in at `front` or about to."""

    front: House
    page: Page
    t: Translator
    wrong: list[str] = field(default_factory=list)
    _bytes: int = 0

    async def go(self, path: str) -> int:
        """How many bytes the page took in all, as if nothing of it were in the browser's cache."""
        self._bytes = 0
        answer = await self.page.goto(self.front.url + path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return self._bytes

    async def sign_in(self, account: str) -> None:
        await self.go("/sign-in")
        await self.page.get_by_label(self.t("Account"), exact=True).fill(account)
        await self.page.get_by_label(self.t("Password"), exact=True).fill(PASSWORD)
        await self.press("Sign in")
        await self.page.wait_for_url(f"{self.front.url}/")

    async def become(self, account: str) -> None:
        """Signed in without the form, as somebody `known`."""
        token = self.front.tokens[account]
        name = cookie_name(self.front.console)
        await self.page.context.add_cookies([{"name": name, "value": token, "url": self.front.url}])

    async def section(self, title: str) -> None:
        """Through the menu, as people go; on a narrow screen it has to be unfolded."""
        menu = self.page.get_by_role("navigation", name=self.t("Sections"))
        fold = menu.locator("summary")
        if await fold.is_visible():
            await fold.click()
        await menu.get_by_role("link", name=self.t(title), exact=True).click()

    async def follow(self, title: str) -> None:
        """A link of the page itself."""
        main = self.page.get_by_role("main")
        await main.get_by_role("link", name=self.t(title), exact=True).click()

    async def press(self, title: str) -> None:
        main = self.page.get_by_role("main")
        await main.get_by_role("button", name=self.t(title), exact=True).click()

    async def fill(self, typed: Mapping[str, str]) -> None:
        """By labels."""
        for label, value in typed.items():
            await self.labelled(label).fill(value)

    def labelled(self, label: str) -> Locator:
        return self.page.get_by_label(re.compile(rf"^{re.escape(self.t(label))}( \*)?$"))

    async def done(self, title: str) -> None:
        """The page says that it was done."""
        said = self.page.get_by_role("status")
        await said.filter(has_text=self.t("Done: {what}", what=self.t(title))).wait_for()

    async def reads(self, path: str, text: str) -> None:
        """Look at `path` again until it says `text`: what others do takes a moment to arrive."""
        for _ in range(200):
            answer = await self.page.goto(self.front.url + path)
            if answer is not None and answer.ok:
                body = await self.page.get_by_role("main").inner_text()
                if text in body:
                    return
            await self.page.wait_for_timeout(50)
        raise AssertionError(f"{path} does not say {text}")

    async def findings(self) -> list[str]:
        """What axe holds against the page as it stands: rule, weight, the first element."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await self.page.evaluate(
            "() => axe.run(document, {resultTypes: ['violations']})"
        )
        return [
            f"{one['id']} ({one['impact']}): {one['help']}: {one['nodes'][0]['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in GRAVE
        ]

    async def wider_than_the_screen(self) -> bool:
        return bool(
            await self.page.evaluate(
                "() => document.scrollingElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    async def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def _console(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.wrong.append(f"{self.page.url}: {said.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.wrong.append(f"{self.page.url} asks for {request.url}")

    def _arrived(self, event: dict[str, Any]) -> None:
        self._bytes += int(event["encodedDataLength"])

    async def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._request)
        session = await self.page.context.new_cdp_session(self.page)
        await session.send("Network.enable")
        await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        session.on("Network.responseReceived", lambda event: self._arrived(event["response"]))
        session.on("Network.dataReceived", self._arrived)


@asynccontextmanager
async def screens() -> AsyncIterator[BrowserContext]:
    """A browser; people at it get contexts of their own (`looker`)."""
    async with browser() as context:
        yield context


@asynccontextmanager
async def looker(
    started: BrowserContext,
    front: House,
    account: str = "",
    *,
    language: str = "zh_CN",
    viewport: Mapping[str, int] = DESKTOP,
    **context: Any,
) -> AsyncIterator[Looker]:
    """`account` at a screen. What a browser complains of at any time fails the test at the end."""
    assert started.browser is not None
    size = ViewportSize(**viewport)  # type: ignore[typeddict-item]
    # Colours in the middle of a change have no contrast to be measured.
    own = await started.browser.new_context(viewport=size, reduced_motion="reduce", **context)
    try:
        await own.add_cookies([{"name": LANGUAGE_COOKIE, "value": language, "url": front.url}])
        made = Looker(front, await own.new_page(), translator(language))
        await made.watch()
        if account:
            await made.sign_in(account)
        yield made
        assert not made.wrong, "\n".join(made.wrong)
    finally:
        await own.close()

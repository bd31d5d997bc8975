"""One request by somebody, known or not: who asks, in which language, and how pages are made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Depends
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ortoo_protocol.console import showing
from ortoo_protocol.console.actions import Action
from ortoo_protocol.console.console import Console
from ortoo_protocol.console.failures import SignInFirst
from ortoo_protocol.core.accounts.roles import CHARGES, Right, Role
from ortoo_protocol.core.errors import ConsoleForbidden
from ortoo_protocol.i18n import DEFAULT, ENGLISH, Translator, translator
from ortoo_protocol.station.accounts.desk import SignedIn
from ortoo_protocol.station.control_client import said_of

OWN = Path(__file__).parent
STATIC = OWN / "static"
LANGUAGES = (DEFAULT, ENGLISH)
LANGUAGE_COOKIE = "ortoo_language"
OWN_ACCOUNT = "/account"
SETTING_UP = "/account/second-factor"


@dataclass(frozen=True)
class Offer:
    """A button: an action that this person may do here."""

    action: Action
    url: str


@dataclass
class Page:
    """`who` is None where nobody has signed in yet."""

    request: Request
    console: Console
    who: SignedIn | None
    t: Translator

    # --- who ---

    @property
    def me(self) -> SignedIn:
        if self.who is None:
            raise SignInFirst(self.request)
        return self.who

    def may(self, right: Right) -> bool:
        return self.who is not None and right in self.who.rights

    def need(self, right: Right) -> None:
        """Raises ConsoleForbidden."""
        if not self.may(right):
            raise ConsoleForbidden()

    @property
    def address(self) -> str:
        return "" if self.request.client is None else self.request.client.host

    # --- what ---

    async def call(self, method: str, **params: Any) -> Any:
        return await self.console.call(method, params)

    async def recorded(self, method: str, params: Mapping[str, Any], subject: str) -> Any:
        """`call` of what changes something: who did it, and what came of it, is written down."""
        return await self.console.accounts.recorded(
            self.me,
            method,
            subject,
            lambda: self.console.call(method, params),
            correlation=self.request.state.correlation,
        )

    def offer(self, method: str, **initial: object) -> Offer | None:
        action = self.console.actions[method]
        if not self.may(action.right):
            return None
        given = {name: value for name, value in initial.items() if value not in (None, "")}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        return Offer(action, f"/act/{quote(action.name)}{query}")

    def offers(self, *methods: str, **initial: object) -> list[Offer]:
        made = (self.offer(method, **initial) for method in methods)
        return [each for each in made if each is not None]

    # --- how ---

    def render(self, template: str, status_code: int = 200, **context: Any) -> HTMLResponse:
        return HTMLResponse(self.text(template, **context), status_code)

    def text(self, template: str, **context: Any) -> str:
        made = environment(tuple(map(str, self.console.folders))).get_template(template)
        return made.render(
            **context,
            page=self,
            t=self.t,
            word=self.t.text,
            crossed=lambda error: said_of(error, self.t),
            who=self.who,
            console=self.console,
            menu=[each for each in self.console.menu if self.who and each.admits(self.who.rights)],
            plane=self.console.station.parts.identity.plane.value,
            now_ms=self.console.now_ms(),
            path=self.request.url.path,
            other_language=ENGLISH if self.t.language != ENGLISH else DEFAULT,
            done=self.console.actions.get(self.request.query_params.get("done", "")),
        )

    def go(self, url: str, **query: str) -> Response:
        """To another page, by GET."""
        joined = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url
        return RedirectResponse(joined, 303)


async def anybody(request: Request) -> Page:
    console: Console = request.app.state.console
    token = request.cookies.get(cookie_name(console))
    who = await console.accounts.signed_in(token) if token else None
    asked = request.cookies.get(LANGUAGE_COOKIE) or (who.language if who else "")
    language = asked if asked in LANGUAGES else console.settings.station.language
    return Page(request, console, who, request.app.state.translators(language))


async def somebody(request: Request) -> Page:
    """Raises SignInFirst."""
    page = await anybody(request)
    if page.me.must_change_password and not request.url.path.startswith(OWN_ACCOUNT):
        raise SignInFirst(request, OWN_ACCOUNT)
    if page.me.must_set_second_factor and not request.url.path.startswith(OWN_ACCOUNT):
        raise SignInFirst(request, SETTING_UP)
    return page


async def entering(page: Annotated[Page, Depends(somebody)]) -> None:
    """Before every page of the console's own sections. Raises ConsoleForbidden."""
    if not page.console.admits(page.request.url.path, page.me.rights):
        raise ConsoleForbidden()


AnyPage = Annotated[Page, Depends(anybody)]
OwnPage = Annotated[Page, Depends(somebody)]


def cookie_name(console: Console) -> str:
    """`__Host-`: sent over TLS only, to this very name and no other (RFC 6265bis). Browsers do not
    tell ports apart: consoles on one machine each need a name of their own."""
    identity = console.station.parts.identity
    name = f"ortoo-{identity.plane.value}-{identity.party}"
    return f"__Host-{name}" if console.secure else name


def sign_in(page: Page, response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(page.console), token, httponly=True, secure=page.console.secure, samesite="lax"
    )


def sign_out(page: Page, response: Response) -> None:
    response.delete_cookie(
        cookie_name(page.console), httponly=True, secure=page.console.secure, samesite="lax"
    )


def translators() -> Any:
    """Catalogs are read once a language."""
    return lru_cache(maxsize=4)(translator)


@lru_cache(maxsize=4)
def environment(folders: tuple[str, ...]) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, str(OWN / "templates")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(showing.FILTERS)
    made.globals["role_title"] = {each.value: CHARGES[each].title for each in Role}
    made.globals["static"] = static_url
    return made


@lru_cache(maxsize=64)
def static_url(name: str) -> Markup:
    """With what the file holds in its address: browsers keep it for ever, and see a new one."""
    held = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return Markup(f"/static/{name}?{held}")  # noqa: S704  # a name of ours and hexadecimal

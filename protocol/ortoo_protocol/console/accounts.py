"""Accounts of other people: making, roles, links, locks; and what was done with them all.

Whoever is signed in does it under their own name: `Accounts.administration` judges the right and
records the act, so nothing here goes over a control method.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from ortoo_protocol.console.actions import Action, Does
from ortoo_protocol.console.console import Section
from ortoo_protocol.console.forms import Field, Options
from ortoo_protocol.console.page import Offer, OwnPage, Page
from ortoo_protocol.console.showing import DAY_MS, day_begin_ms
from ortoo_protocol.core.accounts.roles import CHARGES, Right
from ortoo_protocol.i18n import mark
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.administration import Administration
from ortoo_protocol.station.accounts.methods import LINK_PATH
from ortoo_protocol.station.accounts.people import Account, SignedIn

PAGE = 50
router = APIRouter()
MENU = (
    Section("/accounts", mark("Accounts"), Right.DISABLE_ACCOUNTS, also=(Right.AUDIT,)),
    Section("/acts", mark("What people did"), Right.AUDIT),
)
Word = Annotated[str, Query(max_length=200)]


@router.get("/accounts")
async def listed(page: OwnPage) -> Response:
    found = await page.console.accounts.administration.listed(page.me)
    accounts = [each.view() for each in found]
    return page.render("accounts.html", accounts=accounts, offers=page.offers("accounts.create"))


@router.get("/accounts/{name}")
async def show(page: OwnPage, name: str) -> Response:
    account = await page.console.accounts.administration.shown(page.me, name)
    offers = [] if account["account"] == page.me.account else _offers(page, account)
    return page.render("one-account.html", account=account, offers=offers)


def _offers(page: Page, account: Mapping[str, Any]) -> list[Offer]:
    """What makes sense in the state that the account is in."""
    name, disabled = account["account"], account["state"] == "disabled"
    if disabled:
        return page.offers("accounts.enable", name=name)
    made = [page.offer("accounts.roles", name=name, roles=account["roles"])]
    made += page.offers("accounts.link", name=name)
    if account["locked_until_ms"]:
        made += page.offers("accounts.unlock", name=name)
    if account["second_factor"]:
        made += page.offers("accounts.end-factor", name=name)
    if page.console.unified is not None:
        made.append(page.offer("accounts.bind", name=name, subject=account["subject"]))
    made += page.offers("accounts.disable", name=name)
    return [each for each in made if each is not None]


@router.get("/acts")
async def acts(
    page: OwnPage,
    account: Word = "",
    action: Word = "",
    subject: Word = "",
    correlation: Word = "",
    since: Word = "",
    until: Word = "",
    refused: bool = False,
    before: int = 0,
) -> Response:
    """Pages go by the number of the last act that was shown: new ones do not move them."""
    from_ms, last_ms = day_begin_ms(since), day_begin_ms(until)
    wanted = Wanted(
        account=account.strip(),
        action=action.strip(),
        subject=subject.strip(),
        correlation=correlation.strip(),
        refused=refused,
        from_ms=from_ms,
        until_ms=last_ms + DAY_MS if last_ms else 0,
        before=before,
        count=PAGE + 1,
    )
    found = await page.console.accounts.administration.acts(page.me, wanted)
    asked = {
        "account": account,
        "action": action,
        "subject": subject,
        "correlation": correlation,
        "since": since,
        "until": until,
        "refused": refused,
    }
    return page.render(
        "acts.html",
        acts=found[:PAGE],
        next_before=found[PAGE - 1]["number"] if len(found) > PAGE else 0,
        asked=asked,
        sought={name: value for name, value in asked.items() if value},
        before=before,
        offers=page.offers("accounts.verify"),
    )


# --- what can be done ---------------------------------------------------------------------------


async def _departments(page: Page, _given: Mapping[str, Any]) -> Options:
    trust, party = page.console.station.parts.trust.current, page.console.station.party
    return [(code, f"{name} ({code})") for code, name in trust.departments(party).items()]


async def _roles(page: Page, _given: Mapping[str, Any]) -> Options:
    """Those that have something to do here."""
    hub = page.console.station.party == page.console.station.parts.trust.current.hub
    return [
        (role.value, page.t.text(charge.title))
        for role, charge in CHARGES.items()
        if charge.at_hub or not hub
    ]


def _does(
    job: Callable[[Administration, SignedIn, Mapping[str, Any]], Awaitable[Account | None]],
) -> Does:
    async def does(page: Page, params: Mapping[str, Any]) -> dict[str, Any]:
        done = await job(page.console.accounts.administration, page.me, params)
        return {} if done is None else done.view()

    return does


async def _invite(page: Page, params: Mapping[str, Any]) -> dict[str, Any]:
    """The whole address: whoever gets it types nothing more."""
    made = await page.console.accounts.administration.invite(
        page.me, params["name"], ends_factor=params["ends_factor"]
    )
    here = str(page.request.base_url).rstrip("/")
    return {"target": made.target, "url": f"{here}{LINK_PATH}{made.secret}"}


async def _verify(page: Page, _params: Mapping[str, Any]) -> dict[str, Any]:
    return {"acts": await page.console.accounts.administration.verify_acts(page.me)}


_NAME = Field("name", mark("Account"), "hidden")
ONE = "/accounts/{name}"

ACTIONS = (
    Action(
        "accounts.create",
        mark("New account"),
        Right.CREATE_ACCOUNTS,
        (
            Field("name", mark("Account"), hint=mark("Letters, digits and . _ - @.")),
            Field("person", mark("Person"), hint=mark("As it stands in papers: one each.")),
            Field(
                "department",
                mark("Department"),
                "choice",
                required=False,
                choices=_departments,
                hint=mark("Empty for the platform's own people."),
            ),
        ),
        back="/accounts/{account}",
        note=mark("The security administrator then gives it roles and a link."),
        does=_does(
            lambda to, me, given: to.create(
                me, given["name"], given["person"], given.get("department", "")
            )
        ),
    ),
    Action(
        "accounts.roles",
        mark("Roles"),
        Right.SECURE_ACCOUNTS,
        (_NAME, Field("roles", mark("Roles"), "many", required=False, choices=_roles)),
        back=ONE,
        note=mark("Exactly those that are ticked, at once."),
        does=_does(lambda to, me, given: to.give_roles(me, given["name"], given.get("roles", ()))),
    ),
    Action(
        "accounts.link",
        mark("One-time link"),
        Right.SECURE_ACCOUNTS,
        (
            _NAME,
            Field(
                "ends_factor",
                mark("The device of the second factor is lost: end that factor"),
                "yes",
                required=False,
            ),
        ),
        back=ONE,
        note=mark("Whoever has the link sets the password of this account, once."),
        shows="account-link.html",
        does=_invite,
    ),
    Action(
        "accounts.unlock",
        mark("Take the lock off"),
        Right.SECURE_ACCOUNTS,
        (_NAME,),
        back=ONE,
        does=_does(lambda to, me, given: to.unlock(me, given["name"])),
    ),
    Action(
        "accounts.end-factor",
        mark("End the second factor"),
        Right.SECURE_ACCOUNTS,
        (_NAME,),
        back=ONE,
        note=mark("For a lost device. The account's sessions end."),
        danger=True,
        does=_does(lambda to, me, given: to.end_factor(me, given["name"])),
    ),
    Action(
        "accounts.bind",
        mark("Bind to the unified login"),
        Right.SECURE_ACCOUNTS,
        (
            _NAME,
            Field(
                "subject",
                mark("Subject"),
                required=False,
                hint=mark("The provider's address, a space, and its name for the person."),
            ),
        ),
        back=ONE,
        note=mark("Empty: the unified login opens this account no more."),
        does=_does(lambda to, me, given: to.bind(me, given["name"], given.get("subject", ""))),
    ),
    Action(
        "accounts.enable",
        mark("Enable"),
        Right.SECURE_ACCOUNTS,
        (_NAME,),
        back=ONE,
        note=mark("With its roles as they were; a new password is set by a link."),
        does=_does(lambda to, me, given: to.enable(me, given["name"])),
    ),
    Action(
        "accounts.disable",
        mark("Disable"),
        Right.DISABLE_ACCOUNTS,
        (_NAME,),
        back=ONE,
        note=mark("Nobody uses it any more, at once; what it did stays on record."),
        danger=True,
        does=_does(lambda to, me, given: to.disable(me, given["name"])),
    ),
    Action(
        "accounts.verify",
        mark("Hold all against the journal"),
        Right.AUDIT,
        (),
        back="/acts",
        shows="acts-verified.html",
        does=_verify,
    ),
)

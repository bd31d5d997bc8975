"""Pages of administrators and auditors: who sees them, and what they do."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from ortoo_node.console.actions import ACTIONS
from ortoo_node.console.making import MENU
from ortoo_protocol.console.page import cookie_name
from ortoo_protocol.core.accounts.roles import CHARGES, Right, Role
from ortoo_protocol.station.accounts import attempts, first_run, keeping
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.people import Local
from ortoo_protocol.station.accounts.settings import AccountsTable, UnifiedTable
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.settings import write_secret
from tests.console.kit import NO_FACTOR, PASSWORD, Front, Visitor, front
from tests.node.kit import open_node, running
from tests.support.identity_provider import CLIENT, SECRET, identity_provider
from tests.support.stations import Kit

PARTY = "s150700"
EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
# Sections that not everybody may enter who may read.
GUARDED = {
    "/accounts": {Right.DISABLE_ACCOUNTS, Right.AUDIT},
    "/acts": {Right.AUDIT},
    "/health": {Right.OPERATE, Right.AUDIT},
    "/settings": {Right.OPERATE},
    "/journal": {Right.AUDIT},
    "/trace": {Right.AUDIT, Right.DECIDE},
}
# Pages that are forms, within a section that is open to all who read.
FORMS = {
    "/catalog/edit": {Right.COMPILE},
    "/catalog/import": {Right.COMPILE},
    "/files/of": {Right.OPERATE, Right.APPLY},
    "/files/transfers": {Right.APPLY},
    "/quality/rules": {Right.DECIDE},
    "/queries/ask": {Right.APPLY},
}
# Actions that change nothing, or only what is the person's own: whoever reads may ask.
ASKS = {"request.compare", "announcement.read"}
PEOPLE = {
    Role.SYSTEM_ADMIN: ("sys", "系统管理员甲"),
    Role.SECURITY_ADMIN: ("sec", "安全管理员乙"),
    Role.AUDITOR: ("aud", "审计员丙"),
    Role.COMPILER: ("com", "编目员丁"),
}
ADMINS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR)


@asynccontextmanager
async def at_work(
    folder: Path, roles: Sequence[Role] = ADMINS, accounts: AccountsTable = NO_FACTOR
) -> AsyncIterator[Front]:
    kit = Kit(folder)
    node = open_node(kit, PARTY)
    async with running(kit, node), front(node, accounts) as made:
        for role in roles:
            await made.person(*PEOPLE[role], role)
        yield made


def needed(path: str) -> set[Right]:
    """What the page at `path` takes, any of them."""
    for section, found in {**GUARDED, **FORMS}.items():
        if path == section or path.startswith(f"{section}/"):
            return found
    return {Right.READ}


def failed_once(tx: Tx) -> bool:
    """Whether it was the failure that locks."""
    attempts.charge(tx.conn, "com", "", tx.now_ms)
    return attempts.locked_until(tx.conn, "com", tx.now_ms) > 0


@asynccontextmanager
async def as_(made: Front, account: str, *roles: Role) -> AsyncIterator[Visitor]:
    """Somebody new with these roles, who is signed in: without a password, which costs time."""

    def begin(tx: Tx) -> str:
        keeping.create(tx, account, account, "", "test")
        found = keeping.give_roles(tx, account, [role.value for role in roles], "test")
        return made.accounts.open(tx, found, "", "", "log-in", second_factor=False).token

    token = await made.node.app.station.write(begin)
    async with made.visitor(cookies={cookie_name(made.console): token}, timeout=60) as visitor:
        yield visitor


# --- rights -------------------------------------------------------------------------------------


async def test_every_page_opens_to_a_role_that_holds_its_right_and_to_no_other(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path, ()) as made, everybody(made) as people:
        paths, wrong = sorted(page_paths(made)), []
        assert set(GUARDED) <= set(paths)
        for number, path in enumerate(paths):
            for role in (None, *one_of_each(number, needed(path))):
                answer = await people[role].client.get(re.sub(r"\{[^}]*\}", "1", path))
                shut = answer.status_code == 403 and "console.forbidden" in answer.text
                held = role is not None and bool(needed(path) & CHARGES[role].rights)
                if shut == held or answer.status_code == 500:
                    wrong.append(f"{role} {path} {answer.status_code}")
        assert not wrong


async def test_every_action_is_open_to_a_role_that_holds_its_right_and_to_no_other(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path, ()) as made, everybody(made) as people:
        for number, (method, action) in enumerate(ACTIONS.items()):
            assert action.right is not Right.READ or method in ASKS, method
            for role in one_of_each(number, {action.right}):
                answer = await people[role].client.get(f"/act/{method}")
                if action.right in CHARGES[role].rights:
                    assert answer.status_code != 403, f"{role} {method}"
                else:
                    assert "console.forbidden" in answer.text, f"{role} {method}"
                    if not people[role].pages:
                        await people[role].get("/account")  # for the token of the form
                    await people[role].post(f"/act/{method}", 403)


def one_of_each(number: int, rights: set[Right]) -> list[Role]:
    """A role that holds one of `rights` and one that holds none, others for each number: in
    the whole table every role comes on both sides many times."""
    holders = [role for role in Role if rights & CHARGES[role].rights]
    others = [role for role in Role if not rights & CHARGES[role].rights]
    return [some[number % len(some)] for some in (holders, others) if some]


@asynccontextmanager
async def everybody(made: Front) -> AsyncIterator[dict[Role | None, Visitor]]:
    """Somebody of each role, and somebody without any."""
    async with AsyncExitStack() as stack:
        yield {
            role: await stack.enter_async_context(
                as_(made, "none" if role is None else role.value, *([] if role is None else [role]))
            )
            for role in (None, *Role)
        }


def test_every_section_of_the_menu_has_its_page_and_says_whom_it_takes() -> None:
    for section in MENU:
        assert {section.right, *section.also} == needed(section.path), section.path


def page_paths(made: Front) -> set[str]:
    """Of the console's own sections."""
    return {
        route.path
        for router in made.console.routers
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }


async def test_the_menu_names_what_may_be_entered(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        for role in ADMINS:
            async with made.visitor(PEOPLE[role][0]) as visitor:
                page = await visitor.get("/")
                for path, rights in GUARDED.items():
                    assert (f'href="{path}"' in page) == bool(rights & CHARGES[role].rights)


# --- accounts -----------------------------------------------------------------------------------


async def test_three_administrators_make_an_account_that_logs_in(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        async with made.visitor("sys") as visitor:
            assert "/act/accounts.create" in await visitor.get("/accounts")
            await visitor.get("/act/accounts.create")
            done = await visitor.post("/act/accounts.create", name="Gu", person="顾新")
            assert done.headers["location"] == "/accounts/gu?done=accounts.create"
            page = await visitor.get("/accounts/gu")
            assert "/act/accounts.roles" not in page
            assert "/act/accounts.disable" in page
        async with made.visitor("sec") as visitor:
            page = await visitor.get("/accounts/gu")
            assert "/act/accounts.create" not in await visitor.get("/accounts")
            await visitor.get("/act/accounts.roles?name=gu")
            await visitor.post("/act/accounts.roles", name="gu", roles=["compiler", "contact"])
            shown = await visitor.get("/act/accounts.roles?name=gu&roles=compiler&roles=contact")
            assert len(re.findall(r'name="roles"[^>]* checked', shown)) == 2
            link = await visitor.post("/act/accounts.link", 200, name="gu")
            (url,) = re.findall(r"http://[^<]+/link/[\w-]+", link.text)
            assert "顾新" in link.text
            assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", link.text), "how long it holds"
            assert url.rpartition("/")[2] not in await visitor.get("/accounts/gu"), "shown once"
        async with made.visitor() as visitor:
            await visitor.get(url.removeprefix(made.url))
            await visitor.post(
                url.removeprefix(made.url), name="gu", password=PASSWORD, again=PASSWORD
            )
            assert "顾新" in await visitor.get("/account")
            await visitor.get(url.removeprefix(made.url), 422)
        async with made.visitor("aud") as visitor:
            page = await visitor.get("/acts?subject=account:gu")
            for action in ("create", "roles", "invite", "set-up"):
                assert f"<code>{action}</code>" in page
            await visitor.get("/act/accounts.verify")
            assert "一致" in (await visitor.post("/act/accounts.verify", 200)).text


async def test_an_account_that_failed_too_often_is_unlocked_and_a_lost_device_ended(
    tmp_path: Path,
) -> None:
    async with at_work(tmp_path, (*ADMINS, Role.COMPILER)) as made:
        while not await made.node.app.station.write(failed_once):
            pass
        async with made.visitor("sec") as visitor:
            assert "/act/accounts.unlock" in await visitor.get("/accounts/com")
            await visitor.post("/act/accounts.unlock", name="com")
            assert "/act/accounts.unlock" not in await visitor.get("/accounts/com")
            await visitor.post("/act/accounts.disable", name="com")
            assert "/act/accounts.roles" not in await visitor.get("/accounts/com")
            await visitor.post("/act/accounts.enable", name="com")
            await visitor.post("/act/accounts.end-factor", name="com")
        async with made.visitor() as visitor:
            await visitor.post("/sign-in", 401, name="com", password=PASSWORD)
        acts = await made.accounts.administration.acts(Local(""), Wanted(subject="account:com"))
        done = [each["action"] for each in acts if each["account"] == "sec"]
        assert done == ["end-factor", "enable", "disable", "unlock"]


async def test_nobody_changes_the_own_account_and_three_roles_stay_apart(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("sec") as visitor:
        assert "/act/accounts." not in await visitor.get("/accounts/sec")
        await visitor.get("/act/accounts.roles?name=sec")
        refused = await visitor.post("/act/accounts.roles", 422, name="sec", roles=["compiler"])
        assert "account.own" in refused.text
        refused = await visitor.post(
            "/act/accounts.roles", 422, name="sys", roles=["auditor", "system-admin"]
        )
        assert "account.roles-apart" in refused.text
        await visitor.get("/accounts/nobody", 404)


async def test_hostile_names_are_text_everywhere(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made:
        person = EVIL[:60]
        await made.accounts.administration.create(Local(EVIL), "evil", person, "")
        async with made.visitor("sys") as visitor:
            for path in ("/accounts", "/accounts/evil"):
                page = await visitor.get(path)
                assert "<script>alert" not in page
                assert "&lt;script&gt;alert" in page
        async with made.visitor("aud") as visitor:
            for name in ("account", "subject", "since", "until", "action"):
                page = await visitor.client.get("/acts", params={name: EVIL, "before": 1})
                assert page.status_code == 200
                assert "<script>alert" not in page.text
                assert "<img" not in page.text


async def test_acts_are_paged_by_number_and_sought_by_day(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor("aud") as visitor:
        for number in range(60):
            await made.accounts.administration.create(Local("甲"), f"a{number}", f"人{number}", "")
        first = await visitor.get("/acts?action=create")
        assert "account:a59<" in first
        assert "account:a9<" not in first
        (older,) = re.findall(r'href="(/acts\?[^"]+)" rel="next"', first)
        second = await visitor.get(older.replace("&amp;", "&"))
        assert "account:a9<" in second
        assert "account:a59<" not in second
        assert "account:a" not in await visitor.get("/acts?action=create&until=2001-01-01")
        assert "account:a59<" in await visitor.get("/acts?action=create&since=2001-01-01")


# --- the unified login, and the first run -------------------------------------------------------


async def test_the_unified_login_opens_the_account_that_is_bound(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    write_secret(secret, SECRET)
    async with identity_provider() as provider:
        table = UnifiedTable(
            issuer=provider.issuer,
            client_id=CLIENT,
            redirect="https://ortoo.example/sign-in/unified",
            secret_file=secret,
        )
        policy = AccountsTable(second_factor=NO_FACTOR.second_factor, unified=table)
        async with at_work(tmp_path, accounts=policy) as made:
            provider.now_s = made.accounts.station.parts.clock() // 1_000
            async with made.visitor("sec") as visitor:
                await visitor.get("/accounts/aud")
                await visitor.post(
                    "/act/accounts.bind", name="aud", subject=f"{provider.issuer} u1"
                )
            async with made.visitor() as visitor:
                assert "/sign-in/unified/begin?next=/acts" in await visitor.get(
                    "/sign-in?next=/acts"
                )
                begun = await visitor.client.get("/sign-in/unified/begin?next=/acts")
                cookie = begun.headers["set-cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=lax" in cookie
                stranger = provider.agree(begun.headers["location"], "u2")
                refused = await visitor.client.get("/sign-in/unified", params=stranger)
                assert refused.status_code == 401
                assert "account.unbound" in refused.text
                back = provider.agree(begun.headers["location"], "u1")
                async with made.visitor() as other:  # a link that somebody else is made to follow
                    answer = await other.client.get("/sign-in/unified", params=back)
                    assert "account.unified" in answer.text
                done = await visitor.client.get("/sign-in/unified", params=back)
                assert done.headers["location"] == "/acts"
                assert "审计员丙" in await visitor.get("/account")


async def test_without_a_unified_login_there_is_no_way_to_one(tmp_path: Path) -> None:
    async with at_work(tmp_path) as made, made.visitor() as visitor:
        assert "/sign-in/unified" not in await visitor.get("/sign-in")
        await visitor.get("/sign-in/unified/begin", 404)
        await visitor.get("/sign-in/unified", 404)


async def test_a_daemon_without_accounts_says_how_to_make_the_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with at_work(tmp_path, ()) as made:
        with caplog.at_level(logging.WARNING):
            await first_run.say_if_nobody(made.node.app.station, "ortoo-node")
            assert "ortoo-node account link" in caplog.text
            caplog.clear()
            await made.person("sys", "甲", Role.SYSTEM_ADMIN)
            await first_run.say_if_nobody(made.node.app.station, "ortoo-node")
            assert not caplog.text

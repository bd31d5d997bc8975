"""Three administrators apart, what each may do with others' accounts, and the acts of all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest

from ortoo_protocol.core.accounts.roles import ADMINS, CHARGES, Role
from ortoo_protocol.core.accounts.sessions import FactorPolicy
from ortoo_protocol.core.errors import (
    AccountAct,
    AccountCodeNeeded,
    AccountFactorNeeded,
    AccountForbidden,
    AccountLink,
    AccountLocked,
    AccountOwn,
    AccountPerson,
    AccountRefused,
    AccountRole,
    AccountRolesApart,
    AccountTaken,
    AccountUnknown,
    CatalogDuties,
    CodecIdentifier,
    TrustDepartment,
)
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.settings import AccountsTable
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.account_tables import acts as kept_acts
from ortoo_protocol.station.store.tables import journal
from tests.support.account_house import GOOD, HERE, OTHER, PARTY, US, House, open_house
from tests.support.trust import DEPARTMENTS, HUB

OWN, ELSEWHERE = DEPARTMENTS[PARTY][0], DEPARTMENTS["s150200"][0]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as made:
        yield made


async def test_a_person_comes_in(house: House) -> None:
    """Made by one, given roles and a link by the other, read by the third."""
    system = await house.first(Role.SYSTEM_ADMIN, "bao")
    security = await house.first(Role.SECURITY_ADMIN, "hong")
    auditor = await house.first(Role.AUDITOR, "saru")
    desk = house.administration
    await desk.create(system, "Wu", "乌云", OWN)
    await desk.give_roles(security, "wu", ["compiler", "contact"])
    link = await desk.invite(security, "wu")
    assert (link.target.kind, link.target.person, link.target.department) == (
        "invitation",
        "乌云",
        OWN,
    )
    who = await house.accounts.set_up(link.secret, "other", "别人", GOOD, address=HERE)
    assert (who.account, who.person, who.department) == ("wu", "乌云", OWN)
    assert who.roles == {Role.COMPILER, Role.CONTACT}
    found = [
        (each["person"], each["action"], each["subject"])
        for each in await desk.acts(auditor, Wanted(subject="account:wu"))
    ]
    assert found == [
        ("乌云", "set-up", "account:wu"),
        ("hong某", "invite", "account:wu"),
        ("hong某", "roles", "account:wu compiler,contact"),
        ("bao某", "create", "account:wu"),
    ]
    await house.restart()
    assert await house.accounts.signed_in(who.token) == who


@pytest.mark.parametrize("role", list(Role))
async def test_what_each_role_may_do(house: House, role: Role) -> None:
    await house.person("other")
    who = await house.person("me", role)
    desk = house.administration
    allowed: dict[str, set[Role]] = {
        "create": {Role.SYSTEM_ADMIN},
        "roles": {Role.SECURITY_ADMIN},
        "invite": {Role.SECURITY_ADMIN},
        "bind": {Role.SECURITY_ADMIN},
        "unlock": {Role.SECURITY_ADMIN},
        "end-factor": {Role.SECURITY_ADMIN},
        "disable": {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN},
        "enable": {Role.SECURITY_ADMIN},
        "acts": {Role.AUDITOR},
        "verify": {Role.AUDITOR},
        "list": set(ADMINS),
        "first-links": {Role.SECURITY_ADMIN},
    }
    deeds = {
        "create": lambda: desk.create(who, "new", "新人", ""),
        "roles": lambda: desk.give_roles(who, "other", ["contact"]),
        "invite": lambda: desk.invite(who, "other"),
        "bind": lambda: desk.bind(who, "other", "https://sso 1"),
        "unlock": lambda: desk.unlock(who, "other"),
        "end-factor": lambda: desk.end_factor(who, "other"),
        "disable": lambda: desk.disable(who, "other"),
        "enable": lambda: desk.enable(who, "other"),
        "acts": lambda: desk.acts(who, Wanted(account="other")),
        "verify": lambda: desk.verify_acts(who),
        "list": lambda: desk.listed(who),
        "first-links": lambda: desk.first_links(who),
    }
    assert deeds.keys() == allowed.keys()
    for name, deed in deeds.items():
        if role in allowed[name]:
            await deed()
            continue
        with pytest.raises(AccountForbidden):
            await deed()
        if name in ("create", "roles", "invite", "disable"):
            assert ("me", name, "account.forbidden") in await house.acts(account="me")
    assert await desk.acts(who, Wanted(account="me")), "the own acts are anybody's to read"


async def test_nobody_changes_the_own_account(house: House) -> None:
    security = await house.first(Role.SECURITY_ADMIN, "hong")
    desk = house.administration
    with pytest.raises(AccountOwn):
        await desk.give_roles(security, "HONG", ["security-admin", "approver"])
    with pytest.raises(AccountOwn):
        await desk.disable(security, "hong")
    with pytest.raises(AccountOwn):
        await desk.invite(security, "ｈｏｎｇ")
    assert (await house.accounts.signed_in(security.token)) == security


async def test_roles_that_no_account_joins(house: House) -> None:
    await house.person("wu", Role.COMPILER)
    with pytest.raises(AccountRolesApart):
        await house.administration.give_roles(US, "wu", ["auditor", "system-admin"])
    with pytest.raises(AccountRole):
        await house.administration.give_roles(US, "wu", ["root"])
    (kept,) = await house.administration.listed(US)
    assert kept.roles == {Role.COMPILER}
    assert [each[1:] for each in await house.acts(refused=True)] == [
        ("roles", "account.roles-apart"),
        ("roles", "account.role"),
    ]


async def test_one_person_one_account(house: House) -> None:
    await house.person("wu", Role.COMPILER)
    desk = house.administration
    with pytest.raises(AccountPerson):
        await desk.create(US, "wu2", " ｗｕ某", "")
    with pytest.raises(AccountTaken):
        await desk.create(US, "WU", "别人", "")
    for person in ("", " ", "x" * 65, "a\nb"):
        with pytest.raises(AccountPerson):
            await desk.create(US, "new", person, "")
    await desk.disable(US, "wu")
    await desk.create(US, "wu2", "wu某", "")
    with pytest.raises(AccountPerson):
        await desk.enable(US, "wu")
    await desk.disable(US, "wu2")
    assert (await desk.enable(US, "wu")).view()["state"] == "invited"
    with pytest.raises(AccountRefused):  # a new link first
        await house.log_in("wu")


async def test_departments_are_this_partys(house: House) -> None:
    with pytest.raises(TrustDepartment):
        await house.administration.create(US, "wu", "乌云", ELSEWHERE)
    await house.administration.create(US, "wu", "乌云", OWN)


async def test_the_hub_has_no_roles_of_data(house: House) -> None:
    hub = House(house.kit, house.table, house.now_ms, HUB)
    with pytest.raises(CodecIdentifier):
        await hub.administration.create(US, "wu", "乌云", "123")
    await hub.administration.create(US, "wu", "乌云", ELSEWHERE)
    for role, charge in CHARGES.items():
        if charge.at_hub:
            await hub.administration.give_roles(US, "wu", [role])
        else:
            with pytest.raises(AccountRole):
                await hub.administration.give_roles(US, "wu", [role])
    await hub.station.close()


async def test_disabled_at_once_and_roles_at_once(house: House) -> None:
    who = await house.person("wu", Role.COMPILER)
    desk = house.administration
    pending = await desk.invite(US, "wu")
    await desk.give_roles(US, "wu", ["contact"])
    now = await house.accounts.signed_in(who.token)
    assert now is not None
    assert now.roles == {Role.CONTACT}
    await desk.disable(US, "wu")
    assert await house.accounts.signed_in(who.token) is None
    with pytest.raises(AccountLink):
        await house.accounts.link(pending.secret)
    await desk.enable(US, "wu")
    assert await house.accounts.signed_in(who.token) is None
    with pytest.raises(AccountUnknown):
        await desk.disable(US, "nobody")


async def test_a_reset_link(house: House) -> None:
    """It ends what was before; a second factor stays, unless its device is lost."""
    who = await house.person("wu", Role.COMPILER)
    shown = await house.accounts.begin_second_factor(who)
    code = pyotp.TOTP(shown.secret).at(house.now_ms // 1_000)
    recovery = await house.accounts.confirm_second_factor(who, code)
    desk = house.administration
    first = await desk.invite(US, "wu")
    link = await desk.invite(US, "wu")
    with pytest.raises(AccountLink):
        await house.accounts.set_up(first.secret, "", "", OTHER, address=HERE)
    assert link.target.kind == "reset"
    assert await house.accounts.signed_in(who.token), "what is known holds until it is used"
    with pytest.raises(AccountCodeNeeded):
        await house.accounts.set_up(link.secret, "", "", OTHER, address=HERE)
    assert await house.accounts.signed_in(who.token) is None
    again = await house.log_in("wu", OTHER, recovery[0])
    lost = await desk.invite(US, "wu", ends_factor=True)
    fresh = await house.accounts.set_up(lost.secret, "", "", GOOD, address=HERE)
    assert not fresh.second_factor
    assert await house.accounts.signed_in(again.token) is None
    with pytest.raises(AccountRefused):
        await house.log_in("wu", OTHER, recovery[1])
    assert not (await house.log_in("wu", GOOD, recovery[1])).second_factor


async def test_a_lock_is_taken_off(house: House) -> None:
    await house.person("wu", Role.COMPILER)
    for _ in range(5):
        with pytest.raises((AccountRefused, AccountLocked)):
            await house.log_in("wu", OTHER)
    with pytest.raises(AccountLocked):
        await house.log_in("wu")
    await house.administration.unlock(US, "wu")
    assert await house.log_in("wu")


async def test_who_must_set_a_second_factor_does_nothing_before(house: House) -> None:
    house.rule(AccountsTable(second_factor=FactorPolicy.ADMINS))
    wu = await house.person("wu", Role.COMPILER)
    assert not wu.must_set_second_factor
    system = await house.first(Role.SYSTEM_ADMIN, "bao")
    assert system.must_set_second_factor
    with pytest.raises(AccountFactorNeeded):
        await house.administration.create(system, "new", "新人", "")
    shown = await house.accounts.begin_second_factor(system)
    code = pyotp.TOTP(shown.secret).at(house.now_ms // 1_000)
    await house.accounts.confirm_second_factor(system, code)
    ready = await house.accounts.signed_in(system.token)
    assert ready is not None
    assert (ready.second_factor, ready.must_set_second_factor) == (True, False)
    await house.administration.create(ready, "new", "新人", "")


# --- acts ---------------------------------------------------------------------------------------


async def nothing() -> None:
    """A deed that writes nothing."""


async def refused() -> None:
    raise CatalogDuties(who="-", step="-")


async def test_an_act_is_a_row_of_the_journal(house: House) -> None:
    who = await house.person("wu", Role.COMPILER)
    await house.accounts.recorded(who, "catalog.review", "3/001", nothing, correlation="abc")
    with pytest.raises(CatalogDuties):
        await house.accounts.recorded(who, "catalog.review", "3/002", refused)
    rows = await house.station.read(lambda conn: list(journal_rows.rows(conn)))
    done, not_done = rows[-2:]
    assert {row.direction for row in rows} == {Direction.LOCAL}
    assert (done.state, done.error, done.kind, done.flow) == (State.ACCEPTED, "", "act", "acts")
    assert (not_done.state, not_done.error) == (State.REFUSED, "catalog.duties")
    (found,) = await house.administration.acts(US, Wanted(correlation="abc"))
    assert (found["seq"], found["address"], found["person"]) == (done.seq, HERE, "wu某")
    assert await house.administration.verify_acts(US) == len(rows)


async def test_pages_of_acts(house: House) -> None:
    who = await house.person("wu", Role.COMPILER)
    for number in range(10):
        house.now_ms += 1_000
        await house.accounts.recorded(who, "look", f"{number}", nothing)
    desk = house.administration
    page = await desk.acts(US, Wanted(action="look", count=4))
    assert [each["subject"] for each in page] == ["9", "8", "7", "6"]
    page = await desk.acts(US, Wanted(action="look", count=4, before=page[-1]["number"]))
    assert [each["subject"] for each in page] == ["5", "4", "3", "2"]
    start_ms = house.now_ms - 9_000
    between = Wanted(action="look", from_ms=start_ms, until_ms=start_ms + 2_000)
    assert [each["subject"] for each in await desk.acts(US, between)] == ["1", "0"]


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
async def test_a_changed_act_is_found(house: House, change: str) -> None:
    await house.person("wu", Role.COMPILER)
    here = kept_acts.c.number == 2
    statement = {
        "edit": kept_acts.update().where(here).values(person="别人"),
        "remove": kept_acts.delete().where(here),
        "add": kept_acts.insert().from_select(
            [each.name for each in kept_acts.c if each.name not in ("number", "act")] + ["act"],
            kept_acts.select()
            .where(here)
            .with_only_columns(
                *[each for each in kept_acts.c if each.name not in ("number", "act")],
                journal.c.body_hash,
            )
            .join(journal, journal.c.envelope_id == kept_acts.c.act),
        ),
    }[change]
    with house.station.database._store.writing.begin() as conn:
        conn.execute(statement)
    with pytest.raises(AccountAct):
        await house.administration.verify_acts(US)

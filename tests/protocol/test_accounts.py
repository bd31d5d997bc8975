"""Rules of accounts: roles that exclude each other, passwords, lock-out, sessions."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortoo_protocol.core.accounts import lockout
from ortoo_protocol.core.accounts.lockout import ACCOUNT, ADDRESS, NONE, Attempts, Lockout
from ortoo_protocol.core.accounts.passwords import (
    PasswordRules,
    account_name,
    check_account_name,
    check_password,
)
from ortoo_protocol.core.accounts.roles import ADMINS, CHARGES, Right, Role, check_roles, rights
from ortoo_protocol.core.accounts.sessions import FactorPolicy, SessionRules
from ortoo_protocol.core.errors import (
    AccountLocked,
    AccountName,
    AccountPassword,
    AccountRole,
    AccountRolesApart,
)
from ortoo_protocol.i18n import translator

HOUR_MS = 3_600_000


# --- roles --------------------------------------------------------------------------------------


@given(st.sets(st.sampled_from(Role)), st.booleans())
def test_one_admin_an_account(roles: set[Role], hub: bool) -> None:
    strangers = {role for role in roles if hub and not CHARGES[role].at_hub}
    if strangers:
        with pytest.raises(AccountRole):
            check_roles(roles, hub=hub)
    elif len(roles & ADMINS) > 1:
        with pytest.raises(AccountRolesApart):
            check_roles(roles, hub=hub)
    else:
        assert check_roles(roles, hub=hub) == roles


def test_three_admins_hold_apart_what_they_may_do() -> None:
    """Nobody can make an account, give it rights, and look after what was done with it."""
    apart = {Right.CREATE_ACCOUNTS, Right.SECURE_ACCOUNTS, Right.AUDIT}
    for role in Role:
        assert len(rights([role]) & apart) <= 1
    for one, other in combinations(sorted(ADMINS), 2):
        with pytest.raises(AccountRolesApart) as apart_error:
            check_roles([one, other], hub=False)
        assert "管理员" in translator("zh_CN").error(apart_error.value)[0]


def test_roles_are_named_in_both_languages() -> None:
    say = translator("zh_CN")
    assert [say.text(CHARGES[role].title) for role in Role] == [
        "编目员",
        "保密审查员",
        "审核员（负责人）",
        "使用员",
        "联络员",
        "系统管理员",
        "安全保密管理员",
        "安全审计员",
    ]
    assert all(say.text(right.value) != right.value for right in Right)
    assert rights([]) == frozenset()
    with pytest.raises(AccountRole):
        check_roles(["root"], hub=False)


# --- passwords ----------------------------------------------------------------------------------

RULES = PasswordRules()
ABOUT = ("baoyin", "宝音 Baoyin", "s150700", "呼伦贝尔市")


@pytest.mark.parametrize(
    "password",
    [
        "Blue-Herons 47 fly",
        "驿站传书-Kuaima7",
        "xK9#mv2Lq!Rt",
        "Vier-Ochsen_ziehen3",
        "ᠮᠣᠷᠢ Ab7 ᠭᠦᠢᠨ᠎ᠡ",
    ],
)
def test_passwords_that_do(password: str) -> None:
    check_password(RULES, password, ABOUT)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("xK9#mv2Lq", "it is too short"),
        ("xK9#" * 65, "it is too long"),
        ("xK9#mv2L\x00q!Rt", "it has characters that cannot be seen"),
        ("onlysmallletters", "it has too few kinds of characters"),
        ("smalland12345", "it has too few kinds of characters"),
        ("Aa1-Aa1-Aa1-", "it repeats few characters"),
        ("Password123!", "it is hardly more"),
        ("P@ssw0rd2026", "it is hardly more"),
        ("Admin@12345678", "it is hardly more"),
        ("Qwerty!123456", "it is hardly more"),
        ("1qaz@WSX3edc", "it is hardly more"),
        ("Woaini5201314!", "it is hardly more"),
        ("Baoyin-2026!", "it is hardly more"),
        ("BAOYIN.b@oyin.7x", "it is hardly more"),
        ("S150700@s150700", "it is hardly more"),
    ],
)
def test_passwords_that_do_not(password: str, why: str) -> None:
    with pytest.raises(AccountPassword) as refused:
        check_password(RULES, password, ABOUT)
    assert str(refused.value.facts["detail"]).startswith(why)


@pytest.mark.parametrize("typed", ["", " ", "-a", "a b", "a" * 65, "a/b", "a\x00", "👻"])
def test_names_that_cannot_be(typed: str) -> None:
    with pytest.raises(AccountName):
        check_account_name(typed)


def test_a_name_is_one_however_it_is_typed() -> None:
    assert {account_name(each) for each in ("Bao.Yin", " bao.yin", "ＢＡＯ.yin")} == {"bao.yin"}
    assert check_account_name("宝音") == "宝音"


# --- lock-out -----------------------------------------------------------------------------------


def trials(table: Lockout, waits_ms: list[int]) -> list[int]:
    """When attempts that all fail were let through, `waits_ms` apart."""
    held, now_ms, passed = NONE, 10**12, []
    for wait_ms in waits_ms:
        now_ms += wait_ms
        try:
            held = lockout.charge(table, held, now_ms)
        except AccountLocked:
            continue
        passed.append(now_ms)
    return passed


@pytest.mark.parametrize("table", [ACCOUNT, ADDRESS])
@given(waits_ms=st.lists(st.integers(0, 2 * HOUR_MS), max_size=200))
def test_no_rhythm_gets_more_than_the_table_allows(table: Lockout, waits_ms: list[int]) -> None:
    """From the lock on, one attempt a wait of the lock, as long as the failures are remembered."""
    passed, most = trials(table, waits_ms), table.steps[-1]
    run: list[int] = []
    for time_ms in passed:
        if run and time_ms - run[-1] > table.forget_ms:
            run = []
        if len(run) >= most.failures:
            assert time_ms - run[-1] >= most.wait_ms
        for step in table.steps:
            if len(run) == step.failures:
                assert time_ms - run[-1] >= step.wait_ms
        run.append(time_ms)


def test_as_fast_as_can_be() -> None:
    """A day of guessing at one name."""
    assert len(trials(ACCOUNT, [1_000] * 86_400)) == 4 + 48


@given(st.lists(st.integers(0, HOUR_MS), min_size=1, max_size=30))
def test_what_is_given_back_was_never_charged(waits_ms: list[int]) -> None:
    held, now_ms = NONE, 10**12
    for wait_ms in waits_ms:
        now_ms += wait_ms
        try:
            charged = lockout.charge(ACCOUNT, held, now_ms)
        except AccountLocked:
            continue
        back = lockout.give_back(ACCOUNT, charged)
        assert back.failures == charged.failures - 1
        assert lockout.locked_until(ACCOUNT, back, now_ms + ACCOUNT.wait_ms(back.failures)) == 0
        held = charged


def test_a_clock_that_was_ahead_locks_nobody_for_ever() -> None:
    far = Attempts(9, 10**13, 10**13 + ACCOUNT.steps[-1].wait_ms)
    assert lockout.charge(ACCOUNT, far, 10**12).failures == 1


# --- sessions -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begun_ms", "used_ms", "now_ms", "lives"),
    [
        (0, 0, 0, True),
        (0, 0, 9, True),
        (0, 0, 10, False),
        (0, 95, 99, True),
        (0, 95, 100, False),
        (50, 50, 49, False),
    ],
)
def test_how_long_a_session_lives(begun_ms: int, used_ms: int, now_ms: int, lives: bool) -> None:
    assert SessionRules(idle_ms=10, most_ms=100).lives(begun_ms, used_ms, now_ms) is lives


def test_who_must_have_a_second_factor() -> None:
    admin, other = {Role.AUDITOR, Role.CONTACT}, {Role.CONTACT}
    demands = {rule: (rule.demands(admin), rule.demands(other)) for rule in FactorPolicy}
    assert demands == {
        FactorPolicy.ALL: (True, True),
        FactorPolicy.ADMINS: (True, False),
        FactorPolicy.NONE: (False, False),
    }

"""The statements of accounts on SQLite and PostgreSQL: the same rows, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from ortoo_protocol.core.accounts.lockout import ACCOUNT
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.accounts.sessions import SessionRules
from ortoo_protocol.core.errors import AccountLink, AccountLocked
from ortoo_protocol.station.accounts import acts, attempts, factor, keeping, links, sessions
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.migrate import STATION, upgrade
from tests.support.account_house import PARTY
from tests.support.desk import Desk
from tests.support.postgres import PrivatePostgres
from tests.support.stations import Kit

RULES = SessionRules(idle_ms=60_000, most_ms=600_000)


@pytest.fixture(params=["sqlite", "postgresql"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A store's tables as the migrations make them, in one transaction."""
    if request.param == "sqlite":
        yield from _connected("sqlite://")
        return
    cluster: PrivatePostgres = request.getfixturevalue("postgres")
    with cluster.database() as url:
        yield from _connected(url.replace("postgresql:", "postgresql+psycopg:"))


def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as conn:
        upgrade(conn, (STATION,))
        yield conn
    engine.dispose()


@pytest.fixture
def tx(conn: Connection, tmp_path: Path) -> Iterator[Tx]:
    """A transaction whose journal is never written: its statements are of SQLite."""
    desk = Desk(Kit(tmp_path), PARTY)
    yield Tx(conn, desk.parts)
    desk.close()


def test_accounts_and_roles(tx: Tx) -> None:
    keeping.create(tx, "Wu", "乌云", "", "某人")
    keeping.give_roles(tx, "wu", ["compiler", "contact"], "某人")
    assert keeping.give_roles(tx, "WU", ["auditor"], "某人").roles == {Role.AUDITOR}
    assert keeping.holders(tx.conn, Role.AUDITOR) == ["wu"]
    keeping.bind(tx.conn, "wu", "https://sso 1")
    keeping.change(tx.conn, "wu", disabled_ms=tx.now_ms)
    (listed,) = keeping.listed(tx.conn)
    assert (listed.roles, listed.view()["state"]) == ({Role.AUDITOR}, "disabled")
    assert keeping.holders(tx.conn, Role.AUDITOR) == []
    assert keeping.of_subject(tx.conn, "https://sso 1") == listed
    assert keeping.of_subject(tx.conn, "") is None


def test_attempts(conn: Connection) -> None:
    for number in range(ACCOUNT.steps[-1].failures):
        attempts.charge(conn, "wu", "10.0.0.1", 10**12 + number * 60_000)
    now_ms = 10**12 + number * 60_000
    assert attempts.is_locked(conn, "wu")
    with pytest.raises(AccountLocked):
        attempts.charge(conn, "wu", "", now_ms)
    attempts.succeeded(conn, "wu", "10.0.0.1")
    assert attempts.locked_until(conn, "wu", now_ms) == 0
    for number in range(100):
        try:
            attempts.charge(conn, f"name {number}", "10.0.0.2", now_ms)
        except AccountLocked:
            break
    assert number == 20, "an address is locked whatever names come from it"
    attempts.charge(conn, "name 50", "10.0.0.3", now_ms)


def test_sessions(tx: Tx) -> None:
    conn, now_ms = tx.conn, tx.now_ms
    for token, begun_ms in (("a", now_ms), ("b", now_ms), ("c", now_ms - RULES.most_ms)):
        sessions.begin(
            conn, token, "wu", begun_ms, address="x" * 99, language="zh_CN", second_factor=True
        )
    sessions.sweep(conn, RULES, now_ms)
    assert sessions.find(conn, "c", RULES, now_ms) is None
    sessions.change(conn, "a", second_factor=False)
    found = sessions.find(conn, "a", RULES, now_ms)
    assert found is not None
    assert (found.second_factor, found.address) == (False, "x" * 64)
    sessions.end_all(conn, "wu", but="a")
    assert [bool(sessions.find(conn, token, RULES, now_ms)) for token in "ab"] == [True, False]
    assert [sessions.end(conn, token) for token in "aa"] == [True, False]


def test_links_and_factors(tx: Tx) -> None:
    first = links.for_role(tx, Role.AUDITOR, 60)
    assert links.use(tx, first.secret)[0] == first.target
    keeping.create(tx, "wu", "乌云", "", "某人")
    link = links.for_account(tx, "wu", 60, ends_factor=True)
    assert links.use(tx, link.secret) == (link.target, True)
    with pytest.raises(AccountLink):
        links.use(tx, link.secret)
    shown = factor.begin(tx, keeping.need(tx.conn, "wu"), "Ortoo")
    assert len(shown.secret) == 32
    assert factor.confirm(tx, keeping.need(tx.conn, "wu"), "x") is None
    factor.end(tx, "wu")
    assert keeping.need(tx.conn, "wu").factor_next == b""


def test_acts(tx: Tx) -> None:
    acts.note(tx, "roles", "account:wu compiler", account="bao", correlation="c")
    acts.note(tx, "roles", "account:wu2", "account.own", account="bao")
    found = acts.listed(tx.conn, Wanted(subject="account:wu"))
    assert [each["subject"] for each in found] == ["account:wu compiler"]
    assert len(acts.listed(tx.conn, Wanted(account="bao", count=1))) == 1
    assert len(acts.listed(tx.conn, Wanted(refused=True))) == 1

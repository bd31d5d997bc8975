"""What somebody does and the record of it: one transaction, whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import insert, select

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.errors import CaseReason
from ortoo_protocol.station.accounts import desk
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.desk import SignedIn
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store.tables import stamp
from tests.support.account_house import US, House, open_house

DEED = "request.answer"


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def who(house: House) -> SignedIn:
    return await house.person("wu", Role.APPROVER)


def put(name: str) -> Callable[[Tx], None]:
    """A deed that can be seen."""
    return lambda tx: tx.conn.execute(insert(stamp).values(name=name, value="deed")) and None


def refuse(tx: Tx) -> None:
    put("refused")(tx)
    raise CaseReason()


async def done(house: House) -> list[str]:
    """The deeds that are on disk."""
    query = select(stamp.c.name).where(stamp.c.value == "deed").order_by(stamp.c.name)
    return await house.station.read(lambda conn: list(conn.execute(query).scalars()))


async def recorded(house: House) -> list[str]:
    """Outcomes of the acts, the oldest first."""
    return [outcome for _, action, outcome in await house.acts() if action == DEED]


async def commits_of(house: House, who: SignedIn, *jobs: Callable[[Tx], Any]) -> int:
    """How many commits a method takes that writes these one after the other."""

    async def method() -> None:
        for job in jobs:
            await house.station.write(job)

    before = sum(house.station.database.writer.figures.commits)
    await house.accounts.recorded(who, DEED, "1", method)
    return sum(house.station.database.writer.figures.commits) - before


async def test_a_deed_and_its_record_are_one_commit(house: House, who: SignedIn) -> None:
    assert await commits_of(house, who, put("one")) == 1
    assert await commits_of(house, who, put("two"), put("three")) == 2, "recorded with the first"
    assert await commits_of(house, who) == 1, "what writes nothing is recorded by itself"
    assert await done(house) == ["one", "three", "two"]
    assert await recorded(house) == ["done"] * 3


async def test_what_cannot_be_recorded_does_not_happen(
    house: House, who: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError("no record can be made")

    with monkeypatch.context() as patch:
        patch.setattr(desk, "_note", broken)
        with pytest.raises(RuntimeError):
            await house.accounts.recorded(who, DEED, "1", lambda: house.station.write(put("one")))
    assert await done(house) == []
    assert await recorded(house) == []


async def test_what_is_refused_is_recorded_as_that_alone(house: House, who: SignedIn) -> None:
    with pytest.raises(CaseReason):
        await house.accounts.recorded(who, DEED, "1", lambda: house.station.write(refuse))
    assert await done(house) == []
    assert await recorded(house) == [CaseReason.code]

    async def tries_again() -> None:
        with pytest.raises(CaseReason):
            await house.station.write(refuse)
        await house.station.write(put("one"))

    await house.accounts.recorded(who, DEED, "1", tries_again)
    assert await done(house) == ["one"]
    assert await recorded(house) == [CaseReason.code, "done"]


async def test_a_part_that_was_done_stays_on_record(house: House, who: SignedIn) -> None:
    with pytest.raises(CaseReason):
        await commits_of(house, who, put("one"), refuse)
    assert await done(house) == ["one"]
    assert await recorded(house) == ["done", CaseReason.code]


async def test_what_goes_on_afterwards_carries_no_record(house: House, who: SignedIn) -> None:
    """Begun by a method and not waited for; nor does a second person's deed take the first's."""
    begun: list[asyncio.Task[None]] = []
    over = asyncio.Event()

    async def later() -> None:
        await over.wait()
        await house.station.write(put("later"))

    async def method() -> None:
        begun.append(asyncio.create_task(later()))

    await house.accounts.recorded(who, DEED, "1", method)
    over.set()
    await begun[0]
    assert await recorded(house) == ["done"]
    each = (house.accounts.recorded(who, DEED, name, _putting(house, name)) for name in "ab")
    await asyncio.gather(*each)
    assert await done(house) == ["a", "b", "later"]
    found = await house.administration.acts(US, Wanted(action=DEED))
    subjects = [one["subject"] for one in found]
    assert sorted(subjects) == ["1", "a", "b"]


def _putting(house: House, name: str) -> Callable[[], Any]:
    return lambda: house.station.write(put(name))

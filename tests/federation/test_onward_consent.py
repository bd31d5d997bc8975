"""What was received is passed on with its provider's consent, where the rules name a clause for
that, and not otherwise: three stations, the hub as notary."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ortoo_node.use import consenting
from ortoo_protocol.core import errors
from ortoo_protocol.core.use.onward import OnwardAsk
from ortoo_protocol.station import clocks
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store.onward_tables import onward_consents
from ortoo_protocol.station.store.tables import journal, outbox
from ortoo_protocol.station.use import consents
from tests.federation.exchange import PROVIDER, READER, THIRD, Exchange, exchange, lawful
from tests.node.kit import FORM, PEOPLE, Node, entry
from tests.support.hubs import until_true
from tests.support.stations import until
from tests.support.trust import DEPARTMENTS

DERIVED = "3020101/0001"
DAY_MS = 86_400_000
THIRDS = DEPARTMENTS[THIRD][0]
SIDES = {"handler": "甲", "approver": "丙"}


async def derived(region: Exchange, profile: str) -> None:
    """A resource of the reader's own, to be made of what it received."""
    await region.subscribe()
    await region.equal()
    with sqlite3.connect(region.reader.sink) as conn:
        conn.execute("CREATE VIEW checked AS SELECT id, name, income FROM people")
    listed = entry(READER, DERIVED, 2, feed=f"{READER}.checked", **lawful(profile))
    await region.reader.call("catalog.add", entry=listed)


def asking(region: Exchange, **more: Any) -> dict[str, Any]:
    return {
        "grant": region.grant,
        "resource": DERIVED,
        "third": THIRD,
        "third_department": THIRDS,
        "basis": "《社会救助暂行办法》第八条",
        "purpose": "住房保障资格核对",
        "form": "核验结果",
        "until_ms": region.kit.clock() + 30 * DAY_MS,
        **SIDES,
        **more,
    }


async def asked(region: Exchange, **more: Any) -> str:
    made = await region.reader.call("onward.ask", **asking(region, **more))
    await all_hold(region, made["onward"], "asked")
    return str(made["onward"])


async def consented(region: Exchange, **more: Any) -> str:
    onward = await asked(region)
    await region.provider.call("onward.answer", onward=onward, consented=True, **SIDES, **more)
    await all_hold(region, onward, "consented")
    return onward


async def all_hold(region: Exchange, onward: str, state: str) -> None:
    """Reader, provider and hub."""
    for show in (region.reader.call, region.provider.call, _of_hub(region)):

        async def so(show: Any = show) -> bool:
            found = (await show("grant.show", grant=region.grant))["onward"]
            return any((one["onward"], one["state"]) == (onward, state) for one in found)

        await until_true(so)


def _of_hub(region: Exchange) -> Any:
    async def call(method: str, **params: Any) -> Any:
        return await region.hub.call[method](**params)

    return call


async def publish(region: Exchange) -> Any:
    return await region.reader.call("publish", resource=DERIVED, source="back", table="checked")


async def given_to_third(region: Exchange) -> str:
    """The third party applies for the derived resource, and is granted it."""

    async def known() -> bool:
        found = await region.third.call("catalog.search", text="")
        return DERIVED in [each["code"] for each in found["entries"]]

    await until_true(known)
    case = await apply(region.third, THIRDS)

    async def arrived() -> bool:
        found = (await region.reader.call("request.list", state="submitted"))["cases"]
        return any(one["case"] == case for one in found)

    await until_true(arrived)
    given = await region.reader.call("request.grant", case=case, items=[], **PEOPLE)
    await region.state_of(region.third, given["grant"], "active")
    await region.third.call(
        "subscribe", resource=DERIVED, department=THIRDS, sink="shared", table="got",
        purpose=FORM["purpose"],
    )  # fmt: skip
    return str(given["grant"])


async def apply(node: Node, department: str) -> str:
    made = await node.call("request.apply", resource=DERIVED, department=department, **FORM)
    return str(made["case"])


async def test_with_consent_what_is_derived_goes_to_whom_it_names_and_ends_with_it(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path, profile="SC2025") as region:
        await derived(region, "SC2025")
        with pytest.raises(errors.UseOnward) as refused:
            await publish(region)
        assert refused.value.facts["article"] == "Decree 809 art. 25"
        onward = await consented(region, conditions="只提供核验结果")
        shown = (await region.provider.call("onward.list"))["onward"][0]
        assert shown["clause"] == "Decree 809 art. 25"
        assert (shown["asked_by"], shown["answered_by"]) == ("丙", "丙")
        assert shown["until_ms"] == shown["asked_until_ms"]
        await publish(region)
        grant = await given_to_third(region)
        await until(lambda: region.third.rows("got") == region.source())
        # Only for what was consented to, and only to whom.
        other = entry(READER, "3020101/0002", 2, feed=f"{READER}.other", **lawful("SC2025"))
        await region.reader.call("catalog.add", entry=other)
        with pytest.raises(errors.UseOnward):
            await region.reader.call(
                "publish", resource="3020101/0002", source="back", table="checked"
            )
        await region.provider.call("onward.revoke", onward=onward, reason="超出约定形式", by="丙")
        await all_hold(region, onward, "revoked")
        with pytest.raises(errors.UseOnward):
            await publish(region)
        await region.state_of(region.third, grant, "ended")
        ended = (await region.third.call("grant.show", grant=grant))["grant"]
        assert ended["reason"] == consenting.OVER
        for station in (region.reader, region.provider):
            kinds = await journalled(station)
            assert {"onward.ask", "onward.answer", "onward.revoked"} <= kinds


async def journalled(node: Node) -> set[str]:
    query = select(journal.c.kind)
    return set(await node.app.station.read(lambda conn: conn.execute(query).scalars().all()))


async def test_nobody_but_the_named_third_party_gets_it(tmp_path: Path) -> None:
    async with exchange(tmp_path, profile="SC2025") as region:
        await derived(region, "SC2025")
        await consented(region)
        await publish(region)
        own = DEPARTMENTS[READER][0]
        case = await apply(region.reader, own)
        with pytest.raises(errors.UseOnward):
            await region.reader.call("request.grant", case=case, items=[], **PEOPLE)


async def test_a_resource_that_others_read_is_not_taken_for_it(tmp_path: Path) -> None:
    """They would lose it by a consent that does not name them."""
    async with exchange(tmp_path, profile="SC2025") as region:
        await derived(region, "SC2025")
        case = await apply(region.reader, DEPARTMENTS[READER][0])
        await region.reader.call("request.grant", case=case, items=[], **PEOPLE)
        with pytest.raises(errors.CaseField):
            await region.reader.call("onward.ask", **asking(region))
        own = {"third": READER, "third_department": DEPARTMENTS[READER][0]}
        await asked(region, **own)


async def test_under_the_measures_there_is_no_such_consent(tmp_path: Path) -> None:
    async with exchange(tmp_path) as region:
        await derived(region, "NM2018")
        with pytest.raises(errors.OnwardClause) as refused:
            await region.reader.call("onward.ask", **asking(region))
        assert refused.value.facts["article"] == "Measures art. 20"
        # Nor when a station sends the letter all the same.
        body = OnwardAsk(onward="e" * 32, clause="Decree 809 art. 25", **asking(region))
        station = region.reader.app.station
        letter = await station.write(lambda tx: send(tx, PROVIDER, body))

        async def refusal() -> bool:
            query = select(outbox.c.state, outbox.c.error).where(outbox.c.id == letter)
            row = await station.read(lambda conn: conn.execute(query).one())
            return tuple(row) == ("refused", errors.OnwardClause.code)

        await until_true(refusal)
        assert (await region.provider.call("onward.list"))["onward"] == []
        with pytest.raises(errors.UseOnward):
            await publish(region)


async def test_refused_or_asked_for_too_much(tmp_path: Path) -> None:
    async with exchange(tmp_path, profile="SC2025") as region:
        await derived(region, "SC2025")
        with pytest.raises(errors.CaseField):
            await region.reader.call("onward.ask", **asking(region, approver="甲"))
        with pytest.raises(errors.CatalogOwner):
            await region.reader.call("onward.ask", **asking(region, resource="3070101/0001"))
        with pytest.raises(errors.GrantUnknown):
            await region.provider.call("onward.ask", **asking(region))
        onward = await asked(region)
        (clock,) = await region.provider.app.station.read(
            lambda conn: clocks.of(conn, consents.subject(onward))
        )
        assert (clock.party, clock.department) == (PROVIDER, DEPARTMENTS[PROVIDER][0])
        with pytest.raises(errors.OnwardMove):
            await region.reader.call("onward.ask", **asking(region))
        with pytest.raises(errors.GrantUnknown):
            await region.reader.call("onward.answer", onward=onward, consented=True, **SIDES)
        with pytest.raises(errors.CaseField):
            await region.provider.call(
                "onward.answer", onward=onward, consented=True,
                until_ms=region.kit.clock() + 60 * DAY_MS, **SIDES,
            )  # fmt: skip
        await region.provider.call(
            "onward.answer", onward=onward, consented=False, reason="涉及个人隐私", **SIDES
        )
        await all_hold(region, onward, "refused")
        with pytest.raises(errors.OnwardMove):
            await region.provider.call("onward.revoke", onward=onward, reason="?", by="丙")
        with pytest.raises(errors.UseOnward):
            await publish(region)
        await asked(region)  # it may ask again


@pytest.mark.parametrize("first", ["its time", "its grant"])
async def test_it_lapses_everywhere_with_its_time_and_with_its_grant(
    tmp_path: Path, first: str
) -> None:
    async with exchange(tmp_path, profile="SC2025") as region:
        await derived(region, "SC2025")
        onward = await consented(region)
        await publish(region)
        grant = await given_to_third(region)
        if first == "its time":

            def over(tx: Tx) -> None:
                tx.conn.execute(onward_consents.update().values(until_ms=tx.now_ms - 1))

            for station in (
                region.reader.app.station,
                region.provider.app.station,
                region.hub.hub.station,
            ):
                await station.write(over)
        else:
            await region.reader.call("use.dispose", grant=region.grant, why="met", by="丁")
            await region.everywhere("ended")
        with pytest.raises(errors.UseOnward):
            await publish(region)
        await region.state_of(region.third, grant, "ended")
        await region.hub.hub.station.write(consents.lapse)
        await all_hold(region, onward, "lapsed")


async def test_a_copy_of_the_table_through_a_sink_that_came_later(tmp_path: Path) -> None:
    """The publication was there first; rows may go there under the grant that consent was given
    for."""
    async with exchange(tmp_path, profile="SC2025") as region:
        with sqlite3.connect(region.reader.sink) as conn:
            conn.execute("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, income INTEGER)")
        listed = entry(READER, DERIVED, 2, feed=f"{READER}.checked", **lawful("SC2025"))
        await region.reader.call("catalog.add", entry=listed)
        await region.reader.call("publish", resource=DERIVED, source="back", table="people")
        with pytest.raises(errors.UseOnward):
            await region.subscribe(grant=region.grant)
        await consented(region)
        await region.subscribe(grant=region.grant)

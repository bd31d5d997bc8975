"""The sections about data, as the people of a station see them."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.accounts.acts import Wanted
from ortoo_protocol.station.accounts.people import Local
from tests.console.kit import PASSWORD, Front, front
from tests.node.query_kit import CODE, PURPOSE, Pair, pair
from tests.node.test_subscription_control import Exchange, exchange
from tests.support.trust import DEPARTMENTS

HOSTILE = "<script>alert(1)</script>"


@dataclass
class Reading:
    """A station that reads another's rows, and its console."""

    exchange: Exchange
    front: Front


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Reading]:
    async with exchange(folder) as made, front(made.reader) as shown:
        await shown.person("wang", "王芳", Role.SUBSCRIBER, Role.SYSTEM_ADMIN)
        await shown.person("li", "李强", Role.AUDITOR)
        yield Reading(made, shown)


async def test_a_subscription_is_listed_paused_and_resumed(tmp_path: Path) -> None:
    async with reading(tmp_path) as at, at.front.visitor("wang") as visitor:
        await at.exchange.publish(("a", "甲"), ("b", "乙"))
        subscription = await at.exchange.subscribe("towns")
        await at.exchange.until(subscription, lambda one: one["rows"] == 2)
        listed = await visitor.get("/subscriptions")
        assert f'href="/subscriptions/{subscription}"' in listed
        assert re.search(r'<td class="num">2</td>', listed)
        shown = await visitor.get(f"/subscriptions/{subscription}")
        assert "subscription.pause" in shown
        assert "subscription.resume" not in shown
        await visitor.get(f"/act/subscription.pause?subscription={subscription}")
        done = await visitor.post("/act/subscription.pause", subscription=subscription)
        held = await visitor.get(done.headers["location"])
        assert "subscription.resume" in held
        await visitor.post("/act/subscription.resume", subscription=subscription)
        assert "subscription.pause" in await visitor.get(f"/subscriptions/{subscription}")
        await visitor.get(f"/act/subscription.reread?subscription={subscription}")
        refused = await visitor.post(
            "/act/subscription.reread", 422, subscription=subscription, first="99"
        )
        assert "subscription.nothing" in refused.text
        await visitor.post("/act/subscription.resync", subscription=subscription)


async def test_a_subscription_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    async with reading(tmp_path) as at, at.front.visitor("wang") as visitor:
        await at.exchange.publish(("a", "甲"))
        subscription = await at.exchange.subscribe("towns")
        await at.exchange.until(subscription, lambda one: one["rows"] == 1)
        at.exchange.change("DROP TABLE towns", "CREATE TABLE towns (other TEXT)")
        await at.exchange.publish(("b", HOSTILE))
        shown = await at.exchange.until(subscription, lambda one: one["error"])
        page = await visitor.get(f"/subscriptions/{subscription}")
        assert shown["error"]["code"] in page
        assert "与公布的结构不符" in page, "in the language of the page, with its facts"
        assert "subscription.resume" in page
        assert HOSTILE not in page


async def test_a_live_part_of_a_subscription_says_how_far_it_is(tmp_path: Path) -> None:
    async with reading(tmp_path) as at, at.front.visitor("wang") as visitor:
        await at.exchange.publish(("a", "甲"))
        subscription = await at.exchange.subscribe("towns")
        await at.exchange.until(subscription, lambda one: one["rows"] == 1)
        for url in ("/live/subscriptions", f"/live/subscription?subscription={subscription}"):
            async with asyncio.timeout(10), visitor.client.stream("GET", url) as stream:
                async for line in stream.aiter_lines():
                    if "chip current" in line:
                        break
                else:
                    raise AssertionError("the stream ended")


async def test_subscribing_offers_the_sinks_and_keeps_what_was_typed(tmp_path: Path) -> None:
    async with reading(tmp_path) as at, at.front.visitor("wang") as visitor:
        form = await visitor.get("/act/subscribe?resource=3/001")
        assert '<option value="shared"' in form
        refused = await visitor.post(
            "/act/subscribe", 404, resource="3/404", department=DEPARTMENTS["s150200"][0],
            sink="shared", table="towns", purpose=HOSTILE,
        )  # fmt: skip
        assert "catalog.unknown" in refused.text
        assert HOSTILE not in refused.text
        assert "&lt;script&gt;" in refused.text


async def test_an_auditor_reads_subscriptions_and_moves_none(tmp_path: Path) -> None:
    async with reading(tmp_path) as at, at.front.visitor("li") as visitor:
        await at.exchange.publish(("a", "甲"))
        subscription = await at.exchange.subscribe("towns")
        page = await visitor.get(f"/subscriptions/{subscription}")
        assert "/act/" not in page
        await visitor.post("/act/subscription.pause", 403, subscription=subscription)
        assert "/act/" not in await visitor.get("/subscriptions")
        assert "subscription.unknown" in await visitor.get("/subscriptions/nosuch", 404)


@asynccontextmanager
async def publishing(folder: Path) -> AsyncIterator[tuple[Pair, Front]]:
    """A station with an entry of the catalog and 100 rows of it, alone."""
    async with pair(folder, alone=True) as made, front(made.provider) as shown:
        await shown.person("bao", "宝音", Role.SYSTEM_ADMIN)
        await shown.person("li", "李强", Role.AUDITOR)
        yield made, shown


async def test_a_source_is_tested_and_looked_into_and_that_is_recorded(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (made, at), at.visitor("bao") as visitor:
        with sqlite3.connect(made.provider.source) as conn:
            conn.execute("UPDATE people SET name = ? WHERE id = '00001'", (HOSTILE,))
        page = await visitor.get("/sources")
        assert "business" in page
        assert "shared" in page
        await visitor.get("/act/source.test?name=business")
        done = await visitor.post("/act/source.test", name="business")
        assert "完成" in await visitor.get(done.headers["location"])
        shown = await visitor.post("/act/source.preview", 200, name="business", table="people")
        assert shown.text.count("<tr>") == 21
        assert HOSTILE not in shown.text
        assert "&lt;script&gt;" in shown.text
        missing = await visitor.post("/act/source.preview", 422, name="business", table=HOSTILE)
        assert "source.missing" in missing.text
        assert HOSTILE not in missing.text
        ways = await visitor.post("/act/source.check", 200, name="business", table="people")
        assert ways.text.count("<tr>") == 5
        found = await at.accounts.administration.acts(
            Local("检查"), Wanted(action="source.preview")
        )
        assert {each["account"] for each in found} == {"bao"}
        await visitor.post("/act/sink.test", name="shared")


async def test_whoever_only_reads_sees_sources_and_no_rows(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (_, at), at.visitor("li") as visitor:
        assert "/act/" not in await visitor.get("/sources")
        assert "/act/" not in await visitor.get("/publications")
        await visitor.post("/act/source.preview", 403, name="business", table="people")


async def test_a_resource_is_published_and_its_plan_changed(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (made, at), at.visitor("bao") as visitor:
        await visitor.get(f"/act/publish?resource={CODE}")
        done = await visitor.post(
            "/act/publish", 200, resource=CODE, source="business", table="people"
        )
        assert ">100</p>" in done.text
        page = await visitor.get("/publications")
        assert "/act/publish?resource=3070101%2F0001" in page
        assert '<td class="num">100<br>' in page
        form = await visitor.get(f"/act/publication.set?resource={CODE}&source=business&every_s=60")
        assert 'value="60"' in form
        await visitor.post(
            "/act/publication.set", resource=CODE, source="business", table="people",
            capture="whole", every_s="3600",
        )  # fmt: skip
        (one,) = (await made.provider.call("publication.list"))["publications"]
        assert (one["capture"], one["every_s"], one["follow"]) == ("whole", 3600, False)
        await visitor.get("/publications")
        refused = await visitor.post(
            "/act/publication.set", 422, resource=CODE, capture="watermark", watermark=""
        )
        assert "publication.option" in refused.text


@asynccontextmanager
async def asking(folder: Path, rows: int = 100) -> AsyncIterator[tuple[Pair, Front]]:
    """One station that declares a query and asks it of itself, with a grant for it."""
    async with pair(folder, rows, alone=True) as made, front(made.provider) as shown:
        await shown.person("wang", "王芳", Role.SUBSCRIBER)
        await shown.person("bao", "宝音", Role.SYSTEM_ADMIN)
        yield made, shown


async def test_a_query_is_asked_by_a_form_of_its_parameters(tmp_path: Path) -> None:
    async with asking(tmp_path, 250) as (made, at), at.visitor("wang") as visitor:
        await made.declare(
            name=HOSTILE,
            sql="SELECT id, name, income FROM people WHERE income >= :least AND :sex <> ''",
            parameters=[
                {"name": "least", "title": "最低收入", "type": "I"},
                {"name": "sex", "type": "C", "choices": ["男", "女"]},
            ],
        )
        with sqlite3.connect(made.provider.source) as conn:
            conn.execute("UPDATE people SET name = ? WHERE id = '00001'", (HOSTILE,))
        granted = await made.grant()
        assert f"/queries/grants/{granted.grant}" in await visitor.get("/queries")
        url = f"/queries/ask/{granted.grant}/by-income"
        offered = await visitor.get(f"/queries/grants/{granted.grant}")
        assert url in offered
        assert HOSTILE not in offered
        form = await visitor.get(url)
        assert 'type="number"' in form
        assert '<option value="女"' in form
        assert PURPOSE in form
        asked = {"p.least": "0", "p.sex": "女", "purpose": PURPOSE}
        first = await visitor.post(url, 200, **asked)
        assert first.text.count("<tr>") == 101
        assert "共 250 行" in first.text
        assert HOSTILE not in first.text
        reading = re.search(r'name="reading" value="([0-9a-f]+)"', first.text)
        assert reading is not None
        for left in (100, 50):
            following = await visitor.post("/queries/next", 200, reading=reading[1], title="x")
            assert following.text.count("<tr>") == left + 1
        assert 'name="reading"' not in following.text
        gone = await visitor.post("/queries/next", 422, reading=reading[1])
        assert "query.gone" in gone.text
        assert "by-income" in await visitor.get("/queries")
        (row,) = (await made.provider.call("query.record", limit=1))["queries"]
        assert (row["purpose"], row["handler"]) == (PURPOSE, "王芳")


async def test_a_wrong_parameter_or_purpose_keeps_what_was_typed(tmp_path: Path) -> None:
    async with asking(tmp_path) as (made, at), at.visitor("wang") as visitor:
        url = f"/queries/ask/{(await made.grant()).grant}/by-income"
        await visitor.get(url)
        marked = await visitor.post(url, 422, **{"p.least": "many", "purpose": PURPOSE})
        assert 'value="many"' in marked.text
        refused = await visitor.post(url, 422, **{"p.least": "5", "purpose": HOSTILE})
        assert "query.purpose" in refused.text
        assert 'value="5"' in refused.text
        assert HOSTILE not in refused.text
        await visitor.post(url, 409, csrf="guessed", **{"p.least": "5", "purpose": PURPOSE})
        await visitor.get(url.replace("by-income", "no-such"), 404)


async def test_only_users_of_data_ask_and_only_operators_declare(tmp_path: Path) -> None:
    async with asking(tmp_path) as (made, at), at.visitor("bao") as visitor:
        granted = await made.grant()
        url = f"/queries/ask/{granted.grant}/by-income"
        await visitor.get(url, 403)
        assert url not in await visitor.get(f"/queries/grants/{granted.grant}")
        await visitor.get("/act/query.declare")
        refused = await visitor.post("/act/query.declare", 422, given='{"code": "x"}')
        assert "query.declaration" in refused.text
        await visitor.post("/act/query.withdraw", code="by-income")
        page = await visitor.get("/queries")
        assert "/act/query.withdraw" not in page
        async with at.visitor("wang") as user:
            await user.post("/act/query.declare", 403, given="{}")
            assert "/act/query.declare" not in await user.get("/queries")


async def test_a_session_that_ends_over_a_query_keeps_its_form(tmp_path: Path) -> None:
    async with asking(tmp_path) as (made, at), at.visitor("wang") as visitor:
        url = f"/queries/ask/{(await made.grant()).grant}/by-income"
        await visitor.get(url)
        form = visitor.pages[-1]
        await visitor.post("/sign-out")
        visitor.pages.append(form)
        await visitor.post(url, 401, **{"p.least": "77", "purpose": PURPOSE})
        again = await visitor.post(
            "/sign-in", 200, name="wang", password=PASSWORD, next=url, **{"carried.p.least": "77"}
        )
        assert 'value="77"' in again.text


async def test_a_token_is_shown_once_replaced_and_revoked(tmp_path: Path) -> None:
    async with publishing(tmp_path) as (made, at):
        await at.person("an", "安达", Role.SECURITY_ADMIN)
        async with at.visitor("an") as visitor:
            await visitor.get("/act/token.new")
            asked = {
                "department": DEPARTMENTS["s150700"][0],
                "scopes": "catalog:read\nrequest:write",
                "application": HOSTILE,
                "days": "30",
            }
            shown = await visitor.post("/act/token.new", 200, **asked)
            text = re.search(r"ortoo_([0-9a-f]{12})_[A-Za-z0-9_-]{43}", shown.text)
            assert text is not None
            assert HOSTILE not in shown.text
            listed = await visitor.get("/tokens")
            assert text[1] in listed
            assert text[0] not in listed
            renewed = await visitor.post(
                "/act/token.rotate", 200, token=text[1], overlap_hours="1", days="30"
            )
            assert "ortoo_" in renewed.text
            assert text[0] not in renewed.text
            await visitor.post("/act/token.revoke", token=text[1])
            (old,) = (
                one
                for one in (await made.provider.call("token.list"))["tokens"]
                if one["token"] == text[1]
            )
            assert old["state"] == "revoked"
            await visitor.get("/tokens")
            wrong = await visitor.post("/act/token.new", 422, **{**asked, "scopes": "all"})
            assert "token.scope" in wrong.text
        async with at.visitor("bao") as other:
            assert "/act/" not in await other.get("/tokens")
            await other.post("/act/token.new", 403, **asked)

"""The sections about data, as the people of a station see them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ortoo_protocol.core.accounts.roles import Role
from tests.console.kit import Front, front
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

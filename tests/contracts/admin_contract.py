"""The behaviour of a BrokerAdmin, whichever it is: subclass `AdminContract` and give it a `rig`.

What stands is looked at through a second read, and what it means for parties is in the bus's own
contract, whose rigs are programmed through the same port.
"""

from __future__ import annotations

import pytest

from ortoo_protocol.bus.port import Link
from ortoo_protocol.core.errors import BusLoginRefused
from ortoo_protocol.core.topology import (
    FEEDS,
    HUB_INBOX,
    LETTERS,
    Binding,
    Change,
    Exchange,
    FeedRoute,
    Permission,
    Queue,
    Sessions,
    Thing,
    TopicPermission,
    User,
    Verb,
    feed_queue,
    inbox_queue,
    plan,
    rabbit_password_hash,
)
from tests.contracts.bus_rig import (
    FEED,
    MEMBERS,
    A,
    B,
    BusRig,
    C,
    lost,
    password_of,
    topology,
    until,
)

FOREIGN: tuple[Thing, ...] = (
    Exchange("audit", "fanout"),
    Queue("audit.tap"),
    Binding(FEEDS, "audit.tap", "#"),
)


async def mend(rig: BusRig) -> list[Change]:
    """Plan against the right topology, apply, and check that nothing is left to do."""
    changes = plan(topology(), await rig.admin.read())
    for change in changes:
        await rig.admin.apply(change)
    assert plan(topology(), await rig.admin.read()) == ()
    return list(changes)


class AdminContract:
    async def test_a_plan_brings_about_what_is_wanted(self, rig: BusRig) -> None:
        assert await mend(rig)
        actual, right = await rig.admin.read(), topology()
        assert actual.exchanges >= right.exchanges
        assert actual.queues == right.queues
        assert actual.bindings == right.bindings
        assert actual.users >= right.users
        assert actual.topic_permissions == right.topic_permissions
        assert actual.permissions >= right.permissions
        assert await mend(rig) == []

    async def test_every_step_may_be_repeated(self, rig: BusRig) -> None:
        for _ in range(2):
            for change in plan(topology(), (await rig.admin.read())):
                await rig.admin.apply(change)
                await rig.admin.apply(change)
        assert plan(topology(), await rig.admin.read()) == ()
        ended = topology(MEMBERS[:2], feeds=[])
        for change in plan(ended, await rig.admin.read()):
            await rig.admin.apply(change)
            await rig.admin.apply(change)
        assert plan(ended, await rig.admin.read()) == ()

    @pytest.mark.parametrize(
        "drift",
        [
            Change(Verb.PUT, Permission(A, configure=".*", write=".*", read=".*")),
            Change(Verb.PUT, TopicPermission(A, LETTERS, write=".*", read=".*")),
            Change(Verb.PUT, User(A, rabbit_password_hash("theirs", b"pepp"), ("administrator",))),
            Change(Verb.PUT, Binding(LETTERS, inbox_queue(A), f"{C}.#")),
            Change(Verb.PUT, Binding("amq.topic", inbox_queue(A), "#")),
            Change(Verb.PUT, Queue(feed_queue(A, f"{B}.ended"))),
            Change(Verb.PUT, User("s159999", rabbit_password_hash("sham", b"pepp"))),
            Change(Verb.REMOVE, Binding(LETTERS, inbox_queue(A), f"{B}.{A}.feed.#")),
            Change(Verb.REMOVE, Queue(inbox_queue(A))),
            Change(Verb.REMOVE, Queue(HUB_INBOX)),
            Change(Verb.REMOVE, Exchange(FEEDS)),
            Change(Verb.REMOVE, User(A, "")),
            Change(Verb.REMOVE, Permission(A, "", "", "")),
            Change(Verb.REMOVE, TopicPermission(A, LETTERS, "", "")),
        ],
        ids=lambda change: f"{change.verb.value}-{change.thing}",
    )
    async def test_drift_is_mended(self, rig: BusRig, drift: Change) -> None:
        await rig.program(topology())
        await rig.admin.apply(drift)
        assert await mend(rig)

    @pytest.mark.parametrize(
        "wrong",
        [Queue(feed_queue(B, FEED)), Exchange(FEEDS, "fanout")],
        ids=["queue without bounds", "exchange of another type"],
    )
    async def test_what_cannot_be_changed_is_made_anew(
        self, rig: BusRig, wrong: Queue | Exchange
    ) -> None:
        await rig.program(topology())
        await rig.admin.apply(Change(Verb.REMOVE, wrong))
        await rig.admin.apply(Change(Verb.PUT, wrong))
        await mend(rig)
        assert (await rig.admin.read()).bindings == topology().bindings

    async def test_foreign_things_stay(self, rig: BusRig) -> None:
        for thing in (*FOREIGN[:2], Exchange(FEEDS), FOREIGN[2]):
            await rig.admin.apply(Change(Verb.PUT, thing))
        strangers = await rig.admin.read()
        await mend(rig)
        await rig.program(topology(feeds=[FeedRoute(FEED, B)]))
        actual = await rig.admin.read()
        assert actual.exchanges >= strangers.exchanges
        assert actual.queues >= strangers.queues
        assert actual.bindings >= strangers.bindings
        assert actual.users >= strangers.users
        assert actual.permissions >= strangers.permissions

    async def test_connections_of_one_user_are_closed(self, rig: BusRig) -> None:
        await rig.program(topology())
        link, other = await rig.bus(A).connect(), await rig.bus(B).connect()

        async def listed() -> bool:
            return {A, B} <= (await rig.admin.read()).connected

        await until(listed)
        assert await rig.admin.close_connections(A) > 0
        await lost(link, within_s=1)
        assert await _alive(other)
        again = await rig.bus(A).connect()
        for each in (link, other, again):
            await each.close()

    async def test_a_connection_that_outlived_its_permission_is_closed(self, rig: BusRig) -> None:
        """The hub died between the two steps: the next plan takes the second one."""
        await rig.program(topology())
        link = await rig.bus(A).connect()
        suspended = topology([m for m in MEMBERS if m.party != A])

        async def listed() -> bool:
            return A in (await rig.admin.read()).connected

        await until(listed)
        for change in plan(suspended, await rig.admin.read()):
            if not isinstance(change.thing, Sessions | User):
                await rig.admin.apply(change)
        await rig.program(suspended)
        await lost(link)
        await link.close()

    async def test_a_new_password_ends_what_the_old_one_opened(self, rig: BusRig) -> None:
        await rig.program(topology())
        await rig.admin.apply(Change(Verb.PUT, User(A, rabbit_password_hash("old", b"salt"))))
        link = await rig.bus(A, "old").connect()
        await rig.program(topology())
        await lost(link)
        await link.close()
        with pytest.raises(BusLoginRefused):
            await rig.bus(A, "old").connect()
        await (await rig.bus(A, password_of(A)).connect()).close()


async def _alive(link: Link) -> bool:
    consumer = await link.consume(inbox_queue(B), prefetch=1)
    await consumer.close()
    return True

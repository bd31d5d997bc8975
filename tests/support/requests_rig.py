"""Two real stations with their applications and a real hub, for share requests: what people do at
each, letters as another implementation might send them, and the state that all three hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, update

from ortoo_hub import cases as hub_cases
from ortoo_hub import membership
from ortoo_hub.cases import ruling
from ortoo_node import cases, catalog, granting
from ortoo_node.app import _expire
from ortoo_node.cases import disputing, store
from ortoo_protocol.bus.port import Bus, Link
from ortoo_protocol.core.cases import (
    MOVES,
    STEPS,
    Answer,
    Application,
    CaseStep,
    Completion,
    Event,
    Need,
    Side,
    State,
    Withdrawal,
)
from ortoo_protocol.core.catalog import NOT_SHARED, UNCONDITIONAL, Entry
from ortoo_protocol.core.codec import Shape, decode
from ortoo_protocol.core.errors import BusUnreachable
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.cases.judging import due_ms
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.tables import grants, outbox
from tests.node.kit import Node, open_node
from tests.support.hubs import PROVIDER, READER, RESOURCE, HubKit, Running, entry, methods, terms
from tests.support.hubs import until_true as until_true
from tests.support.stations import PASSWORD, until
from tests.support.trust import DEPARTMENTS, HUB, Region

PEOPLE = ("经办人", "审批人")
OPEN_RESOURCE, CLOSED_RESOURCE = "3150700011", "3150700013"
GROUND = {"ground_kind": "法律", "ground": "《中华人民共和国数据安全法》第二十一条"}
UNTIL_MS = 4_000_000_000_000


@dataclass
class Gate(Bus):
    """The way to the broker, which may be shut."""

    bus: Bus
    shut: bool = False

    async def connect(self) -> Link:
        if self.shut:
            raise BusUnreachable(address="broker", detail="shut")
        return await self.bus.connect()


@dataclass(repr=False)
class Requests:
    """`provider` and `reader` are whole stations; `running` is the hub at work."""

    running: Running
    provider: Node
    reader: Node
    gates: dict[str, Gate]
    count: int = 0

    @property
    def hub(self) -> Station:
        return self.running.hub.station

    def station(self, side: Side) -> Station:
        return (self.reader if side is Side.APPLICANT else self.provider).app.station

    # --- what people do ---

    async def apply(self, resource: str = RESOURCE, **changes: Any) -> str:
        """A new case, at the hub and with the provider."""
        self.count += 1
        wish = self.wish(resource, **changes)  # a purpose of its own: it is not joined
        case: str = await self.reader.app.station.write(lambda tx: cases.apply(tx, wish))
        return case

    def wish(self, resource: str = RESOURCE, **changes: Any) -> cases.Wish:
        values = {
            "resource": resource,
            "department": DEPARTMENTS[READER][0],
            "items": (),
            "row_filter": "",
            "purpose": f"工作参考{self.count}",
            "basis": "《社会救助暂行办法》第八条",
            "scenario": "核对申请人",
            "mode": "系统对接",
            "until_ms": UNTIL_MS,
            "handler": PEOPLE[0],
            "approver": PEOPLE[1],
            **changes,
        }
        return cases.Wish(**values)

    async def do(self, event: Event, case: str, side: Side | None = None) -> None:
        """Let the people of the right side take `event`. Raises what they are told."""
        if Side.AUTHORITY in STEPS[event].by:
            await self.hub.write(lambda tx: ruling.rule(tx, case, event, "意见", *PEOPLE))
            return
        who = side or next(iter(sorted(STEPS[event].by, key=lambda each: each.value)))
        await self.station(who).write(lambda tx: _DOINGS[event](tx, case))

    async def reach(self, state: State, resource: str = RESOURCE) -> str:
        """A case that all three hold in `state`, by the shortest way of the table."""
        case = await self.apply(resource)
        await self.all_hold(case, State.SUBMITTED)
        now = State.SUBMITTED
        for event, after in _WAYS[state]:
            if event is Event.COORDINATE:  # whatever the profile asks for
                await self.run_out(case, "negotiation")
            if event is Event.EXPIRE:
                await self.expire(case)
            else:
                await self.do(event, case)
            now = after
            await self.all_hold(case, now)
        return case

    async def unplug(self, party: str) -> None:
        """The broker puts `party` out, and lets it in no more."""
        self.gates[party].shut = True
        link = self._station_of(party).wire.link
        assert link is not None
        await link.close()
        await until(lambda: self._station_of(party).wire.link is None)

    async def plug(self, party: str) -> None:
        self.gates[party].shut = False

    def _station_of(self, party: str) -> Station:
        return (self.provider if party == PROVIDER else self.reader).app.station

    async def application(self, case: str) -> Application:
        return await self.reader.app.station.read(lambda conn: held_application(conn, case))

    async def own_department(self, party: str) -> str:
        return DEPARTMENTS[party][0]

    async def falsify(self, case: str, state: str) -> None:
        """What an administrator with a database tool could do."""
        await self.reader.app.station.write(lambda tx: store.put(tx, case, state=state))

    async def expire(self, case: str) -> None:
        """The grant's last day is over, at each side by itself."""
        for station in (self.provider.app.station, self.reader.app.station, self.hub):
            await station.write(lambda tx: end_terms(tx, case))
        await self.look_at_the_date()

    async def look_at_the_date(self) -> None:
        """What each does by itself, every few seconds."""
        for node in (self.provider, self.reader):
            await node.app.station.write(_expire)
        await self.hub.write(hub_cases.expire)

    async def run_out(self, case: str, duty: str) -> None:
        """The clock of `duty` has run out, wherever it runs."""
        for station in (self.provider.app.station, self.reader.app.station, self.hub):
            await self.shorten(station, case, duty)

    async def shorten(self, station: Station, case: str, duty: str) -> None:
        def job(tx: Tx) -> None:
            this = (clocks.c.subject == f"case:{case}") & (clocks.c.duty == duty)
            tx.conn.execute(update(clocks).where(this).values(due_ms=tx.now_ms - 1))

        await station.write(job)

    # --- letters past the application ---

    async def send(self, side: Side, body: Shape) -> tuple[str, str]:
        """As another implementation would; what becomes of it, and the code."""
        station = self.station(side)
        other = PROVIDER if side is Side.APPLICANT else READER
        letter = await station.write(lambda tx: send(tx, other, body))

        def outcome(conn: Connection) -> tuple[str, str] | None:
            row = conn.execute(outbox.select().where(outbox.c.id == letter)).first()
            return None if row is None or row.state == "waiting" else (row.state, row.error)

        await until_true(lambda: station.read(outcome))
        found = await station.read(outcome)
        assert found is not None
        return found

    # --- what all three hold ---

    async def states(self, case: str) -> tuple[str, str, str]:
        """At applicant, provider and hub."""

        def at_node(conn: Connection) -> str:
            rows = [row for row in store.listed(conn, store.Sought()) if row.case == case]
            return str(rows[0].state) if rows else ""

        def at_hub(conn: Connection) -> str:
            row = hub_cases.find(conn, case)
            return "" if row is None else str(row.state)

        return (
            await self.reader.app.station.read(at_node),
            await self.provider.app.station.read(at_node),
            await self.hub.read(at_hub),
        )

    async def all_hold(self, case: str, state: State) -> None:
        """Wait until all three hold `state`, and nothing is on its way."""
        wanted = (state.value,) * 3
        await until(lambda: True)
        for _ in range(1500):
            if await self.states(case) == wanted and await self.quiet(case):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{await self.states(case)}, not {state.value}")

    async def quiet(self, case: str) -> bool:
        """Every event here bears the notary's number, and every record has its event."""

        def read(conn: Connection) -> bool:
            rows = store.events_of(conn, case)
            return all(
                row.noted or row.status == "refused" or row.side == Side.SYSTEM.value
                for row in rows
            )

        stations = (self.reader.app.station, self.provider.app.station)
        return all([await station.read(read) for station in stations])

    async def differing(self) -> list[str]:
        """Cases in which a station and the hub differ, after comparing."""
        found: list[str] = []
        for node in (self.reader, self.provider):
            answer = await node.call("request.compare")
            assert answer["answered"]
            found += [each["case"] for each in answer["differing"]]
        return found

    async def due(self, station: Station, case: str) -> dict[str, int]:
        def read(tx: Tx) -> dict[str, int]:
            row = store.find(tx.conn, case)
            found = due_ms(tx.conn, store.subject_of(tx, row))
            return {duty.value: when_ms for duty, when_ms in found.items()}

        return await station.write(read)


def _step(event: Event) -> Callable[[Tx, str], object]:
    reason = "理由" if Need.REASON in STEPS[event].needs else ""

    def do(tx: Tx, case: str) -> object:
        own = Side.APPLICANT if tx.party == READER else Side.PROVIDER
        return disputing.say(tx, case, event, reason, *PEOPLE, own)

    return do


def _yes(conditions: str) -> Callable[[Tx, str], object]:
    return lambda tx, case: cases.answer_yes(tx, case, (), *PEOPLE, conditions, 0)


def _end(tx: Tx, case: str) -> object:
    grant = store.find(tx.conn, case).grant
    ended = granting.end(tx, grant, "不再提供", "丙", settled=True)
    cases.ended(tx, case, "不再提供")
    return ended


_DOINGS: dict[Event, Callable[[Tx, str], object]] = {
    Event.RETURN: lambda tx, case: cases.return_(tx, case, ["加盖公章的申请表"], *PEOPLE),
    Event.COMPLETE: lambda tx, case: cases.complete(tx, case, {}, (), "已补充"),
    Event.ACCEPT: lambda tx, case: cases.accept(tx, case, PEOPLE[0]),
    Event.ASK_EXTENSION: lambda tx, case: cases.ask_extension(tx, case, "情况复杂", *PEOPLE),
    Event.GRANT: _yes(""),
    Event.OFFER: _yes("仅限本部门使用"),
    Event.AGREE: lambda tx, case: cases.agree(tx, case, *PEOPLE),
    Event.REFUSE: lambda tx, case: cases.answer_no(tx, case, "不符合条件", *PEOPLE, **GROUND),
    Event.NEGOTIATE: _step(Event.NEGOTIATE),
    Event.DISAGREE: _step(Event.DISAGREE),
    Event.COORDINATE: _step(Event.COORDINATE),
    Event.WITHDRAW: lambda tx, case: cases.withdraw(tx, case, "不再需要", PEOPLE[0]),
    Event.STOP: lambda tx, case: disputing.say(
        tx, case, Event.STOP, "停止提供", PEOPLE[0], "", Side.PROVIDER
    ),
    Event.DELIVER: lambda tx, case: disputing.say(
        tx, case, Event.DELIVER, "", PEOPLE[0], "", Side.PROVIDER
    ),
    Event.SIGN: lambda tx, case: disputing.sign(
        tx, case, PEOPLE[0], Side.APPLICANT if tx.party == READER else Side.PROVIDER
    ),
    Event.END: _end,
}


def end_terms(tx: Tx, case: str) -> None:
    """As if the grant of the case had been given until a moment ago."""
    for row in tx.conn.execute(grants.select()).all():
        if grants_held.terms_of(row).case == case:
            this = grants.c.grant == row.grant
            tx.conn.execute(update(grants).where(this).values(until_ms=tx.now_ms - 1))


def body_of(event: Event, case: str, held: Application) -> tuple[Side, Shape] | None:
    """A well-formed letter that carries `event`, and its sender; None for what no member sends."""
    kinds = STEPS[event].kinds
    if event is Event.SUBMIT:
        return Side.APPLICANT, held
    if "case.completion" in kinds:
        return Side.APPLICANT, Completion(application=held, note="补充")
    if "case.withdrawal" in kinds:
        return Side.APPLICANT, Withdrawal(case=case, reason="不再需要", handler="丁")
    if event in (Event.GRANT, Event.OFFER):
        changes = {"conditions": "仅限本部门使用"} if event is Event.OFFER else {}
        made = terms(1, case=case, grant=case[::-1], items=(), **changes)
        asked = {"purpose": held.purpose, "mode": held.mode, "until_ms": held.until_ms}
        return Side.PROVIDER, replace(made, **asked)
    if event is Event.REFUSE:
        refusal = Answer(
            case=case, outcome="refused", reason="不符合条件", grant="", items=(),
            handler=PEOPLE[0], approver=PEOPLE[1], **GROUND,
        )  # fmt: skip
        return Side.PROVIDER, refusal
    if "case.step" in kinds:
        needs = STEPS[event].needs
        step = CaseStep(
            case=case,
            event=event.value,
            reason="理由",
            missing=("申请表",) if Need.MISSING in needs else (),
            handler=PEOPLE[0],
            approver=PEOPLE[1],
        )
        side = Side.PROVIDER if Side.PROVIDER in STEPS[event].by else Side.APPLICANT
        return side, step
    return None


def _ways() -> dict[State, list[tuple[Event, State]]]:
    """From SUBMITTED by the fewest events that people take, to each state."""
    found: dict[State, list[tuple[Event, State]]] = {State.SUBMITTED: []}
    edge = [State.SUBMITTED]
    while edge:
        state = edge.pop(0)
        for (before, event), after in MOVES.items():
            silent = event in (Event.REJECT,) or (
                event is Event.NEGOTIATE and before is not State.REFUSED
            )
            if before is not state or silent or after in found:
                continue
            way = [*found[state], (event, after)]
            if event is Event.EXTEND:
                way[-1:] = [(Event.ASK_EXTENSION, state), (event, after)]
            if event is Event.COORDINATE:
                way[-1:] = [(Event.DISAGREE, state), (event, after)]
            found[after] = way
            edge.append(after)
    return found


_WAYS = _ways()


@asynccontextmanager
async def requests(
    folder: Path, profile: str = "NM2018", kit: HubKit | None = None
) -> AsyncIterator[Requests]:
    """A conditional, an unconditional and a closed resource are in every catalog."""
    kit = kit or HubKit(folder, region=Region(profile=profile))
    kit.members = (HUB, PROVIDER, READER)
    gates = {party: Gate(kit.bus(party)) for party in (PROVIDER, READER)}
    provider, reader = (open_node(kit, party, bus=gate) for party, gate in gates.items())
    hub = kit.hub()
    stations = (provider.app.station, reader.app.station)

    def users(tx: Tx) -> None:
        for station in stations:
            membership.keep_user(tx, station.party, PASSWORD)

    await hub.prepare(PASSWORD)
    await hub.station.write(users)
    running = Running(kit, hub, stations, methods(hub))
    running.start_hub()
    try:
        await asyncio.wait_for(hub.station.wire.online.wait(), 10)
        for node in (provider, reader):
            await node.app.start()
        loops = {node.app.station.party: node.app.loops for node in (provider, reader)}
        async with kit.running(*stations, also=loops):
            rig = Requests(running, provider, reader, gates)
            await _publish(rig)
            yield rig
            for node in (provider, reader):
                await node.app.queries.close()
    finally:
        await running.stop_hub()


def _of_type(share_type: int, **changes: object) -> Entry:
    items = tuple(replace(item, share_type=share_type) for item in entry().items)
    return entry(share_type=share_type, items=items, **changes)


async def _publish(rig: Requests) -> None:
    entries = [
        entry(),
        _of_type(UNCONDITIONAL, code=OPEN_RESOURCE, basis="", feed=f"{PROVIDER}.open"),
        _of_type(NOT_SHARED, code=CLOSED_RESOURCE, feed=f"{PROVIDER}.closed"),
    ]
    entries = [replace(each, grade="一般", impact_checked_by="乙") for each in entries]
    for each in entries:
        await rig.provider.app.station.write(lambda tx, e=each: catalog.publish(tx, e))
    codes = {each.code for each in entries}

    async def there() -> bool:
        found = (await rig.reader.call("catalog.search", text=""))["entries"]
        return codes <= {each["code"] for each in found}

    await until_true(there)


def held_application(conn: Connection, case: str) -> Application:
    return decode(store.find(conn, case).application, Application)

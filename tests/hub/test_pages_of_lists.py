"""Lists come a page at a time: each row once, in one order, and how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from ortoo_hub.store.tables import catalog_refusals
from ortoo_hub.supervision.sources import SOURCES
from ortoo_protocol.core.errors import DaemonRequest
from ortoo_protocol.station.served import Served
from ortoo_protocol.station.store.clock_tables import clocks
from ortoo_protocol.station.store.correction_tables import corrections
from ortoo_protocol.station.store.supervision_tables import leads
from ortoo_protocol.station.store.tables import grants
from ortoo_protocol.station.supervision.methods import supervision_methods
from tests.support.grown import filled
from tests.support.hubs import PROVIDER, READER, HubKit, entry

COUNT = 7


async def test_each_row_once_and_how_many(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    provider, reader = kit.station(PROVIDER), kit.station(READER)
    async with kit.hub_running(kit.hub(), provider, reader) as running:
        await running.listed(provider, entry())
        await running.granted(provider, reader)
        call, now_ms = running.call, running.hub.station.parts.clock()
        (one,) = (await call["grant.list"]())["grants"]

        def copies(conn: Connection) -> None:
            row = dict(conn.execute(grants.select()).one()._mapping)
            states = (
                {"ended_ms": now_ms},
                {"until_ms": now_ms},
                {"suspension": "x"},
                {"offered": True},
                {"provider": "s150100"},
                {"reader": "s150100"},
            )
            for place, changed in enumerate(states):
                new = {"grant": f"{place + 100:032x}", "hash": bytes([place])}
                conn.execute(insert(grants).values({**row, **new, **changed}))
            for n in range(COUNT):
                lead = {"lead": f"{n:032x}", "state": "open", "violation": 1, "party": PROVIDER}
                conn.execute(insert(leads).values(filled(leads, **lead)))
                refused = {"code": f"31507{n:05}", "provider": PROVIDER}
                conn.execute(insert(catalog_refusals).values(filled(catalog_refusals, **refused)))
                doubt = {
                    "correction": f"{n:032x}",
                    "opened_ms": n,
                    "provider": PROVIDER,
                    "reader": READER if n else "s150100",
                    "closed_ms": now_ms if n == 6 else None,
                }
                conn.execute(insert(corrections).values(filled(corrections, **doubt)))
                clock = {
                    "clock": f"{n:032x}",
                    "subject": f"correction:{n:032x}",
                    "pauses": "[]",
                    "state": "running",
                    "party": PROVIDER,
                    "due_ms": now_ms + (1 << 40 if n % 2 else -1),
                    "closed_ms": now_ms if n == 6 else None,
                }
                conn.execute(insert(clocks).values(filled(clocks, **clock)))

        await running.hub.station.write(lambda tx: copies(tx.conn))

        expected = {
            ("grant.list", "grants", "grant"): ({"active": False}, COUNT),
            ("supervise.leads", "leads", "lead"): ({}, COUNT),
            ("catalog.refusals", "refusals", "code"): ({}, COUNT),
            ("correction.list", "corrections", "correction"): ({"all": True}, COUNT),
            ("clock.list", "clocks", "clock"): ({"party": PROVIDER}, COUNT - 1),
        }
        methods = {**call, **supervision_methods(running.hub.station, SOURCES)}
        for (method, key, name), (given, count) in expected.items():
            whole = await methods[method](**given)
            assert whole["total"] == len(whole[key]) == count, method
            seen: list[str] = []
            for offset in range(0, count + 3, 3):
                part = await methods[method](**given, limit=3, offset=offset)
                assert part["total"] == count
                assert len(part[key]) <= 3
                seen += [row[name] for row in part[key]]
            assert seen == [row[name] for row in whole[key]], method
            assert len(set(seen)) == count, method
            beyond = await methods[method](**given, limit=10**6, offset=-5)
            assert beyond == whole, "what cannot be is held to the bounds"
            assert (await methods[method](**given, limit=0))[key] == []
            with pytest.raises(DaemonRequest):
                Served.of(methods[method]).arguments({"limit": "many"})

        async def in_state(**given: Any) -> int:
            return int((await call["grant.list"](active=False, **given))["total"])

        found = {state: await in_state(state=state) for state in ("active", "offered")}
        found |= {state: await in_state(state=state) for state in ("suspended", "ended")}
        assert found == {"active": 3, "offered": 1, "suspended": 1, "ended": 2}
        for state, count in found.items():
            shown = (await call["grant.list"](active=False, state=state))["grants"]
            assert {each["state"] for each in shown} == {state}
            assert len(shown) == count
        assert await in_state(provider="s150100") == await in_state(reader="s150100") == 1
        assert (await call["grant.list"]())["total"] == 4, "in force, one of them suspended"
        assert one["grant"] in [each["grant"] for each in (await call["grant.list"]())["grants"]]

        late = await call["correction.list"](overdue=True)
        assert [each["correction"][-1] for each in late["corrections"]] == ["4", "2", "0"]
        assert all(each["overdue"] for each in late["corrections"])
        open_ = (await call["correction.list"]())["corrections"]
        assert [each["overdue"] for each in open_] == [False, True, False, True, False, True]
        assert (await call["correction.list"](party="s150100"))["total"] == 1

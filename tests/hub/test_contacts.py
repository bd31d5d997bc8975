"""Contacts over the wire: a station reports, the hub holds and says what is missing."""

from __future__ import annotations

from pathlib import Path

from ortoo_protocol.station.contacts.methods import ContactMethods
from ortoo_protocol.station.store.tables import outbox
from tests.support.hubs import PROVIDER, HubKit
from tests.support.stations import until_read
from tests.support.trust import DEPARTMENTS, HUB

OWN = DEPARTMENTS[PROVIDER][0]
JIA = {"name": "甲", "phone": "0470-8217001", "mail": "jia@example.cn"}
YI = {"name": "乙", "phone": "13900000002"}


async def test_reported_and_handed_over(tmp_path: Path) -> None:
    kit = HubKit(tmp_path)
    station = kit.station(PROVIDER)
    here = ContactMethods(station)
    async with kit.hub_running(kit.hub(), station) as running:
        there = ContactMethods(running.hub.station)

        async def missing() -> set[str]:
            found = await there.findings()
            return {str(each.facts["party"]) for each in found if each.code == "contact.missing"}

        assert PROVIDER in await missing()
        made = await here.set(department=OWN, unit="数据科", by="己", a=JIA, b=YI)
        assert (made["number"], made["stale"], bool(made["confirm_by"])) == (1, False, True)
        handed = await here.handover(
            department=OWN, role="a", to={"name": "丙", "phone": "1234"}, by="己", reason="调岗"
        )
        assert handed["matters"] == ()
        settled = outbox.select().where(outbox.c.state == "accepted")
        await until_read(station, lambda conn: len(conn.execute(settled).all()) == 2)
        shown = await there.show(department=OWN, party=PROVIDER)
        assert [one["name"] for one in shown["persons"]] == ["丙", "乙"]
        assert [one["after"] for one in shown["handovers"]] == ["丙"]
        assert PROVIDER not in await missing()
        (one,) = (await there.listed(party=PROVIDER))["contacts"]
        assert (one["number"], one["away"]) == (2, [])

        own = DEPARTMENTS[HUB][0]
        await there.set(department=own, unit="共享处", by="庚", a=JIA)
        assert [each["party"] for each in (await there.listed())["contacts"]] == [HUB, PROVIDER]

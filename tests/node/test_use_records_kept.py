"""Records of use stay for the years of the profile after the end of their grant, then they go; what
the journal commits to stays provable."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, select

from ortoo_node.store.use_tables import use_days, use_records
from ortoo_node.use import recording
from ortoo_protocol.core.trust import Trust
from ortoo_protocol.station.store.tables import journal
from tests.node.kit import FORM, PEOPLE, Node, entry, fill, open_node, running
from tests.support.hubs import until_true
from tests.support.stations import Kit, until
from tests.support.trust import DEPARTMENTS

PARTY, CODE = "s150700", "3070101/0001"
OWN = DEPARTMENTS[PARTY][0]
MORE = {"share_condition": "资格核对", "purposes": ["工作参考"], "grade": "一般"}
LAWFUL = {**MORE, "personal": True, "impact_checked_by": "丁"}


@pytest.mark.parametrize(
    ("profile", "years"), [("NM2018", 2), ("SC2025", 3)], ids=["NM2018", "SC2025"]
)
async def test_kept_for_the_profiles_years_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, years: int
) -> None:
    monkeypatch.setattr(Trust, "profile", profile)
    kit = Kit(tmp_path)
    node = open_node(kit, PARTY, online=False)
    fill(node.source, 5)
    async with running(kit, node):
        await node.call("catalog.add", entry=entry(PARTY, CODE, 2, **LAWFUL))
        await node.call("publish", resource=CODE, source="business", table="people")
        ended, living = await granted(node, "工作参考"), await granted(node, "年度统计")
        for grant in (ended, living):
            await node.call("use.record", grant=grant, by="丁", scenario="核对", effect="少跑一趟")
        await node.call("use.ask", grant=ended, reason="年度检查", by="丙")
        await node.call("use.dispose", grant=ended, why="met", by="丁")

        async def answered() -> bool:
            records = (await node.call("grant.show", grant=ended))["records"]
            return bool(records[0]["answer"])

        await until_true(answered)
        end_ms = (await node.call("grant.show", grant=ended))["grant"]["ended_ms"]
        proofs = await node.app.station.read(_papers)
    # Nothing runs while the clock is moved; each look is one of those that the station takes.
    node = open_node(kit, PARTY, online=False)
    station = node.app.station
    try:
        last_day = _years_later(end_ms, years)
        for moment_ms, kept in ((last_day - 86_400_000, True), (last_day + 2 * 86_400_000, False)):
            kit.offset_ms += moment_ms - kit.clock()
            await station.write(recording.forget)
            for table in (use_records, use_days):
                held = await station.read(partial(_grants_in, table))
                assert (ended in held, living in held) == (kept, True), table.name
        assert proofs == await station.read(_papers)
        verified = await node.call("journal.verify")
        assert verified["size"] > 10
        # The authority's copy of what it was shown is the authority's.
        assert (await node.call("grant.show", grant=ended))["records"][0]["answer"]["records"]
    finally:
        await station.close()


def _years_later(time_ms: int, years: int) -> int:
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    return int(at.replace(year=at.year + years).timestamp() * 1000)


async def granted(node: Node, purpose: str) -> str:
    form = {**FORM, "purpose": purpose}
    case = (await node.call("request.apply", resource=CODE, department=OWN, **form))["case"]
    grant = str((await node.call("request.grant", case=case, items=[], **PEOPLE))["grant"])
    table = f"t{grant[-6:]}"
    await node.call(
        "subscribe", resource=CODE, department=OWN, sink="shared", table=table, purpose=purpose
    )
    await until(lambda: len(node.rows(table)) == 5)

    async def counted() -> bool:
        return bool((await node.call("use.list", grant=grant))["days"])

    await until_true(counted)
    return grant


def _grants_in(table: Table, conn: Connection) -> set[str]:
    return set(conn.execute(select(table.c.grant)).scalars())


def _papers(conn: Connection) -> list[tuple[object, ...]]:
    """What the journal commits to of letters about use."""
    query = select(journal).where(journal.c.kind.like("use.%")).order_by(journal.c.seq)
    return [tuple(row) for row in conn.execute(query)]

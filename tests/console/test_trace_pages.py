"""Tracing in the browser: from a row to people, for whoever audits or decides."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import insert

from ortoo_node.store.tables import file_transfers, queries
from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.station import Station
from tests.console.kit import Front, front
from tests.federation.exchange import CODE, PROVIDER, PURPOSE, READER, exchange
from tests.node.kit import FORM, PEOPLE

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def test_an_auditor_traces_a_row_and_a_grant(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made, front(made.provider) as at:
        await at.known("li", "李静", Role.AUDITOR)
        await at.known("zhao", "赵敏", Role.APPROVER)
        await at.known("wang", "王芳", Role.SUBSCRIBER)
        async with at.visitor("li") as visitor:
            assert 'class="nothing"' in await visitor.get("/trace")
            form = await visitor.get("/act/trace.row")
            assert "<textarea" in form
            done = (await visitor.post("/act/trace.row", 200, resource=CODE, key="id = 00003")).text
            for each in (FORM["handler"], PEOPLE["approver"], PURPOSE, made.grant):
                assert each in done
            assert "人3" not in done  # what the row says
            acts = await visitor.get("/acts?action=trace.row")
            assert CODE in acts
            assert "00003" not in acts
            wrong = await visitor.post("/act/trace.row", 422, resource=CODE, key=f"{EVIL}=1")
            assert "correction.key" in wrong.text
            assert EVIL not in wrong.text
            await visitor.post("/act/trace.row", 422, resource=CODE, key="no pair")

            grant = await visitor.get(f"/trace/grants/{made.grant}")
            assert "case.application" in grant
            assert 'href="/journal/entries/' in grant
            assert f"/trace/grants/{made.grant}" in await visitor.get(f"/grants/{made.grant}")
            moved = await visitor.client.get(f"/trace?what=grants&number= {made.grant} ")
            assert moved.headers["location"] == f"/trace/grants/{made.grant}"
            await visitor.get("/trace/grants/none", 404)
            await visitor.get("/trace/calls/none", 404)
            await visitor.get("/trace/downloads/none", 404)

        async with at.visitor("zhao") as decides:
            shown = await decides.get(f"/trace/grants/{made.grant}")
            assert 'href="/journal/' not in shown
            assert "/act/trace.row" not in await decides.get("/trace")
            await decides.post("/act/trace.row", 403, resource=CODE, key="id=1")
        async with at.visitor("wang") as reads:
            await reads.get(f"/trace/grants/{made.grant}", 403)
            assert "/trace/" not in await reads.get(f"/grants/{made.grant}")
        await hostile_and_many(made.provider.app.station, at, made.grant)


async def hostile_and_many(station: Station, at: Front, grant: str) -> None:
    """A thousand queries and files with hostile names: the newest are shown, as text."""

    def fill(tx: Tx) -> None:
        calls = [
            {
                "role": "answered", "peer": READER, "ask": f"{number:032x}", "grant": grant,
                "query": EVIL, "resource": CODE, "department": "d", "purpose": EVIL * 20,
                "handler": EVIL, "digest": b"", "parameters": b"", "time_ms": number,
                "state": "answered", "error": "", "rows": 1, "pages": 1, "cut": "", "took_us": 1,
            }
            for number in range(1_000)
        ]  # fmt: skip
        files = [
            {
                "transfer": f"{number:032x}", "resource": CODE, "feed": f"{PROVIDER}.dibao",
                "grant": grant, "subscription": "", "name": EVIL, "sha256": "ab",
                "size_bytes": 1, "target": EVIL, "manifest": None, "chunk_bytes": 1, "chunks": 1,
                "done": 1, "state": "done", "error": "", "began_ms": number, "changed_ms": 1,
            }
            for number in range(1_000)
        ]  # fmt: skip
        tx.conn.execute(insert(queries), calls)
        tx.conn.execute(insert(file_transfers), files)

    await station.write(fill)
    last = f"{999:032x}"
    async with at.visitor("li") as visitor:
        pages = ("", f"/grants/{grant}", f"/calls/{last}", f"/downloads/{last}")
        for path in pages:
            page = await visitor.get(f"/trace{path}")
            assert EVIL not in page
            assert len(page) < 100_000

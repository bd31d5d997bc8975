"""The journal in the browser: found, looked at, proven; for auditors alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from ortoo_protocol.core.accounts.roles import Role
from ortoo_protocol.core.envelope import split
from ortoo_protocol.core.errors import (
    JournalConsistency,
    JournalError,
    JournalInclusion,
    JournalNote,
    JournalRow,
    JournalSignature,
    OrtooError,
)
from ortoo_protocol.core.journal import Direction, State
from ortoo_protocol.station.context import Tx
from ortoo_protocol.station.store import journal_rows
from ortoo_protocol.station.store.tables import feed_out_items, outbox_envelopes
from tests.console.kit import Front, Visitor, front
from tests.federation.exchange import CODE, PROVIDER, READER, Exchange, exchange
from tests.node.kit import entry, open_node, running
from tests.support.hubs import until_true
from tests.support.stations import Kit

EVIL = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
LONG = "很长的词" * 60


@asynccontextmanager
async def auditing(folder: Path) -> AsyncIterator[tuple[Exchange, Front, Visitor]]:
    """At the provider: its journal has a granted case, and the hub has countersigned."""
    async with exchange(folder) as made, front(made.provider) as at:
        await at.known("li", "李静", Role.AUDITOR)
        await at.known("wang", "王芳", Role.APPROVER)
        await countersigned(made)
        async with at.visitor("li") as visitor:
            yield made, at, visitor


async def countersigned(made: Exchange) -> None:
    async def so() -> bool:
        found = await made.provider.call("journal.checkpoints")
        return any(each["cosigned"] for each in found["checkpoints"])

    await until_true(so)


def numbers(page: str) -> list[int]:
    return [int(each) for each in re.findall(r'href="/journal/entries/(\d+)"', page)]


async def test_an_auditor_finds_entries_and_hands_out_proofs(tmp_path: Path) -> None:
    async with auditing(tmp_path) as (made, at, visitor):
        page = await visitor.get("/journal")
        newest = numbers(page)
        assert newest == sorted(newest, reverse=True)
        assert len(newest) > 10
        of_case = numbers(await visitor.get("/journal?kind=case.application"))
        assert len(of_case) == 1
        assert of_case[0] in numbers(await visitor.get(f"/journal?party={READER}"))
        about = numbers(await visitor.get(f"/journal?resource={CODE}"))
        assert of_case[0] in about
        assert set(about) < set(numbers(await visitor.get("/journal?since=2020-01-01")) + about)
        assert numbers(await visitor.get("/journal?until=2001-01-01")) == []
        assert numbers(await visitor.get("/journal?kind=case.application&refused=1")) == []

        shown = await visitor.get(f"/journal/entries/{of_case[0]}")
        assert READER in shown
        answer = await visitor.client.get(f"/journal/entries/{of_case[0]}/proof")
        assert answer.headers["content-disposition"].startswith("attachment;")
        proof = msgspec.json.decode(answer.content, type=dict[str, Any])
        # The reader holds it against its own directory.
        checked = await made.reader.call("journal.check", document=proof)
        assert (checked["kind"], checked["sender"]) == ("case.application", READER)
        assert checked["origin"].endswith(PROVIDER)

        first, second = await two_checkpoints(made)
        said = await visitor.get(f"/journal/consistency?first={first}&second={second}")
        assert 'class="said good"' in said
        answer = await visitor.client.get(f"/journal/consistency/proof?first={first}")
        kept = msgspec.json.decode(answer.content, type=dict[str, Any])
        checked = await made.reader.call("journal.check", document=kept)
        assert checked["first_signers"]
        assert f'value="{first}"' in await visitor.get("/journal/checkpoints?before=1000000")

        await visitor.get("/act/journal.verify")
        done = (await visitor.post("/act/journal.verify", 200)).text
        assert 'class="said good"' in done
        acts = await visitor.get("/acts?action=journal.verify")
        assert "李静" in acts

        async with at.visitor("wang") as other:
            assert 'href="/journal"' not in await other.get("/")
            for path in ("/journal", "/journal/entries/1/proof", "/journal/consistency/proof"):
                assert (await other.client.get(f"{path}?first=1")).status_code == 403
            await other.post("/act/journal.verify", 403)


async def two_checkpoints(made: Exchange) -> tuple[int, int]:
    """Both of the provider's, the older first."""
    await made.provider.call(
        "catalog.add", entry=entry(PROVIDER, "3070101/0009", feed=f"{PROVIDER}.other")
    )

    async def two() -> bool:
        return len((await made.provider.call("journal.checkpoints"))["checkpoints"]) > 1

    await until_true(two)
    sizes = [e["size"] for e in (await made.provider.call("journal.checkpoints"))["checkpoints"]]
    return sizes[-1], sizes[0]


async def test_a_proof_that_was_touched_does_not_hold(tmp_path: Path) -> None:
    async with exchange(tmp_path) as made:
        await countersigned(made)
        call = made.provider.call
        whole = (await call("journal.checkpoints"))["checkpoints"][0]["size"]
        proof = await call("journal.proof", seq=2, size=whole)
        assert (await made.reader.call("journal.check", document=proof))["signers"]
        other = await call("journal.proof", seq=3, size=whole)
        older = await call("journal.consistency", first=3, second=whole)
        touched: list[tuple[dict[str, Any], type[OrtooError]]] = [
            ({**proof, "index": 3}, JournalRow),
            ({**proof, "leaf_bytes": other["leaf_bytes"], "index": 3}, JournalInclusion),
            ({**proof, "proof": proof["proof"][1:]}, JournalInclusion),
            # A path may fit both sizes: then the note tells.
            ({**proof, "size": whole + 1}, JournalError),
            ({**proof, "origin": proof["origin"].replace(PROVIDER, READER)}, JournalNote),
            ({**proof, "note": proof["note"].replace(str(whole), str(whole + 1))}, JournalNote),
            ({**proof, "note": forged(proof["note"])}, JournalSignature),
            ({**proof, "leaf_bytes": "zz"}, JournalRow),
            ({"index": 1}, JournalRow),
            ({**older, "first": 4}, JournalConsistency),
            ({**older, "first_root": older["second_root"]}, JournalConsistency),
        ]
        for document, error in touched:
            with pytest.raises(error):
                await made.reader.call("journal.check", document=document)
        # Nobody's signature: the numbers agree, and that nobody signed is said.
        unsigned = {**proof, "note": ""}
        assert (await made.reader.call("journal.check", document=unsigned))["signers"] == []
        await signatures(made)


async def signatures(made: Exchange) -> None:
    """What is kept of a message is verified again, and by its row alone where nothing is."""

    async def state(kind: str) -> str:
        (row, *_) = (await made.provider.call("journal.search", kind=kind))["rows"]
        return str(
            (await made.provider.call("journal.entry", seq=row["seq"]))["entry"]["signature_state"]
        )

    assert await state("grant.issued") == "holds"  # in the outbox
    assert await state("table.rows") == "holds"  # an item
    assert await state("case.application") == "holds"  # all that is signed stands in its row
    await made.provider.app.station.write(spoil)
    assert await state("grant.issued") == "wrong"
    assert await state("table.rows") == "wrong"


def spoil(tx: Tx) -> None:
    """One bit of what is kept: in a signed header, and in a signature."""
    for row in tx.conn.execute(select(outbox_envelopes)).all():
        other = bytearray(row.raw)
        other[40] ^= 1
        here = outbox_envelopes.c.number == row.number
        tx.conn.execute(outbox_envelopes.update().where(here).values(raw=bytes(other)))
    items = feed_out_items
    for row in tx.conn.execute(select(items).where(items.c.raw.is_not(None))).all():
        envelope = split(row.raw, suites=tx.parts.suites, plane=tx.plane)
        other = bytearray(row.raw)
        other[len(row.raw) - len(envelope.body) - 1] ^= 1
        here = (items.c.feed == row.feed) & (items.c.seq == row.seq)
        tx.conn.execute(items.update().where(here).values(raw=bytes(other)))


def forged(note: str) -> str:
    """With one letter of the signature changed."""
    place = note.rstrip().rfind("=") - 8
    return note[:place] + ("A" if note[place] != "A" else "B") + note[place + 1 :]


async def test_hostile_rows_many_rows_and_none(tmp_path: Path) -> None:
    kit = Kit(tmp_path)
    node = open_node(kit, "s150700", online=False)
    async with running(kit, node), front(node) as at:
        await at.known("li", "李静", Role.AUDITOR)

        def fill(tx: Tx) -> None:
            rows = [
                journal_rows.Pending(
                    Direction.RECEIVED, State.REFUSED, f"{EVIL} {LONG}", number.to_bytes(16, "big"),
                    EVIL[:64], EVIL[:16], b"\xff no header", b"", b"", EVIL[:64],
                )
                for number in range(1_000)
            ]  # fmt: skip
            journal_rows.append(tx.conn, tx.suite, rows, tx.now_ms)

        await node.app.station.write(fill)
        size = (await node.call("journal.search"))["size"]
        async with at.visitor("li") as visitor:
            path, seen = "/journal?refused=1", []
            while path:
                page = await visitor.get(path)
                assert EVIL not in page
                assert len(numbers(page)) <= 50
                seen += numbers(page)
                older = re.search(r'href="([^"]+)" rel="next"', page)
                path = older[1].replace("&amp;", "&") if older else ""
            assert len(seen) == len(set(seen)) == 1_000
            assert EVIL not in await visitor.get(f"/journal/entries/{seen[0]}")
            await visitor.get(f"/journal/entries/{size + 5_000}", 404)
            await visitor.get("/journal/entries/x", 422)
            await visitor.get("/journal?before=-1", 422)
            empty = await visitor.get("/journal?kind=case.application")
            assert 'class="nothing"' in empty
            echoed = await visitor.get(f"/journal?flow={EVIL[:80]}&party={EVIL[:80]}")
            assert EVIL[:80] not in echoed
            await visitor.get("/journal/consistency?first=999999", 422)

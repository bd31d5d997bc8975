"""Tables ordered as files (批量下载): what comes, under which grant, and what may go wrong."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import json
import os
import sqlite3
import stat
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pyarrow.parquet as parquet
import pytest

from ortoo_node import catalog, views
from ortoo_node.files import forms, making, orders, workbook
from ortoo_node.files.forms import write_table
from ortoo_node.views import Scope
from ortoo_protocol.core.codec import encode
from ortoo_protocol.core.errors import (
    CaseField,
    FileForm,
    FileOrderUnknown,
    FileTaken,
    FileTarget,
    FileUnfit,
    GrantUnknown,
    OrtooError,
    QueryMode,
    UsePurpose,
)
from ortoo_protocol.core.feeds import Column, TableSchema
from ortoo_protocol.core.files import FORMS, FileMade, FileOrder
from ortoo_protocol.core.grants import GrantTerms
from ortoo_protocol.core.masks import Mask
from ortoo_protocol.station import grants_held
from ortoo_protocol.station.context import SettledLetter, Tx
from ortoo_protocol.station.sending import send
from ortoo_protocol.station.store import journal_rows
from tests.node.files_kit import RECEIVED, SENT
from tests.node.kit import Node, entry, fill, open_node, running
from tests.support.stations import Kit, give, terms, until, until_read

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0001"
PURPOSE = "工作参考"
COUNT = 3_000
ROWS = [(f"{n:05}", f"人{n}", n) for n in range(COUNT)]
ENDED = ("done", "refused", "failed", "cancelled")


@dataclass
class Pair:
    """`reader` is the provider itself where one station does both."""

    kit: Kit
    provider: Node
    reader: Node
    folder: Path
    grants: int = 0

    async def grant(self, scope: Scope = Scope(), **changes: Any) -> GrantTerms:  # noqa: B008
        """What application and answer come to, at both ends."""
        self.grants += 1
        number, party = self.grants, self.reader.app.station.party

        def job(tx: Tx) -> GrantTerms:
            asked = terms(PROVIDER, party, f"{PROVIDER}.dibao", number)
            feed = views.feed_of(tx, catalog.entry(tx.conn, CODE), scope, asked.grant)
            given = msgspec.structs.replace(
                asked, resource=CODE, feed=feed, items=scope.items, row_filter=scope.row_filter,
                masks=scope.masks, purpose=PURPOSE, **changes,
            )  # fmt: skip
            give(tx, given)
            return given

        given = await self.provider.app.station.write(job)
        mine = await self.provider.app.station.read(lambda conn: catalog.entry(conn, CODE))

        def receive(tx: Tx) -> None:
            catalog.store(tx, mine, 1, tx.now_ms)
            grants_held.keep(tx, given, encode(given))

        if self.reader is not self.provider:
            await self.reader.app.station.write(receive)
        return given

    async def order(self, form: str = "csv", to: str = "", **more: Any) -> dict[str, Any]:
        facts = {"resource": CODE, "purpose": PURPOSE, "handler": "查询人", **more}
        return dict(
            await self.reader.call("file.order", form=form, to=str(self.folder / to), **facts)
        )

    async def ended(self, order: str, within_s: float = 30) -> dict[str, Any]:
        async def look() -> dict[str, Any]:
            return dict(await self.reader.call("file.ordered", order=order))

        found = await look()
        async with asyncio.timeout(within_s):
            while (found["fetched"] or found)["state"] not in ENDED:
                await asyncio.sleep(0.02)
                found = await look()
        return found

    async def get(self, form: str = "csv", to: str = "", **more: Any) -> dict[str, Any]:
        return await self.ended((await self.order(form, to, **more))["order"])

    async def record(self, node: Node) -> list[dict[str, Any]]:
        return list((await node.call("file.orders"))["orders"])

    async def publish(self) -> None:
        await self.provider.call("publish", resource=CODE, source="business", table="people")


@asynccontextmanager
async def pair(folder: Path, *, alone: bool = False) -> AsyncIterator[Pair]:
    kit = Kit(folder)
    provider = open_node(kit, PROVIDER, online=not alone)
    reader = provider if alone else open_node(kit, READER)
    if not (provider.source).exists():
        fill(provider.source, COUNT)
    taken = folder / "taken"
    taken.mkdir(exist_ok=True)
    kit.join(PROVIDER, READER, f"{PROVIDER}.dibao")
    async with running(kit, *([provider] if alone else [provider, reader])):
        made = Pair(kit, provider, reader, taken)
        if not await provider.app.station.read(lambda conn: catalog.find(conn, CODE)):
            await provider.call("catalog.add", entry=entry(PROVIDER, CODE, share_type=2))
            await made.publish()
        yield made


def read(form: str, path: Path) -> list[tuple[Any, ...]]:
    """The rows of a file, its header checked."""
    if form == "xlsx":
        lines = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
    elif form == "parquet":
        table = parquet.read_table(path)
        lines = [tuple(table.column_names), *zip(*table.to_pydict().values(), strict=True)]
    elif form == "jsonl":
        objects = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [tuple(objects[0]), *(tuple(each.values()) for each in objects)]
    else:
        codec = {"csv": "utf-8", "csv-bom": "utf-8-sig", "csv-gb18030": "gb18030"}[form]
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf") == (form == "csv-bom")
        texts = list(csv.reader(io.StringIO(raw.decode(codec), newline="")))
        lines = [tuple(texts[0]), *((one, two, int(three)) for one, two, three in texts[1:])]
    assert lines[0] == ("id", "name", "income")
    return lines[1:]


@pytest.mark.parametrize("alone", [False, True])
async def test_a_table_comes_as_a_file_of_each_form(tmp_path: Path, alone: bool) -> None:
    async with pair(tmp_path, alone=alone) as made:
        await made.grant()
        for form, suffix in FORMS.items():
            ended = await made.get(form)
            assert (ended["fetched"]["state"], ended["rows"]) == ("done", COUNT)
            path = Path(ended["target"])
            assert path.parent == made.folder
            assert path.suffix == f".{suffix}"
            assert read(form, path) == ROWS


async def test_what_comes_is_what_the_grant_shows(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        hidden = (Mask("id", "hash"), Mask("name", "name"))
        await made.grant(Scope(("id", "name"), "income = '7'", hidden))
        ended = await made.get()
        with open(ended["target"], encoding="utf-8", newline="") as file:  # noqa: ASYNC230
            found = list(csv.reader(file))
        assert found[0] == ["id", "name"]
        ((key, name),) = found[1:]
        assert "00007" not in key
        assert (name, ended["rows"]) == ("人*", 1)


async def test_both_ends_record_who_ordered_what_for_which_purpose(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        grant = await made.grant()
        await made.get()
        for node, role, peer in (
            (made.reader, "asked", PROVIDER),
            (made.provider, "made for", READER),
        ):
            (one,) = await made.record(node)
            assert (one["role"], one["peer"], one["purpose"]) == (role, peer, PURPOSE)
            assert (one["handler"], one["department"]) == ("查询人", grant.reader_department)
            assert (one["rows"], one["grant"], one["form"]) == (COUNT, grant.grant, "csv")
        for kind, sender, receiver in (
            ("file.order", made.reader, made.provider),
            ("file.made", made.provider, made.reader),
        ):
            assert [row.direction for row in await _journal(sender, kind)] == [SENT]
            assert [row.direction for row in await _journal(receiver, kind)] == [RECEIVED]


async def _journal(node: Node, kind: str) -> list[Any]:
    rows = await node.app.station.read(lambda conn: list(journal_rows.rows(conn)))
    return [row for row in rows if row.kind == kind]


# --- refused ------------------------------------------------------------------------------------


async def test_what_is_refused_at_home(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        with pytest.raises(OrtooError) as unknown:
            await made.order()
        assert unknown.value.code == "catalog.unknown"
        await made.grant()
        (made.folder / "there.csv").touch()
        for wrong, error in (
            ({"purpose": "别的用途"}, UsePurpose),
            ({"handler": " "}, CaseField),
            ({"form": "pdf"}, FileForm),
            ({"grant": "f" * 32}, GrantUnknown),
            ({"to": "there.csv"}, FileTaken),
        ):
            with pytest.raises(error):
                await made.order(**wrong)
        with pytest.raises(FileTarget):
            await made.reader.call(
                "file.order", resource=CODE, form="csv", to="a.csv", purpose=PURPOSE, handler="甲"
            )
        with pytest.raises(FileOrderUnknown):
            await made.reader.call("file.ordered", order="0" * 32)
        query = await made.grant(mode="在线查询")
        with pytest.raises(QueryMode):
            await made.order(grant=query.grant)
        assert await made.record(made.reader) == []


async def _raw(made: Pair, order: FileOrder) -> None:
    """Past the reader's own checks."""
    await made.reader.app.station.write(lambda tx: send(tx, PROVIDER, order))


async def test_the_provider_judges_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is refused by name, whatever the asking station thinks of it."""
    said: list[str] = []
    refuse = orders.refuse

    def note(tx: Tx, asker: str, order: str, error: OrtooError, case: str | None = None) -> None:
        said.append(error.code)
        refuse(tx, asker, order, error, case)

    monkeypatch.setattr(orders, "refuse", note)
    async with pair(tmp_path) as made:
        grant = await made.grant()
        query = await made.grant(mode="联机查询")
        good = FileOrder("a" * 32, grant.grant, "csv", PURPOSE, "甲")
        wrong: tuple[tuple[dict[str, str], str], ...] = (
            ({"grant": "f" * 32}, "grant.unknown"),
            ({"grant": query.grant}, "query.mode"),
            ({"purpose": "别的"}, "use.purpose"),
            ({"form": "exe"}, "file.form"),
            ({"handler": ""}, "case.field"),
        )
        for number, (changes, code) in enumerate(wrong):
            await _raw(made, msgspec.structs.replace(good, order=f"{number:032x}", **changes))
            await until(lambda: len(said) > number)  # noqa: B023
            assert said[-1] == code
        assert await made.record(made.provider) == []
        await made.order()
        (kept,) = await made.record(made.reader)
        for _ in range(2):  # in another letter: no second file, no crash
            await _raw(made, msgspec.structs.replace(good, order=kept["order"]))
        await until(lambda: said[-2:] == ["case.field"] * 2)
        assert len(await made.record(made.provider)) == 1


async def test_few_are_made_at_once_for_one_grant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path) as made:
        go = _held(monkeypatch)
        await made.grant()
        begun = [await made.order(to=f"{n}.csv") for n in range(orders.MOST_OPEN_A_GRANT + 1)]
        again = await made.order(to="0.csv")
        assert again["order"] == begun[0]["order"]  # the same is under way
        over = await made.ended(begun[-1]["order"])
        assert (over["state"], over["error"]["code"]) == ("refused", "file.orders")
        go.set()
        for each in begun[:-1]:
            assert (await made.ended(each["order"]))["fetched"]["state"] == "done"


def _held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Making a file waits before its first row until this is set, or the station ends."""
    go = threading.Event()

    def slow(path: Path, form: str, schema: Any, rows: Iterable[Any], stop: Any) -> int:
        def some() -> Iterator[Any]:
            while not go.wait(0.01) and not stop.is_set():
                pass
            yield from rows

        return write_table(path, form, schema, some(), stop)

    monkeypatch.setattr(making, "write_table", slow)
    return go


async def test_a_grant_that_ends_before_the_file_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path) as made:
        go = _held(monkeypatch)
        grant = await made.grant()
        first = await made.order(to="1.csv")
        second = await made.order(to="2.csv")
        await until_read(made.provider.app.station, lambda conn: len(orders.listed(conn)) == 2)
        await made.provider.app.station.write(partial(_end, grant.grant))
        go.set()
        ended = await made.ended(second["order"])
        assert (ended["state"], ended["error"]["code"]) == ("refused", "grant.ended")
        ended = await made.ended(first["order"])  # made already, and given to nobody
        assert (ended["fetched"]["state"], ended["fetched"]["error"]["code"]) == (
            "refused",
            "grant.ended",
        )
        assert os.listdir(made.folder) == []
        await until(lambda: os.listdir(made.kit.folder / PROVIDER / "made") == [])


def _end(grant: str, tx: Tx) -> None:
    ended = grants_held.grants.update().where(grants_held.grants.c.grant == grant)
    tx.conn.execute(ended.values(ended_ms=tx.now_ms))


async def test_what_is_no_table(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        empty = "3070101/0002"
        await made.provider.call(
            "catalog.add", entry=entry(PROVIDER, empty, share_type=2, feed=f"{PROVIDER}.gauges")
        )
        grant = await made.grant()
        other = msgspec.structs.replace(
            grant, grant="9" * 32, resource=empty, feed=f"{PROVIDER}.gauges"
        )
        mine = await made.provider.app.station.read(lambda conn: catalog.entry(conn, empty))

        def receive(tx: Tx) -> None:
            catalog.store(tx, mine, 2, tx.now_ms)
            grants_held.keep(tx, other, encode(other))

        await made.reader.app.station.write(receive)
        await made.provider.app.station.write(lambda tx: grants_held.keep(tx, other, encode(other)))
        ended = await made.ended((await made.order(resource=empty))["order"])
        assert (ended["state"], ended["error"]["code"]) == ("refused", "file.no-table")
        assert ended["error"]["facts"]["detail"] == "nothing of it is published yet"
        await made.provider.app.publisher.events(empty, [("0", "早", 1)])
        ended = await made.ended((await made.order(resource=empty))["order"])
        assert ended["error"]["facts"]["detail"] == "its rows are events"


async def test_a_table_that_does_not_fit_the_form_says_where(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        await made.grant()
        assert workbook.MOST_ROWS > COUNT
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(workbook, "MOST_ROWS", 10)
            ended = await made.get("xlsx")
        assert (ended["state"], ended["error"]["code"]) == ("refused", "file.form")
        assert "a sheet holds 10 rows" in ended["error"]["facts"]["detail"]
        assert (await made.get("csv"))["fetched"]["state"] == "done"


async def test_an_answer_of_another_station_counts_for_nothing(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        grant = await made.grant()
        order = FileOrder("a" * 32, grant.grant, "csv", PURPOSE, "甲")
        place = made.folder / "a.csv"
        station = made.reader.app.station
        await station.write(partial(orders.ask, order=order, target=place))
        answer = FileMade(order.order, grant.feed, "a.csv", b"f" * 32, 1, 1, 1, 1)

        def job(tx: Tx) -> None:
            with pytest.raises(FileUnfit, match="was asked"):
                orders.came(tx, "s152900", answer)
            with pytest.raises(FileUnfit, match="it is of"):
                orders.came(tx, PROVIDER, msgspec.structs.replace(answer, feed="s150700.other"))
            assert orders.came(tx, PROVIDER, msgspec.structs.replace(answer, order="e" * 32)) == ""

        await station.write(job)


async def test_a_grant_and_its_file_are_its_reader_s_alone(tmp_path: Path) -> None:
    async with pair(tmp_path) as made:
        grant = await made.grant()
        order = FileOrder("b" * 32, grant.grant, "csv", PURPOSE, "甲")

        def job(tx: Tx) -> None:
            with pytest.raises(GrantUnknown):
                orders.take(tx, "s152900", order, b"letter")

        station = made.provider.app.station
        await station.write(job)
        await made.get()
        (one,) = await station.read(orders.listed)
        for asker, under, mine in (
            (READER, grant.grant, True),
            ("s152900", grant.grant, False),
            (READER, "f" * 32, False),
        ):
            found = await station.read(
                lambda conn: orders.is_made(conn, asker, under, one.name, one.sha256)  # noqa: B023
            )
            assert found == mine


async def test_an_order_that_was_refused_as_a_letter(tmp_path: Path) -> None:
    """As by a station that knows no such kind yet."""
    async with pair(tmp_path) as made:
        grant = await made.grant()
        order = FileOrder("a" * 32, grant.grant, "csv", PURPOSE, "甲")
        station = made.reader.app.station
        made.kit.direct.clear()
        await station.write(partial(orders.ask, order=order, target=made.folder / "a.csv"))

        def job(tx: Tx) -> None:
            letter = orders.find(tx.conn, "asked", order.order).letter
            settled = SettledLetter(letter, "file.order", PROVIDER, "refused", "envelope.kind", 1)
            tx.parts.hooks.settled(tx, settled)
            row = orders.find(tx.conn, "asked", order.order)
            assert (row.state, row.error) == ("refused", "envelope.kind")

        await station.write(job)


# --- one moment, crashes, room ------------------------------------------------------------------


async def test_a_file_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with pair(tmp_path) as made:
        await made.grant()
        go = _held(monkeypatch)
        begun = await made.order()
        folder = made.kit.folder / PROVIDER / "made"
        await until(lambda: folder.is_dir() and os.listdir(folder) != [])
        with sqlite3.connect(made.provider.source) as conn:
            conn.execute("UPDATE people SET income = -1")
            conn.execute("DELETE FROM people WHERE id < '00100'")
        await made.publish()
        go.set()
        ended = await made.ended(begun["order"])
        assert read("csv", Path(ended["target"])) == ROWS
        now = await made.get(to="now.csv")
        assert now["seq"] > ended["seq"]
        assert len(read("csv", Path(now["target"]))) == COUNT - 100


async def test_a_provider_that_ends_while_it_makes_one_makes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _held(patch)
        async with pair(tmp_path) as made:
            await made.grant()
            begun = await made.order()
            folder = made.kit.folder / PROVIDER / "made"
            await until(lambda: folder.is_dir() and os.listdir(folder) != [])
            kit = made.kit
    assert [stat.S_IMODE(os.stat(folder / name).st_mode) for name in os.listdir(folder)] == [0o600]
    provider, reader = open_node(kit, PROVIDER), open_node(kit, READER)
    async with running(kit, provider, reader):
        ended = await Pair(kit, provider, reader, tmp_path / "taken").ended(begun["order"])
        assert read("csv", Path(ended["target"])) == ROWS


async def test_without_room_it_waits_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "REST_S", 0.01)
    full = [True]

    def write(*args: Any) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_table(*args)

    monkeypatch.setattr(making, "write_table", write)
    async with pair(tmp_path) as made:
        await made.grant()
        begun = await made.order()

        def stuck(conn: Any) -> bool:
            return [row.error for row in orders.listed(conn)] == ["file.disk-full"]

        await until_read(made.provider.app.station, stuck)
        full[0] = False
        assert (await made.ended(begun["order"]))["fetched"]["state"] == "done"


async def test_what_was_made_is_kept_for_some_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with pair(tmp_path) as made:
        await made.grant()
        await made.get(to="1.csv")
        folder = made.kit.folder / PROVIDER / "made"
        (kept,) = os.listdir(folder)
        (folder / "left-by-a-crash").touch()
        await made.get("xlsx", to="2.xlsx")  # the next look
        await until(lambda: len(os.listdir(folder)) == 2)
        assert kept in os.listdir(folder)
        made.kit.offset_ms += making.KEPT_MS + 1
        made.provider.app.files.maker.changed.set()
        await until(lambda: os.listdir(folder) == [])
        states = {one["state"] for one in await made.record(made.provider)}
        assert states == {"removed"}


# --- memory -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_memory_does_not_grow_with_the_rows(form: str, tmp_path: Path) -> None:
    schema = TableSchema(number=1, columns=(Column("id", "C", 0), Column("n", "I", 0)), key=("id",))

    def peak(count: int) -> int:
        rows = ((f"{n:08}" * 4, n) for n in range(count))
        tracemalloc.start()
        try:
            assert write_table(tmp_path / "t", form, schema, rows, threading.Event()) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # imports
    small, large = peak(17_000), peak(51_000)
    assert large < small * 1.3 + (1 << 20)


def test_forms_of_the_settings_are_all_there(tmp_path: Path) -> None:
    assert {*forms._OPTIONS, "xlsx"} == set(FORMS)

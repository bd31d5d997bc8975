"""Search in a catalog of 100,000 entries on SQLite, as a station answers it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from ortoo_node import catalog
from ortoo_node.store import NODE
from ortoo_node.store.tables import catalog as entries_held
from ortoo_protocol.core.catalog import Entry
from ortoo_protocol.core.search.document import document
from ortoo_protocol.core.search.words import pieces
from ortoo_protocol.station.catalog.looking import CatalogLooking
from ortoo_protocol.station.catalog.searching import FACETS
from ortoo_protocol.station.context import Parts, Tx
from ortoo_protocol.station.station import Station
from tests.bench.measuring import Row, against, alone, median, quantile
from tests.bench.rig import Rig
from tests.support.desk import Desk
from tests.support.made_catalog import entries
from tests.support.stations import Kit
from tests.support.trust import STATIONS

MOST_MS = 20.0
MOST_FACETS_MS = 50.0
A_COMMIT = 200
PAGE = 20
PEER = "LIKE '%word%' over the same texts in SQLite"
PLAIN = Table("plain", MetaData(), Column("id", Integer, primary_key=True), Column("words", Text))


class AsStation:
    """As much of a station as answering takes."""

    def __init__(self, desk: Desk) -> None:
        self.parts: Parts = desk.parts
        self.read = desk.store.read


async def run(rig: Rig) -> list[Row]:
    count, asks = rig.size(100_000, 400), rig.size(500, 20)
    desk = Desk(Kit(rig.folder), STATIONS[0], None, (NODE,))
    try:
        made = list(entries(count))
        spent = _fill(desk, made)
        looking = CatalogLooking(
            cast("Station", AsStation(desk)), entries_held, lambda party: party
        )
        rows = await _rows(rig, desk, looking, made, asks)
        size = desk.path.stat().st_size
    finally:
        await desk.store.reading.dispose()
        desk.close()
    return [
        *rows,
        alone("search store", "KiB an entry", [size / count / 1024], better="lower",
              note=f"{count} entries: the entry itself, compressed, and all that is searched by"),
        alone("search writing", "µs an entry", [spent / count * 1e6], better="lower",
              note=f"CPU of storing and indexing, {A_COMMIT} entries a commit"),
    ]  # fmt: skip


def _fill(desk: Desk, made: Sequence[Entry]) -> float:
    """CPU seconds. Beside the index, the texts alone for the peer; they are not counted."""
    spent = 0.0
    for first in range(0, len(made), A_COMMIT):
        part = made[first : first + A_COMMIT]

        def job(tx: Tx, part: Sequence[Entry] = part) -> None:
            for each in part:
                catalog.store(tx, each, 1, tx.now_ms)

        begun = time.process_time()
        desk.do(job)
        spent += time.process_time() - begun
    return spent


async def _rows(
    rig: Rig, desk: Desk, looking: CatalogLooking, made: Sequence[Entry], asks: int
) -> list[Row]:
    chosen = random.Random(11)  # noqa: S311
    names = [piece for each in made for piece in pieces(each.name)]
    two = _cut(chosen, names, 2, asks)

    async def ours(words: Sequence[str], **more: Any) -> list[float]:
        return await _timed(words, lambda word: looking.search(word, limit=PAGE, **more))

    async def figures(words: Sequence[str], **more: Any) -> list[list[float]]:
        await ours(words[:20], **more)
        return [await ours(words, **more) for _ in range(rig.rounds)]

    found = await figures(two)
    hits = sorted([(await looking.search(word, limit=1))["total"] for word in two[:100]])
    spread = f"{hits[0]} to {hits[-1]} entries found, by half of the words {hits[len(hits) // 2]}"
    head = f"{len(made)} entries; {asks} words; {spread} or more"
    cpu = await _cpu_ms(two, lambda word: looking.search(word, limit=PAGE))
    rows = [
        alone("search two characters, p99", "ms", _p99(found), bar=MOST_MS, better="lower",
              note=f"{head}; a page of {PAGE} and how many there are; CPU {cpu:.3g} ms"),
        await _beside_like(rig, desk, made, two[: rig.size(60, 5)], found),
    ]  # fmt: skip
    others: Mapping[str, tuple[Sequence[str], dict[str, Any]]] = {
        "one character": (_cut(chosen, names, 1, asks), {}),
        "four characters": (_cut(chosen, names, 4, asks), {}),
        "initials": (_initials(chosen, made, asks), {}),
        "two characters and two filters": (two, {"filters": {"league": "1502", "share": "2"}}),
        "two characters, page 50": (two, {"offset": 50 * PAGE}),
        "two characters, all facets": (two[: rig.size(60, 5)], {"facets": list(FACETS)}),
    }
    for name, (words, more) in others.items():
        bar = MOST_FACETS_MS if "facets" in more else None
        figure = await figures(words, **more)
        middle = median([median(one) for one in figure])
        rows.append(
            alone(f"search {name}, p99", "ms", _p99(figure), bar=bar, better="lower",
                  note=f"median {middle:.2g} ms")
        )  # fmt: skip
    return rows


def _p99(rounds: Sequence[Sequence[float]]) -> list[float]:
    return [quantile(one, 0.99) for one in rounds]


def _cut(chosen: random.Random, names: Sequence[str], length: int, count: int) -> list[str]:
    """Words of that length from anywhere in names; common ones come as often as they stand."""
    found = []
    while len(found) < count:
        name = chosen.choice(names)
        if len(name) >= length:
            start = chosen.randrange(len(name) - length + 1)
            found.append(name[start : start + length])
    return found


def _initials(chosen: random.Random, made: Sequence[Entry], count: int) -> list[str]:
    texts = [document(each).fields[3][0] for each in chosen.sample(made, min(len(made), count))]
    return [text[:4] for text in texts]


async def _timed(words: Sequence[str], ask: Callable[[str], Awaitable[object]]) -> list[float]:
    found = []
    for word in words:
        begun = time.perf_counter()
        await ask(word)
        found.append((time.perf_counter() - begun) * 1_000)
    return found


async def _cpu_ms(words: Sequence[str], ask: Callable[[str], Awaitable[object]]) -> float:
    """The most of 99 of 100, as CPU of the whole process: what others do counts for nothing."""
    found = []
    for word in words:
        begun = time.process_time()
        await ask(word)
        found.append((time.process_time() - begun) * 1_000)
    return quantile(found, 0.99)


async def _beside_like(
    rig: Rig,
    desk: Desk,
    made: Sequence[Entry],
    words: Sequence[str],
    ours: Sequence[Sequence[float]],
) -> Row:
    """What a search would cost without an index."""
    with desk.store.writing.begin() as conn:
        PLAIN.create(conn)
        for first in range(0, len(made), A_COMMIT):
            rows = [
                {"words": " ".join(p for field in document(each).fields for p in field)}
                for each in made[first : first + A_COMMIT]
            ]
            conn.execute(PLAIN.insert(), rows)

    async def ask(word: str) -> object:
        query = select(PLAIN.c.id).where(PLAIN.c.words.contains(word)).limit(PAGE)
        whole = query.order_by(PLAIN.c.id.desc())
        counted = select(PLAIN.c.id).where(PLAIN.c.words.contains(word))
        return await desk.store.read(
            lambda conn: (conn.execute(whole).all(), len(conn.execute(counted).all()))
        )

    theirs = [median(await _timed(words, ask)) for _ in range(rig.rounds)]
    with desk.store.writing.begin() as conn:
        PLAIN.drop(conn)
    return against(
        "search two characters, median", "ms", [median(one) for one in ours], PEER, theirs,
        bar=None, better="lower", note="not ranked there",
    )  # fmt: skip

"""Is anything readable that should not be? What was exchanged is looked for on the broker's disk
and in the hub's folder.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

from ortoo_demo.broker_search import Searched, as_needles, search
from ortoo_demo.checks import check
from ortoo_demo.keys_of_readers import keys_held
from ortoo_demo.plane import Plane
from ortoo_demo.sharing import PURPOSE, REASON
from ortoo_demo.texts import Text
from ortoo_demo.world import Resource

EACH = 12  # rows of each table whose texts are looked for
CIPHERTEXT_BYTES = 48


def search_broker(plane: Plane, waiting: Resource) -> Searched:
    """While items of `waiting` lie in a dead reader's queue.

    That the search looks in the right place shows in the items' ciphertext, which it must find.
    """
    ciphertext = _last_item(plane, waiting)[-CIPHERTEXT_BYTES:]

    def on_disk() -> bool:
        return bool(search(plane.broker.folder, [ciphertext]).finds)

    plane.patience.until(on_disk, "the waiting item is on the broker's disk", poll_s=0.2)
    found = search(plane.broker.folder, [*sealed(plane), *notarised()])
    check(not found.finds, f"readable on the broker: {found.finds[:3]}")
    return found


def unreadable(plane: Plane) -> Text:
    """No sealed content on the broker or at the hub, no notarised one on the broker."""
    keys = feed_keys(plane)
    secret = [*sealed(plane), *keys]
    # Headers are readable: that the letters lie on this disk at all shows in a case's number.
    case = plane.notes["refused case"].encode()
    check(search(plane.broker.folder, [case]).finds, "the case's letters are not on the broker")
    broker = search(plane.broker.folder, [*secret, *notarised()])
    hub = search(plane.of(plane.cast.hub), secret)
    for place, found in (("the broker", broker), ("the hub's folder", hub)):
        check(found.files, f"{place} has no files")
        check(not found.finds, f"readable in {place}: {found.finds[:3]}")
    at_home = search(plane.folder / "departments", sealed(plane))
    check(at_home.finds, "the search finds nothing even in the departments' own databases")
    both = broker + hub
    frames, size_mb = both.frames, both.size_bytes / 1e6
    return Text(
        f"{len(secret) + len(notarised())} 个特征（含 {len(keys)} 把通道密钥）在"
        f" {both.files} 个文件、{size_mb:.0f} MB、{frames} 个 zstd 帧中均未出现",
        f"{len(secret) + len(notarised())} texts and keys looked for in {both.files} files,"
        f" {size_mb:.0f} MB, {frames} zstd frames: none readable",
    )


def sealed(plane: Plane) -> tuple[bytes, ...]:
    """Texts of rows that travelled, of every resource."""
    texts: list[str] = []
    for resource in plane.cast.resources:
        rows = sorted(plane.source(resource).rows(), key=repr)
        for row in (*rows[: EACH // 2], *rows[-EACH // 2 :]):
            texts += [value for value in row if isinstance(value, str)]
    marks = {plane.cast.plane, "合成数据"}
    return as_needles(text for text in texts if text not in marks)


def notarised() -> tuple[bytes, ...]:
    return as_needles([PURPOSE, REASON])


def feed_keys(plane: Plane) -> tuple[bytes, ...]:
    """Every feed key that a reader was given: what the broker and the hub must not hold."""
    found: list[bytes] = []
    for station in plane.cast.stations:
        found += [held.key for held in keys_held(plane.of(station), station, plane.name)]
    return tuple(dict.fromkeys(found))


def _last_item(plane: Plane, resource: Resource) -> bytes:
    """The newest item of the resource's own feed, as its publisher keeps it."""
    store = plane.of(resource.owner.station) / "store.sqlite"
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as db:
        row = db.execute(
            "SELECT raw FROM feed_out_items WHERE feed = ? ORDER BY seq DESC LIMIT 1",
            (resource.feed,),
        ).fetchone()
    check(row, f"{resource.feed} has no item")
    return bytes(row[0])

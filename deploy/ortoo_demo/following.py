"""Rows change at the provider and the readers follow; one of them dies in the middle."""

from __future__ import annotations

from collections.abc import Sequence

from ortoo_demo import departments
from ortoo_demo.checks import check
from ortoo_demo.departments import Row, TableAt
from ortoo_demo.plane import Plane
from ortoo_demo.readers import Reader, ended, granted, neighbour, takers, wait_equal
from ortoo_demo.searching import search_broker
from ortoo_demo.texts import Text
from ortoo_demo.world import Resource, made_up

CALM, STORM = 4, 8  # rows of the cast that are inserted quietly, and while a reader dies
CHANGED = 20


def changes(plane: Plane) -> Text:
    """The departments insert, update and delete; every reader ends equal."""
    cast = plane.cast
    calm = change(plane.source(cast.everybody), cast.fresh[:CALM], "name", round_number=1)
    count = cast.households.count
    new = [made_up(cast.households, count + number) for number in range(1, 11)]
    moved = change(plane.source(cast.households), new, "persons", round_number=1)
    more = [made_up(cast.ended, cast.ended.count + number) for number in range(1, 3)]
    also = change(plane.source(cast.ended), more, "head_name", round_number=1)
    published = ((cast.everybody, calm), (cast.households, moved), (cast.ended, also))
    for resource, expected in published:
        answer = publish(plane, resource)
        told = (answer["upserts"], answer["deletes"])
        check(told == expected, f"{resource.slug}: published {told}, changed {expected}")
    wait_equal(plane, *takers(plane), granted(plane), neighbour(plane), ended(plane))
    upserts, deletes = (sum(counts) for counts in zip(calm, moved, also, strict=True))
    return Text(
        f"新增与修改 {upserts} 行、删除 {deletes} 行，全部读者一致",
        f"{upserts} rows inserted or updated, {deletes} deleted; every reader is equal",
    )


def change(at: TableAt, new: Sequence[Row], column: str, *, round_number: int) -> tuple[int, int]:
    """Insert `new`, delete as many others, change `column` of some more: (upserts, deletes)."""
    places = [at.columns.index(name) for name in at.key]
    keys = sorted(tuple(row[place] for place in places) for row in at.rows())
    where = round_number * 7
    gone, touched = keys[where : where + len(new)], keys[where + 40 : where + 40 + CHANGED]
    value = round_number + 10 if column == "persons" else f"虚构更名{round_number}"
    with departments.changing(at.database) as db:
        departments.delete(db, at, gone)
        departments.set_column(db, at, column, [(value, *key) for key in touched])
        departments.insert(db, at, new)
    return len(new) + len(touched), len(gone)


def publish(plane: Plane, resource: Resource) -> dict[str, int]:
    """The provider's next look at its table; through the socket, as a timer would."""
    return dict(plane.call(resource.owner.station, "publish", resource=resource.code))


def killed(plane: Plane) -> Text:
    """SIGKILL one reader while rows arrive; the provider goes on without it."""
    cast, victim = plane.cast, _victim(plane)
    at = plane.source(cast.everybody)
    first, *others = _portions(cast.fresh[CALM : CALM + STORM])
    change(at, first, "name", round_number=2)
    publish(plane, cast.everybody)
    plane.patience.until(
        lambda: set(first) <= set(victim.sink.rows()), f"{cast.killed} follows", poll_s=0.005
    )
    for number, portion in enumerate(others, 3):
        change(at, portion, "name", round_number=number)
        publish(plane, cast.everybody)
        if number == 3:
            plane.kill(cast.killed)
    check(not victim.equal(), f"{cast.killed} was equal already when it died")
    wait_equal(plane, *(one for one in takers(plane) if one is not victim and one != victim))
    searched = search_broker(plane, cast.everybody)
    return Text(
        f"{cast.killed} 在接收中途被 SIGKILL，其余照常；滞留在消息服务器上的条目不可读"
        f"（查 {searched.files} 个文件）",
        f"{cast.killed} got SIGKILL while rows arrived, the others went on; what waits for it on"
        f" the broker is unreadable ({searched.files} files searched)",
    )


def restarted(plane: Plane) -> Text:
    """The killed reader comes back on the same folder and ends equal."""
    cast, victim = plane.cast, _victim(plane)
    check(not victim.equal(), "there is nothing to catch up with")
    plane.start(cast.killed)
    plane.wait_ready(cast.killed)
    wait_equal(plane, victim)
    rows = len(victim.sink.rows())
    return Text(
        f"{cast.killed} 重启后补齐，{rows} 行一致",
        f"{cast.killed} was started again and caught up: {rows} rows, equal",
    )


def without_hub(plane: Plane) -> Text:
    """The hub's process is killed: granted feeds go on without it."""
    cast, hub = plane.cast, plane.cast.hub
    plane.kill(hub)
    new = [made_up(cast.households, cast.households.count + 50 + number) for number in range(3)]
    change(plane.source(cast.households), new, "persons", round_number=5)
    publish(plane, cast.households)
    readers = (granted(plane), neighbour(plane))
    wait_equal(plane, *readers)
    plane.start(hub)
    plane.wait_ready(hub)
    return Text(
        f"枢纽进程被杀死期间，{len(readers)} 个读取方照常收到更新；枢纽已重启",
        f"with the hub's process killed, {len(readers)} readers got what changed; it runs again",
    )


def _victim(plane: Plane) -> Reader:
    return next(one for one in takers(plane) if one.department.station == plane.cast.killed)


def _portions(rows: Sequence[Row], size: int = 2) -> list[Sequence[Row]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]

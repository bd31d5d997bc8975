"""A grant ends, a station breaks rules, a station is suspended."""

from __future__ import annotations

import base64
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from ortoo_demo import departments
from ortoo_demo.checks import check
from ortoo_demo.departments import Row
from ortoo_demo.following import change, publish
from ortoo_demo.founding import sign_directory
from ortoo_demo.intruder import FORBIDDEN, Account, attempts, its_own, outcomes, refused_login
from ortoo_demo.keys_of_readers import keys_held, opens
from ortoo_demo.plane import Plane
from ortoo_demo.readers import ended, granted, neighbour, takers, wait_equal
from ortoo_demo.sharing import subscription
from ortoo_demo.texts import Text
from ortoo_demo.world import made_up
from ortoo_protocol.core.topology import feed_queue

UNBOUND_S = 1.0
CANARY = 999_999
END_REASON = "资格核对工作已结束，按《办法》第十八条停止提供"
SUSPEND_REASON = "演示：安全检查未通过，暂停接入"


def grant_ended(plane: Plane) -> Text:
    """With reason and prior filing; the binding is gone within a second of the command."""
    cast, one = plane.cast, ended(plane)
    provider, reader, grant = (
        cast.ended.owner.station,
        cast.asker.station,
        plane.notes["ended grant"],
    )
    feed = str(subscription(plane, one)["feed"])
    queue, admin = feed_queue(reader, feed), plane.admin()
    check(admin.bound(queue, feed), f"{queue} is not bound before the end")
    end = {"grant": grant, "by": "负责人己"}
    found = plane.refused_call(provider, "grant.end", reason=" ", **end)
    check(found == "stop.reason", f"an end without reason was met with {found}")
    began = time.monotonic()
    answer = plane.call(provider, "grant.end", reason=END_REASON, **end)
    while admin.bound(queue, feed):
        check(time.monotonic() - began < UNBOUND_S, f"{queue} is still bound after a second")
    took_s = time.monotonic() - began
    check(took_s < UNBOUND_S, f"the binding went after {took_s:.2f} s")
    plane.notes["fence"] = str(answer["fence"])
    _check_filed(plane, grant, answer["filing"])
    return Text(
        f"先备案（{answer['filing'][:8]}…）后停止；绑定在 {took_s:.2f} 秒内消失",
        f"filed ({answer['filing'][:8]}…), then ended; the binding was gone after {took_s:.2f} s",
    )


def _check_filed(plane: Plane, grant: str, filing: str) -> None:
    """The hub holds the reason, and the filing stands before the end in its journal."""
    cast = plane.cast

    def known(grants: list[dict[str, object]]) -> bool:
        ends = {each["grant"]: each["reason"] for each in grants if each["state"] == "ended"}
        return ends.get(grant) == END_REASON

    plane.patience.until(
        lambda: known(plane.call(cast.hub, "grant.list", active=False)["grants"]),
        "the hub knows that the grant ended and why",
    )
    reader = plane.cli(cast.asker.station, "grant", "list", "--ended")["grants"]
    check(known(reader), f"the reader's people see {reader}")
    rows = plane.call(cast.hub, "journal.show", count=1000)["rows"]
    places = {
        kind: [row["seq"] for row in rows if row["kind"] == kind and row["state"] != "refused"]
        for kind in ("stop.filing", "grant.ended")
    }
    check(filing, "the end names no filing")
    check(all(places.values()), f"filing or end is missing in the hub's journal: {places}")
    check(places["stop.filing"][-1] < places["grant.ended"][-1], f"filed too late: {places}")


def canary(plane: Plane) -> Text:
    """What is published afterwards neither arrives nor opens; the other feeds go on."""
    cast, one = plane.cast, ended(plane)
    before, fence = one.sink.rows(), int(plane.notes["fence"])
    row = made_up(cast.ended, CANARY)
    with departments.changing(one.source.database) as db:
        departments.insert(db, one.source, [row])
    seq = publish(plane, cast.ended)["seq"]
    check(seq > fence, f"the canary is item {seq}, the fence {fence}")
    _others_go_on(plane)
    check(row not in one.sink.rows(), "the canary arrived")
    check(sorted(before, key=repr) == sorted(one.sink.rows(), key=repr), "its table has changed")
    feed = cast.ended.feed
    listed = plane.cli(cast.asker.station, "subscription", "list")["subscriptions"]
    states = {each["state"] for each in listed if each["table"] == one.sink.table}
    check(states == {"stopped"}, f"its station says {states}")
    reader, provider = plane.of(cast.asker.station), plane.of(cast.ended.owner.station)
    held = keys_held(reader, cast.asker.station, plane.name)
    last, own = _newest(provider, feed, "out"), _newest(reader, feed, "in")
    check(own <= fence, f"the reader holds item {own} beyond the fence {fence}")
    keys = [each for each in held if each.feed == feed]
    check(keys, "the reader has no old key to try")
    check(opens(_item(provider, feed, fence), plane.name, keys), "old keys open nothing at all")
    check(last >= seq, "the publisher does not hold the canary")
    check(not opens(_item(provider, feed, last), plane.name, keys), "an old key opens the canary")
    return Text(
        f"终止后发布的第 {last} 条未到达，{len(keys)} 把旧密钥均打不开；其他通道照常",
        f"item {last}, published afterwards, did not arrive and opens with none of {len(keys)} old"
        " keys; the other feeds go on",
    )


def _others_go_on(plane: Plane) -> None:
    """Published after the canary: when these have arrived, the canary would have, too."""
    cast = plane.cast
    new: list[Row] = [made_up(cast.households, cast.households.count + 100 + n) for n in range(3)]
    change(plane.source(cast.households), new, "persons", round_number=9)
    publish(plane, cast.households)
    wait_equal(plane, granted(plane), neighbour(plane), *takers(plane))


def _newest(folder: Path, feed: str, way: str) -> int:
    """The highest number that a station holds of a feed, sent (out) or received (in)."""
    tables = ("feed_out_items",) if way == "out" else ("feed_in_items", "feed_in_parked")
    with closing(_store(folder)) as db:
        found = [
            db.execute(f"SELECT max(seq) FROM {table} WHERE feed = ?", (feed,)).fetchone()[0]  # noqa: S608
            for table in tables
        ]
    return max((seq for seq in found if seq is not None), default=0)


def _item(folder: Path, feed: str, seq: int) -> bytes:
    with closing(_store(folder)) as db:
        row = db.execute(
            "SELECT raw FROM feed_out_items WHERE feed = ? AND seq = ?", (feed, seq)
        ).fetchone()
    check(row and row[0], f"the publisher no longer holds item {seq} of {feed}")
    return bytes(row[0])


def _store(folder: Path) -> sqlite3.Connection:
    path = folder / "store.sqlite"
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)


# --- a station against the broker ---------------------------------------------------------------


def rules_of_the_broker(plane: Plane) -> Text:
    """With a station's own account: self-binding and foreign routing keys get 403."""
    cast = plane.cast
    own, other = cast.asker.station, cast.households.owner.station
    account = account_of(plane, own)
    allowed = outcomes(account, {"own key": its_own(own)})
    check(allowed == {"own key": 0}, f"a key of its own was met with {allowed}")
    found = outcomes(account, attempts(own, other, cast.everybody.feed))
    wrong = {name: code for name, code in found.items() if code != FORBIDDEN}
    check(not wrong, f"not refused with 403: {wrong}")
    return Text(
        f"以 {own} 自己的账号尝试自行绑定、冒用路由键等 {len(found)} 种，全部 403",
        f"{len(found)} attempts with {own}'s own account (self-binding, foreign keys …): all 403",
    )


def account_of(plane: Plane, station: str) -> Account:
    keys = plane.of(station) / "keys"
    return Account(
        "localhost",
        plane.broker.amqps_port,
        plane.broker.ca_file,
        station,
        (keys / "broker.password").read_text(encoding="utf-8").strip(),
    )


def suspended(plane: Plane) -> Text:
    """Registrars suspend a station: its connections close and it cannot come back."""
    cast, station = plane.cast, plane.cast.suspended
    hub, admin, account = cast.hub, plane.admin(), account_of(plane, cast.suspended)
    check(plane.patience.until(lambda: admin.connections(station), "it is connected"), "")
    check(not refused_login(account), f"{station} cannot log in even before")
    directory = plane.desk("directory-3")
    plane.cli(hub, "member", "suspend", station, "--reason", SUSPEND_REASON)
    plane.cli(hub, "directory", "propose", str(directory))
    sign_directory(plane, directory)
    document = base64.b64encode(directory.read_bytes()).decode()
    began = time.monotonic()
    plane.call(hub, "directory.publish", document=document)
    plane.patience.until(
        lambda: not plane.call(station, "status")["broker"]["connected"],
        f"{station} has lost its connections",
    )
    plane.patience.until(lambda: not admin.connections(station), "the broker lists none")
    took_s = time.monotonic() - began
    check(refused_login(account), f"{station} still logs in")
    plane.cli(station, "stop")
    before = len(plane.services[station].log_text())
    plane.start(station)
    plane.patience.until(
        lambda: "bus.login" in plane.services[station].log_text()[before:], "it was turned away"
    )
    check(not admin.connections(station), f"{station} came back")
    _others_are_well(plane, station)
    return Text(
        f"{station} 被暂停：连接在 {took_s:.1f} 秒内关闭，重新登录与重启均被拒绝，其余正常",
        f"{station} is suspended: its connections closed after {took_s:.1f} s, login and restart"
        " are refused, all others are well",
    )


def _others_are_well(plane: Plane, station: str) -> None:
    for party in plane.cast.names:
        if party != station:
            status = plane.call(party, "status")
            check(status["broker"]["connected"], f"{party} is not connected any more")
    router = plane.call(plane.cast.hub, "router.show")
    check(router["agree"], f"the broker is not as it should be: {router}")

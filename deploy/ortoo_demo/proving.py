"""Journals, proofs, and that the planes never meet."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ortoo_demo.checks import check
from ortoo_demo.plane import READY_S, Plane
from ortoo_demo.processes import program
from ortoo_demo.readers import granted
from ortoo_demo.sharing import subscription
from ortoo_demo.texts import PLANES, Text

MIXED_UP = {
    "broker": "bus.tls-authority",
    "broker with its account": "bus.plane",
    "database": "store.plane",
    "keys": "keys.plane",
}


def journals(plane: Plane) -> Text:
    """Every journal verifies, row by row and checkpoint by checkpoint."""
    parties = list(plane.cast.names)
    first, others = parties[0], parties[1:]
    found = {first: plane.cli(first, "journal", "verify")}
    found |= {party: plane.call(party, "journal.verify") for party in others}
    for party, answer in found.items():
        check(answer["size"] > 0, f"the journal of {party} is empty")
        plane.patience.until(
            lambda p=party: plane.call(p, "journal.verify")["checkpoints"],  # type: ignore[misc]
            f"{party} has signed a checkpoint",
        )
    rows = sum(answer["size"] for answer in found.values())
    return Text(
        f"{len(found)} 本日志共 {rows} 行，逐行核验通过",
        f"{len(found)} journals with {rows} rows verify",
    )


def proofs(plane: Plane) -> Text:
    """Publisher and readers sign {feed, range, count, root}; the hub compares."""
    cast = plane.cast
    wanted = {
        cast.everybody.feed: {cast.everybody.owner.station} | {t.station for t in cast.takers},
        str(subscription(plane, granted(plane))["feed"]): {
            cast.households.owner.station,
            cast.asker.station,
        },
    }
    counts = []
    for feed, parties in wanted.items():
        answer = plane.cli(cast.hub, "reconcile", feed)
        answered = {one["party"] for one in answer["parties"] if one["answered"]}
        check(answer["agree"], f"{feed}: {answer}")
        check(answered == parties, f"{feed}: {sorted(answered)} answered, not {sorted(parties)}")
        check(answer["count"] > 0, f"{feed}: nothing was compared")
        check(len({one["root"] for one in answer["parties"]}) == 1, f"{feed}: roots differ")
        counts.append(f"{feed} {answer['count']}")
    return Text(
        f"发布方与读取方的证明在枢纽一致：{'、'.join(counts)} 条",
        f"publisher's and readers' proofs agree at the hub: {', '.join(counts)} items",
    )


def healthy(plane: Plane) -> Text:
    """status and doctor of everybody, as an administrator would look in the end."""
    cast = plane.cast
    errors = []
    asked = (cast.hub, cast.killed)
    for party in cast.names:
        found = plane.cli(party, "doctor") if party in asked else plane.call(party, "doctor")
        found = found["findings"]
        errors += [f"{party}: {one}" for one in found if one["level"] == "error"]
    check(not errors, f"doctor found {errors}")
    status = plane.cli(cast.hub, "status")
    check(status["members"]["active"] == len(cast.names), f"members: {status['members']}")
    router = plane.cli(cast.hub, "router", "show")
    check(router["agree"] and not router["changes"], f"the broker differs: {router}")
    return Text(
        f"{len(cast.names)} 方 doctor 无错误；消息服务器上的权限与目录、授权一致",
        f"doctor of {len(cast.names)} parties finds no error; the broker is as grants say",
    )


# --- the planes never meet ----------------------------------------------------------------------


def planes_never_meet(here: Plane, other: Plane, station: str) -> Text:
    """Start `station` of the plane `here` on the broker, database and keys of the `other`."""
    list(here.pool.map(lambda what: _try(what, here, other, station), MIXED_UP))
    codes, names = MIXED_UP.values(), (PLANES[other.name].zh, PLANES[here.name].zh)
    return Text(
        f"用{names[0]}的消息服务器、账号、数据库、密钥启动{names[1]}节点均被拒绝：{'、'.join(codes)}",
        f"refused on the other plane's {', '.join(MIXED_UP)}: {', '.join(codes)}",
    )


def _try(what: str, here: Plane, other: Plane, station: str) -> None:
    folder = here.folder / "mixed-up" / what.replace(" ", "-")
    _copy_station(here.of(station), folder)
    _mix_up(what, folder, here, other, station)
    argv = (*program("ortoo-node"), "--config", str(folder), "run")
    service = here.processes.start(argv, folder / "log" / "output.log")
    code = service.wait(READY_S)
    said, expected = service.log_text()[-1500:], MIXED_UP[what]
    check(code not in (None, 0), f"it ran with the other plane's {what}: {said}")
    check(expected in said, f"the other plane's {what}: no {expected} in {said}")


def _copy_station(source: Path, target: Path) -> None:
    """Settings, keys and welcome, as for a second start; no store."""
    target.mkdir(parents=True)
    shutil.copy(source / "station.toml", target / "station.toml")
    for part in ("keys", "trust"):
        shutil.copytree(source / part, target / part)


def _mix_up(what: str, folder: Path, here: Plane, other: Plane, station: str) -> None:
    foreign = other.of(station)
    if what.startswith("broker"):
        file = folder / "station.toml"
        text = file.read_text(encoding="utf-8")
        ports = (f"port = {here.broker.amqps_port}", f"port = {other.broker.amqps_port}")
        check(ports[0] in text, "the settings do not name the broker's port")
        file.write_text(text.replace(*ports), encoding="utf-8")
        for name in ("broker.password", "broker.ca.pem") if "account" in what else ():
            shutil.copy(foreign / "keys" / name, folder / "keys" / name)
    elif what == "database":
        _copy_database(foreign / "store.sqlite", folder / "store.sqlite")
    else:
        for name in ("station.key", "passphrase"):
            shutil.copy(foreign / "keys" / name, folder / "keys" / name)


def _copy_database(source: Path, target: Path) -> None:
    """A consistent copy of a database that is in use."""
    uri = f"{source.as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)

"""Restore drills on a real broker: hub, provider and reader are processes; provider and reader
are each backed up while they work, destroyed, and restored. Every row is there once afterwards."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ortoo_demo.private_broker import PrivateBroker
from ortoo_protocol.station.settings import write_secret
from tests.node.kit import FORM, PEOPLE, entry, fill
from tests.support.daemons import Daemon, joined
from tests.support.founded import Founded, founded
from tests.support.trust import DEPARTMENTS

PROVIDER, READER = "s150700", "s150200"
CODE = "3070101/0001"
KEPT = """
CREATE TRIGGER kept_i AFTER INSERT ON people BEGIN
  INSERT INTO writes VALUES (new.id, new.income); END;
CREATE TRIGGER kept_u AFTER UPDATE ON people BEGIN
  INSERT INTO writes VALUES (new.id, new.income); END;
"""


class Drill:
    def __init__(self, folder: Path, region: Founded) -> None:
        self.folder, self.region = folder, region
        self.source, self.sink = folder / "source.sqlite", folder / "sink.sqlite"
        fill(self.source, 200)
        self.provider = self._station(
            PROVIDER, f'[[sources]]\nname = "b"\nurl = "sqlite:///{self.source}"'
        )
        self.reader = self._station(READER, f'[[sinks]]\nname = "d"\nurl = "sqlite:///{self.sink}"')
        self.secret = folder / "backup.passphrase"
        write_secret(self.secret, "what nobody guesses")

    def _station(self, party: str, more: str) -> Daemon:
        daemon = joined(self.folder / party, self.region, party)
        with (daemon.folder / "station.toml").open("a", encoding="utf-8") as file:
            file.write(f"{more}\n")
        return daemon

    def begin(self) -> None:
        for each in (self.provider, self.reader):
            each.start()
            each.until(lambda each=each: each.call("status")["broker"]["connected"])
        self.provider.call("catalog.add", entry=entry(PROVIDER, CODE, 2))
        self.provider.call("publish", resource=CODE, source="b", table="people")
        self.reader.until(lambda: self.reader.call("catalog.search", text="低保")["entries"])
        department = DEPARTMENTS[READER][0]
        case = self.reader.call("request.apply", resource=CODE, department=department, **FORM)[
            "case"
        ]
        self.provider.until(
            lambda: any(
                one["case"] == case
                for one in self.provider.call("request.list", state="submitted")["cases"]
            )
        )
        self.provider.call("request.grant", case=case, items=[], **PEOPLE)
        self.reader.until(lambda: self.reader.call("grant.list", active=True)["grants"])
        self.reader.call(
            "subscribe", resource=CODE, department=department, sink="d", table="people",
            purpose=FORM["purpose"],
        )  # fmt: skip
        self.equal()
        with closing(sqlite3.connect(self.sink)) as conn:
            conn.execute("CREATE TABLE writes (id TEXT, income INTEGER)")
            conn.executescript(KEPT)

    def change(self, income: int, *ids: int) -> None:
        with closing(sqlite3.connect(self.source)) as conn, conn:
            for each in ids:
                conn.execute(
                    "INSERT INTO people VALUES (?, '新', ?) "
                    "ON CONFLICT (id) DO UPDATE SET income = excluded.income",
                    (f"{each:05}", income),
                )
        self.provider.call("publish", resource=CODE)

    def rows(self, path: Path) -> list[Any]:
        with closing(sqlite3.connect(path, timeout=10)) as conn:
            return conn.execute("SELECT id, name, income FROM people ORDER BY id").fetchall()

    def equal(self) -> None:
        def same() -> bool:
            try:
                return self.rows(self.source) == self.rows(self.sink)
            except sqlite3.OperationalError:
                return False

        self.reader.until(same, within_s=40)

    def writes(self, income: int) -> list[str]:
        with closing(sqlite3.connect(self.sink)) as conn:
            found = conn.execute("SELECT id FROM writes WHERE income = ? ORDER BY id", (income,))
            return [row[0] for row in found]

    def incomes(self, of: str) -> list[int]:
        """As they were written into the reader's table, one after the other."""
        with closing(sqlite3.connect(self.sink)) as conn:
            found = conn.execute("SELECT income FROM writes WHERE id = ? ORDER BY rowid", (of,))
            return [row[0] for row in found]

    def back_up(self, daemon: Daemon, file: Path) -> None:
        made = daemon.cli("backup", "create", str(file), "--passphrase-file", str(self.secret))
        assert made.returncode == 0, made.stderr
        checked = daemon.cli("backup", "verify", str(file), "--passphrase-file", str(self.secret))
        assert checked.returncode == 0, checked.stderr

    def restore(self, daemon: Daemon, file: Path) -> None:
        done = daemon.cli(
            "restore", str(file), str(daemon.folder), "--passphrase-file", str(self.secret)
        )
        assert done.returncode == 0, done.stderr

    @contextmanager
    def load(self) -> Iterator[None]:
        """Rows are changed and published all the time."""
        stop = threading.Event()

        def work() -> None:
            number = 1_000
            while not stop.is_set():
                self.change(7, number)
                number += 1

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory, broker: PrivateBroker) -> Iterator[Drill]:
    folder = tmp_path_factory.mktemp("drill")
    with founded(folder / "hub", broker) as region:
        region.start()
        made = Drill(folder, region)
        try:
            made.begin()
            yield made
        finally:
            made.provider.kill()
            made.reader.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def test_a_provider_is_restored(drill: Drill, file: Path) -> None:
    with drill.load():
        drill.back_up(drill.provider, file)
    drill.change(11, 1, 2, 9_001)
    drill.equal()
    before = drill.provider.call("status")["feeds"]
    drill.provider.kill()
    shutil.rmtree(drill.provider.folder)
    drill.restore(drill.provider, file)
    drill.provider.start()
    after = {one["feed"]: one for one in drill.provider.call("status")["feeds"]}
    for one in before:
        if one["role"] == "publisher":
            assert after[one["feed"]]["incarnation"] > one["incarnation"]
    assert drill.provider.call("status")["backup_ms"] == 0
    drill.change(12, 3, 9_002)
    drill.equal()
    written = drill.incomes("00001")
    assert set(written[written.index(11) :]) == {11}, "the backup's row is never shown again"
    drill.provider.call("catalog.add", entry=entry(PROVIDER, "3070101/0002", feed=f"{PROVIDER}.f2"))
    drill.region.until(lambda: drill.region.found("3070101/0002"))
    feeds = drill.reader.call("status")["feeds"]
    assert not [one for one in feeds if one["state"] == "failed"], feeds


def test_a_reader_whose_sink_is_ahead_is_restored(drill: Drill, file: Path) -> None:
    drill.back_up(drill.reader, file)
    drill.change(21, 10, 11, 9_003)
    drill.equal()
    written = drill.writes(21)
    assert written == ["00010", "00011", "09003"]
    drill.reader.kill()
    shutil.rmtree(drill.reader.folder)
    drill.change(22, 12, 9_004)
    drill.restore(drill.reader, file)
    drill.reader.start()
    drill.equal()
    assert drill.writes(21) == written  # its sink was ahead of its store: nothing came twice
    assert drill.writes(22) == ["00012", "09004"]

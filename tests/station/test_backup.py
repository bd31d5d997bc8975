"""Backups: taken while a store is written, sealed, whole or not at all; what was edited, cut off or
is for somebody else does not open; a restored folder is as it was."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from ortoo_protocol.core.errors import (
    BackupDamaged,
    BackupLocked,
    BackupOld,
    BackupTarget,
    BackupUnreadable,
    SettingsLacking,
)
from ortoo_protocol.core.ids import Plane
from ortoo_protocol.core.keys import builtin_suites
from ortoo_protocol.station.backup import contents, making, restoring
from ortoo_protocol.station.backup.archive import Locks
from ortoo_protocol.station.backup.sealing import CHUNK_BYTES, MAGIC, by_passphrase, by_seeds
from ortoo_protocol.station.keyfile import KeyFile
from ortoo_protocol.station.settings import Settings, load

SUITES = builtin_suites()
SUITE = SUITES.get(1)
PASSPHRASE = "what nobody guesses"
OPEN = by_passphrase(PASSPHRASE)
NOW_MS = 1_790_000_000_000
ROWS = 4_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "station"
    for below in ("keys", "trust"):
        (folder / below).mkdir(parents=True)
    (folder / "station.toml").write_text(
        '[station]\nparty = "s150700"\nplane = "extranet"\n'
        f'[watch]\ntoken_file = "{tmp_path}/elsewhere/token"\n'
        '[backup]\nfolder = "../backups"\npassphrase_file = "keys/backup"\nkeep = 2\n'
    )
    (tmp_path / "elsewhere").mkdir()
    for path in (folder / "keys/station.key", folder / "keys/passphrase", folder / "keys/backup",
                 folder / "trust/welcome", tmp_path / "elsewhere/token"):  # fmt: skip
        path.write_text(f"{path.name}\n")
        path.chmod(0o600)
    with sqlite3.connect(folder / "store.sqlite") as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE a (n INTEGER, x BLOB)")
        conn.execute("CREATE TABLE b (n INTEGER)")
        conn.executemany("INSERT INTO a VALUES (?, randomblob(600))", ((n,) for n in range(ROWS)))
        conn.executemany("INSERT INTO b VALUES (?)", ((n,) for n in range(ROWS)))
    conn.close()
    return load(folder, Settings)


def make(settings: Settings, target: Path, locks: Locks | None = None) -> Path:
    copy = settings.folder / "copy.sqlite"
    copy.unlink(missing_ok=True)
    contents.copy_store(settings.store_file, copy)
    making.make(
        settings, settings.folder / "station.toml", target, suite=SUITE, rand=os.urandom,
        locks=locks or Locks(PASSPHRASE), store=copy, made_ms=NOW_MS, version="9",
    )  # fmt: skip
    return target


def test_a_restored_folder_is_as_it_was(settings: Settings, tmp_path: Path) -> None:
    file = make(settings, tmp_path / "one")
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"station.key" not in file.read_bytes()
    outside = tmp_path / "elsewhere/token"
    outside.unlink()
    restored = tmp_path / "new"
    found = restoring.restore(file, restored, SUITES, OPEN, NOW_MS + 1, in_place=True)
    assert [each.place for each in found.entries if each.place] == [str(outside)]
    assert outside.read_text() == "token\n"
    for name in ("station.toml", "keys/station.key", "keys/passphrase", "trust/welcome"):
        assert (restored / name).read_bytes() == (settings.folder / name).read_bytes()
        assert (restored / name).stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(restored / "store.sqlite") as conn:
        assert conn.execute("SELECT count(*), sum(length(x)) FROM a").fetchone() == (
            ROWS,
            ROWS * 600,
        )
    conn.close()
    mark = restoring.read_mark(restored)
    assert mark is not None
    assert (mark.backup_ms, mark.restored_ms) == (NOW_MS, NOW_MS + 1)
    restoring.forget_mark(restored)
    assert restoring.read_mark(restored) is None


def test_the_copy_is_of_one_moment_while_the_store_is_written(
    settings: Settings, tmp_path: Path
) -> None:
    """Each transaction takes from one table what it puts into the other."""
    stop, moved = threading.Event(), threading.Event()

    def write() -> None:
        with sqlite3.connect(settings.store_file, timeout=30) as conn:
            number = ROWS
            while not stop.is_set():
                conn.execute("INSERT INTO a VALUES (?, randomblob(600))", (number,))
                conn.execute("INSERT INTO b VALUES (?)", (number,))
                conn.commit()
                number += 1
                moved.set()
        conn.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert moved.wait(20)
        sizes = []
        for number in range(3):
            copy = tmp_path / f"copy{number}"
            contents.copy_store(settings.store_file, copy)
            with sqlite3.connect(copy) as conn:
                both = "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)"
                a, b = conn.execute(both).fetchone()
            conn.close()
            assert a == b
            sizes.append(a)
    finally:
        stop.set()
        writer.join()
    assert ROWS < sizes[0] <= sizes[2]


def test_what_is_not_as_it_was_made_does_not_open(settings: Settings, tmp_path: Path) -> None:
    file = make(settings, tmp_path / "one")
    raw = file.read_bytes()
    assert len(raw) > 2 * CHUNK_BYTES
    bad = tmp_path / "bad"
    second = raw.index(b"\n", len(MAGIC)) + 1
    chunk = 4 + SUITE.nonce_bytes + CHUNK_BYTES + SUITE.tag_bytes
    first, next_ = raw[second : second + chunk], raw[second + chunk : second + 2 * chunk]
    for damaged in (
        raw[:-1],
        raw[: second + 2 * chunk],  # whole chunks, and no last one
        raw + b"x",
        raw[:second] + next_ + first + raw[second + 2 * chunk :],
        raw[: len(raw) // 2] + bytes([raw[len(raw) // 2] ^ 1]) + raw[len(raw) // 2 + 1 :],
        raw.replace(b'"version":"9"', b'"version":"8"', 1),
    ):
        bad.write_bytes(damaged)
        target = tmp_path / "new"
        with pytest.raises(BackupDamaged):
            restoring.restore(bad, target, SUITES, OPEN, NOW_MS, in_place=False)
        with pytest.raises(BackupDamaged):
            restoring.verify(bad, SUITES, OPEN)
        assert not target.exists()
    bad.write_bytes(b"something else")
    with pytest.raises(BackupUnreadable):
        restoring.verify(bad, SUITES, OPEN)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "bad",
        "elsewhere",
        "one",
        "station",
    ]


def test_only_who_it_was_made_for_opens_it(settings: Settings, tmp_path: Path) -> None:
    def new() -> KeyFile:
        return KeyFile.create(
            plane=Plane.EXTRANET, party="s150700", role="backup", suite=SUITE, rand=os.urandom,
            now_ms=NOW_MS,
        )  # fmt: skip

    mine, other = new(), new()
    public = SUITE.wrap_public(mine.wraps[-1].seed)
    file = make(settings, tmp_path / "one", Locks(to=(public,)))
    assert restoring.verify(file, SUITES, by_seeds(mine.wrap_seeds)).party == "s150700"
    for opener in (by_seeds(other.wrap_seeds), OPEN):
        with pytest.raises(BackupLocked):
            restoring.verify(file, SUITES, opener)
    file = make(settings, tmp_path / "two")
    with pytest.raises(BackupLocked):
        restoring.verify(file, SUITES, by_passphrase("another"))


def test_nothing_is_overwritten(settings: Settings, tmp_path: Path) -> None:
    file = make(settings, tmp_path / "one")
    before = file.read_bytes()
    with pytest.raises(BackupTarget):
        make(settings, file)
    assert file.read_bytes() == before
    with pytest.raises(BackupTarget):
        restoring.restore(file, settings.folder, SUITES, OPEN, NOW_MS, in_place=False)
    assert settings.store_file.exists()


def test_old_ones_go_and_an_old_newest_one_is_said(settings: Settings, tmp_path: Path) -> None:
    folder = settings.backup.folder
    assert folder is not None
    folder.mkdir()
    assert isinstance(making.trouble(settings, NOW_MS), BackupOld)
    names = [making.name_of(settings, NOW_MS + day * 86_400_000) for day in range(4)]
    for name in names:
        (folder / name).write_text("")
    (folder / "another").write_text("")
    assert [each.name for each in making.prune(folder, settings)] == names[:2]
    assert sorted(each.name for each in folder.iterdir()) == sorted(["another", *names[2:]])
    make(settings, tmp_path / "one")
    hour_ms = 3_600_000
    assert making.trouble(settings, NOW_MS + 36 * hour_ms) is None
    old = making.trouble(settings, NOW_MS + 37 * hour_ms)
    assert isinstance(old, BackupOld)
    assert old.facts["hours"] == 37


def test_nobody_makes_a_backup_that_nobody_opens(settings: Settings) -> None:
    assert making.locks_of(settings) == Locks("backup")
    import msgspec

    none = msgspec.structs.replace(settings.backup, passphrase_file=None)
    with pytest.raises(SettingsLacking):
        making.locks_of(msgspec.structs.replace(settings, backup=none))

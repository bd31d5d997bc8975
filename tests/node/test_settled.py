"""The settle rule: no file that may still be half-written counts, and no link leads out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ortoo_node.sources.folder.settled import look, open_plain, settled_files
from ortoo_protocol.core.errors import SourceFolder

SETTLE_S = 10.0


def later(path: Path, seconds: float = SETTLE_S + 1) -> Callable[[], float]:
    """A clock that long after `path` changed last."""
    return lambda: path.stat().st_ctime + seconds


def names(folder: Path, pattern: str, clock: Callable[[], float]) -> list[str]:
    return [found.name for found in settled_files(folder, pattern, SETTLE_S, clock)]


def test_a_file_counts_when_it_has_rested(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    assert names(tmp_path, "*.csv", later(file, SETTLE_S - 1)) == []
    assert names(tmp_path, "*.csv", later(file)) == ["a.csv"]
    assert [found.waits for found in look(tmp_path, "*.csv", SETTLE_S, later(file, 1))] == [True]


def test_a_set_time_makes_nothing_older(tmp_path: Path) -> None:
    """`cp -p` and unpackers give a new file an old mtime."""
    file = tmp_path / "a.csv"
    file.write_text("x")
    os.utime(file, (0, 0))
    assert names(tmp_path, "*", later(file, 1)) == []
    assert names(tmp_path, "*", later(file)) == ["a.csv"]


def test_a_time_in_the_future_is_no_hindrance(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    os.utime(file, (1 << 33, 1 << 33))
    assert names(tmp_path, "*", later(file, 1)) == []
    assert names(tmp_path, "*", later(file)) == ["a.csv"]
    assert names(tmp_path, "*", later(file, -60)) == []


def test_a_file_that_is_open_for_writing_waits(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with file.open("w") as writer:
        writer.write("half")
        writer.flush()
        assert names(tmp_path, "*.csv", later(file)) == []
    assert names(tmp_path, "*.csv", later(file)) == ["a.csv"]


def test_another_process_that_writes(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    code = "import sys; f = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert names(tmp_path, "*.csv", later(file)) == []
        writer.communicate(b"")
    assert names(tmp_path, "*.csv", later(file)) == ["a.csv"]


def test_a_reader_is_no_hindrance(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    with file.open():
        assert names(tmp_path, "*.csv", later(file)) == ["a.csv"]


def test_a_marker_says_so_at_once(tmp_path: Path) -> None:
    file, marker = tmp_path / "a.csv", tmp_path / "a.csv.ok"
    file.write_text("x")
    marker.touch()
    assert names(tmp_path, "*", later(file, 0)) == ["a.csv"]
    os.utime(marker, (1, 1))  # of the file that stood there before
    assert names(tmp_path, "*", later(file, 0)) == []


def test_a_marker_may_be_required(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x")
    clock = later(file, 1_000)
    assert [f.waits for f in look(tmp_path, "*", SETTLE_S, clock, need_marker=True)] == [True]
    (tmp_path / "a.csv.ok").touch()
    assert [f.waits for f in look(tmp_path, "*", SETTLE_S, clock, need_marker=True)] == [False]


@pytest.mark.parametrize(
    "name",
    [".hidden.csv", "~$a.csv", "a.csv.part", "a.csv.TMP", "a.filepart", "a.csv~", "a.csv.ok"],
)
def test_names_of_unfinished_files(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("x")
    assert look(tmp_path, "*", SETTLE_S, later(file)) == []


def test_patterns(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "a.txt", "月/c.csv", "月/日/d.csv", ".x/e.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    clock = later(tmp_path / ".x/e.csv", 60)
    assert names(tmp_path, "*.csv", clock) == ["a.csv", "b.csv"]
    assert names(tmp_path, "?.[ct]*", clock) == ["a.csv", "a.txt", "b.csv"]
    assert names(tmp_path, "*/*.csv", clock) == ["月/c.csv"]
    assert names(tmp_path, "**/*.csv", clock) == ["a.csv", "b.csv", "月/c.csv", "月/日/d.csv"]
    assert names(tmp_path, "月/**", clock) == ["月/c.csv", "月/日/d.csv"]


def test_folders_without_end(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(400):
        deep /= "d"
    deep.mkdir(parents=True)
    with pytest.raises(SourceFolder):
        look(tmp_path, "**/*", SETTLE_S, lambda: 0)


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a/../*", "", "a//b", "./a", "a\0"])
def test_patterns_that_lead_out(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SourceFolder):
        look(tmp_path, pattern, SETTLE_S, lambda: 0)


def test_links_and_what_is_no_file(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "in"
    (outside / "sub").mkdir(parents=True)
    inside.mkdir()
    secret = outside / "secret.csv"
    secret.write_text("x")
    (inside / "a.csv").symlink_to(secret)
    (inside / "sub").symlink_to(outside)
    os.mkfifo(inside / "b.csv")
    for pattern in ("*", "*/*", "**/*"):
        assert look(inside, pattern, SETTLE_S, later(secret)) == []
    for name in ("a.csv", "b.csv"):
        with pytest.raises(OSError):  # noqa: PT011 - ELOOP, and a pipe that nobody waits for
            open_plain(inside / name)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceFolder):
        look(tmp_path / "gone", "*", SETTLE_S, lambda: 0)

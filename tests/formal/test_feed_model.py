"""The model of a feed, every state of it within its bounds; and that each rule is needed.

protocol/formal/feed.pml is searched without approximation: all orders of all steps of publisher,
broker, reader and sink, with so many faults at any moment. What is proven is stated in
protocol/formal/README.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

MODEL = Path(__file__).parents[2] / "protocol" / "formal" / "feed.pml"
DEPTH = 300_000


def search(folder: Path, *defines: str, effort: str = "-O0") -> str:
    """What the search says of the model with `defines`; it ends at the first error. `effort` of
    the compiler pays where millions of states are looked at."""
    shutil.copy(MODEL, folder)
    run(folder, "spin", *(f"-D{name}" for name in defines), "-a", MODEL.name)
    run(folder, "gcc", effort, "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c")
    return run(folder, "./pan", "-E", f"-m{DEPTH}")


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def errors_in(said: str) -> int:
    found = re.search(r"errors: (\d+)", said)
    assert found, said
    return int(found[1])


@pytest.mark.parametrize("defines", [("EVENTS", "FAULTS=2"), ("TABLE", "FAULTS=1")])
def test_nothing_is_lost_doubled_or_stuck(tmp_path: Path, defines: Sequence[str]) -> None:
    said = search(tmp_path, *defines, effort="-O2")
    assert errors_in(said) == 0, said
    assert "max search depth too small" not in said, said
    assert "Search not completed" not in said, said


@pytest.mark.parametrize("kind", ["EVENTS", "TABLE"])
def test_the_end_is_reached(tmp_path: Path, kind: str) -> None:
    """A model that never comes to its end would prove anything of it."""
    assert errors_in(search(tmp_path, kind, "FAULTS=1", "REACH")) == 1


@pytest.mark.parametrize(
    ("kind", "rule", "found"),
    [
        ("EVENTS", "BREAK_GAP", "sink"),  # what is beyond the next number is taken
        ("EVENTS", "BREAK_HEAD", "truth"),  # nobody says how far the feed is
        ("EVENTS", "BREAK_CURSOR", "counted"),  # rows and cursor in two commits
        ("EVENTS", "BREAK_KEY", "sink"),  # what cannot be opened yet is left out
        ("EVENTS", "BREAK_COMMIT", "sink"),  # sent before it is committed
        ("TABLE", "BREAK_HEAD", "truth"),
        ("TABLE", "BREAK_KEY", "truth"),
        ("TABLE", "BREAK_INCARNATION", "truth"),  # a restored publisher goes on as if nothing was
        ("TABLE", "BREAK_LOOK", "s_val"),  # it answers before it has read its table
    ],
)
def test_each_rule_is_needed(tmp_path: Path, kind: str, rule: str, found: str) -> None:
    said = search(tmp_path, kind, rule, f"FAULTS={2 if kind == 'EVENTS' else 1}")
    assert errors_in(said) == 1, said
    violated = re.search(r"assertion violated \(?(.*)", said)
    assert violated, said
    assert found in violated[1], said

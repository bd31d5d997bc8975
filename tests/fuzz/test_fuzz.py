"""A few seconds of fuzzing for each target, and every input that was ever found, once more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import BROKEN, TARGETS, Target

TOP = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
SECONDS = 3
FEWEST_RUNS = 50


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda each: each.name)
def test_everything_in_the_corpus_is_taken_or_refused_by_name(target: Target) -> None:
    files = sorted((CORPUS / target.name).iterdir())
    assert files
    for file in files:
        target.run(file.read_bytes())


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda each: each.name)
def test_seeds_stand_in_the_corpus(target: Target) -> None:
    """A new kind of message has its seed: `python -m tests.fuzz.make_corpus`."""
    assert {name for name, _ in target.seeds()} <= {
        each.name for each in (CORPUS / target.name).iterdir()
    }


def fuzzed(name: str) -> tuple[int, str]:
    paths = [str(TOP), *(str(TOP / part) for part in ("protocol", "node", "hub", "deploy"))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, str(SECONDS)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize("name", TARGETS)
def test_fuzzing_finds_no_unnamed_error(name: str) -> None:
    code, said = fuzzed(name)
    assert code == 0, said[-4_000:]
    runs = re.search(r"number_of_executed_units: (\d+)", said)
    assert runs is not None, said[-2_000:]
    assert int(runs[1]) >= FEWEST_RUNS
    reached = re.findall(r"cov: (\d+)", said)
    assert reached, "no line was watched"
    assert int(reached[-1]) > 0


def test_fuzzing_finds_a_defect() -> None:
    code, said = fuzzed(BROKEN.name)
    assert code != 0
    assert "IndexError: found" in said
